//! UpdateContactFlowContent: POST /contact-flows/{InstanceId}/{ContactFlowId}/content.

use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget, required};
use serde::Deserialize;
use tympan_aws::{BodyRule, Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    contact_flow_id: String,
    content: Option<String>,
}

/// Publishes content, which answers the next call; with an id that ends in `:$SAVED` only saves it.
///
/// Errors: InvalidContactFlow (content to publish that has problems), InvalidParameter, ResourceNotFound.
pub(crate) struct UpdateContactFlowContent;

impl Operation for UpdateContactFlowContent {
    type Service = ConnectService;
    type Input = Input;
    type Target = FlowTarget;
    const NAME: &'static str = "UpdateContactFlowContent";
    const BODY: BodyRule = BodyRule::CONTENT;

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, &input.instance_id, &input.contact_flow_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: FlowTarget) -> Result<Output, ConnectError> {
        let content = required(cx, input.content, "Content")?;
        let found = target.found?;
        cx.service.change(|edit| {
            let mut flow = edit.flow(&found.flow)?;
            match found.qualifier.as_deref() {
                None => flow.publish(cx.now, &content)?,
                Some("$SAVED") => flow.save(cx.now, &content)?,
                Some(_) => {
                    return Err(ConnectError::parameter("ContactFlowId may only be followed by :$SAVED"));
                }
            }
            edit.put_flow(flow)?;
            Ok(Output::empty_object())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Bench, DANGLING_FLOW, FLOW};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

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
        assert!(bench.service.flow(instance.parse().unwrap(), &tympan_flow::ResourceRef::of(&id)).is_some());
    }
}
