//! A network that loses, doubles and reorders: the capture keeps its length, and only what was lost is silent.

use serde_json::json;
use std::time::Duration;
use tympan_e2e::audio::{Law, Speech};
use tympan_e2e::flow::{Flow, hang_up, listen, start_streaming, stop_streaming};
use tympan_e2e::office::Office;
use tympan_e2e::phone::{FRAME, Phone};
use tympan_e2e::sipp::Caller;

const NUMBER: &str = "+18005550123";

#[test]
fn lost_packets_are_exactly_as_much_silence_and_order_is_put_right() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    // The first key is pressed in mid-speech, the second ends the capture.
    let flow = Flow::new()
        .then("start", start_streaming())
        .then("first key", listen("press a key", 60))
        .then("second key", listen("press another", 60))
        .then("stop", stop_streaming())
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let speech = Speech::unique(office.folder(), 61, 6, Law::Mu)?;
    let bytes = std::fs::read(&speech.file)?;
    let frames: Vec<&[u8]> = bytes.chunks_exact(FRAME).collect();

    let mut phone = Phone::new()?;
    let call =
        Caller::dialling(NUMBER).hearing_at(phone.port()?).call().be_hung_up().start(office.server.sip())?;
    phone.pick_up(&call)?;
    office.await_block("start", "Success")?;

    let mut expected = speech.samples.clone();
    let mut late = None;
    for (nth, frame) in frames.iter().enumerate() {
        if nth == 150 {
            phone.press(5, 8)?;
            let key = 8 * FRAME;
            expected.splice(150 * FRAME..150 * FRAME, std::iter::repeat_n(0, key));
        }
        let packet = phone.packet(frame);
        let in_capture = (nth + if nth < 150 { 0 } else { 8 }) * FRAME;
        match nth {
            // Lost: one here and there, and a burst of five.
            20 | 33 | 100..105 | 250 => expected[in_capture..in_capture + FRAME].fill(0),
            // Overtaken by the next one.
            50 | 60 | 200 => late = Some(packet),
            // Doubled.
            70..75 => {
                phone.send(&packet)?;
                phone.send(&packet)?;
            }
            _ => {
                phone.send(&packet)?;
                if let Some(late) = late.take() {
                    phone.send(&late)?;
                }
            }
        }
        phone.pace();
    }
    phone.press(1, 8)?;
    call.wait()?;

    let record = office.record()?;
    let heard = office.heard(&record)?;
    let silence = heard.samples.iter().take_while(|sample| **sample == 0).count();
    let captured = &heard.samples[silence..];
    // The last key interrupts the capture at some place in its own silence.
    let spoken = captured.len() - captured.iter().rev().take_while(|sample| **sample == 0).count();
    let differs = (0..spoken).find(|at| captured.get(*at) != expected.get(*at));
    assert_eq!(differs.map(|at| (at / FRAME, at % FRAME)), None, "differs at (frame, sample)");
    assert_eq!(spoken, expected.len(), "the end is missing");

    // Eight frames were lost in four places, and everything else that was said was received.
    let ledger = office.ledger(&record)?;
    let (lost, frame) = (&ledger["Causes"]["lost"], FRAME as u64);
    assert_eq!((&lost["Count"], &lost["Samples"]), (&json!(4), &json!(8 * frame)), "{ledger}");
    let received = (frames.len() as u64 - 8) * frame;
    assert_eq!(ledger["ReceivedSamples"], received, "{ledger}");
    assert_eq!(ledger["Samples"], heard.samples.len(), "{ledger}");
    Ok(())
}

#[test]
fn a_caller_who_falls_silent_is_captured_as_silence_of_that_length() -> anyhow::Result<()> {
    let mut office = Office::open_with_default_grace()?;
    let flow = Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("go on", 60))
        .then("stop", stop_streaming())
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let speech = Speech::unique(office.folder(), 62, 2, Law::Mu)?;
    let bytes = std::fs::read(&speech.file)?;
    let mut phone = Phone::new()?;
    let call =
        Caller::dialling(NUMBER).hearing_at(phone.port()?).call().be_hung_up().start(office.server.sip())?;
    phone.pick_up(&call)?;
    office.await_block("start", "Success")?;
    // A second of speech, three seconds of nothing at all (no packets), a second of speech, and the key.
    let (first, second) = bytes.split_at(8_000);
    for frame in first.chunks_exact(FRAME) {
        let packet = phone.packet(frame);
        phone.send(&packet)?;
        phone.pace();
    }
    phone.pause(Duration::from_secs(3));
    for frame in second.chunks_exact(FRAME) {
        let packet = phone.packet(frame);
        phone.send(&packet)?;
        phone.pace();
    }
    phone.press(1, 8)?;
    call.wait()?;

    let record = office.record()?;
    let heard = office.heard(&record)?;
    let silence = heard.samples.iter().take_while(|sample| **sample == 0).count();
    let captured = &heard.samples[silence..];
    assert!(captured.starts_with(&speech.samples[..8_000]), "the first second is not whole");
    let pause = captured[8_000..].iter().take_while(|sample| **sample == 0).count();
    assert!(captured[8_000 + pause..].starts_with(&speech.samples[8_000..]), "the last second is not whole");
    // The phone's clock ran on, so the silence is known to the sample.
    assert_eq!(pause, 3 * 8_000);
    Ok(())
}
