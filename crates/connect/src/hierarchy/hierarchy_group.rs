use super::level::WORDS;
use crate::named::{Named, Scene, Spec, Verbs, Words, rows, summary};
use crate::users::User;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use tympan_db::Kind;
use tympan_types::ResourceId;

/// A group of users on one level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HierarchyGroup {
    /// The group above it; `None` on the first level.
    pub parent: Option<ResourceId>,
}

/// A group and those above it, the highest first.
pub(crate) fn path<'a>(scene: &'a Scene<'_>, id: ResourceId) -> Vec<&'a Arc<Named<HierarchyGroup>>> {
    let mut path = Vec::new();
    let mut next = scene.get::<HierarchyGroup>(id);
    // No level is below the fifth, so a ring that a damaged row makes ends here.
    while let Some(group) = next.filter(|_| path.len() < WORDS.len()) {
        path.push(group);
        next = group.spec.parent.and_then(|id| scene.get::<HierarchyGroup>(id));
    }
    path.reverse();
    path
}

impl Spec for HierarchyGroup {
    const KIND: &'static Kind = &rows("connect-hierarchy-group");
    const WORDS: &'static Words = &Words {
        noun: "hierarchy group",
        arn: "agent-group",
        label: "HierarchyGroupId",
        name: "Name",
        created: ("HierarchyGroupId", "HierarchyGroupArn"),
        shown: ("HierarchyGroup", "Id", "Arn"),
        is_dated: true,
        operations: Verbs {
            describe: "DescribeUserHierarchyGroup",
            list: "ListUserHierarchyGroups",
            search: "SearchUserHierarchyGroups",
            delete: "DeleteUserHierarchyGroup",
        },
        summaries: "UserHierarchyGroupSummaryList",
        found: ("UserHierarchyGroups", 500),
        longest: (50, 250),
    };

    fn show(named: &Named<Self>, scene: &Scene<'_>, shown: &mut Map<String, Value>) {
        let path = path(scene, named.id);
        let level = scene.instance.config.hierarchy.get(path.len().saturating_sub(1));
        if let Some(level) = level {
            shown.insert("LevelId".to_owned(), level.id.to_string().into());
        }
        let groups = WORDS.iter().zip(&path);
        let groups: Map<String, Value> =
            groups.map(|(word, group)| ((*word).to_owned(), summary(group, scene))).collect();
        shown.insert("HierarchyPath".to_owned(), groups.into());
    }

    fn used_by(named: &Named<Self>, scene: &Scene<'_>) -> Option<String> {
        let below = scene.all::<Self>().find(|group| group.spec.parent == Some(named.id));
        let user = || scene.all::<User>().find(|user| user.spec.hierarchy_group == Some(named.id));
        match below {
            Some(group) => Some(format!("group {:?}", group.name)),
            None => user().map(|user| format!("user {:?}", user.name)),
        }
    }
}
