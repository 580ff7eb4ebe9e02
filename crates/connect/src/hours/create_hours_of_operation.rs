//! CreateHoursOfOperation: PUT /hours-of-operations/{InstanceId}.

use super::hours_of_operation::MOST_PARENTS;
use super::{HoursOfOperation, TimeSlice, TimeZone};
use crate::error::ConnectError;
use crate::named::{Creation, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    time_zone: String,
    config: Vec<TimeSlice>,
    #[serde(default)]
    parent_hours_of_operation_configs: Vec<Parent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Parent {
    pub(super) hours_of_operation_id: String,
}

/// Creates hours of operation.
pub(crate) struct CreateHoursOfOperation;

impl Creation for CreateHoursOfOperation {
    type Spec = HoursOfOperation;
    type Members = Members;
    const NAME: &'static str = "CreateHoursOfOperation";

    fn spec(scene: &Scene<'_>, members: Members) -> Result<HoursOfOperation, ConnectError> {
        if members.parent_hours_of_operation_configs.len() > MOST_PARENTS {
            return Err(ConnectError::parameter("ParentHoursOfOperationConfigs has at most 3 entries"));
        }
        let parents = members.parent_hours_of_operation_configs.iter();
        let parents: Result<Vec<_>, ConnectError> = parents
            .map(|parent| Ok(scene.find::<HoursOfOperation>(&parent.hours_of_operation_id)?.id))
            .collect();
        let hours = HoursOfOperation {
            time_zone: TimeZone::parse(&members.time_zone).map_err(ConnectError::parameter)?,
            config: members.config,
            overrides: Vec::new(),
            parents: parents?,
        };
        hours.check()?;
        Ok(hours)
    }
}
