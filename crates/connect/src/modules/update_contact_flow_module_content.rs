//! UpdateContactFlowModuleContent: POST /contact-flow-modules/{InstanceId}/{ContactFlowModuleId}/content.

use super::Module;
use super::module::{Parsed, check, check_length};
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use crate::reference;
use serde::Deserialize;
use tympan_aws::{BodyRule, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    contact_flow_module_id: String,
    content: Option<String>,
    settings: Option<String>,
}

/// Publishes content, which the next run of the module has; with an id that ends in `:$SAVED` only saves it.
pub(crate) struct UpdateContactFlowModuleContent;

impl Change for UpdateContactFlowModuleContent {
    type Spec = Module;
    type Members = Members;
    const NAME: &'static str = "UpdateContactFlowModuleContent";
    const BODY: BodyRule = BodyRule::CONTENT;

    fn apply(_: &Scene<'_>, members: Members, named: &mut Named<Module>) -> Result<(), ConnectError> {
        let module = &mut named.spec;
        match (reference::qualified(&members.contact_flow_module_id).1, members.content) {
            (_, None) => {}
            (None | Some("$LATEST"), Some(content)) => {
                check(&content)?;
                (module.published, module.saved, module.parsed) = (content, None, Parsed::default());
            }
            (Some("$SAVED"), Some(content)) => {
                check_length(&content)?;
                module.saved = Some(content);
            }
            (Some(_), Some(_)) => {
                return Err(ConnectError::request("ContactFlowModuleId may only be followed by :$SAVED"));
            }
        }
        module.settings = members.settings.or(module.settings.take());
        Ok(())
    }

    fn answer(_: &Scene<'_>, _: &Named<Module>) -> Output {
        Output::empty_object()
    }
}
