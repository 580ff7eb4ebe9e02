//! Tests of the service as a whole.

mod kinds;
mod meanwhile;
mod resources;

use crate::bench::{ABSENT, Bench, FLOW, NOW, head, live_contact};
use crate::catalogue::OPERATIONS;
use crate::error::ErrorCode;
use crate::operations;
use proptest::prelude::*;
use serde_json::{Value, json};
use tympan_aws::{BodyRule, Routes};

/// The operation that a method and a path name.
fn named(method: &str, path: &str) -> Option<&'static str> {
    let routes = Routes::new().serve(Bench::new().service, operations());
    routes.operation(routes.named(&head(method, path)?)?)
}

#[test]
fn every_operation_is_found_by_its_own_path() {
    let routes = Routes::new().serve(Bench::new().service, operations());
    for (method, template, name) in OPERATIONS {
        let head = head(method, &template.replace(['{', '}'], "_")).unwrap();
        assert_eq!(routes.operation(routes.named(&head).unwrap()), Some(*name));
    }
}

#[test]
fn a_literal_is_preferred_to_a_label() {
    assert_eq!(named("PUT", "/attached-files/I/files"), Some("CreateAttachedFile"));
}

#[test]
fn paths_of_no_operation_name_nothing() {
    for path in ["", "/", "instance/", "/instance/", "/instance/I/", "//", "/nothing", "/contact-flows//F"] {
        assert_eq!(named("GET", path), None, "{path}");
    }
    assert_eq!(named("get", "/instance"), None);
}

#[test]
fn only_a_flow_may_be_long() {
    let routes = Routes::new().serve(Bench::new().service, operations());
    for (method, template, name) in OPERATIONS {
        let found = routes.find("connect", &head(method, &template.replace(['{', '}'], "_")).unwrap());
        let is_long = [
            "CreateContactFlow",
            "UpdateContactFlowContent",
            "CreateContactFlowModule",
            "UpdateContactFlowModuleContent",
        ]
        .contains(name);
        let expected = if is_long { BodyRule::CONTENT } else { BodyRule::USUAL };
        assert_eq!(routes.body(found.unwrap()), expected, "{name}");
    }
}

#[test]
fn an_operation_that_is_not_here_is_refused_by_name() {
    let bench = Bench::new();
    let error = bench.call("PUT", "/contact/chat", json!({})).unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::NotImplemented, 501));
    assert!(error.message().starts_with("StartChatContact is not offered"), "{}", error.message());
    let error = bench.call("GET", "/no/such/path", Value::Null).unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::UnknownOperation, 404));
}

#[test]
fn the_compatibility_page_lists_what_is_here_and_nothing_else() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/connect-compat.md");
    let page = std::fs::read_to_string(page).unwrap();
    let operations = operations();
    let is_here = |name: &str| operations.served().any(|served| served == name);
    for (_, _, name) in OPERATIONS {
        let listed =
            page.contains(&format!("\n| {name} | done")) || page.contains(&format!("\n| {name} | differs"));
        assert_eq!(listed, is_here(name), "{name}");
    }
}

/// What boto3 1.44 sends for one call of each operation, in an order that works; ids are placeholders.
const BOTO3_REQUESTS: &str = include_str!("boto3_requests.jsonl");

#[test]
fn a_session_of_boto3_goes_through() {
    let bench = Bench::new();
    let mut ids: Vec<(&str, String)> = Vec::new();
    for line in BOTO3_REQUESTS.lines() {
        let known = ids.iter().fold(line.to_owned(), |line, (placeholder, id)| line.replace(placeholder, id));
        let request: Value = serde_json::from_str(&known).unwrap();
        let member = |name: &str| request[name].as_str().unwrap();
        let head = head(member("method"), &format!("{}?{}", member("path"), member("query"))).unwrap();
        let routes = Routes::new().serve(bench.service.clone(), operations());
        assert_eq!(routes.operation(routes.named(&head).unwrap()), Some(member("operation")));
        let response = bench.service.call(NOW, &bench.caller, &head, member("body").as_bytes());
        let body = response.unwrap_or_else(|error| panic!("{}: {error}", member("operation")));
        let id = |member: &str| {
            let body: Value = serde_json::from_slice(&body).unwrap();
            body[member].as_str().unwrap().to_owned()
        };
        match member("operation") {
            "CreateInstance" => {
                let instance = id("Id");
                ids.push(("<CONTACT>", live_contact(&bench, &instance).id.to_string()));
                ids.push(("<INSTANCE>", instance));
            }
            "AssociateInstanceStorageConfig" => ids.push(("<ASSOCIATION>", id("AssociationId"))),
            "CreateContactFlow" => ids.push(("<FLOW>", id("ContactFlowId"))),
            "ClaimPhoneNumber" => ids.push(("<NUMBER>", id("PhoneNumberId"))),
            _ => {}
        }
    }
}

#[test]
fn a_body_past_the_limit_is_refused_before_it_is_parsed() {
    let bench = Bench::new();
    let instance = bench.instance("demo");
    for (path, limit_bytes) in
        [("/instance".to_owned(), 256 << 10), (format!("/contact-flows/{instance}"), 4 << 20)]
    {
        let body = vec![b'['; limit_bytes + 1];
        let error = bench.service.call(NOW, &bench.caller, &head("PUT", &path).unwrap(), &body).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest);
        assert_eq!(error.message(), format!("the body is larger than {limit_bytes} bytes"));
    }
}

#[test]
fn deep_nesting_is_an_error() {
    let bench = Bench::new();
    let body = "[".repeat(100_000);
    let call = |body: &str| {
        let head = head("PUT", "/instance").unwrap();
        bench.service.call(NOW, &bench.caller, &head, body.as_bytes()).unwrap_err().code()
    };
    assert_eq!(call(&body), ErrorCode::InvalidRequest);
    assert_eq!(call(&format!("{{\"Tags\":{body}")), ErrorCode::InvalidRequest);
    assert_eq!(call(&format!("{{\"Unknown\":{body}")), ErrorCode::InvalidRequest);
}

#[test]
fn the_saved_corpus_is_answered_without_a_panic() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/connect_api");
    let bench = Bench::new();
    let mut seeds = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        send(&bench, &std::fs::read(entry.unwrap().path()).unwrap());
        seeds += 1;
    }
    assert!(seeds > 0);
}

/// Sends what the fuzz target sends: method, path, query and body, one line each, the body to the end.
fn send(bench: &Bench, input: &[u8]) {
    let mut lines = input.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, path, query, body) = (line(), line(), line(), line());
    let [method, path, query] = [method, path, query].map(String::from_utf8_lossy);
    let Some(head) = head(&method, &format!("{path}?{query}")) else { return };
    match bench.service.call(NOW, &bench.caller, &head, body) {
        Ok(_) => {}
        Err(error) => assert!((400..=501).contains(&error.status()) && error.status() != 500, "{error}"),
    }
}

/// A value of any shape, with the words of the API mixed in so that some of it fits.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((member(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn member() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "Name",
        "Type",
        "Content",
        "Status",
        "Tags",
        "InstanceId",
        "InstanceAlias",
        "IdentityManagementType",
        "InboundCallsEnabled",
        "OutboundCallsEnabled",
        "ResourceType",
        "StorageConfig",
        "StorageType",
        "KinesisVideoStreamConfig",
        "Prefix",
        "RetentionPeriodHours",
        "EncryptionConfig",
        "KeyId",
        "FunctionArn",
        "PhoneNumber",
        "ContactFlowId",
        "ContactId",
        "InitialContactId",
        "Attributes",
        "ClientToken",
        "MaxResults",
        "NextToken",
    ])
    .prop_map(str::to_owned)
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "CONTACT_FLOW",
        "PUBLISHED",
        "SAVED",
        "MEDIA_STREAMS",
        "KINESIS_VIDEO_STREAM",
        "KMS",
        "CONNECT_MANAGED",
        "demo",
        "+18005550100",
        "TOLL_FREE",
        "US",
        FLOW,
        ABSENT,
        "arn:aws:lambda:us-west-2:111122223333:function:echo",
    ])
    .prop_map(str::to_owned)
}

/// A path of some operation with its labels filled in, or garbage.
fn any_path(ids: Vec<String>) -> impl Strategy<Value = (String, String)> {
    let label = prop_oneof![prop::sample::select(ids), "[ -~]{0,12}", word()];
    let known = (prop::sample::select(OPERATIONS), prop::collection::vec(label, 4)).prop_map(
        |((method, template, _), mut labels)| {
            let fill = |part: &str| match part.starts_with('{') {
                true => labels.pop().unwrap_or_default(),
                false => part.to_owned(),
            };
            let path: Vec<String> = template.split('/').map(fill).collect();
            ((*method).to_owned(), path.join("/"))
        },
    );
    prop_oneof![known, ("[A-Z]{0,6}", ".{0,40}")]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_request_panics_or_is_the_servers_fault(
        seed in 0usize..4,
        requests in Just(()).prop_flat_map(|()| {
            let ids = vec!["INSTANCE".to_owned(), "FLOW".into(), "NUMBER".into(), "CONTACT".into()];
            prop::collection::vec((any_path(ids), ".{0,30}", any_json()), 1..5)
        }),
    ) {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let (flow, number) = (bench.flow(&instance, "a"), bench.number(&instance, "+18005550100"));
        let contact = live_contact(&bench, &instance).id.to_string();
        let known = |text: &str| text
            .replace("INSTANCE", &instance)
            .replace("FLOW", &flow)
            .replace("NUMBER", &number)
            .replace("CONTACT", &contact);
        for ((method, path), query, body) in requests {
            let path = known(&path);
            let mut body = body.to_string();
            body.truncate(body.floor_char_boundary(body.len().saturating_sub(seed)));
            let Some(head) = head(&method, &format!("{path}?{query}")) else { continue };
            if let Err(error) = bench.service.call(NOW, &bench.caller, &head, body.as_bytes()) {
                prop_assert!(error.status() != 500, "{method} {path}: {error}");
                prop_assert!(error.body().is_object());
            }
        }
        // Whatever was asked, what is configured survives a restart as it is.
        let reopened = bench.reopened();
        let list = |bench: &Bench| bench.call("GET", "/instance", Value::Null).unwrap();
        prop_assert_eq!(list(&bench), list(&reopened));
    }
}
