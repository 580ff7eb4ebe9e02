//! The document and the code say the same.

use super::bench::{Bench, contact};
use super::streams::stream;
use crate::documentation::Form;
use crate::operations::ROWS;
use crate::{ErrorCode, openapi, operations};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tympan_aws::Routes;
use tympan_contact::History;
use tympan_telephony::audio::wav;

fn names(members: &Value) -> BTreeSet<String> {
    members.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

#[test]
fn every_operation_of_the_table_is_in_the_document_and_is_served() {
    let document = openapi("1.2.3");
    assert_eq!((&document["openapi"], &document["info"]["version"]), (&json!("3.1.0"), &json!("1.2.3")));
    let served: BTreeSet<&str> = operations().served().collect();
    let bench = Bench::new();
    let routes = Routes::new().serve(bench.service, operations());
    let mut listed = 0;
    for row in routes.catalogue() {
        let operation = &document["paths"][row.path][row.method.to_lowercase()];
        assert_eq!(operation["operationId"], row.name, "{} {}", row.method, row.path);
        assert!(served.contains(row.name), "{}", row.name);
        assert!(operation["summary"].as_str().is_some_and(|summary| summary.ends_with('.')), "{}", row.name);
        listed += 1;
    }
    let methods = document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len());
    assert_eq!((methods.sum::<usize>(), ROWS.len()), (listed, listed), "nothing else is in the document");
}

#[test]
fn the_query_parameters_of_the_document_are_those_that_the_code_reads() {
    for row in ROWS {
        let documented: BTreeSet<&str> = row.documentation.query.iter().map(|field| field.name).collect();
        let read: BTreeSet<&str> = row.reads.iter().copied().collect();
        assert_eq!(documented, read, "{}", row.name);
    }
}

#[test]
fn labels_are_parameters_and_errors_of_one_status_are_told_together() {
    let document = openapi("1");
    let describe = &document["paths"]["/tympan/contacts/{ContactId}"]["get"];
    assert_eq!(describe["parameters"][0]["name"], "ContactId");
    let waveform = &document["paths"]["/tympan/contacts/{ContactId}/waveform"]["get"]["responses"];
    let both = format!("{}, {}", ErrorCode::Validation.name(), ErrorCode::KeyAccessDenied.name());
    assert_eq!(waveform["400"]["description"], both);
    assert!(document["paths"]["/tympan/events"]["get"]["responses"]["101"].is_object());
    let audio =
        &document["paths"]["/tympan/contacts/{ContactId}/audio"]["get"]["responses"]["200"]["content"];
    assert_eq!(audio["audio/wav"]["schema"]["format"], "binary");
    let upload = &document["paths"]["/tympan/instances/{InstanceId}/prompts"]["post"]["requestBody"];
    assert_eq!(upload["content"]["audio/wav"]["schema"]["format"], "binary");
}

#[tokio::test]
async fn answers_have_the_members_of_the_document() {
    let bench = Bench::new();
    for n in 1..=3 {
        bench.contacts.kept.update(&contact(n)).unwrap();
    }
    let instance = bench.instance();
    let flow = json!({ "Name": "f", "Type": "CONTACT_FLOW", "Status": "SAVED", "Content": "{}" });
    let flow = bench.connect(&format!("PUT /contact-flows/{instance}"), &flow)["ContactFlowId"].clone();
    let prompt = json!({ "Name": "p", "S3Uri": "s3://b/p.wav" });
    let prompt = bench.connect(&format!("PUT /prompts/{instance}"), &prompt)["PromptId"].clone();
    let mut checked = 0;
    for row in ROWS.iter().filter(|row| !row.documentation.answer.is_empty() && row.form == Form::Json) {
        // The one that is erased is none that others ask for.
        let id = contact(if row.name == "DeleteContact" { 2 } else { 1 }).id;
        let path = row.path.replace("{ContactId}", &id.to_string());
        let path = match row.name {
            "GetFlowActivity" => {
                path.replace("{ContactFlowId}", flow.as_str().unwrap()) + "?instanceId=" + &instance
            }
            "ListAcknowledgements" => {
                stream(&bench, "calls").await;
                path.replace("{StreamName}", "calls")
            }
            "UploadPrompt" => path.replace("{InstanceId}", &instance) + "?name=one",
            "PutPromptAudio" => {
                path.replace("{InstanceId}", &instance).replace("{PromptId}", prompt.as_str().unwrap())
            }
            _ => path,
        };
        let request = format!("{} {path}", row.method);
        let body = match row.name {
            "StartBackup" => json!({ "Directory": "/x" }),
            "CheckFlow" => json!({ "InstanceId": instance, "Content": "{}" }),
            "SearchContacts" => json!({ "MaxResults": 1 }),
            "SimulatePolicy" => json!({ "User": "care", "Action": "connect:ListInstances", "Resource": "*" }),
            _ => Value::Null,
        };
        let answer = match row.takes {
            [] => bench.call(&request, body).await.unwrap(),
            _ => bench.upload(&request, &wav::write(&[1])).await.unwrap(),
        };
        let found = names(&answer);
        for field in row.documentation.answer {
            assert!(!field.is_required || found.contains(field.name), "{} lacks {}", row.name, field.name);
            let is_null = answer[field.name].is_null() && found.contains(field.name);
            assert!(!is_null || field.is_nullable, "{} has null in {}", row.name, field.name);
        }
        let known: BTreeSet<String> =
            row.documentation.answer.iter().map(|field| field.name.to_owned()).collect();
        assert!(found.is_subset(&known), "{}: {found:?} beyond {known:?}", row.name);
        checked += 1;
    }
    assert!(checked > 8);
}

#[tokio::test]
async fn members_of_bodies_are_taken_as_the_document_has_them() {
    let bench = Bench::new();
    let body = json!({
        "TimeRange": { "Axis": "INITIATION", "From": "2024-01-26T03:07:42Z", "To": "2024-01-26T03:07:42Z" },
        "NumberPart": "1", "Attribute": { "Name": "a", "Value": "b" }, "State": "LIVE", "HasStream": true, "HasLosses": true, "Order": "NEWEST_FIRST", "Queue": "q", "Agent": "a",
        "InstanceId": "99999999-9999-4999-8999-999999999999", "MaxResults": 5, "NextToken": null,
        "ContactFlowId": "99999999-9999-4999-8999-999999999999",
    });
    let row = ROWS.iter().find(|row| row.name == "SearchContacts").unwrap();
    let documented: BTreeSet<String> =
        row.documentation.body.iter().map(|field| field.name.to_owned()).collect();
    assert_eq!(names(&body), documented);
    bench.call("POST /tympan/contacts/search", body).await.unwrap();
}
