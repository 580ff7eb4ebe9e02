//! Between the question to the policies and the operation anything may change. What is done is done to what was granted, or
//! not at all.

use crate::bench::{Bench, FLOW, ended_contact, live_contact, storage_config, text};
use crate::error::ErrorCode;
use serde_json::{Value, json};
use std::sync::Mutex;
use tympan_auth::Refusal;
use tympan_aws::{Ask, Attempt, Permit};
use tympan_contact::History;

/// Grants everything, and has something happen meanwhile.
struct Meanwhile<'a> {
    happens: &'a (dyn Fn() + Sync),
    granted: Mutex<Vec<String>>,
}

impl Permit for Meanwhile<'_> {
    fn permit(&self, asks: &[Ask]) -> Result<(), Refusal> {
        let resources = asks.iter().map(|ask| ask.resource.arn.clone());
        self.granted.lock().unwrap().extend(resources);
        (self.happens)();
        Ok(())
    }
}

/// Sends a request, and says what was granted.
fn during(
    bench: &Bench,
    happens: &(dyn Fn() + Sync),
    method: &str,
    target: &str,
    body: Value,
) -> (Result<Value, ErrorCode>, Vec<String>) {
    let permit = Meanwhile { happens, granted: Mutex::default() };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let Attempt { result, .. } = bench.attempt(&permit, method, target, &body);
    let answer = result
        .map_err(|error| error.code())
        .map(|output| output.into_json().map_or(Value::Null, |json| serde_json::from_slice(&json).unwrap()));
    (answer, permit.granted.into_inner().unwrap())
}

fn post(bench: &Bench, target: &str, body: Value) {
    bench.call("POST", target, body).unwrap();
}

fn of_instance(id: &str, rest: &str) -> Vec<String> {
    vec![format!("arn:aws:connect:us-west-2:111122223333:instance/{id}{rest}")]
}

fn name(bench: &Bench, instance: &str, flow: &str) -> Value {
    let described = bench.call("GET", &format!("/contact-flows/{instance}/{flow}"), Value::Null).unwrap();
    described["ContactFlow"]["Name"].clone()
}

#[test]
fn a_flow_that_is_renamed_meanwhile_is_still_the_flow_that_is_changed() {
    let bench = Bench::new();
    let instance = bench.instance("demo");
    let (a, b) = (bench.flow(&instance, "a"), bench.flow(&instance, "b"));
    let path = |flow: &str, what: &str| format!("/contact-flows/{instance}/{flow}/{what}");
    // The two change names.
    let swap = || {
        post(&bench, &path(&a, "name"), json!({ "Name": "c" }));
        post(&bench, &path(&b, "name"), json!({ "Name": "a" }));
        post(&bench, &path(&a, "name"), json!({ "Name": "b" }));
    };
    let body = json!({ "Description": "changed" });
    let (answer, granted) = during(&bench, &swap, "POST", &path(&a, "metadata"), body);
    assert_eq!((answer, granted), (Ok(json!({})), of_instance(&instance, &format!("/contact-flow/{a}"))));
    let described = |flow: &str| {
        let target = format!("/contact-flows/{instance}/{flow}");
        bench.call("GET", &target, Value::Null).unwrap()["ContactFlow"].clone()
    };
    assert_eq!((&described(&a)["Name"], &described(&a)["Description"]), (&json!("b"), &json!("changed")));
    assert_eq!((&described(&b)["Name"], described(&b).get("Description")), (&json!("a"), None));
    let (answer, _) = during(&bench, &swap, "DELETE", &format!("/contact-flows/{instance}/{a}"), Value::Null);
    assert_eq!(answer, Ok(json!({})));
    assert_eq!(name(&bench, &instance, &b), "a", "what has the name by then stays");
}

#[test]
fn a_flow_that_is_made_anew_under_its_name_meanwhile_is_left_alone() {
    let bench = Bench::new();
    let instance = bench.instance("demo");
    for (method, what, body) in [
        ("POST", "/content", json!({ "Content": FLOW })),
        ("POST", "/metadata", json!({ "Description": "changed" })),
        ("POST", "/name", json!({ "Name": "z" })),
        ("DELETE", "", Value::Null),
    ] {
        let flow = bench.flow(&instance, "a");
        let anew = Mutex::new(String::new());
        let replace = || {
            bench.call("DELETE", &format!("/contact-flows/{instance}/{flow}"), Value::Null).unwrap();
            *anew.lock().unwrap() = bench.flow(&instance, "a");
        };
        let target = format!("/contact-flows/{instance}/{flow}{what}");
        let (answer, granted) = during(&bench, &replace, method, &target, body);
        assert_eq!(answer, Err(ErrorCode::ResourceNotFound), "{method} {what}");
        assert_eq!(granted, of_instance(&instance, &format!("/contact-flow/{flow}")));
        let anew = anew.into_inner().unwrap();
        assert_eq!(name(&bench, &instance, &anew), "a");
        bench.call("DELETE", &format!("/contact-flows/{instance}/{anew}"), Value::Null).unwrap();
    }
}

#[test]
fn a_number_that_is_released_and_claimed_again_meanwhile_is_left_alone() {
    let bench = Bench::new();
    let (one, two) = (bench.instance("one"), bench.instance("two"));
    let flow = bench.flow(&one, "a");
    let body = json!({ "InstanceId": one, "ContactFlowId": flow });
    for (method, rest, body) in [
        ("PUT", "/contact-flow".to_owned(), body),
        ("DELETE", format!("/contact-flow?instanceId={one}"), Value::Null),
        ("DELETE", String::new(), Value::Null),
    ] {
        let number = bench.number(&one, "+18005550100");
        let anew = Mutex::new(String::new());
        let reclaim = || {
            bench.call("DELETE", &format!("/phone-number/{number}"), Value::Null).unwrap();
            *anew.lock().unwrap() = bench.number(&two, "+18005550100");
            let body = json!({ "InstanceId": two, "ContactFlowId": bench.flow(&two, &number) });
            let target = format!("/phone-number/{}/contact-flow", anew.lock().unwrap());
            bench.call("PUT", &target, body).unwrap();
        };
        let (answer, granted) =
            during(&bench, &reclaim, method, &format!("/phone-number/{number}{rest}"), body);
        assert_eq!(answer, Err(ErrorCode::ResourceNotFound), "{method} {rest}");
        assert_eq!(granted[0], format!("arn:aws:connect:us-west-2:111122223333:phone-number/{number}"));
        let routed = bench.service.route_number("+18005550100").unwrap();
        assert_eq!((routed.instance.alias.as_str(), routed.flow.identity.name), ("two", number));
        bench.call("DELETE", &format!("/phone-number/{}", anew.into_inner().unwrap()), Value::Null).unwrap();
    }
}

#[test]
fn an_instance_that_is_made_anew_under_its_alias_meanwhile_is_left_alone() {
    const FUNCTION: &str = "arn:aws:lambda:us-west-2:111122223333:function:echo";
    let bench = Bench::new();
    let config = json!({ "ResourceType": "MEDIA_STREAMS", "StorageConfig": storage_config("calls", 24) });
    let flow = json!({ "Name": "a", "Type": "CONTACT_FLOW", "Content": FLOW });
    for (method, rest, body) in [
        ("PUT", "/instance/{I}/storage-config", config.clone()),
        ("POST", "/instance/{I}/storage-config/{A}?resourceType=MEDIA_STREAMS", config),
        ("DELETE", "/instance/{I}/storage-config/{A}?resourceType=MEDIA_STREAMS", Value::Null),
        ("PUT", "/instance/{I}/lambda-function", json!({ "FunctionArn": FUNCTION })),
        ("PUT", "/contact-flows/{I}", flow),
        ("POST", "/phone-number/claim", json!({ "InstanceId": "{I}", "PhoneNumber": "+18005550100" })),
        ("DELETE", "/instance/{I}", Value::Null),
    ] {
        let instance = bench.instance("demo");
        let association = bench.streaming(&instance, "calls");
        let anew = Mutex::new(String::new());
        let replace = || {
            bench.call("DELETE", &format!("/instance/{instance}"), Value::Null).unwrap();
            *anew.lock().unwrap() = bench.instance("demo");
        };
        let target = rest.replace("{I}", &instance).replace("{A}", &association);
        let body: Value = serde_json::from_str(&body.to_string().replace("{I}", &instance)).unwrap();
        let (answer, granted) = during(&bench, &replace, method, &target, body);
        assert_eq!(answer, Err(ErrorCode::ResourceNotFound), "{method} {rest}");
        assert_eq!(granted, of_instance(&instance, ""));
        let anew = anew.into_inner().unwrap();
        let left = bench.service.instance(anew.parse().unwrap()).unwrap();
        assert!(left.media_streams.is_none() && left.lambda_functions.is_empty(), "{method} {rest}");
        assert_eq!(bench.service.directory().flows_of(left.id).count(), 0);
        assert_eq!(bench.service.directory().phone_number_count(), 0);
        bench.call("DELETE", &format!("/instance/{anew}"), Value::Null).unwrap();
    }
}

#[test]
fn a_call_that_ends_meanwhile_is_set_attributes_in_the_history_and_no_other_is_touched() {
    let bench = Bench::new();
    let instance = bench.instance("demo");
    let (contact, other) = (live_contact(&bench, &instance), live_contact(&bench, &instance));
    let ends = || {
        bench.live.up.lock().unwrap().remove(&contact.id);
        bench.history.close(&contact).unwrap();
    };
    let body = json!({ "InstanceId": instance, "InitialContactId": contact.id, "Attributes": { "a": "1" } });
    let (answer, granted) = during(&bench, &ends, "POST", "/contact/attributes", body);
    assert_eq!(
        (answer, granted),
        (Ok(json!({})), of_instance(&instance, &format!("/contact/{}", contact.id)))
    );
    let kept = bench.history.find(contact.id).unwrap().unwrap();
    assert_eq!(kept.attributes.iter().collect::<Vec<_>>(), [("a", "1")]);

    let ended = live_contact(&bench, &instance);
    let ends = || drop(bench.live.up.lock().unwrap().remove(&ended.id));
    let body = json!({ "InstanceId": instance, "ContactId": ended.id });
    let (answer, _) = during(&bench, &ends, "POST", "/contact/stop", body);
    assert_eq!(answer, Err(ErrorCode::ContactNotFound));
    assert!(bench.live.up.lock().unwrap()[&other.id].attributes.iter().next().is_none());
    assert!(bench.live.up.lock().unwrap().contains_key(&other.id));
}

#[test]
fn what_a_read_shows_is_what_was_granted() {
    let bench = Bench::new();
    let instance = bench.instance("demo");
    let (flow, number) = (bench.flow(&instance, "a"), bench.number(&instance, "+18005550100"));
    let contact = ended_contact(&bench, &instance).id;
    // All of it goes, and comes again under its names.
    let replace = || {
        bench.call("DELETE", &format!("/instance/{instance}"), Value::Null).unwrap();
        let anew = bench.instance("demo");
        bench.flow(&anew, "a");
        bench.number(&anew, "+18005550100");
    };
    let (answer, _) =
        during(&bench, &replace, "GET", &format!("/contact-flows/{instance}/{flow}"), Value::Null);
    assert_eq!(text(&answer.unwrap()["ContactFlow"]["Id"]), flow);
    for target in [
        format!("/instance/{instance}"),
        format!("/phone-number/{number}"),
        format!("/contacts/{instance}/{contact}"),
    ] {
        assert_eq!(bench.refusal("GET", &target, Value::Null), ErrorCode::ResourceNotFound, "{target}");
    }
}
