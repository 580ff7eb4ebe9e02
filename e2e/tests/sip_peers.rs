//! Telephones and a proxy that others wrote, as they are: PJSIP, baresip, kamailio, sipsak.

use anyhow::ensure;
use serde_json::{Value, json};
use std::time::Duration;
use tympan_e2e::audio::{Law, Speech, find, share_at, write_tone};
use tympan_e2e::flow::{Flow, hang_up, listen, start_streaming};
use tympan_e2e::network::{CABLE, HOME, Network};
use tympan_e2e::office::Office;
use tympan_e2e::sipp::Caller;
use tympan_e2e::softphones::{Baresip, Kamailio, PjsipCall, sipsak};
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
const TONE_HZ: f64 = 440.0;

/// A second of the capture, from where the caller begins, is the caller's tone.
fn tone_was_captured(office: &mut Office, record: &Value) -> anyhow::Result<()> {
    let heard = office.heard(record)?;
    let from = heard.samples.iter().position(|sample| sample.unsigned_abs() > 1_000);
    let from = from.unwrap_or(heard.samples.len());
    let second = heard.samples.get(from..from + 8_000);
    ensure!(second.is_some(), "only {} samples were captured", heard.samples.len() - from);
    let share = share_at(second.unwrap_or_default(), TONE_HZ);
    ensure!(share > 0.9, "{share} of what was captured is the caller's tone");
    Ok(())
}

fn pjsip(office: &Office, tcp: bool, require: &[&str]) -> Value {
    json!({ "uri": format!("sip:{NUMBER}@{}", office.server.sip()), "tcp": tcp, "require": require })
}

#[test]
fn four_digits_of_pjsip_by_info_are_heard_in_order() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, Flow::of_keys(4))?;
    for (nth, tcp) in [false, true].into_iter().enumerate() {
        let call = PjsipCall::run(pjsip(&office, tcp, &[]), &["digits 1234"])?;
        assert_eq!(call.answers("INFO"), [200; 4], "{call:?}");
        assert_eq!(call.last_status(), Some(200), "{call:?}");
        assert_eq!(office.records(nth + 1)?[nth]["Attributes"]["keys"], "1234", "TCP: {tcp}");
    }
    Ok(())
}

#[test]
fn pjsip_that_requires_timers_and_reliable_responses_holds_resumes_and_updates() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, Flow::of_capture())?;
    let tone = office.folder().join("tone.wav");
    write_tone(&tone, TONE_HZ, 10.0)?;
    for (nth, (tcp, require)) in
        [(false, ["timer", "100rel"]), (true, ["timer", "100rel"])].into_iter().enumerate()
    {
        let mut wanted = pjsip(&office, tcp, &require);
        wanted["tone"] = json!(tone);
        let steps = ["talk 2", "update", "hold", "talk 0.5", "resume", "update", "talk 0.5", "hang up"];
        let call = PjsipCall::run(wanted, &steps)?;
        assert_eq!(call.answers("UPDATE"), [200, 200], "{call:?}");
        let media = call.media();
        let held = media.iter().position(|state| *state == "held by us");
        assert!(held.is_some_and(|held| held > 0) && media.last() == Some(&"active"), "{call:?}");
        let record = office.records(nth + 1)?.remove(nth);
        assert_eq!(record["DisconnectReason"], "CUSTOMER_DISCONNECT", "{record}");
        tone_was_captured(&mut office, &record)?;
    }
    Ok(())
}

#[test]
fn a_baresip_is_captured_and_holds_and_resumes() -> anyhow::Result<()> {
    let _network = Network::new()?;
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_SIP__LISTEN", format!("{HOME}:0")))?;
    office.answer(NUMBER, Flow::of_capture())?;
    let tone = office.folder().join("tone.wav");
    write_tone(&tone, TONE_HZ, 10.0)?;
    let mut baresip = Baresip::start(CABLE, HOME, &tone)?;
    baresip.order("dial", &format!("sip:{NUMBER}@{}", office.server.sip()))?;
    baresip.await_event("CALL_ESTABLISHED", 1)?;
    office.await_block("start", "Success")?;
    // Two seconds of the tone are captured before the hold.
    std::thread::sleep(Duration::from_secs(2));
    for (nth, order) in ["hold", "resume"].into_iter().enumerate() {
        baresip.order(order, "")?;
        // The answer of the call, and one for each of these.
        baresip.await_event("CALL_REMOTE_SDP", nth + 2)?;
    }
    let sip = baresip.output();
    let directions: Vec<&str> =
        sip.lines().filter(|line| ["a=recvonly", "a=sendonly"].contains(line)).collect();
    assert_eq!(directions, ["a=sendonly", "a=recvonly"], "{sip}");
    baresip.order("hangup", "")?;
    baresip.await_event("CALL_CLOSED", 1)?;
    let record = office.record()?;
    assert_eq!(record["DisconnectReason"], "CUSTOMER_DISCONNECT");
    tone_was_captured(&mut office, &record)
}

#[test]
fn a_baresip_hears_that_the_flow_hangs_up() -> anyhow::Result<()> {
    let _network = Network::new()?;
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_SIP__LISTEN", format!("{HOME}:0")))?;
    office.answer(NUMBER, Flow::new().then("listen", listen("hello", 1)).then("hang up", hang_up()))?;
    let tone = office.folder().join("tone.wav");
    write_tone(&tone, TONE_HZ, 10.0)?;
    let mut baresip = Baresip::start(CABLE, HOME, &tone)?;
    baresip.order("dial", &format!("sip:{NUMBER}@{};transport=tcp", office.server.sip()))?;
    baresip.await_event("CALL_ESTABLISHED", 1)?;
    baresip.await_event("CALL_CLOSED", 1)?;
    assert_eq!(office.record()?["DisconnectReason"], "CONTACT_FLOW_DISCONNECT");
    Ok(())
}

#[test]
fn a_call_through_kamailio_changes_its_transport_and_is_whole() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let flow = Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("go on", 120).when("Equals", "1", "hang up"))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let kamailio = Kamailio::before(office.server.sip())?;
    let mut calls = 0;
    for tcp in [false, true] {
        for they_hang_up in [false, true] {
            let speech = Speech::unique(office.folder(), 90 + calls as u64, 20, Law::Mu)?;
            let caller = Caller::dialling(NUMBER).speaking(&speech);
            let caller = if tcp { caller.over_tcp() } else { caller };
            let caller = caller.call().speak(&speech).pause(Duration::from_secs(1));
            let caller = caller.reoffer("sendonly", "recvonly").reoffer("sendrecv", "sendrecv");
            let caller = caller.pause(Duration::from_millis(500));
            let caller = if they_hang_up { caller.press_by_info('1').be_hung_up() } else { caller.hang_up() };
            caller.start(kamailio.address())?.wait()?;
            calls += 1;
            let record = office.records(calls)?.remove(calls - 1);
            let reason = if they_hang_up { "CONTACT_FLOW_DISCONNECT" } else { "CUSTOMER_DISCONNECT" };
            assert_eq!(record["DisconnectReason"], reason, "TCP: {tcp}");
            let heard = office.heard(&record)?;
            let own = heard.of_contact(&tympan_e2e::office::text(&record["ContactId"]))?;
            let found = find(&own, &speech.samples)?;
            assert!(found.to - found.from >= 8_000, "TCP: {tcp}: {found:?}");
        }
    }
    Ok(())
}

#[test]
fn sipsak_is_answered() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    (0..10).try_for_each(|_| sipsak(server.sip()))
}
