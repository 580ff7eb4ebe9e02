//! CreateContactFlow: PUT /contact-flows/{InstanceId}.

use super::invocation::Invocation;
use super::{Answer, tags};
use crate::directory::Directory;
use crate::error::{ConnectError, ErrorCode};
use crate::flows::{ContactFlow, FlowStatus, FlowType, NewFlow, content_sha256};
use crate::service::Limits;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use tympan_types::{ContactFlowId, InstanceId};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    name: String,
    #[serde(rename = "Type")]
    flow_type: String,
    description: Option<String>,
    content: String,
    status: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

/// Creates a flow, published unless `Status` is SAVED.
///
/// Errors: InvalidContactFlow (published content with problems; saved content is not looked at),
/// DuplicateResource (the name), LimitExceeded, InvalidRequest, InvalidParameter, ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let input: Input = i.input()?;
    let flow_type = FlowType::parse(&input.flow_type).map_err(ConnectError::parameter)?;
    let status = input.status.as_deref().map_or(Ok(FlowStatus::Published), FlowStatus::parse);
    let status = status.map_err(ConnectError::parameter)?;
    check_name(&input.name)?;
    let tags = tags::check(input.tags)?;
    let (id, arn) = i.service.change(|edit| {
        let instance = i.instance_in(&edit.directory, i.label("InstanceId"))?;
        check_name_is_free(&edit.directory, instance.id, &input.name, None)?;
        let count = edit.directory.flows_of(instance.id).count();
        let limit = i.service.options().limits.flows_per_instance;
        Limits::check(count, limit, ErrorCode::LimitExceeded, "flows of an instance")?;
        let new = NewFlow {
            id: ContactFlowId::from_random(i.service.random()),
            instance: instance.id,
            name: input.name,
            flow_type,
            description: input.description,
            tags,
        };
        let mut flow = ContactFlow::new(i.now, new);
        match status {
            FlowStatus::Published => flow.publish(i.now, &input.content)?,
            FlowStatus::Saved => flow.save(i.now, &input.content)?,
        }
        let answer = (flow.id, instance.flow_arn(flow.id));
        edit.put_flow(flow)?;
        Ok(answer)
    })?;
    let sha256 = content_sha256(&input.content);
    Ok(Some(json!({ "ContactFlowId": id, "ContactFlowArn": arn, "FlowContentSha256": sha256 })))
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
    use super::super::bench::{ABSENT, Bench, DANGLING_FLOW, FLOW};
    use super::*;
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
        assert!(bench.service.flow(instance.parse().unwrap(), id).is_some());
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
