//! One conversation of a flow block with a bot.
//!
//! Shape: [`Turns::handle`], drain [`Turns::poll`], and hand in [`TurnInput::TimePassed`] no later than
//! [`Turns::next_deadline`].
//! Units: milliseconds; sound at 8 kHz. Errors: each has its [`BotFailure`], which ends the conversation.
//! Memory: bounded whatever comes: one question, one prompt that plays, and the prompts of one reply.
//!
//! The words have no ids. A driver that numbers its prompts, listenings and requests drops what comes of an older one: one
//! prompt plays at a time, one listening listens, and one request is under way.

mod machine;
mod outcome;
mod settings;
mod words;

pub use machine::{Opening, TurnLimits, TurnSpec, Turns};
pub use words::{
    Alternative, BotFailure, BotResult, Listening, Recognition, RecognizeError, Reply, Said, Saying,
    Sentiment, TurnInput, TurnOutput,
};
