//! DescribeContactFlow: GET /contact-flows/{InstanceId}/{ContactFlowId}.

use super::Answer;
use super::invocation::{Invocation, shown};
use super::list_instances::epoch_seconds;
use crate::error::{ConnectError, ErrorCode};
use crate::flows::{FlowStatus, content_sha256};
use serde_json::json;

/// Describes a flow with its published content, or with what was saved last when the id ends in `:$SAVED`.
///
/// Errors: ContactFlowNotPublished (only saved so far: ask for `:$SAVED`), ResourceNotFound (also for a
/// version, as there are none).
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let instance = i.instance()?;
    let directory = i.service.directory();
    let (flow, reference) = i.flow_in(&directory, &instance, i.label("ContactFlowId"))?;
    let published = flow.published.as_ref().map(|content| (content, FlowStatus::Published));
    let saved = flow.saved.as_ref().map(|content| (content, FlowStatus::Saved));
    let (content, status) = match reference.qualifier {
        None | Some("$LATEST") => published.ok_or_else(|| {
            ConnectError::new(
                ErrorCode::ContactFlowNotPublished,
                format!("flow {} is only saved; ask for {0}:$SAVED", flow.id),
            )
        }),
        // One of the two is always there.
        Some("$SAVED") => saved.or(published).ok_or_else(|| ConnectError::internal(&"flow without content")),
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
    Ok(Some(json!({ "ContactFlow": description })))
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench, FLOW, text};
    use super::*;
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
