//! CreateInstance: PUT /instance.

use super::{IdentityManagement, Instance, InstanceAlias, InstanceConfig};
use crate::defaults;
use crate::error::{ConnectError, ErrorCode};
use crate::service::{ConnectService, Limits};
use crate::tags;
use crate::target::{Context, required};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use tympan_aws::{Operation, Output};
use tympan_types::InstanceId;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    client_token: Option<String>,
    identity_management_type: Option<String>,
    instance_alias: Option<String>,
    inbound_calls_enabled: Option<bool>,
    outbound_calls_enabled: Option<bool>,
    tags: Option<BTreeMap<String, String>>,
}

/// Creates an instance; it is ACTIVE at once. Live media streaming is not enabled (seed 11).
///
/// Errors: InvalidRequest (a member, an alias in use, a directory), ServiceQuotaExceeded.
pub(crate) struct CreateInstance;

impl Operation for CreateInstance {
    type Service = ConnectService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "CreateInstance";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, input: Input, (): ()) -> Result<Output, ConnectError> {
        let identity_management = required(cx, input.identity_management_type, "IdentityManagementType")?;
        let inbound_calls = required(cx, input.inbound_calls_enabled, "InboundCallsEnabled")?;
        let outbound_calls = required(cx, input.outbound_calls_enabled, "OutboundCallsEnabled")?;
        let alias = input
            .instance_alias
            .as_deref()
            .ok_or_else(|| ConnectError::request("InstanceAlias is required"))?;
        let alias = InstanceAlias::parse(alias).map_err(|error| ConnectError::request(error.to_string()))?;
        let identity_management = parse_identity_management(&identity_management)?;
        let tags = tags::check(input.tags)?;
        let instance = cx.service.change(|edit| {
            if let Some(same) = input.client_token.as_ref().and_then(|token| {
                edit.directory
                    .instances_of(cx.caller)
                    .find(|instance| instance.client_token.as_ref() == Some(token))
                    .cloned()
            }) {
                return if same.alias == alias {
                    Ok(same.as_ref().clone())
                } else {
                    Err(ConnectError::request(
                        "ClientToken was used before for an instance with another alias",
                    ))
                };
            }
            if edit.directory.instance_named(&alias).is_some() {
                return Err(ConnectError::request("Invalid Input. Instance alias is already used."));
            }
            let limit = cx.service.options().limits.instances;
            let count = edit.directory.instance_count();
            Limits::check(count, limit, ErrorCode::ServiceQuotaExceeded, "instances")?;
            let instance = Instance {
                id: InstanceId::from_random(cx.service.random()),
                alias,
                account: cx.caller.account.clone(),
                region: cx.caller.region.clone(),
                created: cx.now,
                identity_management,
                inbound_calls,
                outbound_calls,
                media_streams: None,
                lambda_functions: Vec::new(),
                tags,
                client_token: input.client_token,
                config: InstanceConfig::default(),
            };
            edit.put_instance(instance.clone())?;
            defaults::give(cx.service, edit, instance.id, cx.now)?;
            Ok(instance)
        })?;
        Ok(Output::json(&json!({ "Id": instance.id, "Arn": instance.arn() })))
    }
}

fn parse_identity_management(word: &str) -> Result<IdentityManagement, ConnectError> {
    match word {
        "SAML" => Ok(IdentityManagement::Saml),
        "CONNECT_MANAGED" => Ok(IdentityManagement::ConnectManaged),
        "EXISTING_DIRECTORY" => Err(ConnectError::request(
            "there are no directories here: IdentityManagementType must be CONNECT_MANAGED or SAML",
        )),
        _ => Err(ConnectError::request(
            "IdentityManagementType must be SAML, CONNECT_MANAGED or EXISTING_DIRECTORY",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Bench, text};
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
