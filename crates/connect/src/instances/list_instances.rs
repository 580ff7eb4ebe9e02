//! ListInstances: GET /instance.

use super::Instance;
use crate::error::ConnectError;
use crate::paging;
use crate::service::ConnectService;
use crate::target::Context;
use crate::timestamp::epoch_seconds;
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
pub(crate) struct Input {
    #[serde(rename = "nextToken")]
    next_token: Option<String>,
    #[serde(rename = "maxResults")]
    max_results: Option<String>,
}

/// Lists the instances of the caller's account and region by alias.
///
/// Errors: InvalidRequest (paging).
pub(crate) struct ListInstances;

impl Operation for ListInstances {
    type Service = ConnectService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "ListInstances";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, input: Input, (): ()) -> Result<Output, ConnectError> {
        let (token, size) = (input.next_token.as_deref(), input.max_results.as_deref());
        let page = paging::of_query(cx, token, size, 10)?;
        let directory = cx.service.directory();
        let items = directory
            .instances_of(cx.caller)
            .map(|instance| (instance.alias.to_string(), summary(cx.service, instance)));
        Ok(paging::list(&page, "InstanceSummaryList", items))
    }
}

/// An instance as lists show it.
pub(super) fn summary(service: &ConnectService, instance: &Instance) -> Value {
    let mut summary = json!({
        "Id": instance.id,
        "Arn": instance.arn(),
        "IdentityManagementType": instance.identity_management.as_str(),
        "InstanceAlias": instance.alias,
        "CreatedTime": epoch_seconds(instance.created),
        "InstanceStatus": "ACTIVE",
        "InboundCallsEnabled": instance.inbound_calls,
        "OutboundCallsEnabled": instance.outbound_calls,
    });
    if let Some(url) = &service.options().access_url {
        summary["InstanceAccessUrl"] = url.as_str().into();
    }
    summary
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Bench;
    use crate::error::ErrorCode;

    #[test]
    fn pages_through_the_callers_instances_only() {
        let bench = Bench::new();
        for n in 0..12 {
            bench.instance(&format!("centre-{n:02}"));
        }
        let first = bench.call("GET", "/instance", Value::Null).unwrap();
        assert_eq!(first["InstanceSummaryList"].as_array().unwrap().len(), 10);
        let token = first["NextToken"].as_str().unwrap();
        let rest =
            bench.call("GET", &format!("/instance?nextToken={token}&maxResults=5"), Value::Null).unwrap();
        let aliases: Vec<&Value> = rest["InstanceSummaryList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| &item["InstanceAlias"])
            .collect();
        assert_eq!(aliases, ["centre-10", "centre-11"]);
        assert!(rest.get("NextToken").is_none());
        let strangers = bench.call_as(&bench.stranger(), "GET", "/instance", Value::Null).unwrap();
        assert_eq!(strangers, json!({ "InstanceSummaryList": [] }));
    }

    #[test]
    fn refuses_bad_paging_as_invalid_request() {
        let bench = Bench::new();
        for query in ["maxResults=11", "maxResults=x", "nextToken=%21"] {
            assert_eq!(
                bench.refusal("GET", &format!("/instance?{query}"), Value::Null),
                ErrorCode::InvalidRequest
            );
        }
    }
}
