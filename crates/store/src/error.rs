use std::fmt;
use std::sync::Arc;
use tympan_kms::KmsError;
use tympan_types::FragmentNumber;

/// What went wrong, coarse enough to act on. Messages are for people; this is for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such stream: never created, or deleted.
    NotFound,
    /// A stream of that name exists.
    Exists,
    /// The account holds as many streams, or the stream as many tags, as it may.
    QuotaReached,
    /// The caller's version of the stream's metadata is not the current one: describe the stream and try again.
    VersionMismatch,
    /// The stream is being deleted, or the store is shutting down.
    NotActive,
    /// No space left: nothing is accepted until retention or the operator frees some. Reading goes on.
    Full,
    /// Stored bytes are not what was written.
    Corrupt,
    /// The key provider refused or failed.
    Key(KmsError),
    /// Another session of writing has taken the fragment over.
    TakenOver,
    /// Another process has taken the store over: this one must stop writing.
    Fenced,
    /// The disk or the catalogue failed, or an invariant did not hold.
    Internal,
}

/// An error of the store: a [kind](ErrorKind) and a sentence that names what, why and what to do.
///
/// Cheap to clone, because one failed group answers many writers.
#[derive(Clone)]
pub struct StoreError(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    fragment: Option<FragmentNumber>,
}

impl StoreError {
    /// An error of some kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), fragment: None }))
    }

    /// What to act on.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The sentence for a person.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The fragment that could not be read, if it was one.
    pub fn fragment(&self) -> Option<FragmentNumber> {
        self.0.fragment
    }

    pub(crate) fn about(self, number: FragmentNumber) -> Self {
        Self(Arc::new(Inner { fragment: Some(number), ..Arc::unwrap_or_clone(self.0) }))
    }

    /// The same, but for a caller who would take damage as a reason to give records up: it is elsewhere.
    pub(crate) fn nothing_lost(self) -> Self {
        match self.kind() {
            ErrorKind::Corrupt => Self::internal(self.message()),
            _ => self,
        }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    pub(crate) fn stream_not_found() -> Self {
        Self::new(ErrorKind::NotFound, "the stream does not exist: it was never created, or it was deleted")
    }

    pub(crate) fn shut_down() -> Self {
        Self::new(ErrorKind::NotActive, "the store is shut down and accepts nothing more")
    }

    /// A failed file operation; a full disk is told apart, because it passes.
    pub(crate) fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::Full,
            _ => ErrorKind::Internal,
        };
        Self::new(kind, format!("{doing}: {error}"))
    }
}

impl From<KmsError> for StoreError {
    fn from(error: KmsError) -> Self {
        let message = format!("the stream's key cannot be used: {error}");
        Self::new(ErrorKind::Key(error), message)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError").field("kind", &self.0.kind).field("message", &self.0.message).finish()
    }
}

impl std::error::Error for StoreError {}

impl PartialEq for StoreError {
    fn eq(&self, other: &Self) -> bool {
        (self.kind(), self.message()) == (other.kind(), other.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart_from_a_broken_one() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert_eq!(StoreError::io("append to segment 3", &full).kind(), &ErrorKind::Full);
        let broken = std::io::Error::other("EIO");
        let error = StoreError::io("append to segment 3", &broken);
        assert_eq!(error.kind(), &ErrorKind::Internal);
        assert_eq!(error.to_string(), "append to segment 3: EIO");
    }

    #[test]
    fn a_key_error_keeps_its_code() {
        let error = StoreError::from(KmsError::Disabled("key 1 is disabled".into()));
        assert!(matches!(error.kind(), ErrorKind::Key(key) if key.kvs_code() == 4501));
    }
}
