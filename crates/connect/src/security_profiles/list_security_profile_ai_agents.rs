//! ListSecurityProfileAIAgents: GET /security-profiles-ai-agents/{InstanceId}/{SecurityProfileId}.

use super::SecurityProfile;
use crate::error::ConnectError;
use crate::named::{Members, Named, Scene, View};
use crate::paging;
use crate::target::Context;
use tympan_aws::Output;

/// Lists the agents of AI that a security profile allows.
pub(crate) struct ListSecurityProfileAIAgents;

impl View for ListSecurityProfileAIAgents {
    type Spec = SecurityProfile;
    const NAME: &'static str = "ListSecurityProfileAIAgents";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(
        cx: &Context<'_>,
        input: &Members,
        _: &Scene<'_>,
        named: &Named<SecurityProfile>,
    ) -> Result<Output, ConnectError> {
        let page = input.page(cx, 1000)?;
        Ok(paging::list(&page, "AllowedAIAgents", named.spec.restricted_to("AllowedAIAgents")))
    }
}
