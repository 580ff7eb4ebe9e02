//! Where the configuration is kept: small JSON documents under a kind and an id.
//!
//! The server implements [`Settings`] durably. The service writes a document before it acknowledges the
//! change that the document holds, and reads all of them once, when it opens.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// One stored document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What the document describes, such as `connect-instance`.
    pub kind: String,
    /// Its id among documents of the same kind.
    pub id: String,
    /// Its content.
    pub json: String,
}

/// One change of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Writes a document over an older one of the same kind and id.
    Put {
        /// What it describes.
        kind: &'static str,
        /// Its id among documents of the same kind.
        id: String,
        /// Its content.
        json: String,
    },
    /// Removes a document; removing what is not there succeeds.
    Remove {
        /// What it described.
        kind: &'static str,
        /// Its id among documents of the same kind.
        id: String,
    },
}

/// A small durable table of documents.
pub trait Settings: Send + Sync {
    /// All documents, in any order; kinds that are not the service's own are ignored by it.
    fn load(&self) -> Result<Vec<Document>, SettingsError>;

    /// Makes all of these changes, or none; durable when this returns. Half a change that was refused would come to light
    /// at the next start, and take with it what was acknowledged in between.
    fn write(&self, writes: &[Write]) -> Result<(), SettingsError>;

    /// Writes a single document.
    fn put(&self, kind: &'static str, id: &str, json: &str) -> Result<(), SettingsError> {
        self.write(&[Write::Put { kind, id: id.to_owned(), json: json.to_owned() }])
    }

    /// Removes a single document.
    fn remove(&self, kind: &'static str, id: &str) -> Result<(), SettingsError> {
        self.write(&[Write::Remove { kind, id: id.to_owned() }])
    }

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
pub struct MemorySettings(Mutex<BTreeMap<(String, String), String>>);

impl Settings for MemorySettings {
    fn load(&self) -> Result<Vec<Document>, SettingsError> {
        let documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let copy = |((kind, id), json): (&(String, String), &String)| Document {
            kind: kind.clone(),
            id: id.clone(),
            json: json.clone(),
        };
        Ok(documents.iter().map(copy).collect())
    }

    fn write(&self, writes: &[Write]) -> Result<(), SettingsError> {
        let mut documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for write in writes.iter().cloned() {
            match write {
                Write::Put { kind, id, json } => documents.insert((kind.to_owned(), id), json),
                Write::Remove { kind, id } => documents.remove(&(kind.to_owned(), id)),
            };
        }
        Ok(())
    }
}
