//! The address in Contact and SDP, on listeners of all kinds.

use anyhow::Context;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use tympan_e2e::by_hand::{CallerByHand, sdp};
use tympan_e2e::flow::{Flow, hang_up, set_attributes};
use tympan_e2e::office::Office;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";

/// Calls the server at `ip`, and gives the Contact and the connection line of its answer; the flow has run then.
fn told(office: &mut Office, ip: &str, runs: usize) -> anyhow::Result<(String, String)> {
    let ip: IpAddr = ip.parse()?;
    let server = SocketAddr::new(ip, office.server.sip().port());
    let own: IpAddr = if ip.is_ipv4() { "127.0.0.1".parse()? } else { ip };
    let media = UdpSocket::bind((own, 0))?;
    let mut caller = CallerByHand::at(own, server, NUMBER)?;
    let said = caller.call(&sdp(media.local_addr()?, "sendrecv"))?;
    let line =
        said.body().lines().find(|line| line.starts_with("c=")).context("no connection line")?.to_owned();
    let contact = said.header("Contact").context("no Contact")?.to_owned();
    // The acknowledgement reached the server: the flow has run, and the call has a record.
    let records = office.records(runs)?;
    assert_eq!(records[runs - 1]["Attributes"]["ran"], "yes");
    Ok((contact, line))
}

fn office(listen: &str, public: &str) -> anyhow::Result<Office> {
    let builder = TestServer::builder().env("TYMPAN_SIP__LISTEN", listen);
    let mut office = Office::open_with(builder.env("TYMPAN_SIP__PUBLIC_ADDRESS", format!("{public:?}")))?;
    let flow = Flow::new().then("set", set_attributes(&[("ran", "yes")])).then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    Ok(office)
}

#[test]
fn a_wildcard_listener_tells_each_caller_the_address_that_it_called() -> anyhow::Result<()> {
    let mut office = office("0.0.0.0:0", "")?;
    let port = office.server.sip().port();
    for (run, ip) in ["127.0.0.1", "127.0.0.3"].into_iter().enumerate() {
        let (contact, line) = told(&mut office, ip, run + 1)?;
        assert!(contact.contains(&format!("@{ip}:{port}")), "{contact}");
        assert_eq!(line, format!("c=IN IP4 {ip}"));
    }
    Ok(())
}

#[test]
fn an_ipv4_caller_of_an_ipv6_wildcard_listener_gets_plain_ipv4() -> anyhow::Result<()> {
    anyhow::ensure!(UdpSocket::bind("[::1]:0").is_ok(), "this machine has no IPv6, and this test needs it");
    let mut office = office("[::]:0", "")?;
    let port = office.server.sip().port();
    let (contact, line) = told(&mut office, "127.0.0.1", 1)?;
    assert!(contact.contains(&format!("@127.0.0.1:{port}")), "{contact}");
    assert_eq!(line, "c=IN IP4 127.0.0.1");
    let (contact, line) = told(&mut office, "::1", 2)?;
    assert!(contact.contains(&format!("@[::1]:{port}")), "{contact}");
    assert_eq!(line, "c=IN IP6 ::1");
    Ok(())
}

#[test]
fn the_public_address_stands_in_contact_and_sdp() -> anyhow::Result<()> {
    // An address of this machine, so that the caller's acknowledgement and media arrive.
    let mut office = office("0.0.0.0:0", "127.0.0.9")?;
    let port = office.server.sip().port();
    let (contact, line) = told(&mut office, "127.0.0.1", 1)?;
    assert!(contact.contains(&format!("@127.0.0.9:{port}")), "{contact}");
    assert_eq!(line, "c=IN IP4 127.0.0.9");
    Ok(())
}
