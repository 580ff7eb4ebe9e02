//! What the bots need of the world.

use tympan_aws::BoxFuture;

/// Turns speech into text.
pub trait SpeechToText: Send + Sync {
    /// The words of an utterance; an empty text where there are none.
    fn transcribe<'a>(&'a self, speech: Speech) -> BoxFuture<'a, Result<Transcript, SpeechError>>;
}

/// An utterance.
#[derive(Debug, Clone, PartialEq)]
pub struct Speech {
    /// Mono samples.
    pub samples: Vec<i16>,
    /// Their rate: 8,000 or 16,000.
    pub rate_hz: u32,
    /// The language: `en_US`.
    pub locale: String,
    /// Words that are expected.
    pub vocabulary: Vec<String>,
}

/// What was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The words.
    pub text: String,
    /// How sure they are, from 0 to 1, where the recogniser says.
    pub confidence: Option<f64>,
}

/// Why there is no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpeechError(pub String);

/// Asks functions.
pub trait Functions: Send + Sync {
    /// What a function returns for an event.
    ///
    /// # Errors
    /// Why it returned nothing.
    fn invoke<'a>(&'a self, arn: &'a str, event: Vec<u8>) -> BoxFuture<'a, Result<Vec<u8>, String>>;
}
