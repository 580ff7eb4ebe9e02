//! ListSecurityProfilePermissions: GET /security-profiles-permissions/{InstanceId}/{SecurityProfileId}.

use super::SecurityProfile;
use crate::error::ConnectError;
use crate::named::{Members, Named, Scene, View};
use crate::paging;
use crate::target::Context;
use tympan_aws::Output;

/// Lists the permissions of a security profile.
pub(crate) struct ListSecurityProfilePermissions;

impl View for ListSecurityProfilePermissions {
    type Spec = SecurityProfile;
    const NAME: &'static str = "ListSecurityProfilePermissions";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(
        cx: &Context<'_>,
        input: &Members,
        _: &Scene<'_>,
        named: &Named<SecurityProfile>,
    ) -> Result<Output, ConnectError> {
        let page = input.page(cx, 1000)?;
        let items = named.spec.permissions.iter().map(|word| (word.clone(), word.as_str().into()));
        Ok(paging::list(&page, "Permissions", items))
    }
}
