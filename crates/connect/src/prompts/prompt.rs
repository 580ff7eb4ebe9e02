use super::sound::DefaultPrompt;
use crate::error::ConnectError;
use crate::named::{Named, Scene, Spec, Verbs, Words, rows};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tympan_contact::Recording;
use tympan_db::Kind;
use tympan_types::ResourceId;

/// A sound that flows play by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Where the sound is.
    pub source: Source,
}

/// Where the sound of a prompt is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// In the program: one of those that every instance has.
    Default(DefaultPrompt),
    /// `s3://BUCKET/KEY`, or an https address.
    Uri(String),
    /// It was uploaded, and is kept beside the prompt.
    Uploaded {
        /// Tells it from the sounds that the prompt had before.
        sound: ResourceId,
    },
}

impl Prompt {
    /// What is to be played of a prompt.
    pub(crate) fn recording(named: &Named<Self>) -> Recording {
        match &named.spec.source {
            Source::Default(prompt) => Recording::Wav(prompt.wav()),
            Source::Uri(uri) => Recording::Uri(uri.clone()),
            Source::Uploaded { sound } => Recording::Uploaded { prompt: named.id, sound: *sound },
        }
    }

    /// Whether the server keeps its sound.
    pub(crate) fn is_uploaded(&self) -> bool {
        matches!(self.source, Source::Uploaded { .. })
    }

    /// A prompt whose sound is at an address.
    pub(super) fn at(uri: &str) -> Result<Self, ConnectError> {
        let fits = uri.chars().count() <= 2000 && !uri.contains(char::is_whitespace);
        let in_bucket = uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        let named = in_bucket.is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty());
        let by_https = uri.strip_prefix("https://").is_some_and(|rest| rest.contains('/'));
        if fits && (named || by_https) {
            return Ok(Self { source: Source::Uri(uri.to_owned()) });
        }
        Err(ConnectError::parameter("S3Uri must be s3://BUCKET/KEY or an https address, to 2000 characters"))
    }
}

impl Spec for Prompt {
    const KIND: &'static Kind = &rows("connect-prompt");
    const WORDS: &'static Words = &Words {
        noun: "prompt",
        arn: "prompt",
        label: "PromptId",
        name: "Name",
        created: ("PromptId", "PromptARN"),
        shown: ("Prompt", "PromptId", "PromptARN"),
        is_dated: true,
        operations: Verbs {
            describe: "DescribePrompt",
            list: "ListPrompts",
            search: "SearchPrompts",
            delete: "DeletePrompt",
        },
        summaries: "PromptSummaryList",
        found: ("Prompts", 100),
        longest: (127, 250),
    };

    fn show(_: &Named<Self>, _: &Scene<'_>, _: &mut Map<String, Value>) {}
}
