//! The table of all services: how requests are counted, how long their bodies may be, what each operation asks the policies
//! about, and that nothing else is acted on.

use super::super::authorize::{Exchange, Peer};
use super::super::policy_questions::{World, verified};
use super::*;
use http_body_util::BodyExt;
use serde_json::Value;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tympan_admin::PROMPT_UPLOAD_MAX_BYTES;
use tympan_auth::{Permissions, Policy, Refusal, RefusalCause};
use tympan_aws::{Ask, Permit};

const ACCEPT: &str = "TYMPAN_ACCEPT_OPERATIONS";

fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[tokio::test]
async fn requests_are_counted_by_service_and_operation() {
    let world = World::new().await;
    for (method, path, target, service, operation) in [
        ("POST", "/getMedia", "", "kinesisvideo", "GetMedia"),
        ("POST", "/", "TrentService.CreateKey", "kms", "CreateKey"),
        ("POST", "/contact/start-streaming", "", "connect", "StartContactStreaming"),
        ("GET", "/metrics", "", "tympan", "probe"),
        ("GET", "/tympan/openapi.json", "", "tympan", "probe"),
        ("GET", "/tympan/contacts/1/flow-log", "", "tympan", "GetFlowLog"),
        ("POST", "/", "TrentService.NoSuchThing", "tympan", "other"),
    ] {
        let asked = world.router().asked(&head(method, path, &[("x-amz-target", target)]));
        assert_eq!((asked.service, asked.operation), (service, operation), "{method} {path} {target}");
    }
}

#[tokio::test]
async fn only_a_flow_and_a_sound_may_be_long() {
    const USUAL_BYTES: usize = 256 * 1024;
    let world = World::new().await;
    // What the world is configured with; a flow may be longer.
    let most = world.router().body_limit_bytes;
    for (method, path, limit) in [
        ("POST", "/listFragments", USUAL_BYTES),
        ("POST", "/", USUAL_BYTES),
        ("PUT", "/contact-flows/0123", most),
        ("POST", "/contact-flows/0123/0123/name", USUAL_BYTES),
        ("POST", "/contact-flows/0123/0123/content", most),
        ("PUT", "/instance", USUAL_BYTES),
        ("POST", "/tympan/instances/0123/prompts", PROMPT_UPLOAD_MAX_BYTES),
        ("PUT", "/tympan/instances/0123/prompts/0123/audio", PROMPT_UPLOAD_MAX_BYTES),
    ] {
        let found = world.router().routes.named(&head(method, path, &[]));
        assert_eq!(world.router().body_limit(found), limit, "{method} {path}");
    }
}

#[tokio::test]
async fn a_slip_in_a_path_is_named_and_what_is_served_is_not_refused() {
    let world = World::new().await;
    let told = async |method: &str, path: &str| {
        let response = world.router().nothing_at(&head(method, path, &[]))?;
        assert_eq!(response.headers()["x-amzn-errortype"], "UnknownOperationException");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        Some(body["Message"].as_str().unwrap().to_owned())
    };
    for (slip, meant) in [
        ("//putMedia", "/putMedia"),
        ("/putMedia/", "/putMedia"),
        ("/PutMedia", "/putMedia"),
        ("/v1//listStreams", ""),
        ("/tagresource", "/TagResource"),
        ("//contact/attributes/", "/contact/attributes"),
    ] {
        let message = told("POST", slip).await.unwrap();
        assert!(message.contains(slip), "{message}");
        assert_eq!(message.contains(&format!("did you mean {meant:?}?")), !meant.is_empty(), "{message}");
    }
    assert_eq!(told("GET", "/putMedia").await.unwrap(), "/putMedia takes POST, and this is a GET.");
    for (method, path) in [
        ("POST", "/putMedia"),
        ("POST", "/"),
        ("GET", "/"),
        ("GET", "/instance"),
        ("GET", "/tympan/contacts"),
    ] {
        assert_eq!(told(method, path).await, None, "{method} {path}");
    }
}

/// Denies everything.
struct Denied;

impl Permit for Denied {
    fn permit(&self, asks: &[Ask]) -> Result<(), Refusal> {
        let cause = RefusalCause::NoAllow { in_session: false };
        let (principal, action) = ("arn:aws:iam::111122223333:user/u".into(), asks[0].action.to_string());
        Err(Refusal { principal, action, resource: asks[0].resource.arn.clone(), cause })
    }
}

/// What every operation of every service asks of the policies, of a request that has every member by which requests name
/// resources: `operations.txt`. `TYMPAN_ACCEPT_OPERATIONS=1` writes it anew.
#[tokio::test]
async fn every_operation_is_listed_with_its_resolved_resources() {
    let world = World::new().await;
    let list = listed(&world).await;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/route/operations.txt");
    if std::env::var_os(ACCEPT).is_some() {
        std::fs::write(&path, &list).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    for (line, (now, then)) in list.lines().zip(known.lines()).enumerate() {
        assert_eq!(now, then, "line {} of {}; {ACCEPT}=1 writes it anew", line + 1, path.display());
    }
    assert_eq!(list.lines().count(), known.lines().count(), "{ACCEPT}=1 writes {}", path.display());
}

async fn listed(world: &World) -> String {
    let ids = world.first_ids();
    let id = |shown: &str| ids.iter().find(|(_, name)| *name == shown).unwrap().0.as_str();
    let body = json!({
        "StreamName": "calls", "StreamARN": id("STREAM"), "ResourceARN": id("STREAM"), "KmsKeyId": "alias/calls",
        "KeyId": "alias/calls", "TargetKeyId": id("KEY"), "SourceKeyId": id("KEY"),
        "DestinationKeyId": id("KEY"), "AliasName": "alias/calls", "CiphertextBlob": id("CIPHERTEXT"),
        "InstanceId": id("INSTANCE"), "ContactId": id("CONTACT"), "InitialContactId": id("CONTACT"),
        "ContactFlowId": id("FLOW"), "PhoneNumberId": id("NUMBER"), "ResourceType": "CALL_RECORDINGS",
        "StorageConfig": { "StorageType": "KINESIS_VIDEO_STREAM", "KinesisVideoStreamConfig": {
            "Prefix": "p", "RetentionPeriodHours": 1,
            "EncryptionConfig": { "EncryptionType": "KMS", "KeyId": "alias/calls" } } },
    });
    let (verified, runtime) = (verified("any", "reader", Permissions::new(Vec::new())), world.router());
    let mut list = String::new();
    for row in runtime.routes.catalogue() {
        let label = |part: &str| match part {
            "{InstanceId}" => id("INSTANCE").to_owned(),
            "{ContactId}" | "{InitialContactId}" => id("CONTACT").to_owned(),
            "{ContactFlowId}" => id("FLOW").to_owned(),
            "{PhoneNumberId}" => id("NUMBER").to_owned(),
            "{botId}" | "{botAliasId}" => "ORDERSBOT1".to_owned(),
            label if label.starts_with('{') => "x".to_owned(),
            literal => literal.to_owned(),
        };
        let path: Vec<String> = row.path.split('/').map(label).collect();
        let target = match row.protocol {
            Protocol::Json11 { target } => format!("{target}.{}", row.name),
            Protocol::RestJson | Protocol::Query { .. } => String::new(),
        };
        let (stream, query) = ("calls", format!("{}?instanceId={}", path.join("/"), id("INSTANCE")));
        let headers = [
            ("x-amz-target", target.as_str()),
            ("x-amzn-stream-name", stream),
            ("x-amzn-fragment-timecode-type", "ABSOLUTE"),
        ];
        let head = head(row.method, &query, &headers);
        let body = match row.protocol {
            Protocol::Query { version, .. } => format!(
                "Action={}&Version={version}&RoleSessionName=one&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2FTranscriber",
                row.name
            ),
            Protocol::RestJson | Protocol::Json11 { .. } => body.to_string(),
        };
        let found = runtime.routes.find(row.scope, &head).unwrap();
        let body = if runtime.routes.body(found) == BodyRule::Streamed { "" } else { &body };
        let invocation = Invocation {
            principal: Some(&verified.principal),
            keys: &runtime.keys,
            permit: &Denied,
            ..Invocation::within_process(&verified.caller, SystemClock.wall_now())
        };
        let outcome = runtime.routes.run(found, &head, body.as_bytes(), &invocation).unwrap().await;
        let asks: Vec<String> = outcome.asks.iter().map(shown).collect();
        let stage =
            if outcome.stage == Stage::Denied { String::new() } else { format!(" ({:?})", outcome.stage) };
        writeln!(list, "{} {} {}{stage}: {}", row.method, row.path, row.name, asks.join("; ")).unwrap();
    }
    // The longest first: the id of a contact is part of its ARN.
    for (id, name) in &ids {
        list = list.replace(id.as_str(), name);
    }
    list
}

fn shown(ask: &Ask) -> String {
    let how = match ask.rule {
        tympan_aws::Rule::Allowed => "",
        tympan_aws::Rule::NotDenied => "unless denied ",
        tympan_aws::Rule::Noted => "without a policy ",
    };
    format!("{how}{} on {}", ask.action, ask.resource.arn)
}

fn permissions(policy: &str) -> Permissions {
    Permissions::new(vec![Arc::new(Policy::parse(policy).unwrap())])
}

/// Sends one request, as if its signature was right.
async fn asked(
    router: &Arc<Router>,
    verified: &Verified,
    (path, target): (&str, &str),
    body: Value,
) -> (u16, Value) {
    let peer = Some(Peer { ip: [10, 0, 0, 1].into(), is_secure: true });
    let exchange = Exchange { request_id: "request".to_owned(), peer };
    let head = head("POST", path, &[("x-amz-target", target)]);
    let response = router.verified(&exchange, verified, head, body.to_string().into()).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

/// Asks again and again while `change` is made again and again, until answers of both kinds have come often enough.
async fn race(
    change: impl AsyncFn(usize),
    ask: impl AsyncFn() -> (u16, Value),
    is_allowed: impl Fn(&Value) -> bool,
) {
    const ENOUGH: usize = 50;
    let over = AtomicBool::new(false);
    let changing = async {
        let mut turn = 0;
        while !over.load(Ordering::Relaxed) {
            change(turn).await;
            turn += 1;
        }
    };
    let counted = Mutex::new((0, 0));
    let asking = async {
        for _ in 0..100_000 {
            let (status, answer) = ask().await;
            if status == 200 {
                assert!(is_allowed(&answer), "done to what was not granted: {answer}");
            }
            let mut counted = counted.lock().unwrap();
            if status == 200 {
                counted.0 += 1
            } else {
                counted.1 += 1
            }
            if counted.0 >= ENOUGH && counted.1 >= ENOUGH {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(changing, asking);
    let (done, refused) = *counted.lock().unwrap();
    assert!(done >= ENOUGH && refused >= ENOUGH, "done {done}, refused {refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_is_used_but_the_one_that_an_alias_meant_when_policies_were_asked() {
    let world = World::new().await;
    let router = world.router();
    let admin = verified("kms", "admin", permissions(EVERYTHING));
    let keys = world.key_arns();
    let policy = json!({ "Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "kms:Encrypt", "Resource": &keys[0] } });
    let asker = verified("kms", "reader", permissions(&policy.to_string()));
    race(
        async |turn| {
            let key = &keys[(turn + 1) % 2];
            let body = json!({ "AliasName": "alias/calls", "TargetKeyId": key });
            let (status, answer) = asked(router, &admin, ("/", "TrentService.UpdateAlias"), body).await;
            assert_eq!(status, 200, "{answer}");
            tokio::task::yield_now().await;
        },
        async || {
            let body = json!({ "KeyId": "alias/calls", "Plaintext": "c2VjcmV0" });
            asked(router, &asker, ("/", "TrentService.Encrypt"), body).await
        },
        |answer| answer["KeyId"] == keys[0].as_str(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stream_is_shown_but_the_one_that_had_a_name_when_policies_were_asked() {
    let world = World::new().await;
    let router = world.router();
    let admin = verified("kinesisvideo", "admin", permissions(EVERYTHING));
    let policy = json!({ "Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "kinesisvideo:ListTagsForStream", "Resource": "*",
        "Condition": { "StringEquals": { "aws:ResourceTag/team": "care" } } } });
    let asker = verified("kinesisvideo", "reader", permissions(&policy.to_string()));
    race(
        async |turn| {
            let team = ["care", "sales"][turn % 2];
            let body = json!({ "StreamName": "again", "Tags": { "team": team } });
            let made = asked(router, &admin, ("/createStream", ""), body).await;
            assert_eq!(made.0, 200, "{made:?}");
            tokio::task::yield_now().await;
            let gone =
                asked(router, &admin, ("/deleteStream", ""), json!({ "StreamARN": made.1["StreamARN"] }))
                    .await;
            assert_eq!(gone.0, 200, "{gone:?}");
        },
        async || asked(router, &asker, ("/listTagsForStream", ""), json!({ "StreamName": "again" })).await,
        |answer| answer["Tags"]["team"] == json!("care"),
    )
    .await;
}
