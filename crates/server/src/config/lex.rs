//! `[lex]`: how bots are reached, and its rules.

use super::error::Wrong;
use super::values::{Secret, ServiceUrl};
use super::written::{path_or_empty, text_or_empty};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tympan_lex::alias::BotAlias;

/// `[lex]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lex {
    /// An endpoint of the Lex V2 runtime; empty: only the bots below can be asked.
    #[serde(with = "text_or_empty")]
    pub endpoint: Option<ServiceUrl>,
    /// The access key that signs questions.
    pub access_key_id: String,
    /// Its secret; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
    /// How long a bot may take for an answer.
    pub answer_timeout_ms: u32,
    /// A Wyoming server that turns speech into text, `HOST:PORT`.
    pub wyoming: String,
    /// A command that reads WAV on stdin and writes text to stdout, instead of a Wyoming server.
    pub speech_command: Vec<String>,
    /// How long turning one utterance into text may take.
    pub speech_timeout_ms: u32,
    /// Utterances that are turned into text at once.
    pub speech_workers: usize,
    /// Bots of this server.
    pub bots: Vec<LexBot>,
    /// Which bots stand in for those of Lex V1 that flows name.
    pub v1_bots: Vec<LexV1Bot>,
}

impl Default for Lex {
    fn default() -> Self {
        Self {
            endpoint: None,
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
            secret_access_key_file: None,
            answer_timeout_ms: 15_000,
            wyoming: String::new(),
            speech_command: Vec::new(),
            speech_timeout_ms: 8_000,
            speech_workers: 4,
            bots: Vec::new(),
            v1_bots: Vec::new(),
        }
    }
}

/// `[[lex.bots]]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LexBot {
    /// The bot's id: 10 letters and digits.
    pub id: String,
    /// The alias's id: 10 letters and digits.
    pub alias_id: String,
    /// The file of intents, TOML or JSON.
    pub file: PathBuf,
}

/// `[[lex.v1_bots]]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LexV1Bot {
    /// The bot's name, as flows have it.
    pub name: String,
    /// Its alias; empty: any.
    pub alias: String,
    /// Its region; empty: any.
    pub region: String,
    /// The ARN of the alias that stands in for it.
    pub alias_arn: String,
}

pub(super) fn check(lex: &Lex) -> Result<(), Wrong> {
    if !lex.wyoming.is_empty() && !lex.speech_command.is_empty() {
        return Err(Wrong::new("lex.speech_command", "lex.wyoming is set too: keep one of them"));
    }
    if !lex.wyoming.is_empty() && !is_host_and_port(&lex.wyoming) {
        return Err(Wrong::new("lex.wyoming", "it is no HOST:PORT"));
    }
    for (key, value) in
        [("lex.answer_timeout_ms", lex.answer_timeout_ms), ("lex.speech_timeout_ms", lex.speech_timeout_ms)]
    {
        if !(1..=120_000).contains(&value) {
            return Err(Wrong::new(key, "it is not 1 to 120000"));
        }
    }
    if !(1..=1_000).contains(&lex.speech_workers) {
        return Err(Wrong::new("lex.speech_workers", "it is not 1 to 1000"));
    }
    let mut aliases = Vec::new();
    for (index, LexBot { id, alias_id, file }) in lex.bots.iter().enumerate() {
        let within = |wrong: Wrong| wrong.within(&format!("lex.bots[{index}]"));
        let Some(alias) = BotAlias::new(id, alias_id) else {
            return Err(within(Wrong::new("id", "it and alias_id need 10 letters and digits each")));
        };
        if aliases.contains(&alias) {
            return Err(within(Wrong::new("alias_id", format!("another bot has the alias {alias}"))));
        }
        if file.as_os_str().is_empty() {
            return Err(within(Wrong::new("file", "a bot needs a file of intents")));
        }
        aliases.push(alias);
    }
    for (index, LexV1Bot { name, alias_arn, .. }) in lex.v1_bots.iter().enumerate() {
        let within = |wrong: Wrong| wrong.within(&format!("lex.v1_bots[{index}]"));
        if name.is_empty() {
            return Err(within(Wrong::new("name", "a bot of Lex V1 needs its name")));
        }
        if BotAlias::from_arn(alias_arn).is_none() {
            let expected = "it is no arn:aws:lex:REGION:ACCOUNT:bot-alias/BOT/ALIAS";
            return Err(within(Wrong::new("alias_arn", expected)));
        }
    }
    Ok(())
}

fn is_host_and_port(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}
