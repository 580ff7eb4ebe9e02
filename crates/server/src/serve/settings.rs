//! The settings that the server runs by, as its own service shows them.

use super::dev;
use crate::config::{Entry, Loaded, Origin};
use std::collections::HashMap;
use tympan_admin::{Configuration, Setting, SettingSource};

/// What stands in place of a part of a URL.
const HIDDEN: &str = "(hidden)";

/// The settings from the start of the process on. No secret is in it.
#[derive(Default)]
pub(super) struct RunningSettings {
    settings: Vec<Setting>,
    /// Where the document of each policy stands.
    policies: HashMap<String, String>,
}

impl RunningSettings {
    pub(super) fn of(loaded: &Loaded) -> anyhow::Result<Self> {
        let settings = loaded.entries()?.into_iter().map(setting).collect();
        let place = |(index, policy): (usize, &crate::config::NamedPolicy)| {
            let document = format!("policies[{index}].document");
            let place = match &policy.document_file {
                Some(file) => file.display().to_string(),
                None => loaded.origins.of(&document).to_string(),
            };
            (policy.name.clone(), place)
        };
        Ok(Self { settings, policies: loaded.config.policies.iter().enumerate().map(place).collect() })
    }
}

impl Configuration for RunningSettings {
    fn settings(&self) -> Vec<Setting> {
        self.settings.clone()
    }

    fn policy_place(&self, name: &str) -> Option<String> {
        self.policies.get(name).cloned()
    }
}

fn setting(entry: Entry) -> Setting {
    let Entry { key, value, is_secret, origin } = entry;
    let is_set = value.as_str() != Some("");
    let (source, place) = match origin {
        Origin::Default => (SettingSource::Default, None),
        Origin::File { path, line } => (SettingSource::File, Some(format!("{}:{line}", path.display()))),
        Origin::Variable(name) => (SettingSource::Environment, Some(name)),
        Origin::Flag(flag) if flag == dev::FLAG => (SettingSource::Dev, Some(flag.to_owned())),
        Origin::Flag(flag) => (SettingSource::Flag, Some(flag.to_owned())),
    };
    let value = (!is_secret || !is_set).then(|| text(shown(value)));
    Setting { key, value, is_secret, source, place }
}

fn text(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        value => value.to_string(),
    }
}

/// The same without what URLs may have to keep to themselves.
fn shown(value: toml::Value) -> toml::Value {
    match value {
        toml::Value::String(text) => toml::Value::String(shown_url(&text).unwrap_or(text)),
        toml::Value::Array(list) => toml::Value::Array(list.into_iter().map(shown).collect()),
        value => value,
    }
}

/// A URL without its user, its password and its query; `None` for what is no URL, and for one that has none of them.
fn shown_url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme || text.contains(char::is_whitespace) {
        return None;
    }
    let (address, query) =
        rest.split_once('?').map_or((rest, None), |(address, query)| (address, Some(query)));
    let end = address.find(['/', '#']).unwrap_or(address.len());
    let (authority, path) = address.split_at(end);
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if user.is_none() && query.is_none() {
        return None;
    }
    let user = user.map(|_| format!("{HIDDEN}@")).unwrap_or_default();
    let query = query.map(|_| format!("?{HIDDEN}")).unwrap_or_default();
    Some(format!("{scheme}://{user}{host}{path}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn urls_are_shown_without_what_they_have_to_keep_to_themselves() {
        for (text, expected) in [
            ("http://127.0.0.1:9001", None),
            ("arn:aws:lambda:us-west-2:111122223333:function:a", None),
            ("curl https://a:b@c", None),
            ("https://user:hush@host.example/p", Some("https://(hidden)@host.example/p")),
            ("https://host/hook?token=hush", Some("https://host/hook?(hidden)")),
            ("https://a@b:c@host?x", Some("https://(hidden)@host?(hidden)")),
            ("https://host/a@b", None),
        ] {
            assert_eq!(shown_url(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn settings_have_their_sources_and_no_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tympan.toml");
        let document =
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
        let document_file = dir.path().join("q.json");
        std::fs::write(&document_file, document).unwrap();
        let document_file = document_file.display().to_string();
        let text = format!(
            "[contact_events]\nurl = \"https://u:hush@h/hook?key=hush\"\nurl_secret = \"hush\"\n\
             [[policies]]\nname = \"p\"\ndocument = '{document}'\n[[policies]]\nname = \"q\"\ndocument_file = \"{document_file}\"\n\
             [[credentials]]\naccess_key_id = \"A\"\nsecret_access_key = \"hush\"\nsession_token = \"hush\"\n"
        );
        std::fs::write(&path, text).unwrap();
        let variables = [("TYMPAN_KMS__SECRET_ACCESS_KEY", "hush"), ("TYMPAN_SIP__CALLS_MAX", "3")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut loaded = config::load(Some(&path), variables.into_iter()).unwrap();
        loaded.change(dev::FLAG, dev::apply).unwrap();
        loaded.set_data_dir("/srv".into(), "--data-dir");
        let shown = RunningSettings::of(&loaded).unwrap();
        let printed = format!("{:?}", shown.settings);
        assert!(!printed.contains("hush") && !printed.contains("tympandevsecret"), "{printed}");
        let of = |key: &str| {
            let setting = shown.settings.iter().find(|setting| setting.key == key).unwrap();
            (setting.value.as_deref(), setting.source, setting.place.as_deref())
        };
        let file = |line: usize| format!("{}:{line}", path.display());
        assert_eq!(of("credentials[0].secret_access_key"), (None, SettingSource::File, Some(&*file(12))));
        assert_eq!(of("credentials[1].secret_access_key"), (None, SettingSource::Dev, Some("--dev")));
        assert_eq!(of("credentials[0].policies").1, SettingSource::Dev);
        assert_eq!(of("credentials[1].session_token").0, Some(""));
        assert_eq!(
            of("kms.secret_access_key"),
            (None, SettingSource::Environment, Some("TYMPAN_KMS__SECRET_ACCESS_KEY"))
        );
        assert_eq!(of("sip.calls_max").0, Some("3"));
        assert_eq!(of("data_dir"), (Some("/srv"), SettingSource::Flag, Some("--data-dir")));
        assert_eq!(of("connect.instances[0].alias"), (Some("demo"), SettingSource::Dev, Some("--dev")));
        assert_eq!(of("rtp.threads").1, SettingSource::Default);
        let place = |name| shown.policy_place(name);
        assert_eq!(place("p"), Some(format!("{}, line 6", path.display())));
        assert_eq!((place("q"), place("read-only")), (Some(document_file), None));
    }
}
