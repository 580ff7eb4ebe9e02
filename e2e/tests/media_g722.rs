//! Calls in G.722: what is captured is what ffmpeg decodes, low-passed and taken to 8 kHz by the filter of docs/calls.md.

use anyhow::{Context, ensure};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tympan_e2e::audio::{Law, Speech, share_at, write_tone, write_wav};
use tympan_e2e::flow::{Flow, hang_up, listen, set_attributes, start_streaming, stop_streaming, store_keys};
use tympan_e2e::office::{Office, text};
use tympan_e2e::phone::{FRAME, Heard, Phone};
use tympan_e2e::raw_peer::{RawCall, RawPeer};
use tympan_e2e::wideband::{decimated, decoded, encoded, find, interpolated};
use tympan_testkit::{TestServer, binary};

const NUMBER: &str = "+18005550123";
/// Payload types of RFC 3551.
const G722: u8 = 9;
/// Where prompts are.
const PROMPT_HZ: f64 = 1_000.0;

/// A server whose prompts are a loud tone of two seconds.
fn office_with_tone(folder: &Path) -> anyhow::Result<Office> {
    let tone = folder.join("tone.wav");
    write_tone(&tone, PROMPT_HZ, 2.0)?;
    let command = format!("[\"cat\", {:?}]", tone.display().to_string());
    Office::open_with(TestServer::builder().env("TYMPAN_SPEECH__COMMAND", command))
}

/// Noise at 16 kHz up to half its rate, which 8 kHz cannot carry: as ffmpeg encodes it, and as it is to be captured.
fn noise(folder: &Path, seed: u64, seconds: usize) -> anyhow::Result<(Vec<u8>, Vec<i16>)> {
    let codes = encoded(folder, &Speech::unique(folder, seed, 2 * seconds, Law::Mu)?.samples)?;
    let reference = decimated(&decoded(folder, &codes)?);
    Ok((codes, reference))
}

/// A phone that offers these payload types, and the answer's.
fn call(office: &Office, offered: &str) -> anyhow::Result<(RawPeer, RawCall, Phone, String)> {
    let mut peer = RawPeer::udp(office.server.sip())?;
    let mut phone = Phone::new()?;
    let mut call = peer.new_call(NUMBER);
    let offer = peer.sdp(phone.port()?, offered);
    let answer = peer.invite(&mut call, "", &offer)?;
    let (port, agreed) = answer.audio().with_context(|| format!("no audio in\n{answer}"))?;
    phone.speak_to((office.server.sip().ip(), port).into());
    Ok((peer, call, phone, agreed))
}

fn say(phone: &mut Phone, codes: &[u8]) -> anyhow::Result<()> {
    for frame in codes.chunks_exact(FRAME) {
        let packet = phone.packet_of(G722, FRAME as u32, frame);
        phone.send(&packet)?;
        phone.pace();
    }
    Ok(())
}

#[test]
fn all_that_a_g722_caller_says_between_start_and_stop_is_what_a_reference_decoder_has() -> anyhow::Result<()>
{
    let folder = tempfile::tempdir()?;
    let mut office = office_with_tone(folder.path())?;
    let flow = Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("speak now", 3))
        .then("stop", stop_streaming())
        .then("wait", listen("go on", 2))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let (codes, reference) = noise(folder.path(), 722, 9)?;
    let (mut peer, _call, mut phone, agreed) = call(&office, "9 101")?;
    ensure!(agreed.starts_with("9 "), "{agreed} was agreed");
    office.await_block("start", "Success")?;
    say(&mut phone, &codes)?;
    let heard = phone.hear(Duration::from_millis(100))?;
    peer.take_request("BYE")?;

    let record = office.record()?;
    let captured = office.heard(&record)?;
    let (from, to) = find(&captured.samples, &reference)?;
    // The filters are some milliseconds late: what stands before the first sound is silence on both sides.
    let begins = reference.iter().position(|sample| *sample != 0).context("the reference is silent")?;
    ensure!(from == begins, "the opening is missing: it begins at {from}");
    // Prompt and wait take five seconds. A decoder gives a sample of zero now and then, and no packet of them.
    let said_s = to as f64 / 8_000.0;
    ensure!((3.0..8.0).contains(&said_s), "{said_s} s of speech between Start and Stop");
    ensure!(captured.samples.ends_with(&reference[to - 8..to]), "the last packets before Stop are missing");
    ensure!(share_at(&captured.samples, PROMPT_HZ) < 0.01, "the prompt is in the capture");

    // What the caller was sent until then is G.722 too, and the prompt in it.
    ensure!(heard.iter().all(|packet| packet.payload_type == G722), "another codec was sent");
    // As many as its socket holds come without a hole.
    let follows = |two: &&[Heard]| two[1].sequence == two[0].sequence.wrapping_add(1);
    let whole = 1 + heard.windows(2).take_while(follows).count();
    let sent: Vec<u8> = heard.into_iter().take(whole).flat_map(|packet| packet.payload).collect();
    let told = decimated(&decoded(folder.path(), &sent)?);
    let loud = told.iter().position(|sample| sample.abs() > 4_000).context("no prompt was heard")?;
    let prompt = told.get(loud..loud + 8_000).context("the prompt was cut")?;
    ensure!(share_at(prompt, PROMPT_HZ) > 0.98, "what was heard is not the prompt");
    Ok(())
}

#[test]
fn g722_comes_last_whatever_the_caller_prefers() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, Flow::of_capture())?;
    for (offered, chosen) in [("9 0 101", "0 101"), ("9 8 101", "8 101"), ("9 8 0", "8"), ("9 101", "9 101")]
    {
        let (mut peer, mut call, _phone, agreed) = call(&office, offered)?;
        ensure!(agreed == chosen, "{offered} was answered {agreed}");
        peer.hang_up(&mut call)?;
    }
    Ok(())
}

#[test]
fn a_capture_goes_on_when_the_call_changes_to_g722() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut office = Office::open()?;
    office.answer(NUMBER, Flow::of_capture())?;
    let narrow = Speech::unique(folder.path(), 711, 1, Law::Mu)?;
    let (codes, reference) = noise(folder.path(), 723, 2)?;
    let (mut peer, mut call, mut phone, agreed) = call(&office, "0 101")?;
    ensure!(agreed == "0 101", "{agreed} was agreed");
    office.await_block("start", "Success")?;
    phone.say(&std::fs::read(&narrow.file)?)?;
    let offer = peer.sdp(phone.port()?, "9 101");
    let answer = peer.invite(&mut call, "", &offer)?;
    ensure!(answer.audio().is_some_and(|(_, agreed)| agreed == "9 101"), "\n{answer}");
    say(&mut phone, &codes)?;
    peer.hang_up(&mut call)?;

    let record = office.record()?;
    let captured = office.heard(&record)?.samples;
    let begins = captured.iter().position(|sample| *sample != 0).context("nothing was captured")?;
    let (first, second) = captured[begins..].split_at(narrow.samples.len());
    ensure!(first == narrow.samples, "what was said in PCMU is not what was captured");
    let begins = reference.iter().position(|sample| *sample != 0);
    let ends = reference.iter().rposition(|sample| *sample != 0).map(|last| last + 1);
    let (from, to) = find(second, &reference)?;
    ensure!((Some(from), Some(to)) == (begins, ends), "{from} to {to} of {begins:?} to {ends:?}");
    Ok(())
}

#[test]
fn the_test_caller_speaks_hears_and_presses_keys_in_g722() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut office = office_with_tone(folder.path())?;
    let flow = Flow::new()
        .then("start", start_streaming())
        .then("keys", store_keys("press", 1))
        .then("keep", set_attributes(&[("keys", "$.StoredCustomerInput")]))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let (wav, record) = (folder.path().join("said.wav"), folder.path().join("heard.wav"));
    let said = Speech::unique(folder.path(), 724, 4, Law::Mu)?.samples;
    write_wav(&wav, &said)?;
    let uri = format!("sip:{NUMBER}@{}", office.server.sip());
    let called = Command::new(binary()?)
        .args(["call", &uri, "--codec", "g722", "--dtmf", "5@5s", "--from", "+12065550123"])
        .arg("--audio")
        .arg(&wav)
        .arg("--record")
        .arg(&record)
        .output()?;
    ensure!(called.status.success(), "tympan call: {}", String::from_utf8_lossy(&called.stderr));

    let contact = office.record()?;
    ensure!(text(&contact["Attributes"]["keys"]) == "5", "{contact:#}");
    // Its stream: the speech, a second of silence, and the key, during which nothing is encoded.
    let stream = [&said[..], &[0; 88_000]].concat();
    let codes = encoded(folder.path(), &interpolated(&stream))?;
    let whole = decimated(&decoded(folder.path(), &codes)?);
    let expected = [&whole[..40_000], &[0; 800], &whole[40_000..]].concat();
    let captured = office.heard(&contact)?.samples;
    let (from, to) = find(&captured, &expected)?;
    // The call is answered, and the flow begins to stream some time after.
    ensure!(from < 24_000 && to >= 31_900, "{from} to {to} of what was said");

    let heard = std::fs::read(&record)?;
    let heard: Vec<i16> =
        heard[44..].chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
    let loud = heard.iter().position(|sample| sample.abs() > 4_000).context("no prompt was heard")?;
    let share = share_at(&heard[loud..loud + 8_000], PROMPT_HZ);
    ensure!(share > 0.98, "{share} of what was heard is the prompt");
    Ok(())
}
