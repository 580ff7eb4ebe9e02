//! UpdateHoursOfOperation: POST /hours-of-operations/{InstanceId}/{HoursOfOperationId}.

use super::{HoursOfOperation, TimeSlice, TimeZone};
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    name: Option<String>,
    description: Option<String>,
    time_zone: Option<String>,
    config: Option<Vec<TimeSlice>>,
}

/// Changes hours of operation; a member that is absent stays as it is.
pub(crate) struct UpdateHoursOfOperation;

impl Change for UpdateHoursOfOperation {
    type Spec = HoursOfOperation;
    type Members = Members;
    const NAME: &'static str = "UpdateHoursOfOperation";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        named: &mut Named<HoursOfOperation>,
    ) -> Result<(), ConnectError> {
        scene.rename(named, members.name, members.description)?;
        if let Some(name) = members.time_zone {
            named.spec.time_zone = TimeZone::parse(&name).map_err(ConnectError::parameter)?;
        }
        named.spec.config = members.config.unwrap_or(std::mem::take(&mut named.spec.config));
        named.spec.check()
    }
}
