//! UpdateUserHierarchy: POST /users/{InstanceId}/{UserId}/hierarchy.

use super::User;
use super::user::group;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    hierarchy_group_id: Option<String>,
}

/// Puts a user into a group, or into none.
pub(crate) struct UpdateUserHierarchy;

impl Change for UpdateUserHierarchy {
    type Spec = User;
    type Members = Members;
    const NAME: &'static str = "UpdateUserHierarchy";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<User>) -> Result<(), ConnectError> {
        named.spec.hierarchy_group = group(scene, members.hierarchy_group_id)?;
        Ok(())
    }
}
