//! What is not enabled, or used up, takes the Error branch of the Start block; the call goes on.

use anyhow::Context;
use serde_json::json;
use std::net::UdpSocket;
use std::time::Duration;
use tympan_e2e::audio::{Law, Speech, find, share_at, write_tone};
use tympan_e2e::flow::{Flow, hang_up, listen, say, set_attributes, start_streaming, stop_streaming};
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::{Caller, Sipp};
use tympan_e2e::until;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
const OTHER_NUMBER: &str = "+18005550124";
const PROMPT_HZ: f64 = 1_250.0;

/// Captures until somebody hangs up; without a stream, says so and hangs up.
fn capture_or_say_so() -> Flow {
    Flow::new()
        .then("start", start_streaming().or_else("none left"))
        .then("listen", listen("go on", 180).to("hang up"))
        .then("none left", set_attributes(&[("outcome", "no stream")]))
        .then("say so", say("no stream is left"))
        .then("hang up", hang_up())
}

/// Creates an instance with live media streaming enabled, or not.
fn create_instance(office: &mut Office, alias: &str) -> anyhow::Result<String> {
    let request = json!({
        "IdentityManagementType": "CONNECT_MANAGED", "InstanceAlias": alias,
        "InboundCallsEnabled": true, "OutboundCallsEnabled": false,
    });
    Ok(text(&office.desk.call("connect", "create_instance", request)?["Id"]))
}

/// What the seed's console steps do: data storage, live media streaming, edit, save.
fn enable_streaming(office: &mut Office, instance: &str, prefix: &str, hours: u32) -> anyhow::Result<()> {
    let request = json!({
        "InstanceId": instance, "ResourceType": "MEDIA_STREAMS",
        "StorageConfig": {
            "StorageType": "KINESIS_VIDEO_STREAM",
            "KinesisVideoStreamConfig": {
                "Prefix": prefix, "RetentionPeriodHours": hours,
                "EncryptionConfig": { "EncryptionType": "KMS", "KeyId": "alias/aws/kinesisvideo" },
            },
        },
    });
    office.desk.call("connect", "associate_instance_storage_config", request)?;
    Ok(())
}

fn answer_in(office: &mut Office, instance: &str, number: &str, flow: Flow) -> anyhow::Result<()> {
    let request = json!({
        "InstanceId": instance, "Name": number, "Type": "CONTACT_FLOW", "Content": flow.content(),
        "Status": "PUBLISHED",
    });
    let created = office.desk.call("connect", "create_contact_flow", request)?;
    office.attach(number, instance, &text(&created["ContactFlowArn"]))
}

/// Calls, and waits until the call is captured by a stream of its own.
fn captured_call(office: &Office, number: &str, nth: usize) -> anyhow::Result<Sipp> {
    let call = Caller::dialling(number).call().be_hung_up().start(office.server.sip())?;
    until("a call to be captured", || {
        let log = office.flow_log();
        let started =
            log.iter().filter(|entry| entry["Identifier"] == "start" && entry["Results"] == "Success");
        Ok((started.count() >= nth).then_some(()))
    })?;
    Ok(call)
}

/// What the server plays into our socket, mu-law, until it is quiet.
fn hear(socket: &UdpSocket) -> anyhow::Result<Vec<i16>> {
    socket.set_read_timeout(Some(Duration::from_secs(3)))?;
    let mut samples = Vec::new();
    let mut datagram = [0; 2_048];
    while let Ok(length) = socket.recv(&mut datagram) {
        // RTP without extensions and contributors: 12 bytes of header.
        samples.extend(datagram[12..length.max(12)].iter().map(|byte| Law::Mu.decode(*byte)));
    }
    Ok(samples)
}

#[test]
fn seed_09_10_the_call_after_the_last_stream_goes_on_without_one() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let tone = folder.path().join("tone.wav");
    write_tone(&tone, PROMPT_HZ, 2.0)?;
    let builder = TestServer::builder()
        .env("TYMPAN_KVS__STREAMS_PER_ACCOUNT", 3)
        .env("TYMPAN_SPEECH__COMMAND", format!("[\"cat\", {:?}]", tone.display().to_string()));
    let mut office = Office::open_with(builder)?;
    office.answer(NUMBER, capture_or_say_so())?;
    // Row 10: another instance of the account has a share in the same quota.
    let other = create_instance(&mut office, "other")?;
    enable_streaming(&mut office, &other, "second", 24)?;
    answer_in(&mut office, &other, OTHER_NUMBER, capture_or_say_so())?;

    let first = captured_call(&office, NUMBER, 1)?;
    let second = captured_call(&office, NUMBER, 2)?;
    let third = captured_call(&office, OTHER_NUMBER, 3)?;

    let ear = UdpSocket::bind("127.0.0.1:0")?;
    let fourth = Caller::dialling(NUMBER).from("+12065550104").hearing_at(ear.local_addr()?.port());
    let fourth = fourth.call().be_hung_up().start(office.server.sip())?;
    let refused = office.await_block("start", "Error")?;
    let reason = text(&refused["Reason"]);
    assert!(reason.contains("stream"), "the flow log does not say why: {refused}");
    assert_eq!(refused["ContactFlowModuleType"], "StartMediaStreaming");
    // The call survived: its prompt reaches the caller, and then the flow hangs up.
    let heard = hear(&ear)?;
    let loud: Vec<i16> = heard.into_iter().filter(|sample| sample.unsigned_abs() > 100).collect();
    assert!(loud.len() > 8_000, "only {} samples of the prompt", loud.len());
    fourth.wait()?;
    let record = office.record()?;
    assert_eq!(record["Attributes"]["outcome"], "no stream");
    assert!(record["Recordings"].is_null(), "{record}");

    // The others did not notice, and a stream that is free again takes the next call.
    let up: Vec<_> = office.contacts()?.into_iter().filter(|c| c["DisconnectTimestamp"].is_null()).collect();
    assert_eq!(up.len(), 3);
    for contact in up {
        let instance = text(&contact["InstanceARN"]);
        let instance = instance.rsplit('/').next().unwrap_or_default();
        let stop = json!({ "InstanceId": instance, "ContactId": contact["ContactId"] });
        office.desk.call("connect", "stop_contact", stop)?;
    }
    [first, second, third].into_iter().try_for_each(Sipp::wait)?;
    office.records(4)?;
    let fifth = captured_call(&office, NUMBER, 4)?;
    drop(fifth);
    assert_eq!(
        office.desk.call("kinesisvideo", "list_streams", json!({}))?["StreamInfoList"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    Ok(())
}

#[test]
fn a_stream_rests_after_a_call_unless_the_account_may_have_no_more() -> anyhow::Result<()> {
    let builder = TestServer::builder()
        .env("TYMPAN_KVS__STREAMS_PER_ACCOUNT", 2)
        .env("TYMPAN_CONNECT__STREAM_REST_S", 86_400);
    let mut office = Office::open_with(builder)?;
    office.answer(NUMBER, capture_or_say_so())?;
    let mut streams: Vec<String> = Vec::new();
    for nth in 1..=4 {
        let call = captured_call(&office, NUMBER, nth)?;
        let up = office.contacts()?.into_iter().find(|contact| contact["DisconnectTimestamp"].is_null());
        let up = up.context("the call has no contact")?;
        let stop = json!({ "InstanceId": office.instance, "ContactId": up["ContactId"] });
        office.desk.call("connect", "stop_contact", stop)?;
        call.wait()?;
        let record = office.records(nth)?.into_iter().find(|record| record["ContactId"] == up["ContactId"]);
        streams.push(text(&record.context("no record")?["Recordings"][0]["Location"]));
    }
    // A consumer that follows the first record is not given the second caller.
    assert_ne!(streams[0], streams[1]);
    // No third stream may be created: the one that was used least recently has to do.
    assert_eq!(streams[2..], streams[..2]);
    Ok(())
}

#[test]
fn the_prompt_reaches_the_caller_as_it_is() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let tone = folder.path().join("tone.wav");
    write_tone(&tone, PROMPT_HZ, 2.0)?;
    let command = format!("[\"cat\", {:?}]", tone.display().to_string());
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_SPEECH__COMMAND", command))?;
    office.answer(NUMBER, Flow::new().then("say", say("hello")).then("hang up", hang_up()))?;
    let ear = UdpSocket::bind("127.0.0.1:0")?;
    let call = Caller::dialling(NUMBER).hearing_at(ear.local_addr()?.port()).call().be_hung_up();
    let call = call.start(office.server.sip())?;
    let heard = hear(&ear)?;
    call.wait()?;
    let from = heard.iter().position(|sample| sample.unsigned_abs() > 100).unwrap_or(heard.len());
    let tone = heard.get(from..from + 15_000).unwrap_or_default();
    assert!(
        share_at(tone, PROMPT_HZ) > 0.95,
        "the caller heard something else: {}",
        share_at(tone, PROMPT_HZ)
    );
    Ok(())
}

#[test]
fn seed_11_12_13_streaming_is_off_until_it_is_enabled_and_then_names_its_streams() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let fresh = create_instance(&mut office, "fresh")?;
    let flow = Flow::new()
        .then("start", start_streaming().or_else("off"))
        .then("listen", listen("speak", 2))
        .then("stop", stop_streaming().to("hang up"))
        .then("off", set_attributes(&[("outcome", "off")]))
        .then("say so", say("streaming is off"))
        .then("hang up", hang_up());
    answer_in(&mut office, &fresh, NUMBER, flow)?;
    let speech = Speech::unique(office.folder(), 31, 30, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();

    // Row 11: not enabled by default, and the flow log says what to do.
    caller.start(office.server.sip())?.wait()?;
    let record = office.record()?;
    assert_eq!(record["Attributes"]["outcome"], "off");
    assert!(record["Recordings"].is_null());
    let refused = office.await_block("start", "Error")?;
    assert!(text(&refused["Reason"]).contains("not enabled"), "{refused}");

    // Row 12: enabled, and the next call's Start block sees it.
    enable_streaming(&mut office, &fresh, "voices", 48)?;
    caller.start(office.server.sip())?.wait()?;
    let record = office.records(2)?.remove(1);
    assert!(record["Attributes"].get("outcome").is_none(), "{record}");
    let heard = office.heard(&record)?;
    find(&heard.samples, &speech.samples)?;

    // Row 13: the name; row 15: the hours; row 14: the key.
    let arn = text(&record["Recordings"][0]["Location"]);
    let described = office.desk.call("kinesisvideo", "describe_stream", json!({ "StreamARN": arn }))?;
    let stream = &described["StreamInfo"];
    let name = text(&stream["StreamName"]);
    let uuid = name.strip_prefix("voices-connect-fresh-contact-").unwrap_or_default();
    let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{name}");
    assert!(uuid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'), "{name}");
    assert_eq!(stream["DataRetentionInHours"], 48);
    assert!(text(&stream["KmsKeyId"]).contains("kinesisvideo"), "{stream}");
    Ok(())
}

#[test]
fn seed_16_without_retention_the_audio_is_there_for_live_readers_only() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let passing = create_instance(&mut office, "passing")?;
    enable_streaming(&mut office, &passing, "voices", 0)?;
    answer_in(&mut office, &passing, NUMBER, capture_or_say_so())?;
    let speech = Speech::unique(office.folder(), 32, 60, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();
    let call = caller.start(office.server.sip())?;
    let live = until("the capture in the contact", || {
        Ok(office.contacts()?.into_iter().find(|contact| contact["Recordings"].is_array()))
    })?;
    let stream = text(&live["Recordings"][0]["Location"]);
    let heard = office.live_media(&stream, 8_000)?;
    find(&heard.samples, &speech.samples)?;
    let stop = json!({ "InstanceId": passing, "ContactId": live["ContactId"] });
    office.desk.call("connect", "stop_contact", stop)?;
    call.wait()?;
    let record = office.record()?;
    assert!(record["Recordings"][0]["FragmentStopNumber"].is_string(), "{record}");

    // Nothing of it is stored: no later request for it succeeds with any of it.
    let listed = office.desk.ask("list_fragments", json!({ "stream": stream }));
    let nothing = listed.as_ref().map_or(true, |numbers| numbers.as_array().is_some_and(Vec::is_empty));
    assert!(nothing, "{listed:?}");
    let stop_number = text(&record["Recordings"][0]["FragmentStopNumber"]);
    let fetched = office.fragments(&stream, &[&stop_number]);
    assert!(fetched.map_or(true, |media| media.samples.is_empty()), "an archived read gave audio");
    Ok(())
}
