use super::bench::{Bench, contact};
use crate::{AxisPart, ErrorCode, SoundForm, SoundTrack, WantedSound};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use tympan_contact::{AgentPart, AgentRef, CapturedAudio, Contact, CustomerAudio, History, Hold};
use tympan_telephony::rtp::ledger::Cause;
use tympan_types::{ContactFlowId, FragmentNumber, Redacted, ResourceId, StreamArn, WallTime};

fn ids(answer: &Value) -> Vec<String> {
    let contacts = answer["Contacts"].as_array().unwrap();
    contacts.iter().map(|contact| contact["ContactId"].as_str().unwrap().to_owned()).collect()
}

fn capture() -> CustomerAudio {
    CustomerAudio {
        stream_arn: StreamArn::parse("arn:aws:kinesisvideo:us-west-2:111122223333:stream/a/1598784211076")
            .unwrap(),
        start_timestamp: WallTime::from_unix_ms(1_706_238_462_000),
        stop_timestamp: None,
        start_fragment_number: FragmentNumber::MIN,
        stop_fragment_number: None,
        ledger: Some(Default::default()),
    }
}

/// The same with a lost packet.
fn lossy_capture() -> CustomerAudio {
    let mut capture = capture();
    capture.ledger.as_mut().unwrap().silence(160, Cause::Lost);
    capture
}

#[tokio::test]
async fn pages_join_to_all_contacts_of_the_caller_newest_first() {
    let bench = Bench::new();
    for n in 1..=7 {
        bench.contacts.kept.update(&contact(n)).unwrap();
    }
    let mut foreign = contact(8);
    foreign.instance.account = bench.stranger().account;
    bench.contacts.kept.update(&foreign).unwrap();
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page =
            bench.call(&format!("GET /tympan/contacts?maxResults=3{token}"), Value::Null).await.unwrap();
        assert!(page["Contacts"].as_array().unwrap().len() <= 3);
        seen.extend(ids(&page));
        match page["NextToken"].as_str() {
            Some(next) => token = format!("&nextToken={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = (1..=7).rev().map(|n| contact(n).id.to_string()).collect();
    assert_eq!(seen, expected);
    let theirs = bench.call_as(&bench.stranger(), "GET /tympan/contacts", Value::Null).await.unwrap();
    assert_eq!(ids(&theirs), [foreign.id.to_string()]);
}

/// Two contacts: the first is live, and has everything; the second has ended, and has nothing.
fn two(bench: &Bench) -> (Contact, Contact) {
    let (mut one, mut other) = (contact(1), contact(2));
    one.initial_flow = Some(ContactFlowId::from_random([9; 16]));
    one.attributes.set(BTreeMap::from([("department".to_owned(), "parcels".to_owned())])).unwrap();
    one.captures.push(lossy_capture());
    other.disconnect_timestamp = Some(other.initiation_timestamp.plus_ms(60_000));
    other.customer_endpoint.as_mut().unwrap().address = Redacted::new("+12065559876".to_owned());
    bench.contacts.kept.update(&one).unwrap();
    bench.contacts.kept.update(&other).unwrap();
    (one, other)
}

#[tokio::test]
async fn a_search_finds_by_each_of_its_conditions_and_by_all_together() {
    let bench = Bench::new();
    let (one, other) = two(&bench);
    let (first, second) = (vec![one.id.to_string()], vec![other.id.to_string()]);
    let (both, none) = (vec![other.id.to_string(), one.id.to_string()], Vec::new());
    let reversed = vec![one.id.to_string(), other.id.to_string()];
    for (conditions, expected) in [
        (json!({}), &both),
        (json!({ "NumberPart": "555-012" }), &first),
        (json!({ "NumberPart": "+1206" }), &second),
        (json!({ "Attribute": { "Name": "department", "Value": "parcels" } }), &first),
        (json!({ "Attribute": { "Name": "department", "Value": "parcel" } }), &none),
        (json!({ "ContactFlowId": one.initial_flow }), &first),
        (json!({ "State": "LIVE" }), &first),
        (json!({ "State": "ENDED" }), &second),
        (json!({ "HasStream": true }), &first),
        (json!({ "HasStream": false }), &second),
        (json!({ "HasLosses": true }), &first),
        (json!({ "HasLosses": false }), &second),
        (json!({ "Order": "OLDEST_FIRST" }), &reversed),
        (json!({ "Order": "NEWEST_FIRST" }), &both),
        (json!({ "Queue": "parcels" }), &none),
        (json!({ "Agent": "33333333-2222-4333-8444-555555555555" }), &none),
        (json!({ "InstanceId": one.instance.id }), &both),
        (json!({ "InstanceId": "99999999-9999-4999-8999-999999999999" }), &none),
        (json!({ "TimeRange": { "To": "2024-01-26T03:07:42.500Z" } }), &first),
        (json!({ "TimeRange": { "From": "2024-01-26T04:07:43+01:00" } }), &second),
        (json!({ "TimeRange": { "Axis": "DISCONNECT", "From": "2024-01-26T03:00:00Z" } }), &second),
        (json!({ "State": "LIVE", "HasStream": true, "NumberPart": "0123" }), &first),
        (json!({ "State": "LIVE", "NumberPart": "9876" }), &none),
    ] {
        let found = bench.call("POST /tympan/contacts/search", conditions.clone()).await.unwrap();
        assert_eq!(ids(&found), *expected, "{conditions}");
    }
}

#[tokio::test]
async fn nonsense_in_a_search_is_named() {
    let bench = Bench::new();
    for (conditions, named) in [
        (json!({ "State": "UP" }), "state"),
        (json!({ "Order": "LONGEST_FIRST" }), "order"),
        (json!({ "Stat": "LIVE" }), "Stat"),
        (json!({ "TimeRange": { "From": "yesterday" } }), "TimeRange.From"),
        (json!({ "TimeRange": { "Axis": "END" } }), "axis"),
        (json!({ "InstanceId": "demo" }), "InstanceId"),
        (json!({ "ContactFlowId": "x" }), "ContactFlowId"),
        (json!({ "NumberPart": "" }), "numberPart"),
        (json!({ "MaxResults": 0 }), "MaxResults"),
        (json!({ "NextToken": "abc" }), "NextToken"),
    ] {
        let error = bench.call("POST /tympan/contacts/search", conditions.clone()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Validation, "{conditions}");
        assert!(error.to_string().contains(named), "{conditions}: {error}");
    }
}

#[tokio::test]
async fn contacts_are_counted_by_the_interval_in_which_they_began() {
    let bench = Bench::new();
    two(&bench);
    // They began at 03:07:42 and 03:07:43.
    let day = "from=2024-01-26T03:06:43Z&to=2024-01-26T03:08:00Z&intervalMinutes=1";
    let path = format!("GET /tympan/contact-counts?{day}");
    let interval = |from: &str, to: &str, count: u64| json!({ "From": format!("2024-01-26T03:{from}.000Z"), "To": format!("2024-01-26T03:{to}.000Z"), "Contacts": count });
    let expected = json!({ "Intervals": [interval("06:43", "07:43", 1), interval("07:43", "08:00", 1)] });
    assert_eq!(bench.call(&path, Value::Null).await.unwrap(), expected);
    let strangers = bench.call_as(&bench.stranger(), &path, Value::Null).await.unwrap();
    assert_eq!(strangers["Intervals"][0]["Contacts"], 0);
    let usual = bench.call("GET /tympan/contact-counts", Value::Null).await.unwrap();
    assert_eq!(usual["Intervals"].as_array().unwrap().len(), 24);
    let denied = Denied::default();
    let error = bench.attempt(&bench.caller, &denied, &path, Value::Null).await.result.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    assert_eq!(*denied.0.lock().unwrap(), ["tympan:GetContactCounts on *"]);
    for query in ["intervalMinutes=0", "from=today", "from=2020-01-01T00:00:00Z", "intervalMinutes=1"] {
        let error =
            bench.call(&format!("GET /tympan/contact-counts?{query}"), Value::Null).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Validation, "{query}");
    }
}

/// Denies everything, and notes what was asked.
#[derive(Default)]
struct Denied(std::sync::Mutex<Vec<String>>);

impl tympan_aws::Permit for Denied {
    fn permit(&self, asks: &[tympan_aws::Ask]) -> Result<(), tympan_auth::Refusal> {
        let asked = asks.iter().map(|ask| format!("{} on {}", ask.action, ask.resource.arn));
        self.0.lock().unwrap().extend(asked);
        let cause = tympan_auth::RefusalCause::NoAllow { in_session: false };
        let (principal, action, resource) = (String::new(), asks[0].action.to_string(), String::new());
        Err(tympan_auth::Refusal { principal, action, resource, cause })
    }
}

#[tokio::test]
async fn only_a_caller_who_may_do_it_learns_what_is_wrong_with_a_request() {
    let bench = Bench::new();
    let id = contact(1).id;
    for (request, body, asked) in [
        (
            "POST /tympan/contacts/search".to_owned(),
            json!({ "ContactId": id }),
            "tympan:SearchContacts on *".to_owned(),
        ),
        ("POST /tympan/backup".to_owned(), json!({ "Directory": 5 }), "tympan:StartBackup on *".to_owned()),
        (
            format!("GET /tympan/contacts/{id}/waveform?columns=wide"),
            Value::Null,
            format!("tympan:GetWaveform on arn:aws:tympan:us-west-2:111122223333:contact/{id}"),
        ),
    ] {
        let denied = Denied::default();
        let error = bench.attempt(&bench.caller, &denied, &request, body.clone()).await.result.unwrap_err();
        assert_eq!((error.code(), denied.0.lock().unwrap().clone()), (ErrorCode::AccessDenied, vec![asked]));
        assert_eq!(bench.call(&request, body).await.unwrap_err().code(), ErrorCode::Validation, "{request}");
    }
}

#[tokio::test]
async fn a_token_is_good_for_its_own_question_only() {
    let bench = Bench::new();
    for n in 1..=3 {
        bench.contacts.kept.update(&contact(n)).unwrap();
    }
    let ask = |part: &str, token: Option<&str>| {
        let body = json!({ "NumberPart": part, "MaxResults": 1, "NextToken": token });
        async { bench.call("POST /tympan/contacts/search", body).await }
    };
    let page = ask("0123", None).await.unwrap();
    let token = page["NextToken"].as_str();
    assert!(ask("0123", token).await.is_ok());
    assert_eq!(ask("5550123", token).await.unwrap_err().code(), ErrorCode::Validation);
}

#[tokio::test]
async fn attributes_are_told_by_their_names_alone_where_that_is_asked_for() {
    let bench = Bench::new();
    let (one, _) = two(&bench);
    let path = |query: &str| format!("GET /tympan/contacts/{}{query}", one.id);
    let record = bench.call(&path("?attributes=NAMES"), Value::Null).await.unwrap();
    assert_eq!(record["Attributes"], json!({ "department": null }));
    let whole = bench.call(&path("?attributes=VALUES"), Value::Null).await.unwrap();
    assert_eq!(whole, bench.call(&path(""), Value::Null).await.unwrap());
    let error = bench.call(&path("?attributes=names"), Value::Null).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Validation);
}

#[tokio::test]
async fn an_agent_is_told_with_the_times_of_each_hold() {
    let bench = Bench::new();
    let mut held = contact(9);
    let agent = AgentRef {
        id: ResourceId::LEAST,
        arn: "arn".to_owned(),
        user_name: "anna".to_owned(),
        first_name: String::new(),
        last_name: String::new(),
        routing_profile_arn: "arn".to_owned(),
        routing_profile_name: "all".to_owned(),
    };
    let from = held.initiation_timestamp.plus_ms(5_250);
    let holds =
        vec![Hold { from, to: Some(from.plus_ms(1_500)) }, Hold { from: from.plus_ms(9_000), to: None }];
    held.agent = Some(AgentPart { connected: Some(from), holds, ..AgentPart::accepted(agent, from) });
    bench.contacts.kept.update(&held).unwrap();
    let record = bench.call(&format!("GET /tympan/contacts/{}", held.id), Value::Null).await.unwrap();
    let time = |ms: i64| json!(from.plus_ms(ms).rfc3339_ms());
    assert_eq!(
        record["Agent"]["Holds"],
        json!([{ "From": time(0), "To": time(1_500) }, { "From": time(9_000), "To": null }])
    );
}

#[tokio::test]
async fn one_contact_is_told_with_the_ledger_of_each_capture() {
    let bench = Bench::new();
    let (one, _) = two(&bench);
    let record = bench.call(&format!("GET /tympan/contacts/{}", one.id), Value::Null).await.unwrap();
    assert_eq!(record["Attributes"], json!({ "department": "parcels" }));
    assert_eq!(record["Recordings"][0]["Ledger"]["Samples"], 160);
    let spelled = one.id.to_string().to_uppercase();
    assert!(bench.call(&format!("GET /tympan/contacts/{spelled}"), Value::Null).await.is_ok());
}

#[tokio::test]
async fn no_operation_knows_a_contact_of_another_account_or_region_or_one_that_is_not_there() {
    let bench = Bench::new();
    let (one, _) = two(&bench);
    let elsewhere = tympan_types::Caller {
        region: tympan_types::Region::parse("eu-west-1").unwrap(),
        ..bench.caller.clone()
    };
    let absent = "99999999-9999-4999-8999-999999999999";
    for (caller, id) in [
        (&bench.stranger(), one.id.to_string()),
        (&elsewhere, one.id.to_string()),
        (&bench.caller, absent.to_owned()),
        (&bench.caller, "18005550100".to_owned()),
        (&bench.caller, format!("%7B{}%7D", one.id)),
    ] {
        for request in ["GET /", "DELETE /", "GET /waveform", "GET /audio", "GET /listen", "GET /flow-log"] {
            let (method, suffix) = request.split_once(" /").unwrap();
            let suffix = if suffix.is_empty() { String::new() } else { format!("/{suffix}") };
            let request = format!("{method} /tympan/contacts/{id}{suffix}");
            let error = bench.call_as(caller, &request, Value::Null).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::NotFound, "{request}");
        }
    }
    assert!(bench.contacts.erased.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_waveform_is_as_wide_as_it_was_asked_for_and_a_key_that_is_off_is_told() {
    let bench = Bench::new();
    let (mut one, _) = two(&bench);
    let path = format!("GET /tympan/contacts/{}/waveform", one.id);
    let drawn = bench.call(&format!("{path}?columns=7"), Value::Null).await.unwrap();
    assert_eq!((&drawn["Samples"], &drawn["ContactId"]), (&json!(7), &json!(one.id)));
    assert_eq!(bench.call(&path, Value::Null).await.unwrap()["Samples"], 1_000);
    for columns in ["0", "16385"] {
        let error = bench.call(&format!("{path}?columns={columns}"), Value::Null).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Validation);
    }
    one.sip_headers.insert("X-Key".to_owned(), Redacted::new("off".to_owned()));
    bench.contacts.kept.update(&one).unwrap();
    assert_eq!(bench.call(&path, Value::Null).await.unwrap_err().code(), ErrorCode::KeyAccessDenied);
}

#[tokio::test]
async fn sound_is_asked_for_as_the_request_says_and_a_key_that_is_off_is_told() {
    let bench = Bench::new();
    let (mut one, _) = two(&bench);
    let path = format!("GET /tympan/contacts/{}/audio", one.id);
    let wanted = |form, from_ms, to_ms| WantedSound { part: AxisPart { from_ms, to_ms }, form };
    for (query, expected) in [
        ("", wanted(SoundForm::Wav(SoundTrack::FromCustomer), None, None)),
        (
            "?format=raw&track=AUDIO_TO_CUSTOMER&from=5&to=9",
            wanted(SoundForm::Raw(SoundTrack::ToCustomer), Some(5), Some(9)),
        ),
        ("?format=mkv&to=0", wanted(SoundForm::Matroska, None, Some(0))),
    ] {
        assert_eq!(bench.stream::<WantedSound>(&format!("{path}{query}")).await.unwrap(), expected);
    }
    for query in ["?format=mp3", "?format=mkv&track=AUDIO_TO_CUSTOMER", "?track=x", "?from=2&to=1", "?to=-1"]
    {
        let error = bench.stream::<WantedSound>(&format!("{path}{query}")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Validation, "{query}");
    }
    one.sip_headers.insert("X-Key".to_owned(), Redacted::new("off".to_owned()));
    bench.contacts.kept.update(&one).unwrap();
    assert_eq!(bench.stream::<WantedSound>(&path).await.unwrap_err().code(), ErrorCode::KeyAccessDenied);
}

#[tokio::test]
async fn a_contact_whose_call_is_up_is_listened_to_and_one_that_has_ended_is_not() {
    let bench = Bench::new();
    let (mut one, _) = two(&bench);
    one.disconnect_timestamp = None;
    bench.contacts.kept.update(&one).unwrap();
    let path = format!("GET /tympan/contacts/{}/listen", one.id);
    assert_eq!(bench.stream::<Vec<SoundTrack>>(&path).await.unwrap(), SoundTrack::ALL);
    one.disconnect_timestamp = Some(one.initiation_timestamp);
    bench.contacts.kept.update(&one).unwrap();
    let error = bench.stream::<Vec<SoundTrack>>(&path).await.unwrap_err();
    assert_eq!((error.code(), error.code().status()), (ErrorCode::ContactEnded, 409));
}

#[tokio::test]
async fn a_flow_log_says_whether_it_is_complete() {
    let bench = Bench::new();
    let (one, _) = two(&bench);
    let log = bench.call(&format!("GET /tympan/contacts/{}/flow-log", one.id), Value::Null).await.unwrap();
    assert_eq!(log["Lines"], json!([{ "ContactId": one.id }]));
    assert_eq!(log["Complete"], true);
}

#[tokio::test]
async fn a_contact_that_cannot_be_read_is_counted_told_as_a_fault_and_can_be_deleted() {
    let bench = Bench::new();
    let (_, other) = two(&bench);
    bench.contacts.unreadable.lock().unwrap().insert(other.id);
    assert_eq!(bench.call("GET /tympan/contacts", Value::Null).await.unwrap()["Unreadable"], 1);
    let path = format!("/tympan/contacts/{}", other.id);
    let error = bench.call(&format!("GET {path}"), Value::Null).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Internal);
    assert!(error.to_string().contains("DeleteContact"), "{error}");
    let nothing_more = json!({ "AudioWaits": false, "DeliveredTo": [] });
    assert_eq!(bench.call(&format!("DELETE {path}"), Value::Null).await.unwrap(), nothing_more);
    assert_eq!(*bench.contacts.erased.lock().unwrap(), [(other.id, CapturedAudio::Keep)]);
}

#[tokio::test]
async fn the_audio_of_a_contact_is_erased_only_where_that_is_asked_for() {
    let bench = Bench::new();
    let (_, other) = two(&bench);
    let path = format!("/tympan/contacts/{}", other.id);
    let error = bench.call(&format!("DELETE {path}?media=everything"), Value::Null).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Validation);
    assert!(bench.contacts.erased.lock().unwrap().is_empty());
    bench.call(&format!("DELETE {path}?media=erase"), Value::Null).await.unwrap();
    assert_eq!(*bench.contacts.erased.lock().unwrap(), [(other.id, CapturedAudio::Erase)]);
}

#[tokio::test]
async fn what_a_failing_index_says_stays_in_the_log() {
    let bench = Bench::new();
    let (one, _) = two(&bench);
    bench.contacts.is_away.store(true, Ordering::Relaxed);
    let error = bench.call(&format!("GET /tympan/contacts/{}", one.id), Value::Null).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Internal);
    assert!(!error.to_string().contains("disk"), "{error}");
}
