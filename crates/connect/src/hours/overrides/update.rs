//! UpdateHoursOfOperationOverride: POST /hours-of-operations/{InstanceId}/{HoursOfOperationId}/overrides/{HoursOfOperationOverrideId}.

use super::super::hours_of_operation::date;
use super::{Members, found};
use crate::error::ConnectError;
use crate::hours::HoursOfOperation;
use crate::named::{Change, Named, Scene};

/// Changes an override; a member that is absent stays as it is.
pub(crate) struct UpdateHoursOfOperationOverride;

impl Change for UpdateHoursOfOperationOverride {
    type Spec = HoursOfOperation;
    type Members = Members;
    const NAME: &'static str = "UpdateHoursOfOperationOverride";

    fn apply(
        _: &Scene<'_>,
        members: Members,
        hours: &mut Named<HoursOfOperation>,
    ) -> Result<(), ConnectError> {
        let mut changed = found(hours, &members.hours_of_operation_override_id)?.clone();
        changed.name = members.name.unwrap_or(changed.name);
        changed.description = members.description.or(changed.description).filter(|text| !text.is_empty());
        changed.config = members.config.unwrap_or(changed.config);
        if let Some(text) = members.effective_from {
            changed.effective_from = date(&text, "EffectiveFrom")?;
        }
        if let Some(text) = members.effective_till {
            changed.effective_till = date(&text, "EffectiveTill")?;
        }
        changed.recurrence = members.recurrence_config.or(changed.recurrence);
        changed.override_type = members.override_type.unwrap_or(changed.override_type);
        changed.check(&hours.spec.overrides)?;
        let place = hours.spec.overrides.iter_mut().find(|one| one.id == changed.id);
        place.into_iter().for_each(|place| *place = changed.clone());
        Ok(())
    }
}
