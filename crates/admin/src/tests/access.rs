//! Settings, access keys, policies, and what a request would be answered.

use super::bench::{Bench, NOW, POLICIES, SECRET};
use super::streams::stream;
use crate::ErrorCode;
use serde_json::{Value, json};
use std::sync::Mutex;
use tympan_auth::{BUILT_IN_POLICIES, Facts, Refusal, RefusalCause};
use tympan_aws::{Ask, Permit, Stage};

const DEMO: &str = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-1/1598784211076";

async fn simulated(bench: &Bench, body: Value) -> Value {
    bench.call("POST /tympan/policies/simulate", body).await.unwrap()
}

#[tokio::test]
async fn settings_are_told_with_their_sources_and_a_secret_is_null() {
    let bench = Bench::new();
    let told = bench.call("GET /tympan/configuration", Value::Null).await.unwrap();
    let expected = json!([
        { "Key": "sip.listen", "Value": "0.0.0.0:5060", "IsSecret": false, "Source": "DEFAULT", "From": null },
        { "Key": "kms.secret_access_key", "Value": null, "IsSecret": true, "Source": "FILE", "From": "/etc/tympan.toml:7" },
    ]);
    assert_eq!(told["Settings"], expected);
}

#[tokio::test]
async fn access_keys_are_told_with_their_use_and_without_their_secrets() {
    let bench = Bench::new();
    let at = NOW.plus_ms(5_000);
    bench.key_uses.count_request("AKIDCARE", at);
    bench.key_uses.count_request("AKIDCARE", NOW);
    bench.key_uses.count_refusal("AKIDCARE");
    bench.key_uses.count_request("AKIDUNKNOWN", at);
    let told = bench.call("GET /tympan/access-keys", Value::Null).await.unwrap();
    let keys = told["AccessKeys"].as_array().unwrap();
    assert!(keys.is_sorted_by_key(|key| key["AccessKeyId"].as_str().map(str::to_owned)));
    let care = keys.iter().find(|key| key["AccessKeyId"] == "AKIDCARE").unwrap();
    let expected = json!({
        "AccessKeyId": "AKIDCARE", "User": "care", "UserARN": "arn:aws:iam::111122223333:user/care",
        "Account": "111122223333", "Policies": ["care", "conditions"], "LastUsed": at.rfc3339_ms(),
        "Requests": 2, "Refusals": 1,
    });
    assert_eq!(*care, expected);
    let unused = keys.iter().find(|key| key["AccessKeyId"] == "AKIDNOTHING").unwrap();
    assert_eq!((&unused["LastUsed"], &unused["Requests"]), (&Value::Null, &json!(0)));
    assert!(!told.to_string().contains(SECRET) && !told.to_string().contains("UNKNOWN"), "{told}");
    let theirs = bench.call_as(&bench.stranger(), "GET /tympan/access-keys", Value::Null).await.unwrap();
    assert_eq!(theirs["AccessKeys"], json!([]));
}

#[tokio::test]
async fn policies_are_told_as_they_are_written_and_roles_with_who_may_assume_them() {
    let bench = Bench::new();
    let told = bench.call("GET /tympan/policies", Value::Null).await.unwrap();
    let policies = told["Policies"].as_array().unwrap();
    assert_eq!(policies.len(), POLICIES.len() + BUILT_IN_POLICIES.len());
    for (name, text) in POLICIES.iter().chain(BUILT_IN_POLICIES) {
        let policy = policies.iter().find(|policy| policy["Name"] == *name).unwrap();
        assert_eq!(policy["Document"], serde_json::from_str::<Value>(text).unwrap());
        let is_built_in = BUILT_IN_POLICIES.iter().any(|(known, _)| known == name);
        let from = if is_built_in { "built in".to_owned() } else { format!("/etc/{name}.json") };
        assert_eq!((&policy["From"], &policy["IsBuiltIn"]), (&json!(from), &json!(is_built_in)));
    }
    let role = json!({
        "Name": "transcriber", "ARN": "arn:aws:iam::111122223333:role/transcriber", "Policies": ["consumer"],
        "AssumedBy": ["AKIDNOTHING"], "SessionMaxSeconds": 3600,
    });
    assert_eq!(told["Roles"], json!([role]));
}

#[tokio::test]
async fn a_simulation_names_the_statement_that_decides() {
    let bench = Bench::new();
    let about = |key: &str, action: &str, resource: &str| json!({ "AccessKeyId": key, "Action": action, "Resource": resource });
    let read = simulated(&bench, about("AKIDDEMO1", "kinesisvideo:GetMedia", DEMO)).await;
    assert_eq!((&read["Decision"], &read["Policy"]), (&json!("ALLOWED"), &json!("demo")));
    assert_eq!((&read["Statement"], &read["Sid"]), (&json!(0), &json!("Streams")));
    assert_eq!(read["Document"]["Action"], "kinesisvideo:*");
    let expected = format!(
        "Statement[0] (Streams) of policy \"demo\" allows kinesisvideo:GetMedia on {DEMO} for user demo."
    );
    assert_eq!(read["Explanation"], expected.as_str());

    let delete = simulated(&bench, about("AKIDDEMO1", "KinesisVideo:deletestream", DEMO)).await;
    assert_eq!((&delete["Decision"], &delete["Statement"]), (&json!("EXPLICIT_DENY"), &json!(1)));
    assert_eq!(delete["Sid"], "Never");

    let other = simulated(&bench, about("AKIDDEMO1", "connect:ListInstances", "*")).await;
    assert_eq!((&other["Decision"], &other["Document"]), (&json!("IMPLICIT_DENY"), &Value::Null));
    assert!(
        other["Explanation"].as_str().unwrap().ends_with("no statement of its policies (demo) allows it.")
    );
    let nothing = simulated(&bench, about("AKIDNOTHING", "connect:ListInstances", "*")).await;
    assert!(nothing["Explanation"].as_str().unwrap().ends_with("access key AKIDNOTHING has no policies."));

    // The one statement of a policy that has no list of them.
    let full = simulated(&bench, about("AKIDADMIN", "connect:ListInstances", "*")).await;
    assert_eq!((&full["Policy"], &full["Statement"]), (&json!("full-access"), &json!(0)));
    assert_eq!(full["Document"]["Effect"], "Allow");
}

#[tokio::test]
async fn conditions_are_compared_with_what_the_simulation_says_of_the_request() {
    let bench = Bench::new();
    let question = json!({ "User": "care", "Action": "connect:ListInstances", "Resource": "*" });
    let without = simulated(&bench, question.clone()).await;
    assert_eq!(without["Decision"], "IMPLICIT_DENY");
    let facts = json!({ "SourceAddress": null, "SecureTransport": false, "Region": "us-west-2", "Time": NOW.rfc3339_ms(), "ResourceTags": null });
    assert_eq!(without["Facts"], facts);
    let mut with = question;
    for (member, value) in [
        ("SourceAddress", json!("10.1.2.3")),
        ("SecureTransport", json!(true)),
        ("Region", json!("eu-west-1")),
        ("Time", json!("2019-06-01T00:00:00Z")),
    ] {
        assert_eq!(simulated(&bench, with.clone()).await["Decision"], "IMPLICIT_DENY", "before {member}");
        with[member] = value;
    }
    assert_eq!(simulated(&bench, with).await["Decision"], "ALLOWED");

    // A stream is judged by the tags that it has.
    let arn = stream(&bench, "tagged").await.arn.to_string();
    let about = json!({ "User": "care", "Action": "kinesisvideo:GetMedia", "Resource": arn });
    let untagged = simulated(&bench, about.clone()).await;
    assert_eq!(
        (&untagged["Decision"], &untagged["Facts"]["ResourceTags"]),
        (&json!("IMPLICIT_DENY"), &json!({}))
    );
    let mut tagged = about;
    tagged["ResourceTags"] = json!({ "team": "care" });
    assert_eq!(simulated(&bench, tagged).await["Decision"], "ALLOWED");
}

#[tokio::test]
async fn what_needs_no_policy_is_simulated_as_such() {
    let bench = Bench::new();
    let role = "arn:aws:iam::111122223333:role/transcriber";
    for (key, action, resource, decision) in [
        ("AKIDNOTHING", "sts:GetCallerIdentity", "*", "ALLOWED"),
        ("AKIDNOTHING", "sts:getsessiontoken", "*", "ALLOWED"),
        ("AKIDNOTHING", "sts:AssumeRole", role, "ALLOWED"),
        ("AKIDDEMO1", "sts:AssumeRole", role, "IMPLICIT_DENY"),
        ("AKIDADMIN", "sts:AssumeRole", role, "IMPLICIT_DENY"),
        ("AKIDNOTHING", "sts:AssumeRole", "arn:aws:iam::111122223333:role/other", "IMPLICIT_DENY"),
    ] {
        let told =
            simulated(&bench, json!({ "AccessKeyId": key, "Action": action, "Resource": resource })).await;
        assert_eq!(told["Decision"], decision, "{key} {action} {resource}: {told}");
        assert_eq!(told["Statement"], Value::Null);
    }
}

#[tokio::test]
async fn what_is_no_simulation_is_refused() {
    let bench = Bench::new();
    let ask =
        async |body: Value| bench.call("POST /tympan/policies/simulate", body).await.unwrap_err().code();
    for (body, code) in [
        (json!({ "AccessKeyId": "NONE", "Action": "a:B", "Resource": "*" }), ErrorCode::NotFound),
        (json!({ "User": "absent", "Action": "a:B", "Resource": "*" }), ErrorCode::NotFound),
        // Their keys have different policies.
        (json!({ "User": "two", "Action": "a:B", "Resource": "*" }), ErrorCode::Validation),
        (json!({ "Action": "a:B", "Resource": "*" }), ErrorCode::Validation),
        (
            json!({ "User": "demo", "AccessKeyId": "AKIDDEMO1", "Action": "a:B", "Resource": "*" }),
            ErrorCode::Validation,
        ),
        (json!({ "User": "demo", "Action": "a:*", "Resource": "*" }), ErrorCode::Validation),
        (json!({ "User": "demo", "Action": "GetMedia", "Resource": "*" }), ErrorCode::Validation),
        (json!({ "User": "demo", "Action": "a:B", "Resource": "demo-1" }), ErrorCode::Validation),
        (
            json!({ "User": "demo", "Action": "a:B", "Resource": "arn:aws:kinesisvideo:r:a:stream/demo-1" }),
            ErrorCode::Validation,
        ),
        (
            json!({ "User": "demo", "Action": "a:B", "Resource": "*", "SourceAddress": "10.0.0.0/8" }),
            ErrorCode::Validation,
        ),
        (json!({ "User": "demo", "Action": "a:B", "Resource": "*", "Time": "noon" }), ErrorCode::Validation),
        (json!({ "User": "demo", "Action": "a:B", "Resource": "*", "More": 1 }), ErrorCode::Validation),
    ] {
        assert_eq!(ask(body.clone()).await, code, "{body}");
    }
    let user = simulated(&bench, json!({ "User": "demo", "Action": "a:B", "Resource": "*" })).await;
    assert_eq!((&user["AccessKeyId"], &user["User"]), (&json!("AKIDDEMO1"), &json!("demo")));
}

/// Denies everything, and keeps what it was asked.
#[derive(Default)]
pub(super) struct Denied(Mutex<Vec<Ask>>);

impl Permit for Denied {
    fn permit(&self, asks: &[Ask]) -> Result<(), Refusal> {
        self.0.lock().unwrap().extend_from_slice(asks);
        let (principal, cause) = ("arn".to_owned(), RefusalCause::NoAllow { in_session: false });
        Err(Refusal { principal, action: asks[0].action.to_string(), resource: "*".to_owned(), cause })
    }
}

#[tokio::test]
async fn a_caller_who_may_not_ask_learns_nothing_of_keys() {
    let bench = Bench::new();
    let denied = Denied::default();
    let mut answers = Vec::new();
    for body in [
        json!({ "AccessKeyId": "AKIDDEMO1", "Action": "a:B", "Resource": "*" }),
        json!({ "AccessKeyId": "NONE", "Action": "a:B", "Resource": "*" }),
        json!({ "AccessKeyId": "NONE", "Action": "no action", "Resource": "" }),
        json!({ "AccessKeyId": 7 }),
    ] {
        let attempt = bench.attempt(&bench.caller, &denied, "POST /tympan/policies/simulate", body).await;
        assert_eq!(attempt.stage, Stage::Denied);
        answers.push(attempt.result.unwrap_err().to_string());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let asks = denied.0.lock().unwrap();
    assert!(
        asks.iter().all(|ask| (&*ask.action, &*ask.resource.arn) == ("tympan:SimulatePolicy", "*")),
        "{asks:?}"
    );
}

#[tokio::test]
async fn a_simulation_decides_as_the_evaluator_of_requests_does() {
    let bench = Bench::new();
    let (mut allowed, mut denied) = (0, 0);
    for (key, _) in bench.identities.keys() {
        for action in [
            "kinesisvideo:GetMedia",
            "kinesisvideo:DeleteStream",
            "kinesisvideo:PutMedia",
            "connect:ListInstances",
            "tympan:GetFlowLog",
        ] {
            for resource in ["*", DEMO, "arn:aws:kinesisvideo:us-west-2:111122223333:stream/other/*"] {
                let facts = Facts {
                    now: NOW,
                    source_ip: None,
                    secure_transport: false,
                    region: "us-west-2",
                    resource_tags: None,
                };
                let may = key.principal.may(action, resource, facts);
                let told = simulated(
                    &bench,
                    json!({ "AccessKeyId": key.id(), "Action": action, "Resource": resource }),
                )
                .await;
                let expected = match may.map_err(|refusal| refusal.cause) {
                    Ok(()) => "ALLOWED",
                    Err(RefusalCause::ExplicitDeny { .. }) => "EXPLICIT_DENY",
                    Err(RefusalCause::NoAllow { .. }) => "IMPLICIT_DENY",
                };
                assert_eq!(told["Decision"], expected, "{told}");
                // The statement by itself says the same.
                let effect = told["Document"]["Effect"].as_str();
                let of = |decision| match decision {
                    "ALLOWED" => Some("Allow"),
                    "EXPLICIT_DENY" => Some("Deny"),
                    _ => None,
                };
                assert_eq!(effect, of(expected));
                if expected == "ALLOWED" { allowed += 1 } else { denied += 1 }
            }
        }
    }
    assert!(allowed > 10 && denied > 10, "{allowed} {denied}");
}
