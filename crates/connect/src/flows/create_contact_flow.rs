//! CreateContactFlow: PUT /contact-flows/{InstanceId}.

use super::{ContactFlow, FlowStatus, FlowType, NewFlow, content_sha256};
use crate::directory::Directory;
use crate::error::{ConnectError, ErrorCode};
use crate::service::{ConnectService, Limits};
use crate::tags;
use crate::target::{Context, InstanceTarget, required};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use tympan_aws::{BodyRule, Operation, Output};
use tympan_types::{ContactFlowId, InstanceId};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    name: Option<String>,
    #[serde(rename = "Type")]
    flow_type: Option<String>,
    description: Option<String>,
    content: Option<String>,
    status: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

/// Creates a flow, published unless `Status` is SAVED.
///
/// Errors: InvalidContactFlow (published content with problems; saved content is not looked at),
/// DuplicateResource (the name), LimitExceeded, InvalidRequest, InvalidParameter, ResourceNotFound.
pub(crate) struct CreateContactFlow;

impl Operation for CreateContactFlow {
    type Service = ConnectService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "CreateContactFlow";
    const BODY: BodyRule = BodyRule::CONTENT;

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: InstanceTarget) -> Result<Output, ConnectError> {
        let name = required(cx, input.name, "Name")?;
        let flow_type = required(cx, input.flow_type, "Type")?;
        let content = required(cx, input.content, "Content")?;
        let flow_type = FlowType::parse(&flow_type).map_err(ConnectError::parameter)?;
        let status = input.status.as_deref().map_or(Ok(FlowStatus::Published), FlowStatus::parse);
        let status = status.map_err(ConnectError::parameter)?;
        check_name(&name)?;
        let tags = tags::check(input.tags)?;
        let instance = target.instance?;
        let (id, arn) = cx.service.change(|edit| {
            let instance = edit.instance(&instance)?;
            check_name_is_free(&edit.directory, instance.id, &name, None)?;
            let count = edit.directory.flows_of(instance.id).count();
            let limit = cx.service.options().limits.flows_per_instance;
            Limits::check(count, limit, ErrorCode::LimitExceeded, "flows of an instance")?;
            let new = NewFlow {
                id: ContactFlowId::from_random(cx.service.random()),
                instance: instance.id,
                name,
                flow_type,
                description: input.description,
                tags,
            };
            let mut flow = ContactFlow::new(cx.now, new);
            match status {
                FlowStatus::Published => flow.publish(cx.now, &content)?,
                FlowStatus::Saved => flow.save(cx.now, &content)?,
            }
            let answer = (flow.id, instance.flow_arn(flow.id));
            edit.put_flow(flow)?;
            Ok(answer)
        })?;
        let sha256 = content_sha256(&content);
        Ok(Output::json(&json!({ "ContactFlowId": id, "ContactFlowArn": arn, "FlowContentSha256": sha256 })))
    }
}

/// Checks the length of a flow's name.
pub(crate) fn check_name(name: &str) -> Result<(), ConnectError> {
    const LONGEST: usize = 256;
    if (1..=LONGEST).contains(&name.chars().count()) {
        return Ok(());
    }
    Err(ConnectError::parameter(format!("Name must have 1 to {LONGEST} characters")))
}

/// Refuses a name that another flow of the instance has.
pub(super) fn check_name_is_free(
    directory: &Directory,
    instance: InstanceId,
    name: &str,
    except: Option<ContactFlowId>,
) -> Result<(), ConnectError> {
    if directory.flows_of(instance).any(|flow| flow.name == name && Some(flow.id) != except) {
        return Err(ConnectError::new(
            ErrorCode::DuplicateResource,
            "a flow of this name exists in the instance; choose another name, or update that flow",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench, DANGLING_FLOW, FLOW};
    use serde_json::Value;

    fn body(name: &str, content: &str) -> Value {
        json!({ "Name": name, "Type": "CONTACT_FLOW", "Content": content })
    }

    #[test]
    fn creates_a_published_flow() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let answer = bench.call("PUT", &format!("/contact-flows/{instance}"), body("a", FLOW)).unwrap();
        let id = answer["ContactFlowId"].as_str().unwrap();
        assert_eq!(
            answer["ContactFlowArn"],
            format!("arn:aws:connect:us-west-2:111122223333:instance/{instance}/contact-flow/{id}")
        );
        assert_eq!(answer["FlowContentSha256"], content_sha256(FLOW));
        assert!(bench.service.flow(instance.parse().unwrap(), &tympan_flow::ResourceRef::of(id)).is_some());
    }

    #[test]
    fn a_flow_with_problems_is_refused_when_published_and_kept_when_saved() {
        let bench = Bench::new();
        let target = format!("/contact-flows/{}", bench.instance("demo"));
        for content in [DANGLING_FLOW, "not json", "{}"] {
            let error = bench.call("PUT", &target, body("a", content)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidContactFlow, "{content}");
            assert!(!error.body()["problems"][0]["message"].as_str().unwrap().is_empty());
        }
        let mut saved = body("a", "not json");
        saved["Status"] = "SAVED".into();
        assert!(bench.call("PUT", &target, saved).is_ok());
    }

    #[test]
    fn a_name_is_unique_in_its_instance() {
        let bench = Bench::new();
        let (one, two) = (bench.instance("one"), bench.instance("two"));
        bench.flow(&one, "a");
        bench.flow(&two, "a");
        let target = format!("/contact-flows/{one}");
        assert_eq!(bench.refusal("PUT", &target, body("a", FLOW)), ErrorCode::DuplicateResource);
    }

    #[test]
    fn refuses_bad_members_absent_instances_and_too_many() {
        let bench = Bench::with(|options| options.limits.flows_per_instance = 1);
        let target = format!("/contact-flows/{}", bench.instance("demo"));
        for (member, value) in [
            ("Type", json!("NONE")),
            ("Status", json!("published")),
            ("Name", json!("")),
            ("Content", json!("")),
            ("Content", json!("x".repeat(256_001))),
            ("Tags", json!({ "": "" })),
        ] {
            let mut request = body("a", FLOW);
            request[member] = value;
            assert_eq!(bench.refusal("PUT", &target, request), ErrorCode::InvalidParameter, "{member}");
        }
        assert_eq!(bench.refusal("PUT", &target, json!({ "Name": "a" })), ErrorCode::InvalidRequest);
        let absent = format!("/contact-flows/{ABSENT}");
        assert_eq!(bench.refusal("PUT", &absent, body("a", FLOW)), ErrorCode::ResourceNotFound);
        bench.call("PUT", &target, body("a", FLOW)).unwrap();
        assert_eq!(bench.refusal("PUT", &target, body("b", FLOW)), ErrorCode::LimitExceeded);
    }
}
