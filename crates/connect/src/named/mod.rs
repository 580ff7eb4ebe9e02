//! Resources of an instance that people give a name: queues, hours of operation, prompts, users and the like.
//!
//! What all of them have stands in [`Named`]; what one kind has beside that is its `Spec`. The operations that are the same
//! for every kind are here, each in its own file: create, describe, list, search, change, delete.

mod change;
mod create;
mod delete;
mod describe;
mod kinds;
mod list;
mod members;
mod scene;
mod search;
mod table;
mod target;
mod view;

pub use kinds::{Resource, ResourceKind};

pub(crate) use change::{Change, Changed};
pub(crate) use create::{Create, Creation};
pub(crate) use delete::Delete;
pub(crate) use describe::{Describe, described};
pub(crate) use kinds::{Tabled, Tables, load, put, remove, with_kinds};
pub(crate) use list::{Entry, List, summary};
pub(crate) use members::Members;
pub(crate) use scene::{Scene, description_of};
pub(crate) use search::{Item, Search, Wanted};
pub(crate) use table::Table;
pub(crate) use target::NamedTarget;
pub(crate) use view::{View, Viewed};

use crate::directory::Edit;
use crate::error::ConnectError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Debug;
use tympan_db::{Kind, Row, RowError};
use tympan_types::{InstanceId, ResourceId, WallTime};

/// A resource of an instance that has a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named<S> {
    /// Its id.
    pub id: ResourceId,
    /// The instance it belongs to.
    pub instance: InstanceId,
    /// Its name, unique among those of its kind in the instance.
    pub name: String,
    /// A text for people; never empty.
    pub description: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it last changed.
    pub modified: WallTime,
    /// What its kind has beside that.
    pub spec: S,
}

/// The words of a kind: of its ARNs, and of the members and operations that are about it.
#[derive(Debug)]
pub(crate) struct Words {
    /// What it is called in messages.
    pub(crate) noun: &'static str,
    /// What stands before its id in ARNs.
    pub(crate) arn: &'static str,
    /// The member that names one: `QueueId`.
    pub(crate) label: &'static str,
    /// The member of its name: `Name`.
    pub(crate) name: &'static str,
    /// The members of id and ARN in the answer to its creation.
    pub(crate) created: (&'static str, &'static str),
    /// The member that holds it in the answer to its description, and those of its id and ARN in there.
    pub(crate) shown: (&'static str, &'static str, &'static str),
    /// Whether what is shown says when it last changed, and where.
    pub(crate) is_dated: bool,
    /// The operations: describe, list, search, delete.
    pub(crate) operations: Verbs,
    /// The member of lists that holds summaries.
    pub(crate) summaries: &'static str,
    /// The member of searches that holds what was found, and the largest page of it.
    pub(crate) found: (&'static str, usize),
    /// The longest name and description, in characters.
    pub(crate) longest: (usize, usize),
}

/// The names of operations that every kind has.
#[derive(Debug)]
pub(crate) struct Verbs {
    pub(crate) describe: &'static str,
    pub(crate) list: &'static str,
    pub(crate) search: &'static str,
    pub(crate) delete: &'static str,
}

/// What one kind of resource has beside what all have.
pub(crate) trait Spec:
    Tabled + Debug + Clone + PartialEq + Eq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Its rows.
    const KIND: &'static Kind;
    /// Its words.
    const WORDS: &'static Words;

    /// Adds the members that a description has for this kind.
    fn show(named: &Named<Self>, scene: &Scene<'_>, shown: &mut Map<String, Value>);

    /// Whether what follows the id of one after a colon names a content of it.
    const IS_QUALIFIED: bool = false;

    /// Changes what is shown to that of another content.
    fn show_qualified(
        named: &Named<Self>,
        _: &Scene<'_>,
        _qualifier: &str,
        _: &mut Map<String, Value>,
    ) -> Result<(), ConnectError> {
        let noun = Self::WORDS.noun;
        Err(ConnectError::not_found(format!("{noun} {} has no other content", named.id)))
    }

    /// Removes what is of no use without it, when it is deleted.
    fn remove_beside(_: &mut Edit, _: &Named<Self>) {}

    /// Adds the members that a summary has for this kind.
    fn summarise(_: &Named<Self>, _: &mut Map<String, Value>) {}

    /// The words of types by which lists of this kind are narrowed; none where they are not.
    const TYPES: &'static [&'static str] = &[];

    /// Which of [`Self::TYPES`] one is.
    fn type_word(&self) -> &'static str {
        ""
    }

    /// What lists have beside the resources of the table.
    fn listed_beside(_: &Scene<'_>) -> Vec<Entry> {
        Vec::new()
    }

    /// What searches show; a description unless the model has another shape there.
    fn found(named: &Named<Self>, scene: &Scene<'_>) -> Map<String, Value> {
        described(named, scene)
    }

    /// Whether it meets a condition of a search that only this kind has; `None` where there is no such condition.
    fn meets(_: &Named<Self>, _: &Scene<'_>, _condition: &str, _value: &Value) -> Option<bool> {
        None
    }

    /// What still refers to it and would be left without; it then cannot be deleted.
    fn used_by(_: &Named<Self>, _: &Scene<'_>) -> Option<String> {
        None
    }
}

impl<S: Spec> Row for Named<S> {
    const KIND: &'static Kind = S::KIND;
    const FORMAT: u16 = 1;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<tympan_db::Value> {
        let instance = self.instance.to_string();
        vec![tympan_db::Value::from(instance.as_str()), tympan_db::Value::from(self.name.as_str())]
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        crate::rows::encode(self)
    }

    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        crate::rows::decode(bytes)
    }
}

/// The rows of a kind.
pub(crate) const fn rows(name: &'static str) -> Kind {
    const COLUMNS: &[tympan_db::Column] =
        &[tympan_db::Column::text("instance"), tympan_db::Column::text("name")];
    Kind { name, columns: COLUMNS }
}
