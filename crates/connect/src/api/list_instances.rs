//! ListInstances: GET /instance.

use super::Answer;
use super::invocation::Invocation;
use crate::instance::Instance;
use serde_json::{Value, json};
use tympan_types::WallTime;

/// Lists the instances of the caller's account and region by alias.
///
/// Errors: InvalidRequest (paging).
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let paging = i.query_paging(10)?;
    let directory = i.service.directory();
    let items =
        directory.instances_of(i.caller).map(|instance| (instance.alias.to_string(), summary(i, instance)));
    Ok(Some(paging.answer("InstanceSummaryList", items)))
}

/// An instance as lists show it.
pub(super) fn summary(i: &Invocation<'_>, instance: &Instance) -> Value {
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
    if let Some(url) = &i.service.options().access_url {
        summary["InstanceAccessUrl"] = url.as_str().into();
    }
    summary
}

/// A timestamp in a rest-json body: seconds since 1970 as a number, with the milliseconds as decimals.
pub(super) fn epoch_seconds(at: WallTime) -> Value {
    // Milliseconds of this century fit a double's 53 bits, so the quotient prints with three decimals.
    Value::from(at.unix_ms() as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;
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
