//! DescribeContactFlowModuleAlias: GET /contact-flow-modules/{InstanceId}/{ContactFlowModuleId}/alias/{AliasId}.

use super::Module;
use crate::error::ConnectError;
use crate::named::{Members, Named, Scene, View};
use crate::target::Context;
use serde_json::json;
use tympan_aws::Output;

/// Describes an alias of a flow module.
pub(crate) struct DescribeContactFlowModuleAlias;

impl View for DescribeContactFlowModuleAlias {
    type Spec = Module;
    const NAME: &'static str = "DescribeContactFlowModuleAlias";

    fn of(
        _: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        named: &Named<Module>,
    ) -> Result<Output, ConnectError> {
        let module = Module::aliased(scene, named);
        let alias = module.find(input.text("AliasId"))?;
        Ok(Output::json(&json!({ "ContactFlowModuleAlias": module.described(scene, alias) })))
    }
}
