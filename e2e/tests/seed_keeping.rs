//! How long a call's audio is kept, under which key, and who may read it: the seed's rows 5, 14, 15 and 29, each with a real call.

use anyhow::Context;
use serde_json::{Value, json};
use tympan_e2e::audio::{Law, Speech, find};
use tympan_e2e::control::control;
use tympan_e2e::flow::{Flow, hang_up, listen, start_streaming};
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::Caller;

const NUMBER: &str = "+18005550177";

/// A call of two seconds under these settings of the instance: what was said, and the record.
fn captured(office: &mut Office, hours: u32, key: &str, seed: u64) -> anyhow::Result<(Speech, Value)> {
    let listed = office.desk.call(
        "connect",
        "list_instance_storage_configs",
        json!({ "InstanceId": office.instance, "ResourceType": "MEDIA_STREAMS" }),
    )?;
    let association = text(&listed["StorageConfigs"][0]["AssociationId"]);
    let request = json!({
        "InstanceId": office.instance, "AssociationId": association, "ResourceType": "MEDIA_STREAMS",
        "StorageConfig": {
            "StorageType": "KINESIS_VIDEO_STREAM",
            "KinesisVideoStreamConfig": {
                "Prefix": "kept", "RetentionPeriodHours": hours,
                "EncryptionConfig": { "EncryptionType": "KMS", "KeyId": key },
            },
        },
    });
    office.desk.call("connect", "update_instance_storage_config", request)?;
    let flow = Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("speak", 2))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let speech = Speech::unique(office.folder(), seed, 30, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();
    caller.start(office.server.sip())?.wait()?;
    let record = office.record()?;
    Ok((speech, record))
}

fn advance(office: &Office, time: &str) -> anyhow::Result<()> {
    control(&office.server, "POST", "/_tympan/clock", &json!({ "advance": time }).to_string()).map(drop)
}

#[test]
fn seed_05_audio_is_read_until_its_retention_is_over_and_is_gone_then() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let (speech, record) = captured(&mut office, 2, "alias/aws/kinesisvideo", 51)?;
    let stream = text(&record["Recordings"][0]["Location"]);
    advance(&office, "1h30m")?;
    let heard = office.heard(&record)?;
    find(&heard.samples, &speech.samples)?;
    let listed = office.desk.ask("list_fragments", json!({ "stream": stream }))?;
    assert_eq!(listed.as_array().map(Vec::len), Some(heard.fragments.len() + 1), "the lead-in is one more");
    advance(&office, "1h")?;
    let listed = office.desk.ask("list_fragments", json!({ "stream": stream }));
    let nothing = listed.as_ref().map_or(true, |numbers| numbers.as_array().is_some_and(Vec::is_empty));
    assert!(nothing, "{listed:?}");
    let after = office.media_from_the_beginning(&stream)?;
    assert!(after.samples.is_empty(), "{} samples outlive their retention", after.samples.len());
    Ok(())
}

#[test]
fn seed_14_the_key_that_was_chosen_encrypts_the_audio_and_without_it_none_is_read() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let created = office.desk.call("kms", "create_key", json!({ "Description": "voices" }))?;
    let key = text(&created["KeyMetadata"]["KeyId"]);
    let (speech, record) = captured(&mut office, 24, &text(&created["KeyMetadata"]["Arn"]), 52)?;
    let stream = text(&record["Recordings"][0]["Location"]);
    let described = office.desk.call("kinesisvideo", "describe_stream", json!({ "StreamARN": stream }))?;
    assert!(text(&described["StreamInfo"]["KmsKeyId"]).contains(&key), "{described}");
    let heard = office.heard(&record)?;
    find(&heard.samples, &speech.samples)?;
    office.desk.call("kms", "disable_key", json!({ "KeyId": key }))?;
    let start = text(&record["Recordings"][0]["FragmentStartNumber"]);
    let locked = office.desk.ask(
        "error_of_media",
        json!({ "stream": stream, "selector": { "StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": start } }),
    )?;
    assert_eq!(text(&locked), "4501", "AWS's error id of a disabled key");
    Ok(())
}

#[test]
fn seed_15_the_retention_of_the_instance_is_that_of_the_streams_of_its_calls() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    // Seven days, as the console has it.
    let (_, record) = captured(&mut office, 7 * 24, "alias/aws/kinesisvideo", 53)?;
    let stream = text(&record["Recordings"][0]["Location"]);
    let described = office.desk.call("kinesisvideo", "describe_stream", json!({ "StreamARN": stream }))?;
    assert_eq!(described["StreamInfo"]["DataRetentionInHours"], 168);
    Ok(())
}

#[test]
fn seed_29_a_session_token_reads_the_audio_of_a_call() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let (speech, record) = captured(&mut office, 24, "alias/aws/kinesisvideo", 54)?;
    let session = office.desk.call("sts", "get_session_token", json!({}))?;
    let credentials = &session["Credentials"];
    office.desk.ask(
        "sign_with",
        json!({
            "key": credentials["AccessKeyId"], "secret": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"].as_str().context("no token")?,
        }),
    )?;
    let heard = office.heard(&record)?;
    find(&heard.samples, &speech.samples)?;
    Ok(())
}
