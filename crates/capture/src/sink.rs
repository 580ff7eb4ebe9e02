use crate::Cut;
use async_trait::async_trait;
use tympan_types::{ContactId, FragmentNumber, StreamArn};

/// Where captured media goes: the store of this process, or any service that speaks PutMedia.
#[async_trait]
pub trait MediaSink: Send + Sync {
    /// Opens one upload session to a stream.
    async fn open(&self, spec: UploadSpec) -> Result<(Box<dyn Upload>, Box<dyn UploadAcks>), SinkError>;
}

/// What an upload session is for. Timecodes are absolute and every fragment is to be acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadSpec {
    /// The stream, leased to the contact.
    pub stream: StreamArn,
    /// The contact, for the log.
    pub contact: ContactId,
}

/// The sending half of an upload session, called from a writer thread in the order of the sound.
pub trait Upload: Send {
    /// Hands on some bytes of the Matroska document, cut anywhere. Never blocks: a sink that cannot take more
    /// ends the session and says so in its acknowledgements.
    fn write(&mut self, mkv: &[u8]);

    /// Hands on what was cut, with the indexes of its fragments. A sink that can keep companded samples as they are, or indexes, has a
    /// way of its own; any other gets plain Matroska.
    fn write_cut(&mut self, cut: &Cut) {
        let mut mkv = Vec::with_capacity(2 * cut.held_bytes());
        cut.expand_into(&mut mkv);
        self.write(&mkv);
    }

    /// Ends the document. Acknowledgements go on until the last fragment has its own.
    ///
    /// An upload that is dropped without `finish` was cut off: its last fragment counts only as far as it is whole.
    fn finish(self: Box<Self>);
}

/// The receiving half of an upload session.
#[async_trait]
pub trait UploadAcks: Send {
    /// The next acknowledgement; `None` once the session is over.
    async fn next(&mut self) -> Option<UploadAck>;
}

/// What the store says of a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadAck {
    /// Its first bytes were seen.
    Buffering {
        /// Its number.
        number: FragmentNumber,
        /// The Cluster timecode it belongs to.
        timecode_ms: u64,
    },
    /// It is refused, and the session is over.
    Error {
        /// The id of the error, such as 4002.
        id: u16,
        /// The name of the error, such as `MAX_FRAGMENT_DURATION_REACHED`.
        code: String,
    },
    /// It is durable.
    Persisted {
        /// Its number.
        number: FragmentNumber,
        /// The Cluster timecode it belongs to.
        timecode_ms: u64,
    },
    /// It is complete in memory. The last word for a stream that retains nothing.
    Received {
        /// Its number.
        number: FragmentNumber,
        /// The Cluster timecode it belongs to.
        timecode_ms: u64,
    },
}

/// Why an upload session was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stream cannot be written: {message}")]
pub struct SinkError {
    /// What to do about it.
    pub kind: SinkErrorKind,
    /// What happened.
    pub message: String,
}

/// What to do about a [`SinkError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkErrorKind {
    /// The stream cannot be used any more (deleted, or its key is gone): take another one.
    StreamUnusable,
    /// The sink as a whole failed: no other stream would do better.
    Unavailable,
}
