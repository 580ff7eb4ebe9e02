//! What is wrong with a configuration, said with the key, the value, what is allowed, and where it came from.

use super::origin::Origin;
use std::path::PathBuf;

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {path:?}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration is not valid TOML: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A key that nothing reads.
    #[error("unknown key {key} ({origin}){}", hint.as_ref().map(|hint| format!(": did you mean {hint}?")).unwrap_or_default())]
    UnknownKey {
        /// Its dotted path.
        key: String,
        /// The known key that it resembles.
        hint: Option<String>,
        /// Where it stands.
        origin: Origin,
    },
    /// A variable names something that is no key.
    #[error("the environment variable {name} does not fit its key: {reason}")]
    Environment {
        /// The variable.
        name: String,
        /// Why.
        reason: String,
    },
    /// A value that its key does not take.
    #[error("{key}{} ({origin}): {why}", value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default())]
    Value {
        /// The key's dotted path.
        key: String,
        /// The value, as TOML; secrets are not shown.
        value: Option<String>,
        /// Where the value came from.
        origin: Origin,
        /// What is allowed.
        why: String,
    },
    /// The defaults do not read: a fault of the program.
    #[error("the defaults of the configuration do not fit: {0}")]
    Defaults(String),
}

/// A rule that a configuration breaks: the key's dotted path, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub(super) struct Wrong {
    pub(super) key: String,
    pub(super) why: String,
}

impl Wrong {
    pub(super) fn new(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self { key: key.into(), why: why.into() }
    }

    /// The same of a key below another.
    pub(super) fn within(self, parent: &str) -> Self {
        Self { key: format!("{parent}.{}", self.key), ..self }
    }
}

/// What serde says, in words for a person who writes TOML.
pub(super) fn allowed(message: &str) -> String {
    let Some((_, expected)) = message.split_once(", expected ") else { return message.to_owned() };
    let expected = match expected {
        "usize" | "u64" => "a whole number",
        "u32" => "a whole number up to 4294967295",
        "u16" => "a whole number up to 65535",
        "a boolean" => "true or false",
        "a string" | "path string" => "text in quotes",
        "a sequence" => "a list",
        "a map" => "a section",
        other if other.starts_with("struct ") => "a section",
        other => other,
    };
    format!("expected {expected}")
}
