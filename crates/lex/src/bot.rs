//! The local bot: a file of intents that answers as Lex does, so that a flow with a bot runs where there is no AWS.
//!
//! It understands by word sets, which no neural network beats at "yes", "sales" and "track my order": an utterance matches
//! by how many of its words were said. Slots have the built-in types that callers speak and key in.

mod definition;
mod dialog;
mod heard;
mod number_words;
mod sessions;
mod slot_types;
mod text;

pub use definition::{Bot, DefinitionError};
pub use dialog::{Call, CodeHook, Step};
pub use heard::{Heard, InputMode};
pub use sessions::{SESSIONS_MAX, Session, SessionBusy, SessionInHand, Sessions, SessionsFull};
