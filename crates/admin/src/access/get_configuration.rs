use crate::documentation::{Documentation, Documented, Field, Kind, always, nullable};
use crate::error::AdminError;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output};

/// The settings that the server runs by, without secrets.
pub(crate) struct GetConfiguration;

/// The settings that the server runs by.
pub trait Configuration: Send + Sync {
    /// Every key, in the order of `config/tympan.toml`.
    fn settings(&self) -> Vec<Setting>;

    /// Where the document of a policy stands: a file, or a place in the configuration. `None` for one that is not of the
    /// configuration.
    fn policy_place(&self, name: &str) -> Option<String>;
}

/// A key of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its dotted path.
    pub key: String,
    /// Its value, as TOML writes it, a text without its quotes; `None` for a secret that is set.
    pub value: Option<String>,
    /// Whether the key is for a secret.
    pub is_secret: bool,
    /// Where the value came from.
    pub source: SettingSource,
    /// The variable, the flag, or the file with its line.
    pub place: Option<String>,
}

/// Where a value of the configuration came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingSource {
    /// It is the default.
    Default,
    /// The configuration file.
    File,
    /// An environment variable.
    Environment,
    /// A flag of the command line.
    Flag,
    /// `--dev` sets it.
    Dev,
}

impl SettingSource {
    fn name(self) -> &'static str {
        match self {
            Self::Default => "DEFAULT",
            Self::File => "FILE",
            Self::Environment => "ENVIRONMENT",
            Self::Flag => "FLAG",
            Self::Dev => "DEV",
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Input {}

const SETTING: &[Field] = &[
    always("Key", Kind::Text, "its dotted path, such as sip.listen"),
    nullable(
        "Value",
        Kind::Text,
        "as TOML writes it, a text without its quotes; null for a secret that is set. Passwords and queries of URLs are (hidden)",
    ),
    always("IsSecret", Kind::Boolean, "whether the key is for a secret"),
    always(
        "Source",
        Kind::OneOf(&["DEFAULT", "FILE", "ENVIRONMENT", "FLAG", "DEV"]),
        "where the value came from",
    ),
    nullable("From", Kind::Text, "the file with its line, the variable or the flag; null for a default"),
];

impl Documented for GetConfiguration {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Lists every key of the configuration that the server runs by, with its value and where that came from, as `tympan config show` does. Secrets are never in the answer.",
        query: &[],
        body: &[],
        answer: &[always("Settings", Kind::List(&Kind::Object(SETTING)), "the keys")],
        errors: &[],
    };
}

impl Operation for GetConfiguration {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "GetConfiguration";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, _: Input, (): ()) -> Result<Output, AdminError> {
        let settings = cx.service.parts().access.configuration.settings();
        let settings: Vec<Value> = settings.iter().map(to_json).collect();
        Ok(Output::json(&json!({ "Settings": settings })))
    }
}

fn to_json(setting: &Setting) -> Value {
    let Setting { key, value, is_secret, source, place } = setting;
    json!({ "Key": key, "Value": value, "IsSecret": is_secret, "Source": source.name(), "From": place })
}
