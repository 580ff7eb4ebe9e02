//! ListSecurityProfileApplications: GET /security-profiles-applications/{InstanceId}/{SecurityProfileId}.

use super::SecurityProfile;
use crate::error::ConnectError;
use crate::named::{Members, Named, Scene, View};
use crate::paging;
use crate::target::Context;
use tympan_aws::Output;

/// Lists the applications of a security profile.
pub(crate) struct ListSecurityProfileApplications;

impl View for ListSecurityProfileApplications {
    type Spec = SecurityProfile;
    const NAME: &'static str = "ListSecurityProfileApplications";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(
        cx: &Context<'_>,
        input: &Members,
        _: &Scene<'_>,
        named: &Named<SecurityProfile>,
    ) -> Result<Output, ConnectError> {
        let page = input.page(cx, 1000)?;
        Ok(paging::list(&page, "Applications", named.spec.restricted_to("Applications")))
    }
}
