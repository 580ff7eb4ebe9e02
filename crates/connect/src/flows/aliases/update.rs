//! UpdateContactFlowAlias: POST /contact-flows/{InstanceId}/{ContactFlowId}/alias/{AliasId}.

use crate::error::ConnectError;
use crate::named::Members;
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget};
use crate::versions::AliasChange;
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Own {
    alias_id: String,
    name: Option<String>,
    description: Option<String>,
    contact_flow_version: Option<u32>,
}

/// Changes an alias of a flow; a member that is absent stays as it is.
///
/// Errors: DuplicateResource (the name), InvalidRequest, InvalidParameter, ResourceNotFound (flow, alias, version).
pub(crate) struct UpdateContactFlowAlias;

impl Operation for UpdateContactFlowAlias {
    type Service = ConnectService;
    type Input = Members;
    type Target = FlowTarget;
    const NAME: &'static str = "UpdateContactFlowAlias";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, input.instance(), input.text("ContactFlowId")))
    }

    async fn call(cx: &Context<'_>, input: Members, target: FlowTarget) -> Result<Output, ConnectError> {
        let Own { alias_id, name, description, contact_flow_version: version } = input.read(cx)?;
        super::change(cx, target, |scene, flow| {
            let change = AliasChange { alias_id, name, description, version };
            let changed = flow.aliased(scene.instance).changed(scene, change)?;
            let place = flow.aliases.iter_mut().find(|alias| alias.id == changed.id);
            place.into_iter().for_each(|place| place.clone_from(&changed));
            Ok(Output::empty_object())
        })
    }
}
