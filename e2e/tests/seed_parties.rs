//! The customer is captured through bots, holds, queues and agents: the seed's rows 3 and 4 with real telephones.

use anyhow::Context;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Child;
use tympan_e2e::agents::{AgentPhone, Heard, Line, at, decoded, hire, telephones, write_configuration};
use tympan_e2e::audio::{Law, Speech, find, share_at};
use tympan_e2e::desk::python;
use tympan_e2e::flow::{
    Flow, bot, hang_up, invoke, listen, say, set_attributes, set_queue, start_streaming_both, to_queue,
};
use tympan_e2e::office::{Office, json_lines, text};
use tympan_e2e::raw_peer::RawPeer;
use tympan_e2e::sipp::Caller;
use tympan_e2e::until;
use tympan_testkit::{TestServer, TestServerBuilder};

const NUMBER: &str = "+18005550133";
const SLOW: &str = "arn:aws:lambda:us-west-2:111122223333:function:slow";
const ALIAS: &str = "arn:aws:lex:us-west-2:111122223333:bot-alias/ABCDEFGHIJ/TSTALIASID";

/// Ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A bot that recognises one intent in whatever it is asked, and keeps the questions in this folder; its port.
fn start_bot(folder: &Path) -> anyhow::Result<(Killed, String)> {
    let port_file = folder.join("port");
    let stub = Killed(python("lex_stub.py").args([&port_file, &folder.to_owned()]).spawn()?);
    let port = until("the bot to listen", || Ok(std::fs::read_to_string(&port_file).ok()))?;
    Ok((stub, port))
}

fn with_bot(builder: TestServerBuilder, port: &str) -> TestServerBuilder {
    builder
        .env("TYMPAN_LEX__ENDPOINT", format!("http://127.0.0.1:{port}"))
        .env("TYMPAN_LEX__ACCESS_KEY_ID", "AKIDLEX")
        .env("TYMPAN_LEX__SECRET_ACCESS_KEY", "lexsecret")
}

fn samples_of(body: &[u8]) -> Vec<i16> {
    body.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

#[test]
fn seed_03_what_the_caller_says_to_a_bot_is_the_same_in_the_stream_and_at_the_bot() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let (_bot, port) = start_bot(scratch.path())?;
    let mut office = Office::open_with(with_bot(TestServer::builder(), &port))?;
    let flow = Flow::new()
        .then("start", start_streaming_both())
        .then("bot", bot(ALIAS, "what would you like?"))
        .then(
            "keep",
            set_attributes(&[("drink", "$.Lex.Slots.drink"), ("seen", "$.Lex.SessionAttributes.seen")]),
        )
        .then("listen", listen("go on", 2))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let speech = Speech::voice(office.folder(), "I would like a cup of tea, please", 3, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();
    caller.start(office.server.sip())?.wait()?;

    let record = office.record()?;
    assert_eq!(record["Attributes"]["drink"], "tea", "{record}");
    assert_eq!(record["Attributes"]["seen"], "yes");
    // One track, from Start to the end, with all that the caller said and nothing of the bot.
    let from = office.track(&record, "AUDIO_FROM_CUSTOMER")?;
    let found = find(&from, &speech.samples)?;
    assert!(found.to - found.from > 16_000, "{found:?}");
    // What the bot was given is a stretch of the same.
    let heard = samples_of(&std::fs::read(scratch.path().join("0.body"))?);
    let asked: Value = serde_json::from_slice(&std::fs::read(scratch.path().join("0.json"))?)?;
    let kind = text(&asked["headers"]["content-type"]);
    assert!(kind.contains("rate=8000"), "{asked}");
    let at_bot = find(&heard, &speech.samples)?;
    assert!(at_bot.to - at_bot.from > 4_000, "{at_bot:?}");
    assert!((found.from..found.to).contains(&at_bot.from), "{at_bot:?} in {found:?}");
    Ok(())
}

#[test]
fn seed_04_the_capture_goes_on_while_an_agent_holds_and_has_nothing_of_agent_or_music() -> anyhow::Result<()>
{
    let folder = tempfile::tempdir()?;
    let address = at(21)?;
    let configuration = write_configuration(folder.path(), &telephones(&[("anna", address)]))?;
    let mut office = Office::open_with(TestServer::builder().argument("--config").argument(configuration))?;
    let queue = hire(&mut office, &["anna"], false)?;
    let flow = Flow::new()
        .then("start", start_streaming_both())
        .then("say", say("welcome"))
        .then("set", set_queue(&queue))
        .then("go", to_queue())
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let mut anna = AgentPhone::new("anna", address, office.server.sip())?;
    let tone: Vec<u8> = (0..800_000).map(|at| if at % 16 < 8 { 0x90 } else { 0x10 }).collect();
    let line = Line::open(address.ip(), tone)?;
    let speech = Speech::unique(office.folder(), 44, 90, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();
    let call = caller.start(office.server.sip())?;
    let invite = anna.rings()?;
    let mut dialog = anna.takes(&invite, &line)?;
    // Both whispers are over when the agent hears the customer.
    line.hears(&speech)?;
    anna.offers(&mut dialog, &line, "sendonly")?;
    let on_hold_from = line.said();
    until("two seconds on hold", || Ok((line.said() > on_hold_from + 17_600).then_some(())))?;
    anna.offers(&mut dialog, &line, "sendrecv")?;
    line.hears(&speech)?;
    let back_from = line.said();
    until("a second after", || Ok((line.said() > back_from + 8_000).then_some(())))?;
    anna.peer.hang_up(&mut dialog)?;
    call.wait()?;

    let record = until("a record with the agent's work", || {
        let record = office.record()?;
        Ok((!record["Agent"]["AfterContactWorkEndTimestamp"].is_null()).then_some(record))
    })?;
    assert_eq!(record["DisconnectReason"], "AGENT_DISCONNECT");
    assert_eq!(record["Agent"]["NumberOfHolds"], 1);
    assert!(record["Agent"]["CustomerHoldDuration"].as_u64().is_some_and(|held_s| held_s >= 2), "{record}");
    let from = office.track(&record, "AUDIO_FROM_CUSTOMER")?;
    let found = find(&from, &speech.samples)?;
    assert!((found.to - found.from) as f64 / 8_000.0 > 4.0, "{found:?}");
    // The other track has the agent's tone, and silence or music on hold.
    let to = office.track(&record, "AUDIO_TO_CUSTOMER")?;
    assert!(share_at(&to, 500.0) > 0.05, "the customer heard the agent: {}", share_at(&to, 500.0));
    assert_eq!(to.len(), from.len());
    let log = office.flow_log();
    assert!(log.iter().any(|entry| entry["ContactFlowName"] == "Default customer hold"), "{log:?}");
    Ok(())
}

#[test]
fn seed_04_one_call_through_keys_a_bot_a_slow_function_a_queue_two_agents_a_hold_and_a_transfer()
-> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let (_bot, port) = start_bot(scratch.path())?;
    let (anna_at, bea_at) = (at(22)?, at(23)?);
    let configuration =
        write_configuration(scratch.path(), &telephones(&[("anna", anna_at), ("bea", bea_at)]))?;
    let functions = format!(
        "[{{arn = {SLOW:?}, command = [\"sh\", \"-c\", \"cat > /dev/null; sleep 3; echo '{{}}'\"]}}]"
    );
    let builder = with_bot(TestServer::builder().argument("--config").argument(configuration), &port)
        .env("TYMPAN_LAMBDA__FUNCTIONS", functions)
        .env("TYMPAN_CONTACT_EVENTS__FILE", "true");
    let mut office = Office::open_with(builder)?;
    office.allow_function(SLOW)?;
    let queue = hire(&mut office, &["anna"], false)?;
    let flow = Flow::new()
        .then("start", start_streaming_both())
        .then("keys", listen("press a key", 20))
        .then("bot", bot(ALIAS, "what would you like?"))
        .then("wait", invoke(SLOW, &[]))
        .then("set", set_queue(&queue))
        .then("go", to_queue())
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let sip = office.server.sip();
    let speech = |seed| Speech::unique(scratch.path(), seed, 120, Law::Mu);
    let (said, by_anna, by_bea, to_bea) = (speech(51)?, speech(52)?, speech(53)?, speech(54)?);
    let line = |at: std::net::SocketAddr, speech: &Speech| Line::open(at.ip(), std::fs::read(&speech.file)?);

    let mut caller = RawPeer::udp(sip)?;
    let customer = line(caller.own(), &said)?;
    let mut call = caller.new_call(NUMBER);
    let answer = caller.invite(&mut call, "", &customer.description("sendrecv")?)?;
    customer.speak_to(answer.body())?;
    caller.key(&mut call, '1')?;

    let mut anna = AgentPhone::new("anna", anna_at, sip)?;
    let annas = line(anna_at, &by_anna)?;
    let invite = anna.rings()?;
    let heard_from = customer.heard().len();
    until("a second of the queue's music", || Ok((customer.heard().len() > heard_from + 50).then_some(())))?;
    let mut with_customer = anna.takes(&invite, &annas)?;
    annas.hears(&said)?;
    customer.hears(&by_anna)?;
    anna.offers(&mut with_customer, &annas, "sendonly")?;
    let held_from = customer.heard().len();
    until("a second on hold", || Ok((customer.heard().len() > held_from + 50).then_some(())))?;
    anna.offers(&mut with_customer, &annas, "sendrecv")?;
    customer.hears(&by_anna)?;

    // The second agent serves no queue of this customer before she is asked.
    hire(&mut office, &["bea"], false)?;
    let consulting = line(anna_at, &to_bea)?;
    let mut bea = AgentPhone::new("bea", bea_at, sip)?;
    let beas = line(bea_at, &by_bea)?;
    let with_bea = anna.calls("bea", &consulting)?;
    let invite = bea.rings()?;
    let mut at_bea = bea.takes(&invite, &beas)?;
    beas.hears(&to_bea)?;
    consulting.hears(&by_bea)?;
    anna.joins(&mut with_customer, &with_bea)?;
    customer.hears(&by_bea)?;
    beas.hears(&said)?;
    for _ in 0..2 {
        anna.peer.take_request("BYE")?;
    }
    bea.peer.hang_up(&mut at_bea)?;
    caller.take_request("BYE")?;
    customer.falls_silent();
    let (spoken, heard) = (customer.said(), customer.heard());

    // Three contacts of one conversation, each linked with the one before it.
    let records = office.records(2)?;
    let inbound = records.iter().find(|record| record["InitiationMethod"] == "INBOUND").context("no call")?;
    let transfer =
        records.iter().find(|record| record["InitiationMethod"] == "TRANSFER").context("no transfer")?;
    assert_eq!(transfer["PreviousContactId"], inbound["ContactId"], "{records:?}");
    assert_eq!(inbound["NextContactId"], transfer["ContactId"]);
    assert_eq!(transfer["InitialContactId"], inbound["ContactId"]);
    assert_eq!(
        (&inbound["Agent"]["Username"], &transfer["Agent"]["Username"]),
        (&json!("anna"), &json!("bea"))
    );
    assert_eq!(inbound["Queue"]["Name"], "BasicQueue");
    assert_eq!(inbound["Agent"]["NumberOfHolds"], 2, "{inbound}");
    assert_eq!(transfer["DisconnectReason"], "AGENT_DISCONNECT");

    // The customer's track is what the customer said from the start on, and no more.
    let from = office.track(inbound, "AUDIO_FROM_CUSTOMER")?;
    let found = find(&from, &said.samples)?;
    println!("from the customer: {found:?} of {spoken} samples said");
    assert!(found.from <= 8_000 && spoken - found.to <= 8_000, "{found:?} of {spoken}");
    // The other track is what the customer's telephone received: prompts, music, whispers and both agents.
    let to = office.track(inbound, "AUDIO_TO_CUSTOMER")?;
    let same = same_as_received(&to, &heard)?;
    println!("to the customer: {same:?} of {} samples, {} packets", to.len(), heard.len());
    assert!(same.samples > 30_000 && same.after_the_end <= 10, "{same:?} of {} packets", heard.len());

    let events = json_lines(&office.server.data_dir().join("contact-events.jsonl"));
    for (record, wanted) in [
        (inbound, &["INITIATED", "QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED"][..]),
        (transfer, &["INITIATED", "CONNECTED_TO_AGENT", "DISCONNECTED"]),
    ] {
        let of_it = events.iter().filter(|event| event["detail"]["contactId"] == record["ContactId"]);
        let kinds: Vec<&str> = of_it.filter_map(|event| event["detail"]["eventType"].as_str()).collect();
        let mut left = kinds.iter();
        assert!(wanted.iter().all(|wanted| left.any(|kind| kind == wanted)), "{wanted:?} in {kinds:?}");
    }
    let log = office.flow_log();
    for block in ["GetUserInput", "InvokeExternalResource", "TransferToQueue"] {
        println!("{block}: {}", log.iter().filter(|entry| entry["ContactFlowModuleType"] == block).count());
    }
    let flows: Vec<&str> = log.iter().filter_map(|entry| entry["ContactFlowName"].as_str()).collect();
    for flow in [
        "Default customer queue",
        "Default customer whisper",
        "Default agent whisper",
        "Default customer hold",
    ] {
        assert!(flows.contains(&flow), "{flow} in {flows:?}");
    }
    Ok(())
}

/// What a track of what was sent and a telephone have alike.
#[derive(Debug, Default)]
struct Same {
    /// Samples that both have, silent packets left out.
    samples: usize,
    /// Samples of silence that the track has between two packets that followed each other at once.
    inserted: usize,
    /// Packets that came when the track was over.
    after_the_end: usize,
}

/// Compares a track of what was sent with what a telephone received: every packet that is not silent is in the track, whole and in
/// order, and nothing else but silence is.
fn same_as_received(track: &[i16], heard: &[Heard]) -> anyhow::Result<Same> {
    let (mut same, mut at) = (Same::default(), 0);
    let mut before = None::<u32>;
    for packet in heard {
        let samples = decoded(std::slice::from_ref(packet));
        if samples.iter().all(|sample| *sample == 0) {
            continue;
        }
        let rest = track.get(at..).unwrap_or_default();
        let silent = rest.iter().take_while(|sample| **sample == 0).count();
        let Some(skipped) = (0..=silent).find(|skip| rest[*skip..].starts_with(&samples)) else {
            anyhow::ensure!(
                silent == rest.len(),
                "sample {} of {} is not what was received after {before:?} at {}",
                at + silent,
                track.len(),
                packet.timestamp
            );
            same.after_the_end += 1;
            continue;
        };
        anyhow::ensure!(same.after_the_end == 0, "a packet is missing before {}", packet.timestamp);
        if before.is_some_and(|before| packet.timestamp == before.wrapping_add(160)) {
            same.inserted += skipped;
        }
        at += skipped + samples.len();
        before = Some(packet.timestamp);
        same.samples += samples.len();
    }
    let rest = track.get(at..).unwrap_or_default();
    anyhow::ensure!(
        rest.iter().all(|sample| *sample == 0),
        "after sample {at} there is what was not received"
    );
    Ok(same)
}
