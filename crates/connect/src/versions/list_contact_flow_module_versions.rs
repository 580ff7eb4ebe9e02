//! ListContactFlowModuleVersions: GET /contact-flow-modules/{InstanceId}/{ContactFlowModuleId}/versions.

use super::version::list;
use crate::error::ConnectError;
use crate::modules::Module;
use crate::named::{Members, Named, Scene, View};
use crate::paging;
use crate::target::Context;
use tympan_aws::Output;

/// Lists the versions of a flow module.
pub(crate) struct ListContactFlowModuleVersions;

impl View for ListContactFlowModuleVersions {
    type Spec = Module;
    const NAME: &'static str = "ListContactFlowModuleVersions";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(
        cx: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        named: &Named<Module>,
    ) -> Result<Output, ConnectError> {
        let page = input.page(cx, 1000)?;
        let arn = scene.arn::<Module>(named.id);
        Ok(list(&page, "ContactFlowModuleVersionSummaryList", scene, named.id, &arn, false))
    }
}
