//! UpdateUserHierarchyStructure: POST /user-hierarchy-structure/{InstanceId}.

use super::Level;
use super::level::{WORDS, depth};
use crate::error::ConnectError;
use crate::error::ErrorCode;
use crate::instances::{Instance, InstanceEdit};
use crate::named::Scene;
use serde::Deserialize;
use std::collections::BTreeMap;
use tympan_types::ResourceId;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    hierarchy_structure: BTreeMap<String, Option<Named>>,
}

/// A level as requests name it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Named {
    name: String,
}

/// Names the levels of an instance, without a gap; an empty structure takes all of them away.
pub(crate) struct UpdateUserHierarchyStructure;

impl InstanceEdit for UpdateUserHierarchyStructure {
    type Members = Members;
    const NAME: &'static str = "UpdateUserHierarchyStructure";

    fn apply(scene: &Scene<'_>, members: Members, instance: &mut Instance) -> Result<(), ConnectError> {
        let mut wanted = members.hierarchy_structure;
        wanted.retain(|_, level| level.is_some());
        let named = WORDS.iter().map_while(|word| wanted.remove(*word).flatten());
        let names: Vec<String> = named.map(|level| level.name).collect();
        if let Some(word) = wanted.keys().next() {
            return Err(ConnectError::parameter(format!("{word} has no level above it, or is none")));
        }
        if names.iter().any(|name| !(1..=50).contains(&name.chars().count())) {
            return Err(ConnectError::parameter("the Name of a level has 1 to 50 characters"));
        }
        if names.len() < depth(scene) {
            return Err(ConnectError::new(ErrorCode::ResourceInUse, "groups stand on a level that would go"));
        }
        let mut known = std::mem::take(&mut instance.config.hierarchy).into_iter();
        let modified = scene.now;
        let level = |name: String| match known.next() {
            Some(level) if level.name == name => level,
            Some(level) => Level { name, modified, ..level },
            None => Level { id: ResourceId::from_random(scene.service.random()), name, modified },
        };
        instance.config.hierarchy = names.into_iter().map(level).collect();
        Ok(())
    }
}
