//! What a web page can do to a server under `--dev`, and what a browser needs to let a page use it: raw requests, as a
//! browser sends them.

use anyhow::{Context, ensure};
use tympan_e2e::control::{raw, raw_at};
use tympan_testkit::TestServer;

/// A request of a browser; signed requests are not needed to see whether one is let through to the signature.
fn ask(server: &TestServer, line: &str, headers: &[(&str, &str)]) -> anyhow::Result<String> {
    let host = server.http().trim_start_matches("http://");
    let mut request = format!("{line} HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request += &format!("Host: {host}\r\n");
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    raw(server, &(request + "\r\n"))
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(its, _)| its.eq_ignore_ascii_case(name))
        .map(|(_, v)| v)
}

#[test]
fn under_dev_no_page_of_another_origin_reaches_anything() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    for line in [
        "POST /listStreams",
        "POST /tympan/backup?X-Amz-Signature=0",
        "POST /_tympan/reset",
        "POST /tympan/expiry/clock",
        "GET /tympan/contacts",
        "GET /tympan/events",
        "POST /",
        "GET /instance",
        "GET /metrics",
        "OPTIONS /listStreams",
        "OPTIONS /tympan/backup",
    ] {
        for origin in ["https://evil.example", "null", "http://localhost.evil.example:8600"] {
            let answer = ask(&server, line, &[("Origin", origin)])?;
            ensure!(
                status(&answer) == "403" && answer.contains("http.allowed_origins"),
                "{line} {origin}: {answer}"
            );
            ensure!(header(&answer, "access-control-allow-origin").is_none(), "{answer}");
        }
    }
    Ok(())
}

#[test]
fn under_dev_a_name_that_was_pointed_here_reaches_nothing() -> anyhow::Result<()> {
    let server = TestServer::builder().env("TYMPAN_HTTP__ALLOWED_HOSTS", r#"["tympan.test"]"#).start()?;
    for line in
        ["GET /healthz", "GET /_tympan/state", "GET /metrics", "POST /getMedia", "POST /tympan/backup"]
    {
        for host in
            ["evil.example", "evil.example:8600", "127.0.0.1.nip.example", "2130706433", "0.0.0.0:8600"]
        {
            let answer = ask(&server, line, &[("Host", host)])?;
            ensure!(
                status(&answer) == "403" && answer.contains("http.allowed_hosts"),
                "{line} {host}: {answer}"
            );
        }
    }
    let absolute = ask(&server, "GET http://evil.example/healthz", &[])?;
    ensure!(status(&absolute) == "403", "{absolute}");
    for host in ["localhost:1", "kvs.localhost", "[::1]:8600", "127.0.0.1", "tympan.test:8600"] {
        let answer = ask(&server, "GET /healthz", &[("Host", host)])?;
        ensure!(status(&answer) == "200", "{host}: {answer}");
    }
    Ok(())
}

#[test]
fn dev_listens_off_loopback_only_when_it_is_said() -> anyhow::Result<()> {
    let anywhere = || TestServer::builder().env("TYMPAN_HTTP__LISTEN", "0.0.0.0:0");
    let refused = anywhere().start().err().context("it listens to everybody")?.to_string();
    ensure!(refused.contains("--dev-listen-anywhere") && refused.contains("no secret"), "{refused}");
    let server = anywhere().argument("--dev-listen-anywhere").start()?;
    let port = server.http().rsplit(':').next().context("a port")?;
    let ask = |host: &str| {
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        raw_at(&format!("127.0.0.1:{port}"), &request)
    };
    // Its own addresses are not known: any address may be one, and no page can be served from a stranger's.
    ensure!(status(&ask("192.0.2.1:8600")?) == "200");
    ensure!(status(&ask("evil.example:8600")?) == "403");
    ensure!(server.log().contains("any client that reaches this port"), "{}", server.log());
    // A server whose requests all need a secret listens where its configuration says.
    TestServer::builder().bare().env("TYMPAN_HTTP__LISTEN", "0.0.0.0:0").start()?;
    Ok(())
}

/// What a browser does for the AWS SDK in a page: it asks, and it reads the answer only if it may.
fn as_a_browser(server: &TestServer, origin: &str, path: &str) -> anyhow::Result<bool> {
    let wanted = "amz-sdk-invocation-id,amz-sdk-request,authorization,content-type,x-amz-content-sha256,x-amz-date,x-amz-user-agent";
    let asked = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", wanted),
    ];
    let preflight = ask(server, &format!("OPTIONS {path}"), &asked)?;
    let allows = |name: &str, value: &str| {
        header(&preflight, name)
            .is_some_and(|list| list.split(',').any(|one| one.trim().eq_ignore_ascii_case(value)))
    };
    let granted = status(&preflight) == "200"
        && allows("access-control-allow-origin", origin)
        && allows("access-control-allow-methods", "POST")
        && wanted.split(',').all(|name| allows("access-control-allow-headers", name));
    let answer = ask(server, &format!("POST {path}"), &[("Origin", origin)])?;
    let readable = header(&answer, "access-control-allow-origin") == Some(origin);
    if readable {
        // The SDK takes the error's name and the request's id from these.
        let exposed = header(&answer, "access-control-expose-headers").context("nothing is exposed")?;
        for name in ["x-amzn-ErrorType", "x-amzn-RequestId"] {
            ensure!(exposed.split(',').any(|one| one == name) && header(&answer, name).is_some(), "{answer}");
        }
    }
    ensure!(granted == readable, "{path}: {preflight}\n{answer}");
    Ok(granted)
}

#[test]
fn a_page_of_an_allowed_origin_calls_what_aws_lets_pages_call() -> anyhow::Result<()> {
    const PAGE: &str = "https://app.example";
    const FOR_PAGES: [&str; 5] =
        ["/listStreams", "/getDataEndpoint", "/getMedia", "/listFragments", "/getMediaForFragmentList"];
    const NOT_FOR_PAGES: [&str; 3] = ["/putMedia", "/", "/tympan/contacts"];
    let bare =
        TestServer::builder().bare().env("TYMPAN_HTTP__ALLOWED_ORIGINS", format!("[{PAGE:?}]")).start()?;
    let dev = TestServer::start()?;
    for path in FOR_PAGES {
        assert!(as_a_browser(&bare, PAGE, path)?, "{path}");
        assert!(as_a_browser(&dev, "http://localhost:3000", path)?, "{path}");
        assert!(!as_a_browser(&bare, "https://evil.example", path)?, "{path}");
        assert!(
            !as_a_browser(&bare, "http://localhost:3000", path)?,
            "{path}: without --dev nothing is allowed by itself"
        );
    }
    for path in NOT_FOR_PAGES {
        assert!(
            !as_a_browser(&bare, PAGE, path)? && !as_a_browser(&dev, "http://localhost:3000", path)?,
            "{path}"
        );
    }
    Ok(())
}

#[test]
fn a_slip_in_a_path_is_told_before_the_signature() -> anyhow::Result<()> {
    let server = TestServer::builder().bare().start()?;
    for path in
        ["//putMedia", "/putMedia/", "/PutMedia", "/listStreams/", "//", "/nothing", "/instance/x/y/z"]
    {
        let answer =
            ask(&server, &format!("POST {path}"), &[("Authorization", "AWS4-HMAC-SHA256 Credential=x")])?;
        ensure!(status(&answer) == "404", "{path}: {answer}");
        ensure!(header(&answer, "x-amzn-errortype") == Some("UnknownOperationException"), "{answer}");
        let names = path.to_ascii_lowercase().contains("putmedia");
        ensure!(answer.contains(r#"did you mean \"/putMedia\"?"#) == names, "{path}: {answer}");
    }
    Ok(())
}
