//! What goes into a conversation and what comes out.

use crate::model::{Attributes, Interpretation, Message, SentimentScore, SessionState};
use std::fmt;
use tympan_telephony::Digit;
use tympan_telephony::words::Sound;

/// What happens to a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnInput {
    /// The block begins. Once, and first.
    Started,
    /// The prompt of the last [`TurnOutput::Play`] was played to its end.
    PromptOver,
    /// The prompt cannot be played, for this reason.
    PromptFailed(String),
    /// The caller began to speak.
    SpeechBegan,
    /// The caller has spoken; the listening is over.
    Heard {
        /// What was said.
        utterance: Sound,
        /// It was longer than asked for, and was cut there.
        cut: bool,
    },
    /// The caller pressed a key.
    Digit(Digit),
    /// The last [`TurnOutput::Recognize`] was answered, or failed to be.
    Answered(Result<Box<Reply>, RecognizeError>),
    /// Time passed.
    TimePassed,
}

/// What a conversation wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnOutput {
    /// Play this; [`TurnInput::PromptOver`] tells its end.
    Play(Saying),
    /// Stop what plays: its end is not waited for.
    StopPlaying,
    /// Listen for an utterance.
    Listen(Listening),
    /// Listen no more: what was said since is not waited for.
    StopListening,
    /// Ask the bot; [`TurnInput::Answered`] brings the reply.
    Recognize(Box<Recognition>),
    /// The conversation is over, and the flow goes on with this. Nothing follows.
    Done(Box<BotResult>),
    /// The conversation is over, and the flow takes the error branch. Nothing follows.
    Failed(BotFailure),
}

/// What is played.
#[derive(Debug, Clone, PartialEq)]
pub enum Saying {
    /// The prompt of the block, which the driver knows.
    BlockPrompt,
    /// A text for the voice.
    Text(String),
    /// A document for the voice.
    Ssml(String),
    /// The bot's own voice.
    Sound(Sound),
}

/// How to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    /// The silence that ends an utterance.
    pub pause_ms: u32,
    /// How long an utterance may be.
    pub longest_ms: u32,
}

/// A question to the bot.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognition {
    /// What the caller said.
    pub said: Said,
    /// The state of the session to send along: with the first question, and no other.
    pub session_state: Option<SessionState>,
    /// The attributes of the request.
    pub request_attributes: Attributes,
}

/// What the caller said.
#[derive(Clone, PartialEq)]
pub enum Said {
    /// Speech: RecognizeUtterance.
    Speech(Sound),
    /// Nothing, until the time for it was over: RecognizeUtterance of some silence.
    Nothing,
    /// Keys: RecognizeText.
    Keys(String),
    /// A text of the block: RecognizeText.
    Text(String),
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may be a card number.
        match self {
            Self::Speech(sound) => write!(f, "Speech({} ms)", sound.duration_ms()),
            Self::Nothing => f.write_str("Nothing"),
            Self::Keys(keys) => write!(f, "Keys({})", keys.len()),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}

/// What the bot answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// Where the conversation stands.
    pub session_state: SessionState,
    /// What was understood, the likeliest first.
    pub interpretations: Vec<Interpretation>,
    /// What the bot says, as text.
    pub messages: Vec<Message>,
    /// The same as sound, where the bot has a voice.
    pub speech: Option<Sound>,
    /// What the caller said, as the bot heard it.
    pub transcript: Option<String>,
}

/// Why the bot gave no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecognizeError {
    /// It took longer than this.
    #[error("the bot did not answer within {limit_ms} ms")]
    TimedOut {
        /// The limit.
        limit_ms: u32,
    },
    /// It could not be reached, or broke off.
    #[error("the bot cannot be reached: {0}")]
    Unreachable(String),
    /// It refused.
    #[error("the bot answered {code}: {message}")]
    Refused {
        /// The error, such as `ResourceNotFoundException`; the status where it has no name.
        code: String,
        /// Its text.
        message: String,
    },
    /// The answer is no answer of Lex.
    #[error("the bot's answer cannot be read: {0}")]
    Malformed(String),
    /// The answer is longer than an answer may be.
    #[error("the bot's answer has more than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// The reply's sound is in a form that was not asked for.
    #[error("the bot's reply is {0}, and PCM was asked for")]
    Unplayable(String),
    /// The configuration names no such bot, or no way to it.
    #[error("{0}")]
    NotConfigured(String),
}

/// What a flow learns of a conversation: `$.Lex`, and the intent for its branches.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BotResult {
    /// The intent; `$.Lex.IntentName`. None where the bot closed without one.
    pub intent: Option<String>,
    /// The slots that have values, by name; `$.Lex.Slots.x`.
    pub slots: Vec<(String, String)>,
    /// `$.Lex.SessionAttributes.x`
    pub session_attributes: Attributes,
    /// `Fulfilled`, `ReadyForFulfillment` or `Failed`; `$.Lex.DialogState`.
    pub dialog_state: String,
    /// `$.Lex.IntentConfidence.Score`
    pub confidence: Option<f64>,
    /// `$.Lex.SentimentResponse`
    pub sentiment: Option<Sentiment>,
    /// The other intents that it may have been, the likeliest first; `$.Lex.AlternateIntents.x`.
    pub alternatives: Vec<Alternative>,
}

/// How the caller feels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentiment {
    /// `POSITIVE`, `NEGATIVE`, `NEUTRAL` or `MIXED`; `$.Lex.SentimentResponse.Label`.
    pub label: String,
    /// `$.Lex.SentimentResponse.Scores`
    pub scores: Option<SentimentScore>,
}

/// An intent that it may have been.
#[derive(Debug, Clone, PartialEq)]
pub struct Alternative {
    /// The intent.
    pub intent: String,
    /// The slots that have values, by name.
    pub slots: Vec<(String, String)>,
    /// How sure that is.
    pub confidence: Option<f64>,
}

/// Why a conversation ended without a result. Its text is for the flow log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BotFailure {
    /// The bot gave no answer.
    #[error(transparent)]
    Recognize(#[from] RecognizeError),
    /// A prompt could not be played.
    #[error("a prompt of the bot cannot be played: {0}")]
    Prompt(String),
    /// The bot asked and asked.
    #[error("the bot asked {turns} times without an end")]
    TooManyTurns {
        /// The limit.
        turns: u32,
    },
    /// The conversation lasted too long.
    #[error("the conversation with the bot lasted longer than {limit_ms} ms")]
    TooLong {
        /// The limit.
        limit_ms: u32,
    },
    /// A session attribute asks for what Lex does not take.
    #[error("the session attribute {name} is {value:?}: {expected}")]
    Attribute {
        /// Which one.
        name: String,
        /// What it says.
        value: String,
        /// What it may say.
        expected: &'static str,
    },
}
