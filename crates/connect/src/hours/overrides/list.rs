//! ListHoursOfOperationOverrides: GET /hours-of-operations/{InstanceId}/{HoursOfOperationId}/overrides.

use crate::error::ConnectError;
use crate::hours::HoursOfOperation;
use crate::named::{Members, Named, Scene, View};
use crate::paging;
use crate::target::Context;
use tympan_aws::Output;

/// Lists the overrides of hours by name.
///
/// Errors: InvalidParameter (paging), ResourceNotFound.
pub(crate) struct ListHoursOfOperationOverrides;

impl View for ListHoursOfOperationOverrides {
    type Spec = HoursOfOperation;
    const NAME: &'static str = "ListHoursOfOperationOverrides";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(
        cx: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        hours: &Named<HoursOfOperation>,
    ) -> Result<Output, ConnectError> {
        let page = input.page(cx, 100)?;
        let items = hours.spec.overrides.iter().map(|one| (one.name.clone(), one.shown(hours, scene)));
        Ok(paging::list(&page, "HoursOfOperationOverrideList", items))
    }
}
