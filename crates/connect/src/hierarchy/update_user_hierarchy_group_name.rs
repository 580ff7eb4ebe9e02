//! UpdateUserHierarchyGroupName: POST /user-hierarchy-groups/{InstanceId}/{HierarchyGroupId}/name.

use super::HierarchyGroup;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    name: String,
}

/// Renames a group.
pub(crate) struct UpdateUserHierarchyGroupName;

impl Change for UpdateUserHierarchyGroupName {
    type Spec = HierarchyGroup;
    type Members = Members;
    const NAME: &'static str = "UpdateUserHierarchyGroupName";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        named: &mut Named<HierarchyGroup>,
    ) -> Result<(), ConnectError> {
        scene.rename(named, Some(members.name), None)
    }
}
