//! CreateInstance: PUT /instance.

use super::invocation::Invocation;
use super::{Answer, tags};
use crate::error::{ConnectError, ErrorCode};
use crate::instance::{IdentityManagement, Instance, InstanceAlias};
use crate::service::Limits;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use tympan_types::InstanceId;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    client_token: Option<String>,
    identity_management_type: String,
    instance_alias: Option<String>,
    inbound_calls_enabled: bool,
    outbound_calls_enabled: bool,
    tags: Option<BTreeMap<String, String>>,
}

/// Creates an instance; it is ACTIVE at once. Live media streaming is not enabled (seed 11).
///
/// Errors: InvalidRequest (a member, an alias in use, a directory), ServiceQuotaExceeded.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let input: Input = i.input()?;
    let alias =
        input.instance_alias.as_deref().ok_or_else(|| ConnectError::request("InstanceAlias is required"))?;
    let alias = InstanceAlias::parse(alias).map_err(|error| ConnectError::request(error.to_string()))?;
    let identity_management = match input.identity_management_type.as_str() {
        "SAML" => IdentityManagement::Saml,
        "CONNECT_MANAGED" => IdentityManagement::ConnectManaged,
        "EXISTING_DIRECTORY" => {
            return Err(ConnectError::request(
                "there are no directories here: IdentityManagementType must be CONNECT_MANAGED or SAML",
            ));
        }
        _ => {
            return Err(ConnectError::request(
                "IdentityManagementType must be SAML, CONNECT_MANAGED or EXISTING_DIRECTORY",
            ));
        }
    };
    let tags = tags::check(input.tags)?;
    let instance = i.service.change(|edit| {
        if let Some(same) = input.client_token.as_ref().and_then(|token| {
            edit.directory
                .instances_of(i.caller)
                .find(|instance| instance.client_token.as_ref() == Some(token))
                .cloned()
        }) {
            return if same.alias == alias {
                Ok(same.as_ref().clone())
            } else {
                Err(ConnectError::request("ClientToken was used before for an instance with another alias"))
            };
        }
        if edit.directory.instance_named(&alias).is_some() {
            return Err(ConnectError::request("Invalid Input. Instance alias is already used."));
        }
        let limit = i.service.options().limits.instances;
        Limits::check(edit.directory.instance_count(), limit, ErrorCode::ServiceQuotaExceeded, "instances")?;
        let instance = Instance {
            id: InstanceId::from_random(i.service.random()),
            alias,
            account: i.caller.account.clone(),
            region: i.caller.region.clone(),
            created: i.now,
            identity_management,
            inbound_calls: input.inbound_calls_enabled,
            outbound_calls: input.outbound_calls_enabled,
            media_streams: None,
            lambda_functions: Vec::new(),
            tags,
            client_token: input.client_token,
        };
        edit.put_instance(instance.clone())?;
        Ok(instance)
    })?;
    Ok(Some(json!({ "Id": instance.id, "Arn": instance.arn() })))
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, text};
    use super::*;
    use serde_json::Value;

    fn body(alias: &str) -> Value {
        json!({ "IdentityManagementType": "CONNECT_MANAGED", "InstanceAlias": alias,
            "InboundCallsEnabled": true, "OutboundCallsEnabled": true })
    }

    #[test]
    fn creates_an_active_instance_without_media_streaming() {
        let bench = Bench::new();
        let answer = bench.call("PUT", "/instance", body("demo")).unwrap();
        let id = text(&answer["Id"]);
        assert_eq!(answer["Arn"], format!("arn:aws:connect:us-west-2:111122223333:instance/{id}"));
        let instance = bench.service.instance(id.parse().unwrap()).unwrap();
        assert_eq!(instance.media_streams, None);
    }

    #[test]
    fn an_alias_is_taken_once_whatever_its_case() {
        let bench = Bench::new();
        bench.instance("demo");
        let error = bench.call("PUT", "/instance", body("Demo")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest);
        assert_eq!(error.message(), "Invalid Input. Instance alias is already used.");
    }

    #[test]
    fn a_repeated_client_token_repeats_the_answer() {
        let bench = Bench::new();
        let mut request = body("demo");
        request["ClientToken"] = "t".into();
        let first = bench.call("PUT", "/instance", request.clone()).unwrap();
        assert_eq!(bench.reopened().call("PUT", "/instance", request.clone()).unwrap(), first);
        request["InstanceAlias"] = "other".into();
        assert_eq!(bench.refusal("PUT", "/instance", request), ErrorCode::InvalidRequest);
    }

    #[test]
    fn refuses_bad_members() {
        let bench = Bench::new();
        for (member, value) in [
            ("InstanceAlias", json!("d-1")),
            ("InstanceAlias", Value::Null),
            ("IdentityManagementType", json!("EXISTING_DIRECTORY")),
            ("IdentityManagementType", json!("NONE")),
            ("InboundCallsEnabled", json!("yes")),
            ("Tags", json!({ "aws:x": "1" })),
        ] {
            let mut request = body("demo");
            request[member] = value;
            assert_eq!(bench.refusal("PUT", "/instance", request), ErrorCode::InvalidRequest, "{member}");
        }
    }

    #[test]
    fn the_quota_is_402() {
        let bench = Bench::with(|options| options.limits.instances = 1);
        bench.instance("one");
        assert_eq!(bench.refusal("PUT", "/instance", body("two")), ErrorCode::ServiceQuotaExceeded);
    }
}
