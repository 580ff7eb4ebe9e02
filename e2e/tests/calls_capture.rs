//! What a caller says between Start and Stop is in the stream, sample for sample, and nothing else is.

use anyhow::ensure;
use std::process::Command;
use std::time::Duration;
use tympan_e2e::audio::{Law, Speech, find, read_raw, share_at, write_tone};
use tympan_e2e::flow::{Flow, hang_up, listen, start_streaming, stop_streaming};
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::Caller;
use tympan_testkit::{TestServer, binary};

const NUMBER: &str = "+18005550123";
/// Where prompts are, and nothing of them may be in a capture.
const PROMPT_HZ: f64 = 1_000.0;

/// A server whose prompts are a loud tone of two seconds.
fn office_with_tone(tone: &std::path::Path) -> anyhow::Result<Office> {
    write_tone(tone, PROMPT_HZ, 2.0)?;
    let command = format!("[\"cat\", {:?}]", tone.display().to_string());
    Office::open_with(TestServer::builder().env("TYMPAN_SPEECH__COMMAND", command))
}

/// Rows 1, 2, 6, 7, 24 to 28, in one law.
fn everything_said_is_captured(law: Law) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut office = office_with_tone(&folder.path().join("tone.wav"))?;
    let flow = Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("speak now", 4))
        .then("stop", stop_streaming())
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let speech = Speech::unique(folder.path(), 4, 30, law)?;
    // The pause lets the Start block come before the first packet, so that all of the speech is due.
    let caller = Caller::dialling(NUMBER).speaking(&speech).call();
    let call = caller.pause(Duration::from_secs(1)).speak(&speech).be_hung_up().start(office.server.sip())?;
    call.wait()?;

    let record = office.record()?;
    let recording = &record["Recordings"][0];
    let (stream, start, stop) = (
        text(&recording["Location"]),
        text(&recording["FragmentStartNumber"]),
        text(&recording["FragmentStopNumber"]),
    );

    // Rows 2, 24, 26: from the first sample after Start on, without a hole.
    let heard = office.media_after(&stream, &start)?;
    let found = find(&heard.samples, &speech.samples)?;
    assert_eq!(found.from, 0, "the opening is missing: {found:?}");
    // Prompt and wait take six seconds, of which the caller was silent for one.
    let said_s = (found.to - found.from) as f64 / 8_000.0;
    assert!((4.0..8.0).contains(&said_s), "{said_s} s of speech between Start and Stop");

    // Row 6: one track, and no prompt in it, although the prompt was played meanwhile.
    let first = &heard.fragments[0];
    assert_eq!(first["tracks"], serde_json::json!(["AUDIO_FROM_CUSTOMER"]));
    assert!(share_at(&heard.samples, PROMPT_HZ) < 0.01, "the prompt is in the capture");
    assert_eq!(found.trailing_silence, 0, "the last packets before Stop are missing");
    assert_eq!(heard.tag_values("ContactId"), [record["ContactId"].clone()]);
    assert_eq!(heard.tag_values("MimeType"), ["audio/L16;rate=8000;channels=1;"]);

    // Row 25: the stop number names the last fragment, and it holds the last sample.
    assert_eq!(heard.fragments.last().map(|last| text(&last["number"])).as_deref(), Some(stop.as_str()));
    let last = office.fragments(&stream, &[&stop])?;
    assert!(heard.samples.ends_with(&last.samples) && !last.samples.is_empty());

    // Row 24 the other way: the start number's own fragment is there, and it is the silent lead-in.
    let whole = office.media_from_the_beginning(&stream)?;
    assert_eq!(text(&whole.fragments[0]["number"]), start);
    assert_eq!(whole.samples[160..], heard.samples[..]);

    // Row 28: a body on a finished stream ends long before the demo's pool gives up.
    assert!(heard.seconds < 60.0, "GetMedia took {} s to end", heard.seconds);
    Ok(())
}

#[test]
fn seed_01_02_06_07_24_to_28_all_that_a_pcmu_caller_says_between_start_and_stop() -> anyhow::Result<()> {
    everything_said_is_captured(Law::Mu)
}

#[test]
fn seed_01_02_06_07_24_to_28_all_that_a_pcma_caller_says_between_start_and_stop() -> anyhow::Result<()> {
    everything_said_is_captured(Law::A)
}

#[test]
fn seed_26_27_consume_writes_what_the_frame_rule_gives() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let flow = Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("speak", 2))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let speech = Speech::unique(office.folder(), 5, 30, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();
    caller.start(office.server.sip())?.wait()?;
    let record = office.record()?;
    let heard = office.heard(&record)?;
    find(&heard.samples, &speech.samples)?;

    let recording = &record["Recordings"][0];
    let raw = office.folder().join("out.raw");
    let consume = Command::new(binary()?)
        .envs(office.server.aws_environment())
        .args(["consume", "--stream", &text(&recording["Location"])])
        .args(["--after", &text(&recording["FragmentStartNumber"]), "-o"])
        .arg(&raw)
        .output()?;
    ensure!(consume.status.success(), "tympan consume: {}", String::from_utf8_lossy(&consume.stderr));
    assert!(read_raw(&raw)? == heard.samples, "tympan consume wrote something else than the frames");
    Ok(())
}
