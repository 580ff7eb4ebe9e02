//! CreateHoursOfOperationOverride: PUT /hours-of-operations/{InstanceId}/{HoursOfOperationId}/overrides.

use super::super::hours_of_operation::date;
use super::{HoursOverride, MOST, Members, OverrideType};
use crate::error::{ConnectError, ErrorCode};
use crate::hours::HoursOfOperation;
use crate::named::{Change, Named, Scene};
use crate::service::Limits;
use serde_json::json;
use tympan_aws::Output;
use tympan_types::ResourceId;

/// Adds an override.
pub(crate) struct CreateHoursOfOperationOverride;

impl Change for CreateHoursOfOperationOverride {
    type Spec = HoursOfOperation;
    type Members = Members;
    const NAME: &'static str = "CreateHoursOfOperationOverride";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        hours: &mut Named<HoursOfOperation>,
    ) -> Result<(), ConnectError> {
        let missing = |member: &str| ConnectError::request(format!("{member} is required"));
        let day = |text: Option<String>, member: &str| date(&text.ok_or_else(|| missing(member))?, member);
        let new = HoursOverride {
            id: ResourceId::from_random(scene.service.random()),
            name: members.name.ok_or_else(|| missing("Name"))?,
            description: members.description.filter(|text| !text.is_empty()),
            config: members.config.ok_or_else(|| missing("Config"))?,
            effective_from: day(members.effective_from, "EffectiveFrom")?,
            effective_till: day(members.effective_till, "EffectiveTill")?,
            recurrence: members.recurrence_config,
            override_type: members.override_type.unwrap_or(OverrideType::Standard),
        };
        let overrides = &mut hours.spec.overrides;
        new.check(overrides)?;
        Limits::check(overrides.len(), MOST, ErrorCode::LimitExceeded, "overrides of the hours")?;
        overrides.push(new);
        Ok(())
    }

    fn answer(_: &Scene<'_>, hours: &Named<HoursOfOperation>) -> Output {
        let id = hours.spec.overrides.last().map(|new| new.id);
        Output::json(&json!({ "HoursOfOperationOverrideId": id }))
    }
}
