//! CreateContactFlowModule: PUT /contact-flow-modules/{InstanceId}.

use super::module::{Parsed, check};
use super::{MadeBy, Module};
use crate::error::{ConnectError, ErrorCode};
use crate::flows::{FlowState, content_sha256};
use crate::named::{Creation, Scene};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::BodyRule;
use tympan_types::ResourceId;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    content: String,
    settings: Option<String>,
    external_invocation_configuration: Option<ExternalInvocation>,
    client_token: Option<String>,
}

/// Creates a flow module and publishes its content. A request that comes again under its token is answered as before.
///
/// Errors beside those of every creation: Idempotency (another request had the token), InvalidContactFlowModule.
pub(crate) struct CreateContactFlowModule;

impl Creation for CreateContactFlowModule {
    type Spec = Module;
    type Members = Members;
    const NAME: &'static str = "CreateContactFlowModule";
    const BODY: BodyRule = BodyRule::CONTENT;

    fn made_before(
        scene: &Scene<'_>,
        name: &str,
        members: &Members,
    ) -> Result<Option<ResourceId>, ConnectError> {
        let Some(token) = members.client_token.as_ref().filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        if token.chars().count() > 500 {
            return Err(ConnectError::parameter("ClientToken has at most 500 characters"));
        }
        let of_token = |made: &MadeBy| made.client_token == *token;
        let known = scene.all::<Module>().find(|module| module.spec.made_by.as_ref().is_some_and(of_token));
        let Some(known) = known else { return Ok(None) };
        let members_sha256 = members.sha256();
        let is_same = known.spec.made_by.as_ref().is_some_and(|made| made.members_sha256 == members_sha256);
        match is_same && known.name == name {
            true => Ok(Some(known.id)),
            false => Err(ConnectError::new(
                ErrorCode::Idempotency,
                "ClientToken was used before to create another flow module",
            )),
        }
    }

    fn spec(_: &Scene<'_>, members: Members) -> Result<Module, ConnectError> {
        check(&members.content)?;
        let members_sha256 = members.sha256();
        let token = members.client_token.filter(|token| !token.is_empty());
        Ok(Module {
            state: FlowState::Active,
            published: members.content,
            saved: None,
            settings: members.settings,
            external_invocation: members.external_invocation_configuration.map(|external| external.enabled),
            aliases: Vec::new(),
            last_version: 0,
            made_by: token.map(|client_token| MadeBy { client_token, members_sha256 }),
            parsed: Parsed::default(),
        })
    }
}

impl Members {
    /// What tells requests of one token apart.
    fn sha256(&self) -> String {
        let external = self.external_invocation_configuration.as_ref().map(|external| external.enabled);
        content_sha256(&json!([self.content, self.settings, external]).to_string())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ExternalInvocation {
    #[serde(default)]
    enabled: bool,
}
