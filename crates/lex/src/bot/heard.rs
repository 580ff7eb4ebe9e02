//! What a caller said to the bot.

use std::fmt;

/// How it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputMode {
    /// As text.
    Text,
    /// As speech.
    Speech,
}

impl InputMode {
    /// `Text` or `Speech`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Speech => "Speech",
        }
    }
}

/// What a caller said to the bot.
#[derive(Clone, PartialEq)]
pub struct Heard {
    /// The words; empty where nothing was said.
    pub text: String,
    /// How it was said.
    pub mode: InputMode,
    /// How sure a recogniser of speech is of the words, from 0 to 1.
    pub confidence: Option<f64>,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may be a card number.
        write!(f, "Heard({}, {} bytes)", self.mode.name(), self.text.len())
    }
}
