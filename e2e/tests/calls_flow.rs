//! What flows do with a capture: where it begins and ends, what functions and records are told of it.

use std::time::Duration;
use tympan_e2e::audio::{Law, Speech, find, read_raw};
use tympan_e2e::desk::{folder, interpreter, python};
use tympan_e2e::flow::{
    Flow, compare, hang_up, invoke, listen, set_attributes, start_streaming, stop_streaming, transfer,
};
use tympan_e2e::office::{Office, text, unix_ms};
use tympan_e2e::sipp::Caller;
use tympan_e2e::until;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
const FUNCTION: &str = "arn:aws:lambda:us-west-2:111122223333:function:start";
const ECHO: &str = "arn:aws:lambda:us-west-2:111122223333:function:echo";

/// The seed's five references and the two later spellings.
const AUDIO: [(&str, &str); 7] = [
    ("streamArn", "$.MediaStreams.Customer.Audio.StreamARN"),
    ("startTimestamp", "$.MediaStreams.Customer.Audio.StartTimestamp"),
    ("stopTimestamp", "$.MediaStreams.Customer.Audio.StopTimestamp"),
    ("startPosition", "$.MediaStreams.Customer.Audio.StartPosition"),
    ("stopPosition", "$.MediaStreams.Customer.Audio.StopPosition"),
    ("startFragment", "$.MediaStreams.Customer.Audio.StartFragmentNumber"),
    ("stopFragment", "$.MediaStreams.Customer.Audio.StopFragmentNumber"),
];

/// A caller who begins to speak when the call is answered, and speaks until the flow hangs up.
fn speak_until_hung_up(office: &Office, speech: &Speech) -> anyhow::Result<()> {
    Caller::dialling(NUMBER)
        .speaking(speech)
        .call()
        .speak(speech)
        .be_hung_up()
        .start(office.server.sip())?
        .wait()
}

#[test]
fn seed_02_18_nothing_before_start_and_nothing_after_stop() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let flow = Flow::new()
        .then("answered", set_attributes(&[("outcome", "answered")]))
        .then("before", listen("wait", 3))
        .then("start", start_streaming())
        .then("during", listen("speak", 3))
        .then("stop", stop_streaming())
        .then("keep", set_attributes(&AUDIO))
        .then("after", listen("wait", 3))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let speech = Speech::unique(office.folder(), 21, 60, Law::Mu)?;
    speak_until_hung_up(&office, &speech)?;

    let record = office.record()?;
    let attributes = &record["Attributes"];
    let heard = office.heard(&record)?;
    let found = find(&heard.samples, &speech.samples)?;
    // The caller speaks from the answer on, so a place in the speech is a time in the call.
    let answered = office.await_block("answered", "Success")?;
    let answered_ms = unix_ms(&text(&answered["Timestamp"]));
    let start_ms: i64 = text(&attributes["startTimestamp"]).parse()?;
    let stop_ms: i64 = text(&attributes["stopTimestamp"]).parse()?;
    let begins_off_ms = found.from as i64 / 8 - (start_ms - answered_ms);
    let length_off_ms = (found.to - found.from) as i64 / 8 - (stop_ms - start_ms);
    eprintln!("begins {begins_off_ms} ms and lasts {length_off_ms} ms off what the flow says");
    assert!(start_ms - answered_ms >= 3_000 && stop_ms - start_ms >= 3_000, "{attributes}");
    assert!(begins_off_ms.abs() < 500, "the capture begins {begins_off_ms} ms off the Start block");
    assert!(length_off_ms.abs() < 500, "the capture is {length_off_ms} ms longer than from Start to Stop");
    // And the record says what the attributes say.
    let recording = &record["Recordings"][0];
    assert_eq!(recording["FragmentStopNumber"], attributes["stopPosition"]);
    assert!(recording["StopTimestamp"].is_string());
    Ok(())
}

#[test]
fn seed_19_capture_goes_on_in_another_flow() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let second = Flow::new()
        .then("second", listen("still there", 2))
        .then("keep second", set_attributes(&[("secondStream", AUDIO[0].1), ("secondStart", AUDIO[3].1)]))
        .then("stop", stop_streaming())
        .then("hang up", hang_up());
    let second = office.create_flow("second", second)?;
    let first = Flow::new()
        .then("start", start_streaming())
        .then("first", listen("hello", 2))
        .then("keep first", set_attributes(&[("firstStream", AUDIO[0].1), ("firstStart", AUDIO[3].1)]))
        .then("move on", transfer(&second));
    office.answer(NUMBER, first)?;
    let speech = Speech::unique(office.folder(), 22, 60, Law::Mu)?;
    speak_until_hung_up(&office, &speech)?;

    let record = office.record()?;
    let attributes = &record["Attributes"];
    assert_eq!(attributes["firstStream"], attributes["secondStream"]);
    assert_eq!(attributes["firstStart"], attributes["secondStart"]);
    assert_eq!(record["Recordings"].as_array().map(Vec::len), Some(1), "{record}");
    assert_eq!(record["Recordings"][0]["Location"], attributes["firstStream"]);
    let heard = office.heard(&record)?;
    let found = find(&heard.samples, &speech.samples)?;
    assert!(found.to - found.from >= 4 * 8_000, "not both flows: {found:?}");
    Ok(())
}

#[test]
fn seed_17_20_21_22_a_function_right_after_start_reads_the_stream() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let (port_file, out) = (scratch.path().join("port"), scratch.path());
    let function = python("function.py")
        .args([&port_file, &out.to_owned()])
        .envs([("AWS_ACCESS_KEY_ID", "TYMPANDEV"), ("AWS_SECRET_ACCESS_KEY", "tympandevsecret")])
        .env("AWS_DEFAULT_REGION", "us-west-2")
        .spawn()?;
    let _function = Killed(function);
    let port = until("the function to listen", || Ok(std::fs::read_to_string(&port_file).ok()))?;
    let functions = format!("[{{arn = {FUNCTION:?}, url = \"http://127.0.0.1:{port}/\"}}]");
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_LAMBDA__FUNCTIONS", functions))?;
    std::fs::write(scratch.path().join("endpoint"), office.server.http())?;
    office.allow_function(FUNCTION)?;
    let flow = Flow::new()
        .then("name", set_attributes(&[("customer", "Ada")]))
        .then("start", start_streaming())
        .then(
            "function",
            invoke(FUNCTION, &[("arn", AUDIO[0].1), ("at", AUDIO[3].1), ("who", "$.Attributes.customer")]),
        )
        .then("answer", set_attributes(&[("said", "$.External.message"), ("bytes", "$.External.bytes")]))
        .then("copy", set_attributes(&AUDIO[..4]))
        .then("stop", stop_streaming())
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let speech = Speech::unique(office.folder(), 23, 60, Law::Mu)?;
    Caller::dialling(NUMBER)
        .from("+12065550142")
        .speaking(&speech)
        .call()
        .speak(&speech)
        .be_hung_up()
        .start(office.server.sip())?
        .wait()?;

    // Row 22: the event, with every value of the audio a string.
    let record = office.record()?;
    let event: serde_json::Value =
        serde_json::from_slice(&std::fs::read(scratch.path().join("event.json"))?)?;
    assert_eq!(event["Name"], "ContactFlowEvent");
    let data = &event["Details"]["ContactData"];
    assert_eq!(data["ContactId"], record["ContactId"]);
    assert_eq!(data["InitialContactId"], record["ContactId"]);
    assert_eq!(data["Channel"], "VOICE");
    assert_eq!(data["InitiationMethod"], "INBOUND");
    assert_eq!(data["InstanceARN"], record["InstanceARN"]);
    assert_eq!(data["Attributes"], serde_json::json!({ "customer": "Ada" }));
    assert_eq!(
        data["CustomerEndpoint"],
        serde_json::json!({ "Address": "+12065550142", "Type": "TELEPHONE_NUMBER" })
    );
    assert_eq!(data["SystemEndpoint"], serde_json::json!({ "Address": NUMBER, "Type": "TELEPHONE_NUMBER" }));
    let audio = &data["MediaStreams"]["Customer"]["Audio"];
    let (arn, start) = (text(&audio["StreamARN"]), text(&audio["StartFragmentNumber"]));
    assert!(
        arn.starts_with("arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-connect-demo-contact-"),
        "{arn}"
    );
    assert!(audio["StartTimestamp"].as_str().is_some_and(|ms| ms.len() == 13), "{audio}");
    assert!(audio.get("StopTimestamp").is_none() && audio.get("StopFragmentNumber").is_none(), "{audio}");
    let parameters = serde_json::json!({ "arn": arn, "at": start, "who": "Ada" });
    assert_eq!(event["Details"]["Parameters"], parameters);

    // Row 17: the stream could be read from that number at once.
    let read = read_raw(&scratch.path().join("heard.raw"))?;
    find(&read, &speech.samples)?;

    // Rows 20, 21: what the function said and what the attributes copied is in the record.
    let attributes = &record["Attributes"];
    assert_eq!(attributes["said"], "heard");
    assert_eq!(attributes["bytes"], (2 * read.len()).to_string());
    assert_eq!([&attributes["streamArn"], &attributes["startPosition"]], [&arn, &start]);
    assert_eq!(attributes["startTimestamp"], audio["StartTimestamp"]);
    let recording = &record["Recordings"][0];
    let keys: Vec<&String> = recording.as_object().into_iter().flatten().map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        [
            "DeletionReason",
            "FragmentStartNumber",
            "FragmentStopNumber",
            "Location",
            "MediaStreamType",
            "ParticipantType",
            "StartTimestamp",
            "Status",
            "StopTimestamp",
            "StorageType",
        ]
    );
    assert_eq!([&recording["Location"], &recording["FragmentStartNumber"]], [&arn, &start]);
    assert_eq!(recording["MediaStreamType"], "VIDEO");
    assert_eq!(recording["ParticipantType"], "CUSTOMER");
    assert_eq!(recording["StorageType"], "KINESIS_VIDEO_STREAM");
    assert_eq!(record["MediaStreams"], serde_json::json!([{ "Type": "AUDIO" }]));
    let heard = office.heard(&record)?;
    find(&heard.samples, &speech.samples)?;
    Ok(())
}

#[test]
fn seed_22_23_all_references_resolve_in_both_spellings() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let event = scratch.path().join("event.json");
    let script = folder("python").join("echo.py");
    let command = [interpreter(), script.display().to_string(), event.display().to_string()];
    let functions = format!("[{{arn = {ECHO:?}, command = {command:?}}}]");
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_LAMBDA__FUNCTIONS", functions))?;
    office.allow_function(ECHO)?;
    // Unset values match nothing; set ones look as flows in the field expect them.
    let unset = |next: &str| compare(AUDIO[1].1, next).when("TextStartsWith", "1", "failed");
    let mut flow = Flow::new()
        .then("unset", unset("start"))
        .then("start", start_streaming())
        .then("listen", listen("speak", 1))
        .then("stop", stop_streaming());
    let looks = ["arn:aws:kinesisvideo:", "1", "1", "91343852", "91343852", "91343852", "91343852"];
    for ((name, reference), look) in AUDIO.into_iter().zip(looks) {
        let then = format!("{name} fits");
        flow = flow
            .then(name, compare(reference, "failed").when("TextStartsWith", look, &then))
            .then(&then, set_attributes(&[(name, reference)]));
    }
    let flow = flow
        .then("function", invoke(ECHO, &AUDIO))
        .then(
            "said",
            set_attributes(&[("fromFunction", "$.External.stopPosition"), ("seen", "$.External.seen")]),
        )
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let speech = Speech::unique(office.folder(), 24, 30, Law::Mu)?;
    speak_until_hung_up(&office, &speech)?;

    let record = office.record()?;
    let attributes = &record["Attributes"];
    assert!(attributes.get("outcome").is_none(), "a branch failed: {attributes}\n{:#?}", office.flow_log());
    let recording = &record["Recordings"][0];
    assert_eq!(attributes["streamArn"], recording["Location"]);
    assert_eq!(
        [&attributes["startPosition"], &attributes["startFragment"]],
        [&recording["FragmentStartNumber"]; 2]
    );
    assert_eq!(
        [&attributes["stopPosition"], &attributes["stopFragment"]],
        [&recording["FragmentStopNumber"]; 2]
    );
    assert_eq!(attributes["seen"], "yes");
    assert_eq!(attributes["fromFunction"], attributes["stopPosition"]);

    // After Stop the event has the stop values too, and the parameters were resolved.
    let event: serde_json::Value = serde_json::from_slice(&std::fs::read(&event)?)?;
    let audio = &event["Details"]["ContactData"]["MediaStreams"]["Customer"]["Audio"];
    assert_eq!(audio["StopFragmentNumber"], attributes["stopFragment"]);
    assert_eq!(audio["StopTimestamp"], attributes["stopTimestamp"]);
    for (name, _) in AUDIO {
        assert_eq!(event["Details"]["Parameters"][name], attributes[name]);
    }
    Ok(())
}

#[test]
fn seed_01_capture_goes_on_while_functions_are_slow_and_when_they_fail() -> anyhow::Result<()> {
    const SLOW: &str = "arn:aws:lambda:us-west-2:111122223333:function:slow";
    const BROKEN: &str = "arn:aws:lambda:us-west-2:111122223333:function:broken";
    let command =
        |arn: &str, script: &str| format!("{{arn = {arn:?}, command = [\"sh\", \"-c\", {script:?}]}}");
    let slow = command(SLOW, "cat > /dev/null; sleep 3; echo '{}'");
    let functions = format!("[{slow}, {}]", command(BROKEN, "cat > /dev/null; echo broken >&2; exit 1"));
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_LAMBDA__FUNCTIONS", functions))?;
    office.allow_function(SLOW)?;
    office.allow_function(BROKEN)?;
    let flow = Flow::new()
        .then("start", start_streaming())
        .then("slow", invoke(SLOW, &[]))
        .then("slow done", set_attributes(&[("slow", "done")]))
        .then("broken", invoke(BROKEN, &[]).or_else("broken failed").to("hang up"))
        .then("broken failed", set_attributes(&[("broken", "failed")]))
        .then("listen", listen("go on", 1))
        .then("stop", stop_streaming())
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let speech = Speech::unique(office.folder(), 26, 60, Law::Mu)?;
    speak_until_hung_up(&office, &speech)?;

    let record = office.record()?;
    assert_eq!(record["Attributes"], serde_json::json!({ "slow": "done", "broken": "failed" }));
    let refused = office.await_block("broken", "Error")?;
    assert!(text(&refused["Reason"]).contains("exit status: 1"), "{refused}");
    let heard = office.heard(&record)?;
    let found = find(&heard.samples, &speech.samples)?;
    assert!(found.to - found.from >= 4 * 8_000, "not the whole call: {found:?}");
    Ok(())
}

#[test]
fn the_sample_flow_of_dev_captures_a_caller_without_any_set_up() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let speech = Speech::unique(office.folder(), 25, 60, Law::Mu)?;
    let caller = Caller::dialling("+18005550100").speaking(&speech).call().speak(&speech);
    // By then the greeting is over; the flow asks for the key again and again.
    let caller = caller.pause(Duration::from_secs(12)).press_by_info('1').be_hung_up();
    caller.start(office.server.sip())?.wait()?;
    let record = office.record()?;
    let (attributes, recording) = (&record["Attributes"], &record["Recordings"][0]);
    assert_eq!(attributes["streamArn"], recording["Location"]);
    assert_eq!(attributes["startPosition"], recording["FragmentStartNumber"]);
    assert_eq!(attributes["stopPosition"], recording["FragmentStopNumber"]);
    let heard = office.heard(&record)?;
    let found = find(&heard.samples, &speech.samples)?;
    assert!(found.to - found.from > 8 * 8_000, "{found:?}");
    Ok(())
}

/// A child that does not outlive the test.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
