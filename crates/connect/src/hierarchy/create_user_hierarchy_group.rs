//! CreateUserHierarchyGroup: PUT /user-hierarchy-groups/{InstanceId}.

use super::HierarchyGroup;
use super::path;
use crate::error::ConnectError;
use crate::named::{Creation, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    parent_group_id: Option<String>,
}

/// Creates a group, on the first level or below another one.
pub(crate) struct CreateUserHierarchyGroup;

impl Creation for CreateUserHierarchyGroup {
    type Spec = HierarchyGroup;
    type Members = Members;
    const NAME: &'static str = "CreateUserHierarchyGroup";

    fn spec(scene: &Scene<'_>, members: Members) -> Result<HierarchyGroup, ConnectError> {
        let parent = members.parent_group_id.filter(|text| !text.is_empty());
        let parent = parent.map(|text| scene.find::<HierarchyGroup>(&text)).transpose()?;
        let above = parent.map_or(0, |parent| path(scene, parent.id).len());
        let levels = scene.instance.config.hierarchy.len();
        if above >= levels {
            let message = format!("the hierarchy has {levels} levels: give it another one first");
            return Err(ConnectError::parameter(message));
        }
        Ok(HierarchyGroup { parent: parent.map(|parent| parent.id) })
    }
}
