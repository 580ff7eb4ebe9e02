use super::{Named, Spec, Table};
use crate::agent_statuses::AgentStatus;
use crate::hierarchy::HierarchyGroup;
use crate::hours::HoursOfOperation;
use crate::integrations::Integration;
use crate::modules::Module;
use crate::prompts::Prompt;
use crate::queues::Queue;
use crate::quick_connects::QuickConnect;
use crate::routing_profiles::RoutingProfile;
use crate::security_profiles::SecurityProfile;
use crate::settings::{Document, Write};
use crate::users::User;
use crate::versions::Version;
use std::collections::BTreeMap;
use tympan_db::{DbError, Kinds, Reader, Tx};
use tympan_types::{InstanceId, ResourceId};

/// A kind that has a table in the directory.
pub(crate) trait Tabled: Sized {
    fn kind() -> ResourceKind;
    fn table(tables: &Tables) -> &Table<Self>;
    fn table_mut(tables: &mut Tables) -> &mut Table<Self>;
    fn wrapped(named: Named<Self>) -> Resource;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident($spec:ty) in $table:ident;)*) => {
        /// All named resources.
        #[derive(Clone, Default)]
        pub(crate) struct Tables {
            $($table: Table<$spec>,)*
        }

        /// A named resource of any kind.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Resource {
            $($(#[$doc])* $variant(Named<$spec>),)*
        }

        /// The kinds of named resources.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ResourceKind {
            $($(#[$doc])* $variant,)*
        }

        impl Resource {
            /// Its tags, to be changed.
            pub(crate) fn tags_mut(&mut self) -> &mut BTreeMap<String, String> {
                match self {
                    $(Self::$variant(named) => &mut named.tags,)*
                }
            }

            /// Its tags.
            pub(crate) fn tags(&self) -> &BTreeMap<String, String> {
                match self {
                    $(Self::$variant(named) => &named.tags,)*
                }
            }

            /// Its kind and id.
            pub fn key(&self) -> (ResourceKind, ResourceId) {
                match self {
                    $(Self::$variant(named) => (ResourceKind::$variant, named.id),)*
                }
            }
        }

        $(impl Tabled for $spec {
            fn kind() -> ResourceKind {
                ResourceKind::$variant
            }

            fn table(tables: &Tables) -> &Table<Self> {
                &tables.$table
            }

            fn table_mut(tables: &mut Tables) -> &mut Table<Self> {
                &mut tables.$table
            }

            fn wrapped(named: Named<Self>) -> Resource {
                Resource::$variant(named)
            }
        })*

        impl Tables {
            /// Takes over a stored resource.
            pub(crate) fn add(&mut self, resource: Resource) {
                match resource {
                    $(Resource::$variant(named) => self.$table.add(named),)*
                }
            }

            /// The resource of an instance that the word of its kind in ARNs and its id name.
            pub(crate) fn find(
                &self,
                instance: InstanceId,
                word: &str,
                id: ResourceId,
            ) -> Option<(Resource, &'static str)> {
                match word {
                    $(word if word == <$spec as Spec>::WORDS.arn => {
                        let named = self.$table.get(instance, id)?;
                        Some((Resource::$variant(named.as_ref().clone()), <$spec as Spec>::WORDS.arn))
                    })*
                    _ => None,
                }
            }

            /// Takes out what belongs to other instances than those that are wanted; what removes the rows.
            pub(crate) fn retain(&mut self, wanted: &dyn Fn(InstanceId) -> bool) -> Vec<Write> {
                let mut writes = Vec::new();
                $(
                    let gone = self.$table.retain(wanted);
                    writes.extend(gone.into_iter().map(|id| Write::RemoveResource(ResourceKind::$variant, id)));
                )*
                writes
            }
        }

        /// Adds the kinds of rows.
        pub(crate) fn with_kinds(kinds: Kinds) -> Kinds {
            kinds$(.with::<Named<$spec>>())*
        }

        /// Reads all rows, and counts those that cannot be read.
        pub(crate) fn load(reader: &Reader<'_>, documents: &mut Vec<Document>) -> Result<usize, DbError> {
            let mut unreadable = 0;
            $(
                let (rows, left_out) = reader.load::<Named<$spec>>()?;
                documents.extend(rows.into_iter().map(|row| Document::Resource(Resource::$variant(row))));
                unreadable += left_out;
            )*
            Ok(unreadable)
        }

        /// Writes a row.
        pub(crate) fn put(tx: &mut Tx<'_>, resource: &Resource) -> Result<(), DbError> {
            match resource {
                $(Resource::$variant(named) => tx.put(named),)*
            }
        }

        /// Removes a row.
        pub(crate) fn remove(tx: &mut Tx<'_>, kind: ResourceKind, id: ResourceId) -> Result<bool, DbError> {
            match kind {
                $(ResourceKind::$variant => tx.remove::<Named<$spec>>(&id.to_string()),)*
            }
        }
    };
}

kinds! {
    /// Hours of operation.
    Hours(HoursOfOperation) in hours;
    /// A queue.
    Queue(Queue) in queues;
    /// A quick connect.
    QuickConnect(QuickConnect) in quick_connects;
    /// A routing profile.
    RoutingProfile(RoutingProfile) in routing_profiles;
    /// A security profile.
    SecurityProfile(SecurityProfile) in security_profiles;
    /// An agent status.
    AgentStatus(AgentStatus) in agent_statuses;
    /// A user.
    User(User) in users;
    /// A group of users.
    HierarchyGroup(HierarchyGroup) in hierarchy_groups;
    /// A prompt.
    Prompt(Prompt) in prompts;
    /// A flow module.
    Module(Module) in modules;
    /// A version of a flow or of a module.
    Version(Version) in versions;
    /// An integration association.
    Integration(Integration) in integrations;
}
