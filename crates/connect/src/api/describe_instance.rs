//! DescribeInstance: GET /instance/{InstanceId}.

use super::invocation::Invocation;
use super::{Answer, list_instances};
use serde_json::json;

/// Describes an instance.
///
/// Errors: ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let instance = i.instance()?;
    let mut summary = list_instances::summary(i, &instance);
    summary["Tags"] = json!(instance.tags);
    Ok(Some(json!({ "Instance": summary })))
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench};
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::Value;

    #[test]
    fn shows_what_was_created() {
        let bench = Bench::with(|options| options.access_url = Some("http://127.0.0.1:8601".into()));
        let id = bench.instance("demo");
        let instance =
            bench.call("GET", &format!("/instance/{id}"), Value::Null).unwrap()["Instance"].clone();
        assert_eq!(instance["Id"], id);
        assert_eq!(instance["InstanceAlias"], "demo");
        assert_eq!(instance["InstanceStatus"], "ACTIVE");
        assert_eq!(instance["IdentityManagementType"], "CONNECT_MANAGED");
        assert_eq!(instance["CreatedTime"], 1_563_000_000.123);
        assert_eq!(instance["InboundCallsEnabled"], true);
        assert_eq!(instance["OutboundCallsEnabled"], false);
        assert_eq!(instance["InstanceAccessUrl"], "http://127.0.0.1:8601");
        assert_eq!(instance["Tags"], json!({}));
    }

    #[test]
    fn an_arn_names_it_too() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let arn = format!("arn%3Aaws%3Aconnect%3Aus-west-2%3A111122223333%3Ainstance%2F{id}");
        assert!(bench.call("GET", &format!("/instance/{arn}"), Value::Null).is_ok());
        let other = arn.replace("us-west-2", "us-east-1");
        assert_eq!(
            bench.refusal("GET", &format!("/instance/{other}"), Value::Null),
            ErrorCode::ResourceNotFound
        );
    }

    #[test]
    fn another_accounts_instance_is_not_found() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let error =
            bench.call_as(&bench.stranger(), "GET", &format!("/instance/{id}"), Value::Null).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ResourceNotFound);
        for absent in [ABSENT, "x", "%F0%9F%98%80"] {
            let target = format!("/instance/{absent}");
            assert_eq!(bench.refusal("GET", &target, Value::Null), ErrorCode::ResourceNotFound);
        }
    }
}
