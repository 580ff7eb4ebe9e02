//! What callers key in: ahead of the questions, instead of an end of a message, and what must not be kept.

use anyhow::{Context, ensure};
use std::path::Path;
use std::time::Duration;
use tympan_e2e::audio::{Law, Speech, find, write_tone};
use tympan_e2e::flow::{
    Flow, compare, hang_up, listen, play, say, set_attributes, start_streaming, stop_streaming,
};
use tympan_e2e::flow::{encrypt_keys, store_keys};
use tympan_e2e::office::{Office, text, unix_ms};
use tympan_e2e::phone::{FRAME, Phone};
use tympan_e2e::raw_peer::{RawCall, RawPeer};
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
/// The key that ends an input (RFC 4733: the events 0 to 9, 10 is the star).
const HASH: u8 = 11;

/// A caller in conversation with the server.
struct Caller {
    peer: RawPeer,
    phone: Phone,
    call: RawCall,
}

impl Caller {
    fn call(office: &Office, headers: &str) -> anyhow::Result<Self> {
        let mut peer = RawPeer::udp(office.server.sip())?;
        let mut phone = Phone::new()?;
        let mut call = peer.new_call(NUMBER);
        let offer = peer.sdp(phone.port()?, "0 101");
        let answer = peer.invite(&mut call, headers, &offer)?;
        let (port, _) = answer.audio().with_context(|| format!("no audio in\n{answer}"))?;
        phone.speak_to((office.server.sip().ip(), port).into());
        Ok(Self { peer, phone, call })
    }

    /// Each key for 60 ms, and as long apart.
    fn press(&mut self, keys: &[u8]) -> anyhow::Result<()> {
        for key in keys {
            self.phone.press(*key, 3)?;
            self.phone.say(&[0x2A; 3 * FRAME])?;
        }
        Ok(())
    }

    /// Says nothing that matters for so long.
    fn murmur(&mut self, time: Duration) -> anyhow::Result<()> {
        self.phone.say(&vec![0x2A; 8 * time.as_millis() as usize])
    }
}

#[test]
fn what_is_keyed_in_the_first_second_goes_to_three_blocks() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let flow = Flow::new()
        .then("hello", say("<speak>Welcome<break time=\"2s\"/></speak>"))
        .then("language", listen("One for English", 5).when("Equals", "1", "service"))
        .then("no language", set_attributes(&[("outcome", "no language")]).to("hang up"))
        .then("service", listen("Two for an account", 5).when("Equals", "2", "account"))
        .then("no service", set_attributes(&[("outcome", "no service")]).to("hang up"))
        .then("account", store_keys("Which account?", 10))
        .then("keep", set_attributes(&[("account", "$.StoredCustomerInput"), ("outcome", "all three")]))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let mut caller = Caller::call(&office, "")?;
    // Six keys of 120 ms: within the first second.
    caller.press(&[1, 2, 3, 4, 5, HASH])?;
    caller.murmur(Duration::from_secs(2))?;
    caller.peer.take_request("BYE")?;
    let record = office.record()?;
    let attributes = &record["Attributes"];
    ensure!(attributes["outcome"] == "all three" && attributes["account"] == "345", "{attributes}");
    Ok(())
}

#[test]
fn a_voicemail_records_between_the_beep_and_the_key() -> anyhow::Result<()> {
    let prompts = tempfile::tempdir()?;
    write_tone(&prompts.path().join("beep.wav"), 1_000.0, 0.5)?;
    let builder = TestServer::builder().env("TYMPAN_SPEECH__PROMPT_DIR", prompts.path().display());
    let mut office = Office::open_with(builder)?;
    let flow = Flow::new()
        .then("please", say("<speak><break time=\"1s\"/></speak>"))
        .then("beep", play("beep"))
        .then("start", start_streaming())
        .then("message", listen("<speak><break time=\"10s\"/></speak>", 30))
        .then("stop", stop_streaming())
        .then("thanks", say("<speak><break time=\"1s\"/></speak>"))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let mut caller = Caller::call(&office, "")?;
    let speech = Speech::unique(office.folder(), 31, 10, Law::Mu)?;
    let codes = std::fs::read(&speech.file)?;
    // From the answer on: over the greeting and the beep, then for the message; a key; and some more.
    let (message, rest) = codes.split_at(5 * 8_000);
    caller.phone.say(message)?;
    caller.phone.press(HASH, 4)?;
    caller.phone.say(&rest[..2 * 8_000])?;
    caller.peer.take_request("BYE")?;

    let record = office.record()?;
    let heard = office.heard(&record)?;
    let found = find(&heard.samples, &speech.samples)?;
    let at_ms = |block: &str| -> anyhow::Result<i64> {
        Ok(unix_ms(&text(&office.await_block(block, "Success")?["Timestamp"])))
    };
    let (greeted, beeped) = (at_ms("please")?, at_ms("beep")?);
    ensure!(beeped - greeted >= 450, "the beep took {} ms", beeped - greeted);
    // The greeting is a second of silence, the beep half a second.
    ensure!(found.from >= 8 * 1_400, "the message begins before the beep ends: {found:?}");
    ensure!(found.to <= message.len(), "something after the key was recorded: {found:?}");
    ensure!(found.to - found.from >= 8 * 2_000, "hardly anything was recorded: {found:?}");
    Ok(())
}

#[test]
fn nothing_of_an_input_that_should_be_encrypted_is_in_any_file_or_log() -> anyhow::Result<()> {
    const CARD: [u8; 16] = [4, 5, 3, 9, 1, 4, 8, 8, 0, 3, 4, 3, 6, 4, 6, 7];
    let builder = TestServer::builder().env("TYMPAN_LOG__FILTER", "trace");
    let mut office = Office::open_with(builder)?;
    let flow = Flow::new()
        .then("hello", say("<speak><break time=\"4s\"/></speak>"))
        .then("card", encrypt_keys("Your card number?", 16).or_else("sorry"))
        .then("wrong", set_attributes(&[("outcome", "it was asked for")]).to("hang up"))
        .then("sorry", listen("<speak><break time=\"1s\"/></speak>", 1))
        .then("keep", set_attributes(&[("outcome", "not asked for"), ("stored", "$.StoredCustomerInput")]))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let mut caller = Caller::call(&office, "")?;
    caller.press(&CARD)?;
    caller.press(&[HASH])?;
    caller.murmur(Duration::from_secs(6))?;
    caller.peer.take_request("BYE")?;
    let record = office.record()?;
    ensure!(record["Attributes"]["outcome"] == "not asked for", "{record}");
    let refused = office.await_block("card", "Error")?;
    ensure!(text(&refused["Reason"]).contains("encrypting customer input is not supported"), "{refused}");

    let digits: String = CARD.iter().map(ToString::to_string).collect();
    let log = office.server.log();
    ensure!(log.contains("TRACE") || log.contains("DEBUG"), "the log was to be a full one");
    for part in [&digits[..], &digits[..8], &digits[8..]] {
        ensure!(!log.contains(part), "{part} is in the log");
        for_each_file(office.server.data_dir(), &mut |path, bytes| {
            let is_there = bytes.windows(part.len()).any(|window| window == part.as_bytes());
            ensure!(!is_there, "{part} is in {}", path.display());
            Ok(())
        })?;
    }
    Ok(())
}

fn for_each_file(
    folder: &Path,
    check: &mut impl FnMut(&Path, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            for_each_file(&path, check)?;
        } else if let Ok(bytes) = std::fs::read(&path) {
            check(&path, &bytes)?;
        }
    }
    Ok(())
}

#[test]
fn a_flow_reads_the_headers_of_the_invite() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let flow = Flow::new()
        .then("caller", compare("$.Media.Sip.Headers.X-Account", "hang up").when("Equals", "17", "keep"))
        .then(
            "keep",
            set_attributes(&[("to", "$.Media.Sip.Headers.to"), ("account", "$.Media.Sip.Headers.X-Account")]),
        )
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let mut caller = Caller::call(&office, "X-Account: 17\r\n")?;
    caller.peer.take_request("BYE")?;
    let record = office.record()?;
    let attributes = &record["Attributes"];
    ensure!(attributes["account"] == "17" && text(&attributes["to"]).contains(NUMBER), "{attributes}");
    let _ = caller.call;
    Ok(())
}
