use std::fmt;
use std::sync::Arc;
use tympan_types::ResourceId;

/// Where the sound of a prompt of an instance is.
#[derive(Clone, PartialEq, Eq)]
pub enum Recording {
    /// A whole WAV file.
    Wav(Arc<[u8]>),
    /// `s3://BUCKET/KEY`, or an http or https address.
    Uri(String),
    /// A sound that was uploaded, which the instance keeps with its prompt.
    Uploaded {
        /// The prompt.
        prompt: ResourceId,
        /// Tells it from the sounds that the prompt had before.
        sound: ResourceId,
    },
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wav(file) => write!(f, "Wav({} bytes)", file.len()),
            Self::Uri(uri) => f.debug_tuple("Uri").field(uri).finish(),
            Self::Uploaded { prompt, .. } => f.debug_tuple("Uploaded").field(prompt).finish(),
        }
    }
}
