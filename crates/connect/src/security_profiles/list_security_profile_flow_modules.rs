//! ListSecurityProfileFlowModules: GET /security-profiles-flow-modules/{InstanceId}/{SecurityProfileId}.

use super::SecurityProfile;
use crate::error::ConnectError;
use crate::named::{Members, Named, Scene, View};
use crate::paging;
use crate::target::Context;
use tympan_aws::Output;

/// Lists the flow modules that a security profile allows.
pub(crate) struct ListSecurityProfileFlowModules;

impl View for ListSecurityProfileFlowModules {
    type Spec = SecurityProfile;
    const NAME: &'static str = "ListSecurityProfileFlowModules";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(
        cx: &Context<'_>,
        input: &Members,
        _: &Scene<'_>,
        named: &Named<SecurityProfile>,
    ) -> Result<Output, ConnectError> {
        let page = input.page(cx, 1000)?;
        Ok(paging::list(&page, "AllowedFlowModules", named.spec.restricted_to("AllowedFlowModules")))
    }
}
