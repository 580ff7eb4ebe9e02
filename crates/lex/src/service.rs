//! The runtime API before the local bots, transport-free: one file per operation.
//!
//! Source: the service model of Lex Runtime V2, 2020-08-07 (rest-json).
//!
//! Not implemented: StartConversation (an event stream over HTTP/2), sentiment, composite slots, Opus, a voice: a reply has
//! no sound, and who asked speaks its text.

mod answer;
mod delete_session;
mod error;
mod get_session;
mod named;
mod ports;
mod put_session;
mod recognize;
mod recognize_text;
mod recognize_utterance;

pub use error::{LexError, LexErrorCode};
pub use ports::{Functions, Speech, SpeechError, SpeechToText, Transcript};
pub use recognize_utterance::BODY_MAX_BYTES;

use crate::alias::BotAlias;
use crate::bot::{Bot, Sessions};
use delete_session::DeleteSession;
use get_session::GetSession;
use named::Named;
use put_session::PutSession;
use recognize_text::RecognizeText;
use recognize_utterance::RecognizeUtterance;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tympan_auth::Refusal;
use tympan_aws::{Cx, Malformed, Operations, Service, Unknown, register};

/// The signing name, and the prefix of actions.
pub const SCOPE: &str = "lex";

const CATALOGUE: &[(&str, &str, &str)] = &[
    (
        "DELETE",
        "/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}",
        "DeleteSession",
    ),
    ("GET", "/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}", "GetSession"),
    (
        "POST",
        "/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}",
        "PutSession",
    ),
    (
        "POST",
        "/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}/text",
        "RecognizeText",
    ),
    (
        "POST",
        "/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}/utterance",
        "RecognizeUtterance",
    ),
    (
        "POST",
        "/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}/conversation",
        "StartConversation",
    ),
];

/// The operations of the runtime API.
pub fn operations() -> Operations<LexService> {
    Operations::rest_json(SCOPE, CATALOGUE)
        .with(register::<DeleteSession>())
        .with(register::<GetSession>())
        .with(register::<PutSession>())
        .with(register::<RecognizeText>())
        .with(register::<RecognizeUtterance>())
        .names(register::<Named>())
}

pub(crate) type LexCx<'a> = Cx<'a, LexService>;

/// The local bots by their aliases, and what they need. Cheap to clone.
#[derive(Clone)]
pub struct LexService(Arc<State>);

struct State {
    bots: HashMap<BotAlias, Bot>,
    sessions: Sessions,
    speech: Option<Arc<dyn SpeechToText>>,
    functions: Option<Arc<dyn Functions>>,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    recognitions: AtomicU64,
    refused_sessions: AtomicU64,
    failed_speech: AtomicU64,
    failed_functions: AtomicU64,
}

/// What a service counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LexStats {
    /// Inputs of callers that bots answered.
    pub recognitions: u64,
    /// Sessions refused because there are too many.
    pub refused_sessions: u64,
    /// Speech that the recogniser could not turn into text.
    pub failed_speech: u64,
    /// Functions that failed, or returned what a bot does not take.
    pub failed_functions: u64,
    /// Sessions now.
    pub sessions: u64,
}

impl LexService {
    /// Serves these bots. Without a recogniser speech is refused, and without functions what needs one.
    pub fn new(
        bots: impl IntoIterator<Item = (BotAlias, Bot)>,
        speech: Option<Arc<dyn SpeechToText>>,
        functions: Option<Arc<dyn Functions>>,
    ) -> Self {
        let (bots, sessions) = (bots.into_iter().collect(), Sessions::default());
        Self(Arc::new(State { bots, sessions, speech, functions, counters: Counters::default() }))
    }

    /// The bot of an alias.
    pub fn bot(&self, alias: &BotAlias) -> Option<&Bot> {
        self.0.bots.get(alias)
    }

    /// What it counted.
    pub fn stats(&self) -> LexStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { recognitions, refused_sessions, failed_speech, failed_functions } = &self.0.counters;
        LexStats {
            recognitions: read(recognitions),
            refused_sessions: read(refused_sessions),
            failed_speech: read(failed_speech),
            failed_functions: read(failed_functions),
            sessions: self.0.sessions.len() as u64,
        }
    }
}

impl fmt::Debug for LexService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LexService").field("bots", &self.0.bots.len()).finish_non_exhaustive()
    }
}

impl Service for LexService {
    type Error = LexError;

    fn malformed(_: &'static str, malformed: &Malformed) -> LexError {
        LexError::validation(format!("The request cannot be read: {malformed}."))
    }

    fn denied(_: &'static str, refusal: &Refusal) -> LexError {
        LexError::new(LexErrorCode::AccessDenied, refusal.to_string())
    }

    fn not_offered(operation: &'static str, _: &'static str) -> LexError {
        let message =
            format!("{operation} is not offered by this server: use RecognizeUtterance and RecognizeText.");
        LexError::new(LexErrorCode::NotOffered, message)
    }

    fn unknown(_: Unknown<'_>) -> LexError {
        LexError::new(LexErrorCode::UnknownOperation, "No operation of Lex has this method and path.")
    }

    fn fault(cause: String) -> LexError {
        LexError::fault(cause)
    }
}

#[cfg(test)]
mod tests;
