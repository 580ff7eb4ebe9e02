//! DeleteHoursOfOperationOverride: DELETE /hours-of-operations/{InstanceId}/{HoursOfOperationId}/overrides/{HoursOfOperationOverrideId}.

use super::{Members, found};
use crate::error::ConnectError;
use crate::hours::HoursOfOperation;
use crate::named::{Change, Named, Scene};

/// Takes an override away.
pub(crate) struct DeleteHoursOfOperationOverride;

impl Change for DeleteHoursOfOperationOverride {
    type Spec = HoursOfOperation;
    type Members = Members;
    const NAME: &'static str = "DeleteHoursOfOperationOverride";

    fn apply(
        _: &Scene<'_>,
        members: Members,
        hours: &mut Named<HoursOfOperation>,
    ) -> Result<(), ConnectError> {
        let gone = found(hours, &members.hours_of_operation_override_id)?.id;
        hours.spec.overrides.retain(|one| one.id != gone);
        Ok(())
    }
}
