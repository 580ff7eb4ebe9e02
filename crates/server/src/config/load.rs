//! File, then environment, then types; every mistake is named with its key.

use super::sections::{
    Config, Credential, Flow, Instance, LambdaFunction, MediaStreaming, NamedPolicy, Role,
};
use super::suggest::unknown_key;
use super::trunk::{self, SipTrunk, SipUser};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

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
    #[error("unknown key {key}{}", hint.as_ref().map(|hint| format!(": did you mean {hint}?")).unwrap_or_default())]
    UnknownKey {
        /// Its dotted path.
        key: String,
        /// The known key that it resembles.
        hint: Option<String>,
    },
    /// A variable's value does not fit its key.
    #[error("the environment variable {name} does not fit its key: {reason}")]
    Environment {
        /// The variable.
        name: String,
        /// Why.
        reason: String,
    },
    /// A value has the wrong type or form.
    #[error("the configuration does not fit: {0}")]
    Value(String),
}

/// Reads the configuration: `file` if given, then each `TYMPAN_SECTION__KEY` of `environment`.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let mut table = match file {
        Some(path) => {
            let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
            std::fs::read_to_string(path).map_err(unreadable)?.parse()?
        }
        None => Table::new(),
    };
    let shape = shape()?;
    // Without a section in its name a variable is ours only if it names a key outside of all sections: others, such
    // as TYMPAN_CONFIG, mean something else.
    let is_ours = |key: &str| key.contains("__") || shape.get(key).is_some_and(|value| !value.is_table());
    for (name, value) in environment {
        let key = name.strip_prefix("TYMPAN_").map(str::to_ascii_lowercase);
        if let Some(key) = key.filter(|key| is_ours(key)) {
            set(&mut table, &name, &key, &value)?;
        }
    }
    if let Some((key, hint)) = unknown_key(&table, &shape) {
        return Err(ConfigError::UnknownKey { key, hint });
    }
    let config: Config = Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError::Value(error.message().to_owned()))?;
    config.http.public_url()?;
    config.http.trusted_proxies()?;
    trunk::check(&config.sip.trunks)?;
    Ok(config)
}

/// Every key there is: the defaults, with one element in each list of tables.
fn shape() -> Result<Table, ConfigError> {
    let mut full = Config::default();
    full.credentials.push(Credential::default());
    full.policies.push(NamedPolicy::default());
    full.roles.push(Role::default());
    full.sip.trunks.push(SipTrunk { users: vec![SipUser::default()], ..SipTrunk::default() });
    full.lambda.functions.push(LambdaFunction::default());
    full.connect.instances.push(Instance {
        media_streaming: Some(MediaStreaming::default()),
        flows: vec![Flow::default()],
        ..Instance::default()
    });
    Table::try_from(full).map_err(|error| ConfigError::Value(error.to_string()))
}

fn set(table: &mut Table, name: &str, key: &str, text: &str) -> Result<(), ConfigError> {
    let refuse = |reason: &str| ConfigError::Environment { name: name.to_owned(), reason: reason.to_owned() };
    let mut place = table;
    let mut parts = key.split("__").peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            place.insert(part.to_owned(), scalar(text));
            return Ok(());
        }
        let next = place.entry(part).or_insert_with(|| Value::Table(Table::new()));
        place = next.as_table_mut().ok_or_else(|| refuse("only plain sections can be set by a variable"))?;
    }
    Ok(())
}

/// A variable's text as TOML where it is TOML (numbers, booleans, lists), and as plain text otherwise.
fn scalar(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    match parsed {
        Some(value @ (Value::Integer(_) | Value::Boolean(_) | Value::Array(_) | Value::String(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../../config/tympan.toml");

    fn from_text(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tympan.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path), environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn the_sample_configuration_is_the_default() {
        assert_eq!(from_text(SAMPLE, &[]).unwrap(), Config::default());
    }

    #[test]
    fn the_sample_configuration_names_every_key_and_comments_each() {
        let given: Table = SAMPLE.parse().unwrap();
        let known = Table::try_from(Config::default()).unwrap();
        assert_eq!(unknown_key(&known, &given), None, "a key lacks in config/tympan.toml");
        let lines: Vec<&str> = SAMPLE.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let is_key = line.contains(" = ") && !line.starts_with('#');
            assert!(!is_key || lines[index - 1].starts_with("# "), "{line:?} has no comment line above it");
        }
        // The lists of tables are shown as comments: they too must be true.
        let examples: String =
            lines.iter().filter_map(|line| line.strip_prefix("#: ")).map(|l| format!("{l}\n")).collect();
        let config = from_text(&examples, &[]).unwrap();
        assert!(!config.credentials.is_empty() && !config.lambda.functions.is_empty());
        assert!(!config.policies.is_empty() && !config.roles.is_empty());
        assert!(!config.connect.instances[0].flows.is_empty());
        // Together the examples of trunks show every key.
        let shown: Vec<Table> = examples.parse::<Table>().unwrap()["sip"]["trunks"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|trunk| trunk.as_table().cloned())
            .collect();
        let known = shape().unwrap();
        for key in known["sip"]["trunks"][0].as_table().unwrap().keys() {
            assert!(shown.iter().any(|trunk| trunk.contains_key(key)), "no example shows sip.trunks.{key}");
        }
    }

    #[test]
    fn an_unknown_key_of_a_trunk_or_its_user_is_refused_with_the_key_that_was_meant() {
        let refused = |text: &str| from_text(text, &[]).unwrap_err().to_string();
        let said = refused("[[sip.trunks]]\nname = \"carrier\"\nforce_rprt = true\n");
        assert_eq!(said, "unknown key sip.trunks.force_rprt: did you mean sip.trunks.force_rport?");
        let said = refused(
            "[[sip.trunks]]\nname = \"a\"\n[[sip.trunks]]\nname = \"b\"\nusers = [{ nam = \"x\" }]\n",
        );
        assert_eq!(said, "unknown key sip.trunks.users.nam: did you mean sip.trunks.users.name?");
        let said = refused("[[sip.trunks]]\nname = \"carrier\"\ndigits = \"sip\"\n");
        assert!(said.contains("`both`") && said.contains("`info`"), "{said}");
    }

    #[test]
    fn a_choice_of_a_trunk_for_media_that_there_is_not_is_refused_with_those_that_there_are() {
        for (key, choices) in
            [("media_trust", ["`first-comer`", "`signalling`"]), ("send_silence", ["`off`", "`silence`"])]
        {
            let text = format!("[[sip.trunks]]\nname = \"carrier\"\n{key} = \"any\"\n");
            let said = from_text(&text, &[]).unwrap_err().to_string();
            assert!(choices.iter().all(|choice| said.contains(choice)), "{said}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_key_that_was_meant() {
        let error = from_text("[http]\nlisen = \"127.0.0.1:1\"\n", &[]).unwrap_err();
        assert_eq!(error.to_string(), "unknown key http.lisen: did you mean http.listen?");
        let error = from_text("", &[("TYMPAN_SIP__CALS_MAX", "3")]).unwrap_err();
        assert_eq!(error.to_string(), "unknown key sip.cals_max: did you mean sip.calls_max?");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = from_text(
            "[http]\nlisten = \"127.0.0.1:1\"\n",
            &[
                ("TYMPAN_HTTP__LISTEN", "127.0.0.1:0"),
                ("TYMPAN_SIP__CALLS_MAX", "3"),
                ("TYMPAN_LAMBDA__ENDPOINT", "http://127.0.0.1:9001"),
                ("TYMPAN_SPEECH__COMMAND", "[]"),
                ("TYMPAN_ACCOUNT__ID", "\"000011112222\""),
                ("TYMPAN_DATA_DIR", "/srv/tympan"),
                ("TYMPAN_CREDENTIALS", "[{ access_key_id = 'A', secret_access_key = 'B' }]"),
                ("TYMPAN_GROUND_TRUTH", "not ours"),
            ],
        )
        .unwrap();
        assert_eq!(config.http.listen, "127.0.0.1:0");
        assert_eq!(config.sip.calls_max, 3);
        assert_eq!(config.lambda.endpoint, "http://127.0.0.1:9001");
        assert_eq!(config.account.id, "000011112222");
        assert!(config.speech.command.is_empty());
        assert_eq!(config.data_dir, Path::new("/srv/tympan"));
        assert_eq!(config.credentials[0].access_key_id, "A");
    }

    #[test]
    fn a_wrong_type_is_named() {
        let error = from_text("[sip]\ncalls_max = \"many\"\n", &[]).unwrap_err();
        assert!(error.to_string().contains("invalid type"), "{error}");
    }
}
