//! Where the configuration is kept.
//!
//! [`DbSettings`](crate::rows::DbSettings) keeps it durably. The service writes a document before it acknowledges the
//! change that the document holds, and reads all of them once, when it opens.

use crate::flows::ContactFlow;
use crate::instances::Instance;
use crate::named::{Resource, ResourceKind};
use crate::phone_numbers::PhoneNumber;
use crate::prompts::UploadedSound;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tympan_types::{ContactFlowId, InstanceId, PhoneNumberId, ResourceId};

/// One thing that is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// An instance.
    Instance(Instance),
    /// A flow of an instance.
    Flow(ContactFlow),
    /// A number that is claimed to an instance.
    PhoneNumber(PhoneNumber),
    /// A queue, hours of operation or another resource of an instance that has a name.
    Resource(Resource),
}

/// One change of what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Writes a document over an older one of the same kind and id.
    Put(Box<Document>),
    /// Writes the uploaded sound of a prompt, which is put after it, over an older one. The sound goes when its prompt is removed, or
    /// put with another source.
    PutSound(UploadedSound),
    /// Removes an instance; removing what is not there succeeds.
    RemoveInstance(InstanceId),
    /// Removes a flow, likewise.
    RemoveFlow(ContactFlowId),
    /// Removes a number, likewise.
    RemovePhoneNumber(PhoneNumberId),
    /// Removes a named resource, likewise.
    RemoveResource(ResourceKind, ResourceId),
}

impl Write {
    /// The prompt that has no uploaded sound after this.
    pub(crate) fn ends_sound_of(&self) -> Option<ResourceId> {
        match self {
            Self::RemoveResource(ResourceKind::Prompt, prompt) => Some(*prompt),
            Self::Put(document) => match document.as_ref() {
                Document::Resource(Resource::Prompt(prompt)) if !prompt.spec.is_uploaded() => Some(prompt.id),
                _ => None,
            },
            _ => None,
        }
    }
}

/// A small durable table of documents.
pub trait Settings: Send + Sync {
    /// All documents that can be read, in any order.
    fn load(&self) -> Result<Vec<Document>, SettingsError>;

    /// The uploaded sound of a prompt.
    fn sound(&self, prompt: ResourceId) -> Result<Option<UploadedSound>, SettingsError>;

    /// Makes all of these changes, or none; durable when this returns. Half a change that was refused would come to light
    /// at the next start, and take with it what was acknowledged in between.
    fn write(&self, writes: &[Write]) -> Result<(), SettingsError>;

    /// Whether `load` gives everything that was ever put. Where it does not, nothing is removed for want of another.
    fn is_whole(&self) -> bool {
        true
    }
}

/// The table could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("settings: {0}")]
pub struct SettingsError(pub String);

/// Settings that live as long as the process: for tests and throw-away servers.
#[derive(Debug, Default)]
pub struct MemorySettings(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    documents: BTreeMap<Key, Document>,
    sounds: BTreeMap<ResourceId, UploadedSound>,
}

/// What tells documents from each other.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Instance(InstanceId),
    Flow(ContactFlowId),
    PhoneNumber(PhoneNumberId),
    Resource(ResourceKind, ResourceId),
}

impl Key {
    fn of(document: &Document) -> Self {
        match document {
            Document::Instance(instance) => Self::Instance(instance.id),
            Document::Flow(flow) => Self::Flow(flow.id),
            Document::PhoneNumber(number) => Self::PhoneNumber(number.id),
            Document::Resource(resource) => {
                let (kind, id) = resource.key();
                Self::Resource(kind, id)
            }
        }
    }
}

#[cfg(test)]
impl MemorySettings {
    /// Takes an instance away and leaves what belongs to it, as a deletion does that was cut short.
    pub(crate) fn remove(&self, kind: &str, id: &str) -> Result<(), SettingsError> {
        let removed = InstanceId::parse(id).ok().filter(|_| kind == "connect-instance");
        let id = removed.ok_or_else(|| SettingsError(format!("no {kind} {id}")))?;
        self.write(&[Write::RemoveInstance(id)])
    }
}

impl MemorySettings {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings for MemorySettings {
    fn load(&self) -> Result<Vec<Document>, SettingsError> {
        Ok(self.kept().documents.values().cloned().collect())
    }

    fn sound(&self, prompt: ResourceId) -> Result<Option<UploadedSound>, SettingsError> {
        Ok(self.kept().sounds.get(&prompt).cloned())
    }

    fn write(&self, writes: &[Write]) -> Result<(), SettingsError> {
        let mut kept = self.kept();
        let Kept { documents, sounds } = &mut *kept;
        for write in writes.iter().cloned() {
            if let Some(prompt) = write.ends_sound_of() {
                sounds.remove(&prompt);
            }
            match write {
                Write::Put(document) => {
                    documents.insert(Key::of(&document), *document);
                }
                Write::PutSound(sound) => drop(sounds.insert(sound.prompt, sound)),
                Write::RemoveInstance(id) => drop(documents.remove(&Key::Instance(id))),
                Write::RemoveFlow(id) => drop(documents.remove(&Key::Flow(id))),
                Write::RemovePhoneNumber(id) => drop(documents.remove(&Key::PhoneNumber(id))),
                Write::RemoveResource(kind, id) => drop(documents.remove(&Key::Resource(kind, id))),
            }
        }
        Ok(())
    }
}
