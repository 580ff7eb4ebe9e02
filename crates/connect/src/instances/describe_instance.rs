//! DescribeInstance: GET /instance/{InstanceId}.

use super::list_instances::summary;
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
}

/// Describes an instance.
///
/// Errors: ResourceNotFound.
pub(crate) struct DescribeInstance;

impl Operation for DescribeInstance {
    type Service = ConnectService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "DescribeInstance";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(cx: &Context<'_>, _: Input, target: InstanceTarget) -> Result<Output, ConnectError> {
        let instance = target.instance?;
        let mut summary = summary(cx.service, &instance);
        summary["Tags"] = json!(instance.tags);
        Ok(Output::json(&json!({ "Instance": summary })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench};
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
