//! ListInstanceAttributes: GET /instance/{InstanceId}/attributes.

use super::attribute_type::all;
use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::{Members, Scene};
use crate::paging;
use crate::target::Context;
use tympan_aws::Output;

/// Lists the attributes of an instance, seven at a time.
pub(crate) struct ListInstanceAttributes;

impl InstanceView for ListInstanceAttributes {
    const NAME: &'static str = "ListInstanceAttributes";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(cx: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let page = input.page(cx, 7)?;
        Ok(paging::list(&page, "Attributes", all(scene.instance)))
    }
}
