//! Where clients are sent for media: to the address by which they came, or to `http.public_url`.

use std::net::TcpListener;
use tympan_e2e::python;
use tympan_testkit::{TestServer, TestServerBuilder};

/// A server that anyone may be let into, with a key.
fn server(listen: &str) -> TestServerBuilder {
    let keys = r#"[{ access_key_id = "TYMPANDEV", secret_access_key = "tympandevsecret", policies = ["full-access"] }]"#;
    TestServer::builder().bare().env("TYMPAN_CREDENTIALS", keys).env("TYMPAN_HTTP__LISTEN", listen)
}

fn port(server: &TestServer) -> &str {
    server.http().rsplit(':').next().unwrap_or_default()
}

/// Asks by boto3 at each URL, and compares the answers.
fn ask(server: &TestServer, cases: &[String]) {
    python::run(server, "sdk_data_endpoint.py", &["--", &cases.join(",")]);
}

#[test]
fn a_server_on_all_addresses_sends_a_client_to_the_one_it_has_come_by() -> anyhow::Result<()> {
    let server = server("0.0.0.0:0").start()?;
    let port = port(&server);
    let same = |host: &str| format!("http://{host}:{port}=http://{host}:{port}");
    ask(&server, &["127.0.0.1", "localhost", "127.0.0.2"].map(same));
    Ok(())
}

#[test]
fn a_client_that_comes_by_ipv6_goes_on_by_ipv6() -> anyhow::Result<()> {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return Ok(());
    }
    let server = server("[::]:0").start()?;
    let port = port(&server);
    let same = |host: &str| format!("http://{host}:{port}=http://{host}:{port}");
    ask(&server, &["[::1]", "127.0.0.1"].map(same));
    Ok(())
}

#[test]
fn a_trusted_proxy_says_that_its_clients_speak_tls() -> anyhow::Result<()> {
    let here = |server: &TestServer, scheme: &str| {
        let port = port(server);
        [format!("https@http://127.0.0.1:{port}={scheme}://127.0.0.1:{port}")]
    };
    let trusting = server("127.0.0.1:0").env("TYMPAN_HTTP__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#).start()?;
    ask(&trusting, &here(&trusting, "https"));
    let wary = server("127.0.0.1:0").env("TYMPAN_HTTP__TRUSTED_PROXIES", r#"["192.0.2.0/24"]"#).start()?;
    ask(&wary, &here(&wary, "http"));
    Ok(())
}

#[test]
fn a_public_url_is_handed_out_and_the_ready_file_names_what_is_bound() -> anyhow::Result<()> {
    let server = server("127.0.0.1:0").env("TYMPAN_HTTP__PUBLIC_URL", "https://kvs.example/").start()?;
    let bound = server.http().to_owned();
    assert!(bound.starts_with("http://127.0.0.1:"), "the ready file names {bound}");
    ask(&server, &[format!("{bound}=https://kvs.example")]);
    Ok(())
}

#[test]
fn a_public_url_that_no_client_could_use_is_refused_at_the_start() {
    for (name, value, reason) in [
        (
            "PUBLIC_URL",
            "kvs.local:8600",
            "(variable TYMPAN_HTTP__PUBLIC_URL): \"kvs.local:8600\" is not a URL such as",
        ),
        ("PUBLIC_URL", "http://x y", "it has no valid host"),
        ("PUBLIC_URL", "ftp://x", "its scheme is neither http nor https"),
        ("PUBLIC_URL", "http://kvs.example/media", "it has a path"),
        (
            "TRUSTED_PROXIES",
            r#"["10.0.0.0/33"]"#,
            "(variable TYMPAN_HTTP__TRUSTED_PROXIES): \"10.0.0.0/33\" is no address",
        ),
    ] {
        let started = server("127.0.0.1:0").env(&format!("TYMPAN_HTTP__{name}"), value).start();
        let refused = started.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains(reason), "{name} = {value}: {refused:?}");
    }
}
