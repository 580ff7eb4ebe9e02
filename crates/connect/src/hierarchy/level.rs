use crate::instances::Instance;
use crate::named::Scene;
use crate::timestamp::epoch_seconds;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tympan_types::{ResourceId, WallTime};

/// The levels by the words of the API, the highest first.
pub(crate) const WORDS: [&str; 5] = ["LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive"];

/// A level of the groups of users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Its id.
    pub id: ResourceId,
    /// Its name, such as `Region`.
    pub name: String,
    /// When it last changed.
    pub modified: WallTime,
}

/// The levels of an instance, as the API shows them.
pub(super) fn shown(instance: &Instance) -> Value {
    let level = |level: &Level| {
        json!({
            "Id": level.id,
            "Arn": format!("{}/agent-group-level/{}", instance.arn(), level.id),
            "Name": level.name,
            "LastModifiedTime": epoch_seconds(level.modified),
            "LastModifiedRegion": instance.region.to_string(),
        })
    };
    let levels = WORDS.iter().zip(&instance.config.hierarchy);
    let levels: Map<String, Value> = levels.map(|(word, known)| ((*word).to_owned(), level(known))).collect();
    Value::Object(levels)
}

/// How many levels the groups of an instance take up.
pub(super) fn depth(scene: &Scene<'_>) -> usize {
    let groups = scene.all::<super::HierarchyGroup>();
    groups.map(|group| super::path(scene, group.id).len()).max().unwrap_or(0)
}
