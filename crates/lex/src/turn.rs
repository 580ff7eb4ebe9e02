//! One conversation of a flow block with a bot.
//!
//! Shape: `handle(now, input)`, drain `poll()`, and hand in [`TurnInput::TimePassed`] no later than `next_deadline()`.
//! Units: milliseconds; sound at 8 kHz. Errors: each has its [`BotFailure`], which ends the conversation.
//!
//! The words have no ids. A driver that numbers its prompts, listenings and requests drops what comes of an older one: one
//! prompt plays at a time, one listening listens, and one request is under way.

mod words;

pub use words::{
    Alternative, BotFailure, BotResult, Listening, Recognition, RecognizeError, Reply, Said, Saying,
    Sentiment, TurnInput, TurnOutput,
};
