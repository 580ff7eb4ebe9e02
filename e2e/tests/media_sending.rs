//! What a caller hears: where packets go to, how often, and how long each is.

use anyhow::{Context, ensure};
use std::time::Duration;
use tympan_e2e::flow::Flow;
use tympan_e2e::office::Office;
use tympan_e2e::phone::{FRAME, Heard, Phone};
use tympan_e2e::raw_peer::RawPeer;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";

fn office(trunk: &str) -> anyhow::Result<Office> {
    let trunks = format!("[{{name=\"default\", {trunk}}}]");
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_SIP__TRUNKS", trunks))?;
    office.answer(NUMBER, Flow::of_capture())?;
    Ok(office)
}

/// They follow each other without a hole: numbers by one, timestamps by `step`.
fn follow_each_other(packets: &[Heard], step: u32) -> anyhow::Result<()> {
    for pair in packets.windows(2) {
        ensure!(pair[1].sequence == pair[0].sequence.wrapping_add(1), "{pair:?}");
        ensure!(pair[1].timestamp == pair[0].timestamp.wrapping_add(step), "{pair:?}");
    }
    Ok(())
}

#[test]
fn a_caller_who_is_only_listened_to_gets_a_packet_for_each_packet_time() -> anyhow::Result<()> {
    let office = office("send_silence=\"silence\"")?;
    let mut peer = RawPeer::udp(office.server.sip())?;
    let phone = Phone::new()?;
    let mut call = peer.call(NUMBER, phone.port()?)?;
    // The announcement, which is silence here, is over by then.
    office.await_block("start", "Success")?;
    phone.hear(Duration::from_secs(3))?;
    let heard = phone.hear(Duration::from_secs(4))?;
    // 200 are due; a machine that is busy sends them late, and not a tenth of them.
    ensure!((100..=300).contains(&heard.len()), "{} packets in 4 s", heard.len());
    follow_each_other(&heard, FRAME as u32)?;
    ensure!(
        heard.iter().all(|packet| packet.payload == [0xFF; FRAME]),
        "something else than silence is sent"
    );
    peer.hang_up(&mut call)
}

#[test]
fn where_silence_is_not_sent_only_a_packet_now_and_then_keeps_the_way_open() -> anyhow::Result<()> {
    let office = office("send_silence=\"off\"")?;
    let mut peer = RawPeer::udp(office.server.sip())?;
    let phone = Phone::new()?;
    let mut call = peer.call(NUMBER, phone.port()?)?;
    office.await_block("start", "Success")?;
    // "go on" is read in 0.8 s.
    phone.hear(Duration::from_secs(3))?;
    let heard = phone.hear(Duration::from_secs(2))?;
    ensure!(heard.len() <= 1, "{} packets in 2 s", heard.len());
    peer.hang_up(&mut call)
}

#[test]
fn after_a_reinvite_that_names_another_port_its_listener_hears_without_a_word() -> anyhow::Result<()> {
    let office = office("send_silence=\"silence\"")?;
    let mut peer = RawPeer::udp(office.server.sip())?;
    let mut phone = Phone::new()?;
    let mut call = peer.new_call(NUMBER);
    let offer = peer.sdp(phone.port()?, "0 101");
    let answer = peer.invite(&mut call, "", &offer)?;
    let (port, _) = answer.audio().with_context(|| format!("no audio in\n{answer}"))?;
    phone.speak_to((office.server.sip().ip(), port).into());
    phone.say(&[0x2A; 25 * FRAME])?;
    ensure!(!phone.hear(Duration::from_secs(1))?.is_empty(), "the caller hears nothing");

    let listener = Phone::new()?;
    let offer = peer.sdp(listener.port()?, "0 101");
    peer.invite(&mut call, "", &offer)?;
    let heard = listener.hear(Duration::from_secs(3))?;
    ensure!(heard.len() > 50, "{} packets came to the new port within 3 s", heard.len());
    peer.hang_up(&mut call)
}

#[test]
fn packets_are_as_long_as_the_answer_says() -> anyhow::Result<()> {
    for ptime_ms in [10_usize, 30, 60] {
        let office = office("send_silence=\"silence\"")?;
        let mut peer = RawPeer::udp(office.server.sip())?;
        let phone = Phone::new()?;
        let mut call = peer.new_call(NUMBER);
        // We are to make the offer; the answer goes with the acknowledgement.
        let invite = peer.request(&mut call, "INVITE", "", None);
        let offer = peer.exchange(&invite)?;
        ensure!(offer.is_success() && offer.audio().is_some(), "an offer is due:\n{offer}");
        call.learn(&offer)?;
        let answer = peer.sdp(phone.port()?, "0 101").replace("a=ptime:20", &format!("a=ptime:{ptime_ms}"));
        let ack = peer.ack(&call, call.cseq, Some(("application/sdp", &answer)));
        peer.send(&ack)?;
        let heard = phone.hear(Duration::from_secs(2))?;
        ensure!(heard.len() > 10, "{} packets in 2 s", heard.len());
        let samples = 8 * ptime_ms;
        for packet in &heard {
            ensure!(packet.payload.len() == samples, "{} samples for {ptime_ms} ms", packet.payload.len());
        }
        follow_each_other(&heard, samples as u32)?;
        peer.hang_up(&mut call)?;
    }
    Ok(())
}
