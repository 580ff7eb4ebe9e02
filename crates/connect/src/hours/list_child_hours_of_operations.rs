//! ListChildHoursOfOperations: GET /hours-of-operations/{InstanceId}/{HoursOfOperationId}/hours.

use super::HoursOfOperation;
use crate::error::ConnectError;
use crate::named::{Members, Named, Scene, View};
use crate::paging;
use crate::target::Context;
use serde_json::json;
use tympan_aws::Output;

/// Lists the hours in which the overrides of these hold too.
pub(crate) struct ListChildHoursOfOperations;

impl View for ListChildHoursOfOperations {
    type Spec = HoursOfOperation;
    const NAME: &'static str = "ListChildHoursOfOperations";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(
        cx: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        named: &Named<HoursOfOperation>,
    ) -> Result<Output, ConnectError> {
        let page = input.page(cx, 100)?;
        let children = scene.all::<HoursOfOperation>().filter(|hours| hours.spec.parents.contains(&named.id));
        let items = children.map(|hours| {
            let arn = scene.arn::<HoursOfOperation>(hours.id);
            (hours.name.clone(), json!({ "Name": hours.name, "Id": hours.id, "Arn": arn }))
        });
        Ok(paging::list(&page, "ChildHoursOfOperationsSummaryList", items))
    }
}
