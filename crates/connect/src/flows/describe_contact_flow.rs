//! DescribeContactFlow: GET /contact-flows/{InstanceId}/{ContactFlowId}.

use super::{FlowStatus, content_sha256};
use crate::error::{ConnectError, ErrorCode};
use crate::reference::shown;
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget, FoundFlow};
use crate::timestamp::epoch_seconds;
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    contact_flow_id: String,
}

/// Describes a flow with its published content, or with what was saved last when the id ends in `:$SAVED`.
///
/// Errors: ContactFlowNotPublished (only saved so far: ask for `:$SAVED`), ResourceNotFound (also for a
/// version, as there are none).
pub(crate) struct DescribeContactFlow;

impl Operation for DescribeContactFlow {
    type Service = ConnectService;
    type Input = Input;
    type Target = FlowTarget;
    const NAME: &'static str = "DescribeContactFlow";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, &input.instance_id, &input.contact_flow_id))
    }

    async fn call(_: &Context<'_>, _: Input, target: FlowTarget) -> Result<Output, ConnectError> {
        let FoundFlow { instance, flow, qualifier } = target.found?;
        let published = flow.published.as_ref().map(|content| (content, FlowStatus::Published));
        let saved = flow.saved.as_ref().map(|content| (content, FlowStatus::Saved));
        let (content, status) = match qualifier.as_deref() {
            None | Some("$LATEST") => published.ok_or_else(|| {
                ConnectError::new(
                    ErrorCode::ContactFlowNotPublished,
                    format!("flow {} is only saved; ask for {0}:$SAVED", flow.id),
                )
            }),
            // One of the two is always there.
            Some("$SAVED") => {
                saved.or(published).ok_or_else(|| ConnectError::internal(&"flow without content"))
            }
            Some(version) => Err(ConnectError::not_found(format!(
                "flow {} has no version {}: flows have no versions here",
                flow.id,
                shown(version)
            ))),
        }?;
        let mut description = json!({
            "Arn": instance.flow_arn(flow.id),
            "Id": flow.id,
            "Name": flow.name,
            "Type": flow.flow_type.as_str(),
            "State": flow.state.as_str(),
            "Status": status.as_str(),
            "Content": content,
            "Tags": flow.tags,
            "FlowContentSha256": content_sha256(content),
            "LastModifiedTime": epoch_seconds(flow.modified),
            "LastModifiedRegion": instance.region,
        });
        if let Some(text) = &flow.description {
            description["Description"] = text.as_str().into();
        }
        Ok(Output::json(&json!({ "ContactFlow": description })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench, FLOW, text};
    use serde_json::Value;

    #[test]
    fn shows_the_published_content_verbatim() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let id = bench.flow(&instance, "a");
        let answer = bench.call("GET", &format!("/contact-flows/{instance}/{id}"), Value::Null).unwrap();
        let flow = &answer["ContactFlow"];
        assert_eq!(flow["Content"], FLOW);
        assert_eq!(flow["FlowContentSha256"], content_sha256(FLOW));
        assert_eq!((&flow["Status"], &flow["State"]), (&json!("PUBLISHED"), &json!("ACTIVE")));
        assert_eq!((&flow["Name"], &flow["Type"]), (&json!("a"), &json!("CONTACT_FLOW")));
        assert_eq!(flow["LastModifiedTime"], 1_563_000_000.123);
        assert!(flow.get("Description").is_none());
    }

    #[test]
    fn a_saved_flow_is_shown_only_as_saved() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let body = json!({ "Name": "a", "Type": "CUSTOMER_HOLD", "Content": "draft", "Status": "SAVED",
            "Description": "later" });
        let id =
            text(&bench.call("PUT", &format!("/contact-flows/{instance}"), body).unwrap()["ContactFlowId"]);
        let target = format!("/contact-flows/{instance}/{id}");
        assert_eq!(bench.refusal("GET", &target, Value::Null), ErrorCode::ContactFlowNotPublished);
        let flow =
            bench.call("GET", &format!("{target}%3A%24SAVED"), Value::Null).unwrap()["ContactFlow"].clone();
        assert_eq!(flow["Content"], "draft");
        assert_eq!((&flow["Status"], &flow["Description"]), (&json!("SAVED"), &json!("later")));
    }

    #[test]
    fn absent_flows_versions_and_instances_are_not_found() {
        let bench = Bench::new();
        let (instance, other) = (bench.instance("demo"), bench.instance("other"));
        let id = bench.flow(&instance, "a");
        for target in [
            format!("/contact-flows/{instance}/{ABSENT}"),
            format!("/contact-flows/{instance}/{id}%3A3"),
            format!("/contact-flows/{other}/{id}"),
            format!("/contact-flows/{ABSENT}/{id}"),
        ] {
            assert_eq!(bench.refusal("GET", &target, Value::Null), ErrorCode::ResourceNotFound, "{target}");
        }
    }
}
