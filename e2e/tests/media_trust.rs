//! Whose packets a call takes, and what it makes of a caller of whom none come.

use anyhow::{Context, ensure};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tympan_e2e::audio::{Law, Speech, find};
use tympan_e2e::flow::Flow;
use tympan_e2e::office::Office;
use tympan_e2e::phone::{FRAME, Phone};
use tympan_e2e::raw_peer::{RawCall, RawPeer};
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
/// A host that neither the description nor the signalling names, as behind a carrier's translator.
const UNNAMED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 40));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 41));

fn office(trunk: &str) -> anyhow::Result<Office> {
    let trunks = format!("[{{name=\"default\", {trunk}}}]");
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_SIP__TRUNKS", trunks))?;
    office.answer(NUMBER, Flow::of_capture())?;
    Ok(office)
}

fn call(office: &Office, phone: &mut Phone) -> anyhow::Result<(RawPeer, RawCall)> {
    let mut peer = RawPeer::udp(office.server.sip())?;
    let mut call = peer.new_call(NUMBER);
    let offer = peer.sdp(phone.port()?, "0 101");
    let answer = peer.invite(&mut call, "", &offer)?;
    let (port, _) = answer.audio().with_context(|| format!("no audio in\n{answer}"))?;
    office.await_block("start", "Success")?;
    phone.speak_to((office.server.sip().ip(), port).into());
    Ok((peer, call))
}

#[test]
fn a_trunk_may_trust_the_first_comer_and_no_stranger_after_that() -> anyhow::Result<()> {
    let mut office = office("media_trust=\"first-comer\"")?;
    let speech = Speech::unique(office.folder(), 81, 3, Law::Mu)?;
    let bytes = std::fs::read(&speech.file)?;
    let mut phone = Phone::new()?;
    let (mut peer, mut call) = call(&office, &mut phone)?;
    phone.move_to(UNNAMED)?;
    let mut stranger = Phone::new()?;
    stranger.move_to(STRANGER)?;
    stranger.speak_to(phone.server()?);
    for frame in bytes.chunks(FRAME) {
        phone.say(frame)?;
        let foreign = stranger.packet(&[0x31; FRAME]);
        stranger.send(&foreign)?;
    }
    peer.hang_up(&mut call)?;
    let record = office.record()?;
    let found = find(&office.heard(&record)?.samples, &speech.samples)?;
    ensure!((found.from, found.to) == (0, speech.samples.len()), "{found:?}");
    Ok(())
}

#[test]
fn by_default_a_host_that_nothing_named_is_not_heard_and_is_counted() -> anyhow::Result<()> {
    let mut office = office("force_rport=false")?;
    let mut phone = Phone::new()?;
    let (mut peer, mut call) = call(&office, &mut phone)?;
    phone.move_to(UNNAMED)?;
    phone.say(&[0x2A; 50 * FRAME])?;
    peer.hang_up(&mut call)?;
    let record = office.record()?;
    let heard = office.heard(&record)?;
    ensure!(heard.samples.iter().all(|sample| *sample == 0), "a stranger is heard");
    let page = tympan_e2e::control::page(&office.server, "/metrics")?;
    let refused = page.lines().find_map(|line| line.strip_prefix("tympan_media_refused_packets_total "));
    ensure!(refused == Some("50"), "{refused:?} packets were refused");
    Ok(())
}

#[test]
fn a_caller_of_whom_no_packet_comes_any_more_is_hung_up_and_the_record_says_why() -> anyhow::Result<()> {
    let office = office("media_timeout_s=2")?;
    let mut phone = Phone::new()?;
    let (mut peer, _call) = call(&office, &mut phone)?;
    phone.say(&[0x2A; 50 * FRAME])?;
    // Gone, without a word.
    peer.take_request("BYE")?;
    let record = office.record()?;
    ensure!(record["DisconnectReason"] == "TELECOM_PROBLEM", "{record}");
    let log = office.flow_log();
    ensure!(
        log.iter().any(|entry| entry.to_string().contains("media")),
        "the flow log does not say why: {log:?}"
    );
    Ok(())
}

#[test]
fn a_caller_on_hold_may_be_silent_for_longer_than_the_media_time_out() -> anyhow::Result<()> {
    let office = office("media_timeout_s=2")?;
    let mut phone = Phone::new()?;
    let (mut peer, mut call) = call(&office, &mut phone)?;
    phone.say(&[0x2A; 25 * FRAME])?;
    let held = peer.sdp(phone.port()?, "0 101").replace("a=sendrecv", "a=inactive");
    peer.invite(&mut call, "", &held)?;
    // Three times the time-out; nothing but time can show that it does not run.
    std::thread::sleep(Duration::from_secs(6));
    ensure!(
        !peer.take_all()?.iter().any(|message| message.method() == Some("BYE")),
        "a held call was hung up"
    );
    let resumed = peer.sdp(phone.port()?, "0 101");
    peer.invite(&mut call, "", &resumed)?;
    phone.say(&[0x2A; 25 * FRAME])?;
    peer.hang_up(&mut call)?;
    let record = office.record()?;
    ensure!(record["DisconnectReason"] == "CUSTOMER_DISCONNECT", "{record}");
    Ok(())
}
