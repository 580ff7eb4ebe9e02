//! Where each value of a configuration came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is the default.
    Default,
    /// A line of the configuration file, counted from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag of the command line, such as `--data-dir`.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// The origins of all values that are set, by dotted path: `sip.trunks[0].networks`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Those of a file's values.
    pub(super) fn of_file(path: &Path, text: &str) -> Result<Self, toml::de::Error> {
        let mut origins = Self::default();
        let mut walk = Walk { path, text, origins: &mut origins };
        walk.table("", DeTable::parse(text)?.get_ref());
        Ok(origins)
    }

    /// Everything at and below `key` comes from `origin` now; `value` is what it is.
    pub(super) fn set(&mut self, key: &str, value: &Value, origin: &Origin) {
        self.0.retain(|known, _| !is_at_or_below(known, key));
        for (key, _) in flat(key, value) {
            self.0.insert(key, origin.clone());
        }
    }

    /// The origin of a value. An element of a list has the list's; a section has that of its first key.
    pub fn of(&self, key: &str) -> Origin {
        if let Some(origin) = self.0.get(key) {
            return origin.clone();
        }
        if let Some((list, _)) = key.strip_suffix(']').and_then(|key| key.rsplit_once('['))
            && let Some(origin) = self.0.get(list)
        {
            return origin.clone();
        }
        let below = self.0.iter().find(|(known, _)| is_at_or_below(known, key));
        below.map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The origin of a key whose path names no places in lists.
    pub(super) fn of_unplaced(&self, key: &str) -> Origin {
        let found = self.0.iter().find(|(known, _)| is_at_or_below(&unplaced(known), key));
        found.map_or(Origin::Default, |(_, origin)| origin.clone())
    }
}

fn is_at_or_below(known: &str, key: &str) -> bool {
    known.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// `sip.trunks.name` for `sip.trunks[0].name`.
fn unplaced(key: &str) -> String {
    let mut parts = key.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |path, part| path + part.split_once(']').map_or("", |(_, rest)| rest))
}

/// All values at and below a key that are no sections, by their paths. A list without sections in it is one value.
pub(super) fn flat(key: &str, value: &Value) -> Vec<(String, Value)> {
    match value {
        Value::Table(table) => {
            table.iter().flat_map(|(name, value)| flat(&below(key, name), value)).collect()
        }
        Value::Array(list) if list.iter().any(Value::is_table) => list
            .iter()
            .enumerate()
            .flat_map(|(index, value)| flat(&format!("{key}[{index}]"), value))
            .collect(),
        value => vec![(key.to_owned(), value.clone())],
    }
}

fn below(key: &str, name: &str) -> String {
    if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") }
}

/// A walk over a parsed file.
struct Walk<'a> {
    path: &'a Path,
    text: &'a str,
    origins: &'a mut Origins,
}

impl Walk<'_> {
    fn table(&mut self, key: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            self.value(&below(key, name.get_ref()), name.span().start, value);
        }
    }

    /// `start` is the first byte of the key.
    fn value(&mut self, key: &str, start: usize, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(key, table),
            DeValue::Array(list) if list.iter().any(|value| value.get_ref().is_table()) => {
                for (index, value) in list.iter().enumerate() {
                    self.value(&format!("{key}[{index}]"), value.span().start, value);
                }
            }
            _ => {
                let before = self.text.as_bytes().iter().take(start);
                let line = 1 + before.filter(|byte| **byte == b'\n').count();
                self.origins.0.insert(key.to_owned(), Origin::File { path: self.path.to_owned(), line });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(origins: &Origins, key: &str) -> Option<usize> {
        match origins.of(key) {
            Origin::File { line, .. } => Some(line),
            _ => None,
        }
    }

    #[test]
    fn each_value_of_a_file_has_its_line_and_elements_of_lists_have_that_of_the_list() {
        let text = "data_dir = 'x'\n[http]\nlisten = 'y'\ntrusted_proxies = [\n 'a',\n 'b' ]\n[[sip.trunks]]\n\
                    name = 'one'\n[[sip.trunks]]\nname = 'two'\nusers = [{ name = 'u' }]\n";
        let origins = Origins::of_file(Path::new("t.toml"), text).unwrap();
        for (key, expected) in [
            ("data_dir", Some(1)),
            ("http.listen", Some(3)),
            ("http.trusted_proxies", Some(4)),
            ("http.trusted_proxies[1]", Some(4)),
            ("http.public_url", None),
            ("sip.trunks[0].name", Some(8)),
            ("sip.trunks[1].name", Some(10)),
            ("sip.trunks[1].users[0].name", Some(11)),
            ("sip.trunks[1].users", Some(11)),
            ("sip.trunks[1].realm", None),
        ] {
            assert_eq!(line(&origins, key), expected, "{key}");
        }
        assert!(matches!(origins.of_unplaced("sip.trunks.users.name"), Origin::File { line: 11, .. }));
    }

    #[test]
    fn what_is_set_anew_hides_all_that_was_below_it() {
        let mut origins =
            Origins::of_file(Path::new("t"), "[[sip.trunks]]\nname = 'a'\nuser = 'b'\n").unwrap();
        let value = "x = [{ name = 'c' }]".parse::<toml::Table>().unwrap()["x"].clone();
        origins.set("sip.trunks", &value, &Origin::Variable("V".into()));
        assert_eq!(origins.of("sip.trunks[0].name"), Origin::Variable("V".into()));
        assert_eq!(origins.of("sip.trunks[0].user"), Origin::Default);
    }
}
