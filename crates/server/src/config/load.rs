//! File, then environment, then types, then rules between keys; every mistake is named with its key and its place.

use super::access::{Credential, NamedPolicy, Role};
use super::check::check;
use super::connect::{Flow, Instance, MediaStreaming};
use super::error::{ConfigError, Wrong, allowed};
use super::lambda::LambdaFunction;
use super::lex::{LexBot, LexV1Bot};
use super::origin::{Origin, Origins, flat};
use super::phone::SipPhone;
use super::sections::Config;
use super::suggest::unknown_key;
use super::trunk::{SipTrunk, SipUser};
use super::values::HIDDEN;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// How much of a value an error shows.
const SHOWN_CHARS: usize = 80;

/// A configuration, and where its values came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Where each value came from.
    pub origins: Origins,
}

/// One key of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its dotted path.
    pub key: String,
    /// Its value; a secret is not shown.
    pub value: Value,
    /// Whether the key is for a secret.
    pub is_secret: bool,
    /// Where the value came from.
    pub origin: Origin,
}

impl Loaded {
    /// A flag names the data folder.
    pub fn set_data_dir(&mut self, folder: PathBuf, flag: &'static str) {
        let value = Value::String(folder.display().to_string());
        self.origins.set("data_dir", &value, &Origin::Flag(flag));
        self.config.data_dir = folder;
    }

    /// A flag changes some of it.
    ///
    /// # Errors
    /// A path that is no text.
    pub fn change(
        &mut self,
        flag: &'static str,
        change: impl FnOnce(&mut Config),
    ) -> Result<(), ConfigError> {
        let before: BTreeMap<String, Value> = values(&self.config)?.into_iter().collect();
        change(&mut self.config);
        for (key, value) in values(&self.config)? {
            if before.get(&key) != Some(&value) {
                self.origins.set(&key, &value, &Origin::Flag(flag));
            }
        }
        Ok(())
    }

    /// Every key with its value and where it came from, in the order of `config/tympan.toml`.
    ///
    /// # Errors
    /// A path that is no text.
    pub fn entries(&self) -> Result<Vec<Entry>, ConfigError> {
        let entry = |(key, value): (String, Value)| Entry {
            origin: self.origins.of(&key),
            is_secret: is_secret(&key),
            key,
            value,
        };
        Ok(values(&self.config)?.into_iter().map(entry).collect())
    }
}

/// Every key with its value.
fn values(config: &Config) -> Result<Vec<(String, Value)>, ConfigError> {
    let table = Table::try_from(config).map_err(|error| ConfigError::Defaults(error.to_string()))?;
    Ok(flat("", &Value::Table(table)))
}

/// Whether a path is that of a secret in the clear.
fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key.rsplit('.').next().unwrap_or_default())
}

/// The names of keys that hold a secret.
const SECRETS: [&str; 7] = [
    "secret_access_key",
    "session_token",
    "url_secret",
    "password",
    "dial_password",
    "ha1_md5",
    "ha1_sha256",
];

/// Reads the configuration: `file` if given, then each `TYMPAN_SECTION__KEY` of `environment`.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, ConfigError> {
    let (mut table, mut origins) = match file {
        Some(path) => {
            let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
            let text = std::fs::read_to_string(path).map_err(unreadable)?;
            (text.parse()?, Origins::of_file(path, &text)?)
        }
        None => (Table::new(), Origins::default()),
    };
    let shape = shape()?;
    // Without a section in its name a variable is ours only if it names a key outside of all sections: others, such
    // as TYMPAN_CONFIG, mean something else.
    let is_ours = |key: &str| key.contains("__") || shape.get(key).is_some_and(|value| !value.is_table());
    for (name, value) in environment {
        let key = name.strip_prefix("TYMPAN_").map(str::to_ascii_lowercase);
        if let Some(key) = key.filter(|key| is_ours(key)) {
            let value = scalar(&value);
            origins.set(&key.replace("__", "."), &value, &Origin::Variable(name.clone()));
            set(&mut table, &name, &key, value)?;
        }
    }
    if let Some((key, hint)) = unknown_key(&table, &shape) {
        return Err(ConfigError::UnknownKey { origin: origins.of_unplaced(&key), key, hint });
    }
    let table = Value::Table(table);
    let wrong = |wrong: Wrong| refuse(wrong, &table, &origins);
    let config: Config = serde_path_to_error::deserialize(table.clone()).map_err(|error| {
        let key = error.path().to_string();
        let error: toml::de::Error = error.into_inner();
        wrong(Wrong { key, why: allowed(error.message()) })
    })?;
    check(&config).map_err(wrong)?;
    Ok(Loaded { config, origins })
}

/// A broken rule, with the value that breaks it and the place where that stands.
fn refuse(wrong: Wrong, table: &Value, origins: &Origins) -> ConfigError {
    let Wrong { key, why } = wrong;
    ConfigError::Value { value: shown(&key, table), origin: origins.of(&key), key, why }
}

/// The value at a path as TOML, as far as it may be shown; `None` for sections, and where there is none.
fn shown(key: &str, table: &Value) -> Option<String> {
    let mut value = table;
    for part in key.split(['.', '[']) {
        value = match part.strip_suffix(']') {
            Some(index) => value.get(index.parse::<usize>().ok()?)?,
            None => value.get(part)?,
        };
    }
    if is_secret(key) {
        return Some(HIDDEN.to_owned());
    }
    // A section, or a list of them, may have secrets in it.
    if flat("", value).len() != 1 || value.is_table() {
        return None;
    }
    let text = value.to_string();
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Some(shown)
}

/// Every key there is: the defaults, with one element in each list of tables.
fn shape() -> Result<Table, ConfigError> {
    let mut full = Config::default();
    full.credentials.push(Credential::default());
    full.policies.push(NamedPolicy::default());
    full.roles.push(Role::default());
    full.sip.trunks.push(SipTrunk { users: vec![SipUser::default()], ..SipTrunk::default() });
    full.sip.phones.push(SipPhone::default());
    full.lambda.functions.push(LambdaFunction::default());
    full.lex.bots.push(LexBot::default());
    full.lex.v1_bots.push(LexV1Bot::default());
    full.connect.instances.push(Instance {
        contacts_kept_days: Some(0),
        media_streaming: Some(MediaStreaming::default()),
        flows: vec![Flow::default()],
        ..Instance::default()
    });
    Table::try_from(full).map_err(|error| ConfigError::Defaults(error.to_string()))
}

fn set(table: &mut Table, name: &str, key: &str, value: Value) -> Result<(), ConfigError> {
    let refuse = |reason: &str| ConfigError::Environment { name: name.to_owned(), reason: reason.to_owned() };
    let mut place = table;
    let mut parts = key.split("__").peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            place.insert(part.to_owned(), value);
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
    use std::collections::BTreeSet;

    const SAMPLE: &str = include_str!("../../../../config/tympan.toml");

    fn from_text(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tympan.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path), environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
            .map(|loaded| loaded.config)
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
        assert!(!config.lex.bots.is_empty() && !config.lex.v1_bots.is_empty());
        assert!(!config.connect.instances[0].flows.is_empty());
        // Together the examples of trunks, and those of telephones, show every key.
        let known = shape().unwrap();
        for list in ["trunks", "phones"] {
            let shown: Vec<Table> = examples.parse::<Table>().unwrap()["sip"][list]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|one| one.as_table().cloned())
                .collect();
            for key in known["sip"][list][0].as_table().unwrap().keys() {
                assert!(shown.iter().any(|one| one.contains_key(key)), "no example shows sip.{list}.{key}");
            }
        }
    }

    #[test]
    fn an_unknown_key_of_a_trunk_or_its_user_is_refused_with_the_key_that_was_meant() {
        let refused = |text: &str| file_name(&from_text(text, &[]).unwrap_err().to_string());
        let said = refused("[[sip.trunks]]\nname = \"carrier\"\nforce_rprt = true\n");
        assert_eq!(
            said,
            "unknown key sip.trunks.force_rprt (FILE, line 3): did you mean sip.trunks.force_rport?"
        );
        let said = refused(
            "[[sip.trunks]]\nname = \"a\"\n[[sip.trunks]]\nname = \"b\"\nusers = [{ nam = \"x\" }]\n",
        );
        assert_eq!(
            said,
            "unknown key sip.trunks.users.nam (FILE, line 5): did you mean sip.trunks.users.name?"
        );
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
        assert_eq!(
            file_name(&error.to_string()),
            "unknown key http.lisen (FILE, line 2): did you mean http.listen?"
        );
        let error = from_text("", &[("TYMPAN_SIP__CALS_MAX", "3")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown key sip.cals_max (variable TYMPAN_SIP__CALS_MAX): did you mean sip.calls_max?"
        );
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
        assert_eq!(config.http.listen.as_str(), "127.0.0.1:0");
        assert_eq!(config.sip.calls_max, 3);
        assert_eq!(config.lambda.endpoint.unwrap().to_string(), "http://127.0.0.1:9001");
        assert_eq!(config.account.id.as_str(), "000011112222");
        assert!(config.speech.command.is_empty());
        assert_eq!(config.data_dir, Path::new("/srv/tympan"));
        assert_eq!(config.credentials[0].access_key_id, "A");
        assert!(from_text("[console]\nlisten = \"\"\n", &[]).unwrap().console.listen.is_none());
    }

    #[test]
    fn what_a_key_does_not_take_is_told_with_the_key_the_value_the_place_and_what_is_allowed() {
        for (text, said) in [
            (
                "[sip]\ncalls_max = \"many\"\n",
                "sip.calls_max = \"many\" (FILE, line 2): expected a whole number",
            ),
            ("[sip]\ncalls_max = -1\n", "sip.calls_max = -1 (FILE, line 2): expected a whole number"),
            ("[connect]\nkeys_ahead = 1\n", "connect.keys_ahead = 1 (FILE, line 2): expected true or false"),
            ("\n[account]\nid = \"12\"\n", "account.id = \"12\" (FILE, line 3): \"12\" is not"),
            ("[http]\nlisten = \"8600\"\n", "http.listen = \"8600\" (FILE, line 2): it is not ADDRESS:PORT"),
            (
                "[http]\npublic_url = \"kvs\"\n",
                "http.public_url = \"kvs\" (FILE, line 2): \"kvs\" is not a URL",
            ),
            (
                "[http]\ntrusted_proxies = [\"10.0.0.0/8\",\n \"x\"]\n",
                "(FILE, line 2): \"x\" is no address and no network",
            ),
            ("[http]\ntls_key_file = \"k\"\n", "http.tls_certificate_file (default): TLS needs it"),
            (
                "[console]\nlisten = \"8601\"\n",
                "console.listen = \"8601\" (FILE, line 2): it is not ADDRESS:PORT",
            ),
            ("[sip]\nlisten = \"localhost:5060\"\n", "sip.listen = \"localhost:5060\" (FILE, line 2): "),
            ("[sip]\npublic_address = \"pbx\"\n", "sip.public_address = \"pbx\" (FILE, line 2): invalid IP"),
            ("[rtp]\nport_last = 10\n", "rtp.port_last = 10 (FILE, line 2): it is below rtp.port_first"),
            ("[capture]\ntrack_profile = \"x\"\n", "(FILE, line 2): expected `current` or `seed2019`"),
            (
                "[kvs]\nlimits = \"closed\"\n",
                "kvs.limits = \"closed\" (FILE, line 2): expected `open` or `aws`",
            ),
            ("[kms]\nprovider = \"aws\"\n", "(FILE, line 2): expected `local` or `external`"),
            ("[kms]\nprovider = \"external\"\n", "(FILE, line 2): it needs kms.access_key_id"),
            ("[kms]\nendpoint = \"kms\"\n", "kms.endpoint = \"kms\" (FILE, line 2): "),
            ("[kms]\ndefault_key = \"a b\"\n", "kms.default_key = \"a b\" (FILE, line 2): "),
            ("[lambda]\nendpoint = \"/f\"\n", "lambda.endpoint = \"/f\" (FILE, line 2): it is not a URL"),
            (
                "[[lambda.functions]]\narn = \"f\"\n",
                "lambda.functions[0].command (default): it or url is needed",
            ),
            ("[log]\nfilter = \"a=b=c\"\n", "log.filter = \"a=b=c\" (FILE, line 2): it is neither a level"),
            ("[log]\nformat = \"xml\"\n", "log.format = \"xml\" (FILE, line 2): expected `text` or `json`"),
            (
                "[[sip.trunks]]\nname = \"carrier\"\nnetworks = [\"192.0.2.0/33\"]\n",
                "sip.trunks[0].networks = [\"192.0.2.0/33\"] (FILE, line 3): \"192.0.2.0/33\" is no address",
            ),
            (
                "[[policies]]\nname = \"p\"\ndocument = \"{}\"\n",
                "policies[0].document = \"{}\" (FILE, line 3): ",
            ),
        ] {
            let error = from_text(text, &[]).unwrap_err().to_string();
            let error = file_name(&error);
            assert!(error.contains(said), "{text}: {error}\nlacks {said}");
        }
        let error = from_text("", &[("TYMPAN_SIP__CALLS_MAX", "many")]).unwrap_err().to_string();
        assert_eq!(
            error,
            "sip.calls_max = \"many\" (variable TYMPAN_SIP__CALLS_MAX): expected a whole number"
        );
    }

    /// The error with `FILE` for the file's path.
    fn file_name(error: &str) -> String {
        let end = error.find("tympan.toml").unwrap_or_default();
        match error[..end].rfind('(') {
            Some(begin) => format!("{}(FILE{}", &error[..begin], &error[end + "tympan.toml".len()..]),
            None => error.to_owned(),
        }
    }

    #[test]
    fn no_error_shows_a_secret() {
        let both = "[[credentials]]\naccess_key_id = \"A\"\nsecret_access_key = 5550123\n";
        let error = from_text(both, &[]).unwrap_err().to_string();
        assert!(error.contains("credentials[0].secret_access_key = (hidden)"), "{error}");
        assert!(!error.contains("5550123"), "{error}");
    }

    #[test]
    fn every_key_whose_type_is_that_of_secrets_is_known_as_one() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let sources: String = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
        let name = |line: &str| Some(line.trim().strip_prefix("pub ")?.strip_suffix(": Secret,")?.to_owned());
        let found: BTreeSet<String> = sources.lines().filter_map(name).collect();
        assert_eq!(found, SECRETS.into_iter().map(str::to_owned).collect());
    }

    #[test]
    fn what_a_flag_changes_has_its_origin_and_the_rest_does_not() {
        let mut loaded = load(None, std::iter::empty()).unwrap();
        loaded.change("--dev", |config| config.credentials.push(Credential::default())).unwrap();
        assert_eq!(loaded.origins.of("credentials[0].access_key_id"), Origin::Flag("--dev"));
        assert_eq!(loaded.origins.of("http.listen"), Origin::Default);
    }

    #[test]
    fn every_key_is_listed_with_its_value_and_where_it_came_from_and_secrets_are_hidden() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tympan.toml");
        let text = "[http]\nlisten = \"127.0.0.1:1\"\n[[credentials]]\naccess_key_id = \"A\"\n\
                    secret_access_key = \"hush\"\n";
        std::fs::write(&path, text).unwrap();
        let variable = ("TYMPAN_SIP__CALLS_MAX".to_owned(), "3".to_owned());
        let mut loaded = load(Some(&path), std::iter::once(variable)).unwrap();
        loaded.set_data_dir("/srv/tympan".into(), "--data-dir");
        let entries = loaded.entries().unwrap();
        let entry = |key: &str| {
            let entry = entries.iter().find(|entry| entry.key == key).unwrap();
            (entry.value.to_string(), entry.origin.to_string())
        };
        let file = |line| format!("{}, line {line}", path.display());
        assert_eq!(entry("data_dir"), ("\"/srv/tympan\"".into(), "flag --data-dir".into()));
        assert_eq!(entry("http.listen"), ("\"127.0.0.1:1\"".into(), file(2)));
        assert_eq!(entry("credentials[0].secret_access_key"), ("\"(hidden)\"".into(), file(5)));
        assert_eq!(entry("credentials[0].user"), ("\"\"".into(), "default".into()));
        assert_eq!(entry("sip.calls_max"), ("3".into(), "variable TYMPAN_SIP__CALLS_MAX".into()));
        assert_eq!(entry("sip.trunks"), ("[]".into(), "default".into()));
        let shown: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        for (key, _) in flat("", &Value::Table(SAMPLE.parse().unwrap())) {
            assert!(shown.contains(&key.as_str()) || key == "credentials", "{key}");
        }
    }
}
