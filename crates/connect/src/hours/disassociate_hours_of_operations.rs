//! DisassociateHoursOfOperations: POST /hours-of-operations/{InstanceId}/{HoursOfOperationId}/disassociate-hours.

use super::HoursOfOperation;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use crate::reference::shown;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    parent_hours_of_operation_ids: Vec<String>,
}

/// Takes parents away from hours.
///
/// Errors: InvalidParameter (none is named), ResourceNotFound (the hours, or one that is no parent of them).
pub(crate) struct DisassociateHoursOfOperations;

impl Change for DisassociateHoursOfOperations {
    type Spec = HoursOfOperation;
    type Members = Members;
    const NAME: &'static str = "DisassociateHoursOfOperations";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        hours: &mut Named<HoursOfOperation>,
    ) -> Result<(), ConnectError> {
        if members.parent_hours_of_operation_ids.is_empty() {
            return Err(ConnectError::parameter("ParentHoursOfOperationIds has at least one entry"));
        }
        for named in &members.parent_hours_of_operation_ids {
            let gone = scene.find::<HoursOfOperation>(named)?.id;
            if !hours.spec.parents.contains(&gone) {
                return Err(ConnectError::not_found(format!(
                    "{} is no parent of hours of operation {}",
                    shown(named),
                    hours.id
                )));
            }
            hours.spec.parents.retain(|parent| *parent != gone);
        }
        Ok(())
    }
}
