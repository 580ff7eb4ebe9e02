//! AssociateHoursOfOperations: POST /hours-of-operations/{InstanceId}/{HoursOfOperationId}/associate-hours.

use super::HoursOfOperation;
use super::create_hours_of_operation::Parent;
use super::hours_of_operation::MOST_PARENTS;
use crate::error::{ConnectError, ErrorCode};
use crate::named::{Change, Named, Scene};
use crate::service::Limits;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    parent_hours_of_operation_configs: Vec<Parent>,
}

/// Gives hours parents, whose overrides hold for them too; one that they have already stays.
///
/// Errors: InvalidParameter (the hours themselves), ServiceQuotaExceeded (more than three in all), ResourceNotFound.
pub(crate) struct AssociateHoursOfOperations;

impl Change for AssociateHoursOfOperations {
    type Spec = HoursOfOperation;
    type Members = Members;
    const NAME: &'static str = "AssociateHoursOfOperations";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        hours: &mut Named<HoursOfOperation>,
    ) -> Result<(), ConnectError> {
        for parent in members.parent_hours_of_operation_configs {
            let parent = scene.find::<HoursOfOperation>(&parent.hours_of_operation_id)?;
            if parent.id == hours.id {
                return Err(ConnectError::parameter("hours of operation are no parent of themselves"));
            }
            if hours.spec.parents.contains(&parent.id) {
                continue;
            }
            let (count, what) = (hours.spec.parents.len(), "parents of the hours");
            Limits::check(count, MOST_PARENTS, ErrorCode::ServiceQuotaExceeded, what)?;
            hours.spec.parents.push(parent.id);
        }
        Ok(())
    }
}
