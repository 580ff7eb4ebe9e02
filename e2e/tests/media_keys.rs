//! Keys by RTP as telephones really send them: each press is one digit.

use anyhow::{Context, ensure};
use tympan_e2e::flow::Flow;
use tympan_e2e::office::Office;
use tympan_e2e::phone::{FRAME, Phone};
use tympan_e2e::raw_peer::RawPeer;

const NUMBER: &str = "+18005550123";

/// A call to a flow that keeps `wanted` keys; gives what it kept.
fn kept(wanted: usize, press: impl FnOnce(&mut Phone) -> anyhow::Result<()>) -> anyhow::Result<String> {
    let mut office = Office::open()?;
    office.answer(NUMBER, Flow::of_keys(wanted))?;
    let mut peer = RawPeer::udp(office.server.sip())?;
    let mut phone = Phone::new()?;
    let mut call = peer.new_call(NUMBER);
    let offer = peer.sdp(phone.port()?, "0 101");
    let answer = peer.invite(&mut call, "", &offer)?;
    let (port, _) = answer.audio().with_context(|| format!("no audio in\n{answer}"))?;
    phone.speak_to((office.server.sip().ip(), port).into());
    phone.say(&[0x2A; 10 * FRAME])?;
    press(&mut phone)?;
    phone.say(&[0x2A; 25 * FRAME])?;
    // A flow that had all its keys hangs up; another one is left after its patience.
    peer.take_request("BYE")?;
    Ok(tympan_e2e::office::text(&office.record()?["Attributes"]["keys"]))
}

/// One press: six packets, the end three times over. `timestamp` tells that of each packet.
fn press(phone: &mut Phone, key: u8, timestamp: impl Fn(u16) -> u32) -> anyhow::Result<()> {
    for nth in 0..8_u16 {
        let (first, end) = (nth == 0, nth >= 5);
        let duration = (nth.min(5) + 1) * FRAME as u16;
        let packet = phone.key(key, first, end, timestamp(nth), duration);
        phone.send(&packet)?;
        phone.pace();
    }
    Ok(())
}

#[test]
fn the_same_key_three_times_with_one_timestamp_is_three_digits() -> anyhow::Result<()> {
    let keys = kept(3, |phone| {
        let at = phone.timestamp();
        (0..3).try_for_each(|_| press(phone, 5, |_| at))
    })?;
    ensure!(keys == "555", "{keys}");
    Ok(())
}

#[test]
fn end_packets_whose_timestamp_moved_are_one_digit() -> anyhow::Result<()> {
    let keys = kept(2, |phone| {
        let at = phone.timestamp();
        press(phone, 7, |nth| at + u32::from(nth) * FRAME as u32)?;
        phone.jump(8 * FRAME as u32);
        let at = phone.timestamp();
        press(phone, 1, |nth| if nth >= 5 { at + 5 * FRAME as u32 } else { at })
    })?;
    ensure!(keys == "71", "{keys}");
    Ok(())
}

#[test]
fn a_key_whose_start_or_end_was_lost_is_one_digit() -> anyhow::Result<()> {
    let keys = kept(3, |phone| {
        // Only the last of the end packets comes.
        let at = phone.timestamp();
        let packet = phone.key(4, false, true, at, 6 * FRAME as u16);
        phone.send(&packet)?;
        phone.jump(20 * FRAME as u32);
        (0..20).for_each(|_| phone.pace());
        // Only updates come, and then speech.
        let at = phone.timestamp();
        for nth in 1..=4_u16 {
            let packet = phone.key(2, nth == 1, false, at, nth * FRAME as u16);
            phone.send(&packet)?;
            phone.pace();
        }
        phone.jump(4 * FRAME as u32);
        phone.say(&[0x2A; 10 * FRAME])?;
        let at = phone.timestamp();
        press(phone, 9, |_| at)
    })?;
    ensure!(keys == "429", "{keys}");
    Ok(())
}
