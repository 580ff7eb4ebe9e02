//! CreateContactFlowModule: PUT /contact-flow-modules/{InstanceId}.

use super::Module;
use super::module::{Parsed, check};
use crate::error::ConnectError;
use crate::flows::FlowState;
use crate::named::{Creation, Scene};
use serde::Deserialize;
use tympan_aws::BodyRule;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    content: String,
    settings: Option<String>,
    external_invocation_configuration: Option<ExternalInvocation>,
}

/// Creates a flow module and publishes its content.
pub(crate) struct CreateContactFlowModule;

impl Creation for CreateContactFlowModule {
    type Spec = Module;
    type Members = Members;
    const NAME: &'static str = "CreateContactFlowModule";
    const BODY: BodyRule = BodyRule::CONTENT;

    fn spec(_: &Scene<'_>, members: Members) -> Result<Module, ConnectError> {
        check(&members.content)?;
        Ok(Module {
            state: FlowState::Active,
            published: members.content,
            saved: None,
            settings: members.settings,
            external_invocation: members.external_invocation_configuration.map(|external| external.enabled),
            aliases: Vec::new(),
            last_version: 0,
            parsed: Parsed::default(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ExternalInvocation {
    #[serde(default)]
    enabled: bool,
}
