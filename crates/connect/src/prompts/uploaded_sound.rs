use std::fmt;
use std::sync::Arc;
use tympan_db::{Kind, Row, RowError, Value};
use tympan_types::ResourceId;

/// The sound of a prompt that was uploaded. It is read when it is needed, not with the other documents.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadedSound {
    /// The prompt; it has one sound at a time.
    pub prompt: ResourceId,
    /// A WAV file: 8 kHz, one channel, 16 bits.
    pub wav: Arc<[u8]>,
}

impl fmt::Debug for UploadedSound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UploadedSound({}, {} bytes)", self.prompt, self.wav.len())
    }
}

/// Format 1: the sixteen bytes of the prompt's id, then the file.
impl Row for UploadedSound {
    const KIND: &'static Kind = &Kind { name: "connect-prompt-sound", columns: &[] };
    const FORMAT: u16 = 1;

    fn key(&self) -> String {
        self.prompt.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        Ok([self.prompt.as_bytes().as_slice(), &self.wav].concat())
    }

    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        match bytes.split_first_chunk::<16>() {
            Some((prompt, wav)) if wav.starts_with(b"RIFF") => {
                Ok(Self { prompt: ResourceId::from_bytes(*prompt), wav: wav.into() })
            }
            _ => Err(RowError("it is no sound of a prompt".to_owned())),
        }
    }
}
