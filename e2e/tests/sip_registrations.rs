//! Telephones that register: sipp and baresip, by UDP and TCP, with right and wrong passwords, one device and several.

use anyhow::Context;
use std::time::Duration;
use tympan_e2e::audio::write_tone;
use tympan_e2e::control::page;
use tympan_e2e::network::{CABLE, HOME, Network};
use tympan_e2e::sipp::{Caller, Registration};
use tympan_e2e::softphones::Baresip;
use tympan_e2e::until;
use tympan_testkit::{TestServer, TestServerBuilder};

const PHONES: &str = "[[sip.phones]]\nuser = \"anna\"\npassword = \"hush\"\n\
                      [[sip.phones]]\nuser = \"1001\"\npassword = \"hush\"\n";

/// A server with two telephones.
fn server(
    change: impl FnOnce(TestServerBuilder) -> TestServerBuilder,
) -> anyhow::Result<(TestServer, tempfile::TempDir)> {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tympan.toml");
    std::fs::write(&file, PHONES)?;
    // It holds passwords.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    let builder = TestServer::builder().argument("--config").argument(file.to_string_lossy());
    Ok((change(builder).start()?, folder))
}

/// One value of the metrics page.
fn metric(server: &TestServer, name: &str) -> anyhow::Result<u64> {
    let page = page(server, "/metrics")?;
    let name = format!("tympan_sip_{name}");
    let value = page.lines().find_map(|line| line.strip_prefix(&name)?.strip_prefix(' '));
    value.and_then(|value| value.parse().ok()).with_context(|| format!("no {name} in {page}"))
}

fn becomes(server: &TestServer, name: &str, value: u64) -> anyhow::Result<()> {
    until(&format!("{name} = {value}"), || Ok((metric(server, name)? == value).then_some(())))
}

fn anna(contact: &str, expires_s: u32) -> Registration<'_> {
    Registration { user: "anna", password: "hush", contact, expires_s }
}

const CONTACT: &str = "<sip:anna@[local_ip]:[local_port];transport=[transport]>";

#[test]
fn sipp_registers_refreshes_and_unregisters_by_udp_and_tcp() -> anyhow::Result<()> {
    let (server, _folder) = server(|builder| builder)?;
    for (nth, tcp) in [false, true].into_iter().enumerate() {
        let caller = || {
            let caller = Caller::dialling("anna");
            if tcp { caller.over_tcp() } else { caller }
        };
        let registered = caller()
            .register(&anna(CONTACT, 300), 1, 200)
            .pause(Duration::from_secs(1))
            .register(&anna(CONTACT, 300), 3, 200)
            .pause(Duration::from_secs(2))
            .register(&anna(CONTACT, 0), 5, 200)
            .start(server.sip())?;
        becomes(&server, "bindings", 1)?;
        registered.wait()?;
        assert_eq!(metric(&server, "bindings")?, 0, "TCP: {tcp}");
        let rounds = nth as u64 + 1;
        assert_eq!(metric(&server, "registered_total")?, rounds, "TCP: {tcp}");
        assert_eq!(metric(&server, "reregistered_total")?, rounds, "TCP: {tcp}");
        assert_eq!(metric(&server, "unregistered_total")?, rounds, "TCP: {tcp}");
    }
    Ok(())
}

#[test]
fn several_devices_are_registered_beside_each_other_and_a_wildcard_removes_them() -> anyhow::Result<()> {
    let (server, _folder) = server(|builder| builder)?;
    for host in 1..=3 {
        let contact = format!("<sip:anna@10.0.0.{host}>");
        Caller::dialling("anna").register(&anna(&contact, 300), 1, 200).start(server.sip())?.wait()?;
    }
    let other = Registration { user: "1001", ..anna(CONTACT, 300) };
    Caller::dialling("1001").register(&other, 1, 200).start(server.sip())?.wait()?;
    assert_eq!(metric(&server, "bindings")?, 4);
    Caller::dialling("anna").register(&anna("*", 0), 1, 200).start(server.sip())?.wait()?;
    assert_eq!(metric(&server, "bindings")?, 1);
    Ok(())
}

#[test]
fn a_wrong_password_and_an_unknown_name_register_nothing() -> anyhow::Result<()> {
    let (server, _folder) = server(|builder| builder)?;
    for (user, password) in [("anna", "loud"), ("bert", "hush")] {
        let wrong = Registration { user, password, ..anna(CONTACT, 300) };
        Caller::dialling(user).register(&wrong, 1, 401).start(server.sip())?.wait()?;
    }
    assert_eq!((metric(&server, "bindings")?, metric(&server, "wrong_credentials_total")?), (0, 2));
    Ok(())
}

#[test]
fn with_its_tcp_connection_a_registration_ends() -> anyhow::Result<()> {
    let (server, _folder) = server(|builder| builder)?;
    // sipp closes its connection when it ends.
    Caller::dialling("anna").over_tcp().register(&anna(CONTACT, 300), 1, 200).start(server.sip())?.wait()?;
    becomes(&server, "registered_total", 1)?;
    becomes(&server, "bindings", 0)?;
    becomes(&server, "connections", 0)
}

#[test]
fn a_connection_that_a_phone_registered_by_is_kept_beyond_the_idle_time() -> anyhow::Result<()> {
    let (server, _folder) = server(|builder| builder.env("TYMPAN_SIP__TCP_IDLE_TIMEOUT_MS", 2_000))?;
    let registered = Caller::dialling("anna")
        .over_tcp()
        .register(&anna(CONTACT, 300), 1, 200)
        .pause(Duration::from_secs(6))
        .register(&anna(CONTACT, 0), 3, 200)
        .start(server.sip())?;
    registered.wait()?;
    assert_eq!(metric(&server, "connections_idle_total")?, 0);
    assert_eq!(metric(&server, "unregistered_total")?, 1);
    Ok(())
}

#[test]
fn a_baresip_registers_by_udp_and_tcp_and_a_wrong_password_does_not() -> anyhow::Result<()> {
    let _network = Network::new()?;
    let (server, folder) = server(|builder| builder.env("TYMPAN_SIP__LISTEN", format!("{HOME}:0")))?;
    let tone = folder.path().join("tone.wav");
    write_tone(&tone, 440.0, 1.0)?;
    let sip = server.sip();
    for (nth, transport) in ["udp", "tcp"].into_iter().enumerate() {
        let account = |password: &str| {
            format!("<sip:anna@{sip};transport={transport}>;auth_user=anna;auth_pass={password};regint=60\n")
        };
        let mut wrong = Baresip::start_with(CABLE, HOME, &tone, &account("loud"))?;
        wrong.await_event("REGISTER_FAIL", 1)?;
        drop(wrong);
        assert_eq!(metric(&server, "registered_total")?, nth as u64, "{transport}");
        let mut baresip = Baresip::start_with(CABLE, HOME, &tone, &account("hush"))?;
        baresip.await_event("REGISTER_OK", 1)?;
        assert_eq!(metric(&server, "bindings")?, 1, "{transport}");
        baresip.order("quit", "")?;
        becomes(&server, "bindings", 0)?;
    }
    Ok(())
}
