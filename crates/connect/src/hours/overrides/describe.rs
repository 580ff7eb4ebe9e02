//! DescribeHoursOfOperationOverride: GET /hours-of-operations/{InstanceId}/{HoursOfOperationId}/overrides/{HoursOfOperationOverrideId}.

use super::found;
use crate::error::ConnectError;
use crate::hours::HoursOfOperation;
use crate::named::{Members, Named, Scene, View};
use crate::target::Context;
use serde_json::json;
use tympan_aws::Output;

/// Describes an override.
///
/// Errors: ResourceNotFound.
pub(crate) struct DescribeHoursOfOperationOverride;

impl View for DescribeHoursOfOperationOverride {
    type Spec = HoursOfOperation;
    const NAME: &'static str = "DescribeHoursOfOperationOverride";

    fn of(
        _: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        hours: &Named<HoursOfOperation>,
    ) -> Result<Output, ConnectError> {
        let one = found(hours, input.text("HoursOfOperationOverrideId"))?;
        Ok(Output::json(&json!({ "HoursOfOperationOverride": one.shown(hours, scene) })))
    }
}
