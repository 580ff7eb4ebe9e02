use super::bench::{Bench, NOW};
use crate::ErrorCode;
use serde_json::{Value, json};

const FLOW: &str = r#"{
  "Version": "2019-10-30", "StartAction": "play",
  "Actions": [
    { "Identifier": "play", "Type": "MessageParticipant", "Parameters": { "PromptId": "Beep.wav" },
      "Transitions": { "NextAction": "end", "Errors": [
        { "ErrorType": "NoMatchingError",
          "NextAction": "nowhere" }] } },
    { "Identifier": "end", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} }
  ]
}"#;

#[tokio::test]
async fn a_flow_is_checked_in_an_instance() {
    let bench = Bench::new();
    let instance = bench.instance();
    let check = |body: Value| bench.call("POST /tympan/flows/check", body);
    let body = json!({ "InstanceId": instance, "Type": "CONTACT_FLOW", "Content": FLOW });
    let checked = check(body.clone()).await.unwrap();
    let problem = &checked["Problems"][0];
    assert_eq!((&problem["Severity"], &problem["Action"]), (&json!("ERROR"), &json!("play")));
    assert_eq!((&problem["Line"], &problem["Column"]), (&json!(7), &json!(25)));
    assert_eq!(checked["Problems"].as_array().unwrap().len(), 1);
    let resolved = &checked["Resolved"][0];
    assert_eq!((&resolved["How"], &resolved["Name"]), (&json!("NAME"), &json!("Beep.wav")));
    assert_eq!((&checked["Language"], &checked["Name"]), (&json!("FLOW"), &Value::Null));

    let mut other = body.clone();
    other["Type"] = json!("WHISPER");
    assert_eq!(check(other).await.unwrap_err().code(), ErrorCode::Validation);
    let stranger = bench.call_as(&bench.stranger(), "POST /tympan/flows/check", body).await;
    assert_eq!(stranger.unwrap_err().code(), ErrorCode::NotFound);
    let text = check(json!({ "InstanceId": instance, "Content": "hello" })).await.unwrap();
    assert_eq!((&text["Problems"][0]["Line"], &text["Language"]), (&json!(1), &Value::Null));
}

#[tokio::test]
async fn the_activity_of_a_flow_is_that_of_its_own_lines_of_the_last_day() {
    let bench = Bench::new();
    let instance = bench.instance();
    let flow = json!({ "Name": "f", "Type": "CONTACT_FLOW", "Status": "SAVED", "Content": "{}" });
    let made = bench.connect(&format!("PUT /contact-flows/{instance}"), &flow);
    let (id, arn) = (made["ContactFlowId"].as_str().unwrap(), &made["ContactFlowArn"]);
    let line = |days_ago: i64, block: &str| {
        json!({ "ContactId": super::bench::contact(1).id, "ContactFlowId": arn, "Identifier": block, "Results": "Success",
            "ContactFlowModuleType": "PlayPrompt", "Timestamp": NOW.plus_ms(-days_ago * 86_400_000).rfc3339_ms() })
        .to_string()
    };
    *bench.contacts.flow_lines.lock().unwrap() = vec![line(2, "old"), line(0, "a"), line(0, "b")];
    let ask = async |rest: &str| {
        bench.call(&format!("GET /tympan/flows/{id}/activity?instanceId={instance}{rest}"), Value::Null).await
    };
    let day = ask("").await.unwrap();
    assert_eq!(
        (&day["Runs"], &day["Complete"], &day["Blocks"][0]["Identifier"]),
        (&json!(1), &json!(true), &json!("a"))
    );
    assert_eq!(day["Transitions"], json!([{ "From": "a", "To": "b", "Count": 1 }]));
    let all = ask("&since=2000-01-01T00:00:00Z").await.unwrap();
    assert_eq!(
        (&all["Since"], &all["Blocks"][0]["Identifier"]),
        (&json!("2000-01-01T00:00:00.000Z"), &json!("old"))
    );
    assert_eq!(ask("&since=yesterday").await.unwrap_err().code(), ErrorCode::Validation);
    let absent = format!("GET /tympan/flows/{instance}/activity?instanceId={instance}");
    assert_eq!(bench.call(&absent, Value::Null).await.unwrap_err().code(), ErrorCode::NotFound);
}
