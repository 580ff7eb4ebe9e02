//! The lines of the audit file.

use super::bench::{Bench, Trail, contact};
use crate::ErrorCode;
use serde_json::{Value, json};
use std::sync::Mutex;
use tympan_contact::{CustomerAudio, History};
use tympan_types::{FragmentNumber, StreamArn, WallTime};

const STREAM: &str = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-1/1598784211076";

fn line(second: u8, members: Value) -> String {
    let mut line = json!({ "time": format!("2024-01-26T03:07:{second:02}.000Z") });
    for (name, value) in members.as_object().unwrap() {
        line[name] = value.clone();
    }
    line.to_string()
}

fn user(name: &str) -> String {
    format!("arn:aws:iam::111122223333:user/{name}")
}

/// Lines of all kinds, a second apart; the file has what a crash left of one among them.
fn lines() -> Vec<String> {
    let contact = contact(1).id;
    let session = "arn:aws:sts::111122223333:assumed-role/transcriber/desk";
    vec![
        line(
            0,
            json!({ "event": "administration", "principal": user("ops"), "access_key_id": "AKIDOPS", "source_ip": "10.0.0.1",
            "action": "connect:CreateUser", "resource": "*", "status": 200, "request_id": "r0" }),
        ),
        "{\"time\":\"2024-01".to_owned(),
        line(
            1,
            json!({ "event": "media-read", "principal": session, "access_key_id": "ASIA1", "session_of": "AKIDOPS",
            "action": "kinesisvideo:GetMedia", "resource": STREAM, "status": 200, "request_id": "r1" }),
        ),
        line(
            2,
            json!({ "event": "media-read-end", "principal": session, "access_key_id": "ASIA1", "session_of": "AKIDOPS",
            "action": "kinesisvideo:GetMedia", "resource": STREAM, "request_id": "r1", "bytes": 10, "took_ms": 20 }),
        ),
        line(
            3,
            json!({ "event": "denial", "principal": user("care"), "access_key_id": "AKIDCARE",
            "action": "tympan:DescribeContact", "resource": format!("arn:aws:tympan:us-west-2:111122223333:contact/{contact}"), "request_id": "r3" }),
        ),
        line(
            4,
            json!({ "event": "administration", "principal": user("ops"), "access_key_id": "AKIDOPS",
            "action": "connect:StopContact", "resource": format!("arn:aws:connect:us-west-2:111122223333:instance/i/contact/{contact}"),
            "status": 404, "error": "ResourceNotFoundException", "request_id": "r4" }),
        ),
        line(
            5,
            json!({ "event": "denial", "source_ip": "10.0.0.9", "action": "tympan:SignIn", "resource": "*", "status": 401, "error": "WrongCredentials" }),
        ),
        line(
            6,
            json!({ "event": "listening", "principal": "arn:aws:connect:us-west-2:111122223333:instance/i/agent/a", "action": "SILENT_MONITOR",
            "resource": "arn:aws:connect:us-west-2:111122223333:instance/i/contact/other" }),
        ),
        line(7, json!({ "event": "lost", "lines": 3 })),
    ]
}

fn bench(at_once: Option<usize>) -> Bench {
    Bench::with(Trail { lines: Mutex::new(lines()), at_once })
}

async fn listed(bench: &Bench, query: &str) -> Value {
    bench.call(&format!("GET /tympan/audit{query}"), Value::Null).await.unwrap()
}

/// The seconds of the lines that are found.
async fn seconds(bench: &Bench, query: &str) -> Vec<u32> {
    let listed = listed(bench, query).await;
    let second = |line: &Value| line["Time"].as_str().unwrap()[17..19].parse().unwrap();
    listed["Lines"].as_array().unwrap().iter().map(second).collect()
}

#[tokio::test]
async fn lines_are_told_newest_first_with_what_became_of_each() {
    let bench = bench(None);
    let all = listed(&bench, "").await;
    assert_eq!(
        (&all["IsWritten"], &all["Complete"], &all["NextToken"]),
        (&json!(true), &json!(true), &Value::Null)
    );
    let lines = all["Lines"].as_array().unwrap();
    assert_eq!(lines.len(), 8, "half a line is none");
    assert_eq!(lines[0], json!({ "Time": "2024-01-26T03:07:07.000Z", "Kind": "lost", "Count": 3 }));
    let outcomes: Vec<Option<&str>> = lines.iter().map(|line| line["Outcome"].as_str()).collect();
    let (done, denied, failed) = (Some("SUCCEEDED"), Some("DENIED"), Some("FAILED"));
    assert_eq!(outcomes, [None, done, denied, failed, denied, done, done, done]);
    let expected = json!({
        "Time": "2024-01-26T03:07:02.000Z", "Kind": "media-read-end", "Outcome": "SUCCEEDED", "User": "transcriber/desk",
        "Principal": "arn:aws:sts::111122223333:assumed-role/transcriber/desk", "AccessKeyId": "ASIA1", "SessionOf": "AKIDOPS",
        "Action": "kinesisvideo:GetMedia", "Resource": STREAM, "RequestId": "r1", "Bytes": 10, "TookMilliseconds": 20,
    });
    assert_eq!(lines[5], expected);
    assert_eq!(
        (&lines[3]["Reason"], &lines[3]["Status"]),
        (&json!("ResourceNotFoundException"), &json!(404))
    );
    assert_eq!(lines[1]["User"], "arn:aws:connect:us-west-2:111122223333:instance/i/agent/a");
}

#[tokio::test]
async fn the_end_of_listening_says_how_much_was_heard_and_why_it_ended() {
    let ended = line(
        8,
        json!({ "event": "listening-end", "principal": user("ops"), "access_key_id": "AKIDOPS", "action": "tympan:ListenContact",
            "resource": "arn:aws:tympan:us-west-2:111122223333:contact/c", "request_id": "r8", "took_ms": 2_000,
            "samples": 16_000, "holes": 1, "reason": "LISTENER_LEFT" }),
    );
    let bench = Bench::with(Trail { lines: Mutex::new(vec![ended]), at_once: None });
    let listed = listed(&bench, "?kind=listening-end&outcome=SUCCEEDED").await;
    let expected = json!({
        "Time": "2024-01-26T03:07:08.000Z", "Kind": "listening-end", "Outcome": "SUCCEEDED", "User": "ops", "Principal": user("ops"),
        "AccessKeyId": "AKIDOPS", "Action": "tympan:ListenContact", "Resource": "arn:aws:tympan:us-west-2:111122223333:contact/c",
        "RequestId": "r8", "TookMilliseconds": 2_000, "Samples": 16_000, "Holes": 1, "Reason": "LISTENER_LEFT",
    });
    assert_eq!(listed["Lines"], json!([expected]));
}

#[tokio::test]
async fn lines_are_found_by_time_user_action_resource_kind_and_outcome() {
    let bench = bench(None);
    for (query, expected) in [
        ("?from=2024-01-26T03:07:06Z", &[7, 6][..]),
        ("?to=2024-01-26T03:07:00Z", &[0]),
        ("?from=2024-01-26T04:07:01%2B01:00&to=2024-01-26T03:07:02.500Z", &[2, 1]),
        ("?from=2024-01-26T03:07:08Z", &[]),
        ("?user=ops", &[4, 0]),
        ("?user=arn:aws:iam::111122223333:user/care", &[3]),
        ("?user=AKIDOPS", &[4, 2, 1, 0]),
        ("?user=ASIA1", &[2, 1]),
        ("?user=op", &[]),
        ("?user=transcriber/desk", &[2, 1]),
        ("?action=kinesisvideo:getmedia", &[2, 1]),
        ("?action=GetMedia", &[2, 1]),
        ("?action=connect:*", &[4, 0]),
        ("?action=S*", &[6, 5, 4]),
        ("?action=*", &[6, 5, 4, 3, 2, 1, 0]),
        ("?resource=STREAM/demo", &[2, 1]),
        ("?kind=denial", &[5, 3]),
        ("?kind=denials", &[]),
        ("?outcome=FAILED", &[4]),
        ("?outcome=DENIED&user=care", &[3]),
    ] {
        assert_eq!(seconds(&bench, query).await, expected, "{query}");
    }
    for query in [
        "?from=noon",
        "?outcome=NONE",
        "?user=",
        "?contactId=1",
        "?maxResults=0",
        "?maxResults=1001",
        "?nextToken=x",
    ] {
        let refused = bench.call(&format!("GET /tympan/audit{query}"), Value::Null).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Validation, "{query}");
    }
}

#[tokio::test]
async fn lines_of_a_contact_are_those_that_name_it_and_those_of_its_streams_since_it_began() {
    let bench = bench(None);
    let mut known = contact(1);
    let of = |id: tympan_types::ContactId| format!("?contactId={id}");
    // Also of a contact that is erased.
    assert_eq!(seconds(&bench, &of(known.id)).await, [4, 3]);
    known.initiation_timestamp = WallTime::from_unix_ms(1_706_238_462_000);
    assert_eq!(known.initiation_timestamp.rfc3339_ms(), "2024-01-26T03:07:42.000Z");
    known.captures = vec![CustomerAudio {
        stream_arn: StreamArn::parse(STREAM).unwrap(),
        start_timestamp: known.initiation_timestamp,
        stop_timestamp: None,
        start_fragment_number: FragmentNumber::MIN,
        stop_fragment_number: None,
        ledger: None,
    }];
    bench.contacts.kept.update(&known).unwrap();
    assert_eq!(seconds(&bench, &of(known.id)).await, [4, 3], "before it began");
    known.initiation_timestamp = WallTime::from_unix_ms(1_706_238_422_000);
    bench.contacts.kept.update(&known).unwrap();
    assert_eq!(seconds(&bench, &of(known.id)).await, [4, 3, 2]);
    assert_eq!(seconds(&bench, &of(contact(2).id)).await, [0; 0]);
}

#[tokio::test]
async fn pages_go_on_where_the_one_before_ended_and_may_be_empty() {
    for (at_once, size) in [(None, 1), (None, 3), (Some(2), 1_000), (Some(1), 2)] {
        let bench = bench(at_once);
        for (query, expected) in [
            ("user=ops", &[4, 0][..]),
            ("kind=lost", &[7]),
            ("to=2024-01-26T03:08:00Z", &[7, 6, 5, 4, 3, 2, 1, 0]),
        ] {
            let mut found = Vec::new();
            let mut request = format!("?{query}&maxResults={size}");
            let mut pages = 0;
            loop {
                found.extend(seconds(&bench, &request).await);
                let page = listed(&bench, &request).await;
                assert!(page["Lines"].as_array().unwrap().len() <= size);
                pages += 1;
                let Some(token) = page["NextToken"].as_str() else {
                    assert_eq!(page["Complete"], true);
                    break;
                };
                assert_eq!(page["Complete"], false);
                request = format!("?{query}&maxResults={size}&nextToken={token}");
            }
            assert_eq!(found, expected, "{query} {at_once:?} {size}");
            assert!(pages > 1 || at_once.is_none());
        }
    }
    let bench = bench(Some(1));
    let token = listed(&bench, "?user=ops").await["NextToken"].as_str().unwrap().to_owned();
    let other = bench.call(&format!("GET /tympan/audit?user=care&nextToken={token}"), Value::Null).await;
    assert_eq!(other.unwrap_err().code(), ErrorCode::Validation, "the token of another question");
}

#[tokio::test]
async fn a_search_ends_where_lines_are_much_older_than_wanted() {
    let bench = bench(Some(1_000));
    bench.trail.lines.lock().unwrap().push(line(59, json!({ "event": "lost", "lines": 1 })));
    // The clock was set back by some seconds: lines that are a little older do not end it.
    assert_eq!(seconds(&bench, "?from=2024-01-26T03:07:59Z").await, [59]);
    let older = [
        line(59, json!({ "event": "lost", "lines": 1 })),
        line(0, json!({ "event": "lost", "lines": 1 })).replace("T03", "T01"),
    ];
    bench.trail.lines.lock().unwrap().splice(0..0, older);
    assert_eq!(
        seconds(&bench, "?from=2024-01-26T03:07:59Z").await,
        [59],
        "what lies behind an hour is not looked at"
    );
}
