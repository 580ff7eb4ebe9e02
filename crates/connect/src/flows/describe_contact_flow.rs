//! DescribeContactFlow: GET /contact-flows/{InstanceId}/{ContactFlowId}.

use super::{ContactFlow, FlowStatus, content_sha256};
use crate::error::{ConnectError, ErrorCode};
use crate::instances::Instance;
use crate::named::Scene;
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget, FoundFlow};
use crate::timestamp::epoch_seconds;
use crate::versions;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    contact_flow_id: String,
}

/// Describes a flow with its published content, with what was saved last when the id ends in `:$SAVED`, or with that of a version
/// when it ends in a number or an alias.
///
/// Errors: ContactFlowNotPublished (only saved so far: ask for `:$SAVED`), ResourceNotFound.
pub(crate) struct DescribeContactFlow;

impl Operation for DescribeContactFlow {
    type Service = ConnectService;
    type Input = Input;
    type Target = FlowTarget;
    const NAME: &'static str = "DescribeContactFlow";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, &input.instance_id, &input.contact_flow_id))
    }

    async fn call(cx: &Context<'_>, _: Input, target: FlowTarget) -> Result<Output, ConnectError> {
        let FoundFlow { instance, flow, qualifier } = target.found?;
        let directory = cx.service.directory();
        let mut shown = described(&instance, &flow);
        match qualifier.as_deref() {
            None | Some("$LATEST") => {
                if flow.published.is_none() {
                    return Err(ConnectError::new(
                        ErrorCode::ContactFlowNotPublished,
                        format!("flow {} is only saved; ask for {0}:$SAVED", flow.id),
                    ));
                }
            }
            Some("$SAVED") => {
                if let Some(saved) = &flow.saved {
                    show(&mut shown, saved, FlowStatus::Saved);
                }
            }
            Some(number_or_alias) => {
                let scene =
                    Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now };
                let number = flow.aliased(&instance).version(number_or_alias);
                let version = versions::get(&scene, flow.resource_id(), &number)?;
                show(&mut shown, &version.spec.content, FlowStatus::Published);
                shown.insert("Version".to_owned(), version.spec.number.into());
                if let Some(text) = &version.description {
                    shown.insert("VersionDescription".to_owned(), text.as_str().into());
                }
            }
        }
        Ok(Output::json(&json!({ "ContactFlow": shown })))
    }
}

/// A flow as descriptions and searches show it, with what is published of it, or else saved.
pub(super) fn described(instance: &Instance, flow: &ContactFlow) -> Map<String, Value> {
    let mut shown = Map::new();
    let mut add = |member: &str, value: Value| drop(shown.insert(member.to_owned(), value));
    add("Arn", instance.flow_arn(flow.id).into());
    add("Id", flow.id.to_string().into());
    add("Name", flow.name.as_str().into());
    add("Type", flow.flow_type.as_str().into());
    add("State", flow.state.as_str().into());
    add("Tags", json!(flow.tags));
    add("LastModifiedTime", epoch_seconds(flow.modified));
    add("LastModifiedRegion", instance.region.to_string().into());
    flow.description.iter().for_each(|text| add("Description", text.as_str().into()));
    let content = flow.published.as_ref().or(flow.saved.as_ref());
    content.into_iter().for_each(|content| show(&mut shown, content, flow.status()));
    shown
}

fn show(shown: &mut Map<String, Value>, content: &str, status: FlowStatus) {
    shown.insert("Content".to_owned(), content.into());
    shown.insert("FlowContentSha256".to_owned(), content_sha256(content).into());
    shown.insert("Status".to_owned(), status.as_str().into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench, FLOW, text};

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
