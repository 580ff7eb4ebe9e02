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

/// A small durable table of documents.
pub trait Settings: Send + Sync {
    /// All documents, in any order; kinds that are not the service's own are ignored by it.
    fn load(&self) -> Result<Vec<Document>, SettingsError>;

    /// Writes a document over an older one of the same kind and id; durable when this returns.
    fn put(&self, kind: &str, id: &str, json: &str) -> Result<(), SettingsError>;

    /// Removes a document; removing what is not there succeeds.
    fn remove(&self, kind: &str, id: &str) -> Result<(), SettingsError>;
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

    fn put(&self, kind: &str, id: &str, json: &str) -> Result<(), SettingsError> {
        let mut documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        documents.insert((kind.to_owned(), id.to_owned()), json.to_owned());
        Ok(())
    }

    fn remove(&self, kind: &str, id: &str) -> Result<(), SettingsError> {
        let mut documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        documents.remove(&(kind.to_owned(), id.to_owned()));
        Ok(())
    }
}
