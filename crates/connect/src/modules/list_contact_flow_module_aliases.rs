//! ListContactFlowModuleAliases: GET /contact-flow-modules/{InstanceId}/{ContactFlowModuleId}/aliases.

use super::Module;
use crate::error::ConnectError;
use crate::named::{Members, Named, Scene, View};
use crate::paging;
use crate::target::Context;
use tympan_aws::Output;

/// Lists the aliases of a flow module by name.
pub(crate) struct ListContactFlowModuleAliases;

impl View for ListContactFlowModuleAliases {
    type Spec = Module;
    const NAME: &'static str = "ListContactFlowModuleAliases";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(
        cx: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        named: &Named<Module>,
    ) -> Result<Output, ConnectError> {
        let page = input.page(cx, 1000)?;
        let module = Module::aliased(scene, named);
        Ok(paging::list(&page, "ContactFlowModuleAliasSummaryList", module.summaries()))
    }
}
