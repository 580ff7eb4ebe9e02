//! UpdateContactFlowContent: POST /contact-flows/{InstanceId}/{ContactFlowId}/content.

use super::Answer;
use super::invocation::Invocation;
use crate::error::ConnectError;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    content: String,
}

/// Publishes content, which answers the next call; with an id that ends in `:$SAVED` only saves it.
///
/// Errors: InvalidContactFlow (content to publish that has problems), InvalidParameter, ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let input: Input = i.input()?;
    i.service.change(|edit| {
        let instance = i.instance_in(&edit.directory, i.label("InstanceId"))?;
        let (flow, reference) = i.flow_in(&edit.directory, &instance, i.label("ContactFlowId"))?;
        let mut flow = flow.as_ref().clone();
        match reference.qualifier {
            None => flow.publish(i.now, &input.content)?,
            Some("$SAVED") => flow.save(i.now, &input.content)?,
            Some(_) => return Err(ConnectError::parameter("ContactFlowId may only be followed by :$SAVED")),
        }
        edit.put_flow(flow)?;
        Ok(Some(json!({})))
    })
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench, DANGLING_FLOW, FLOW};
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::Value;

    #[test]
    fn what_is_saved_waits_and_what_is_published_replaces_both() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let id = bench.flow(&instance, "a");
        let flow = format!("/contact-flows/{instance}/{id}");
        let content = |target: &str| {
            bench.reopened().call("GET", target, Value::Null).unwrap()["ContactFlow"]["Content"].clone()
        };
        let saved = format!("{flow}%3A%24SAVED");
        bench.call("POST", &format!("{saved}/content"), json!({ "Content": DANGLING_FLOW })).unwrap();
        assert_eq!((content(&flow), content(&saved)), (json!(FLOW), json!(DANGLING_FLOW)));

        let other = FLOW.replace("\"end\"", "\"bye\"");
        let answer = bench.call("POST", &format!("{flow}/content"), json!({ "Content": other })).unwrap();
        assert_eq!(answer, json!({}));
        assert_eq!((content(&flow), content(&saved)), (json!(other), json!(other)));
    }

    #[test]
    fn refused_content_leaves_the_published_one() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let id = bench.flow(&instance, "a");
        let target = format!("/contact-flows/{instance}/{id}/content");
        let dangling = json!({ "Content": DANGLING_FLOW });
        assert_eq!(bench.refusal("POST", &target, dangling), ErrorCode::InvalidContactFlow);
        assert_eq!(bench.refusal("POST", &target, json!({ "Content": "" })), ErrorCode::InvalidParameter);
        assert_eq!(bench.refusal("POST", &target, json!({})), ErrorCode::InvalidRequest);
        let version = format!("/contact-flows/{instance}/{id}%3A2/content");
        assert_eq!(bench.refusal("POST", &version, json!({ "Content": FLOW })), ErrorCode::InvalidParameter);
        let absent = format!("/contact-flows/{instance}/{ABSENT}/content");
        assert_eq!(bench.refusal("POST", &absent, json!({ "Content": FLOW })), ErrorCode::ResourceNotFound);
        assert!(bench.service.flow(instance.parse().unwrap(), &id).is_some());
    }
}
