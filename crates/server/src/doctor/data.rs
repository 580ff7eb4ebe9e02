//! The data directory and the keys.

use super::{Finding, nearest};
use crate::clock::SystemClock;
use crate::config::{Config, KeyKeeper};
use crate::upkeep::keyring_file;
use crate::{kms, persist};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use tympan_kms::{KeyState, Keyring, KeyringOwner};
use tympan_store::embedded::{AtRest, lost_files};
use tympan_store::{ErrorKind, StoreError};
use tympan_types::WallTime;

const DATA: &str = "data";
const KEYS: &str = "keys";
const RECORDS: &str = "records";

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = directory(config);
    findings.extend(keys(config));
    findings
}

fn directory(config: &Config) -> Vec<Finding> {
    let data = config.data_dir.as_path();
    let place = data.display();
    let metadata = match data.metadata() {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => {
            return vec![Finding::problem(
                DATA,
                format!("{place} is no folder"),
                "the server cannot start",
                "set data_dir to a folder",
            )];
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return vec![Finding::ok(
                DATA,
                format!("{place} does not exist yet and is made at the first start"),
            )];
        }
        Err(error) => {
            return vec![Finding::problem(
                DATA,
                format!("{place} cannot be looked at: {error}"),
                "the server cannot start",
                "run this as the user that the server runs as",
            )];
        }
    };
    let mut findings = Vec::new();
    let mode = metadata.permissions().mode() & 0o777;
    findings.push(if mode & 0o077 == 0 {
        Finding::ok(DATA, format!("{place} is private"))
    } else {
        Finding::warning(
            DATA,
            format!("{place} has mode {mode:o}"),
            "other users of this machine can look into it: names, numbers and contact records are not encrypted",
            format!("chmod 700 {place}"),
        )
    });
    match AtRest::open(data) {
        Ok(at_rest) => {
            findings.push(Finding::ok(
                DATA,
                format!("{place} has format {:?}, and no server runs on it", at_rest.format()),
            ));
            findings.extend(records(data, &at_rest));
            findings.extend(missing_keys(config, &at_rest));
            findings.extend(missing_segments(data, &at_rest));
        }
        Err(error) => findings.push(unopened(data, &error)),
    }
    findings.extend(lost_and_found(data));
    findings
}

fn unopened(data: &Path, error: &StoreError) -> Finding {
    let place = data.display();
    match error.kind() {
        ErrorKind::Fenced => Finding::ok(DATA, format!("{place} is held by a running server")),
        ErrorKind::NotFound => Finding::ok(DATA, format!("{place} holds no streams yet")),
        _ => Finding::problem(
            DATA,
            error.message().to_owned(),
            "the server cannot start on it",
            format!("`tympan streams check --data-dir {place}`, or restore a backup"),
        ),
    }
}

/// What is wrong with the settings and the contacts.
fn records(data: &Path, at_rest: &AtRest) -> Vec<Finding> {
    let action = "restore them from a backup; the server serves what is intact";
    let problem =
        |what: String| Finding::problem(RECORDS, what, "instances, flows or contacts are missing", action);
    match persist::examine(data, at_rest.epoch().ok()) {
        Ok(damage) if damage.is_empty() => {
            vec![Finding::ok(RECORDS, "control.db is as it was written")]
        }
        Ok(damage) => damage.into_iter().map(problem).collect(),
        Err(error) => vec![problem(format!("control.db cannot be looked at: {error}"))],
    }
}

/// Segments of the journal that were removed, and a list of them that is not what was written.
fn missing_segments(data: &Path, at_rest: &AtRest) -> Vec<Finding> {
    let notes = at_rest.missing_segments().unwrap_or_else(|error| vec![error.message().to_owned()]);
    let problem = |note| {
        let why = "what is missing of the journal, and in no chunk, is not served; the rest is";
        let action = format!(
            "put it back before the next start, if it is anywhere; `tympan streams check --data-dir {}`",
            data.display()
        );
        Finding::problem(DATA, note, why, action)
    };
    notes.into_iter().map(problem).collect()
}

/// A keyring that is not the one of this data.
fn missing_keys(config: &Config, at_rest: &AtRest) -> Option<Finding> {
    if config.kms.provider != KeyKeeper::Local {
        return None;
    }
    let data_keys = at_rest.wrapped_keys().ok()?;
    let keyring = keyring_at(config, &keyring_file(&config.keyring_dir())).ok();
    let lack = kms::lacking(keyring.as_ref(), &config.kms.lost_keys, &data_keys).ok()??;
    let (why, action) = ("the server does not start: it could not read these streams", "as it says");
    Some(Finding::problem(KEYS, lack.in_words(config), why, action))
}

/// Chunks and segments that a start or a rebuild has put aside.
fn lost_and_found(data: &Path) -> Option<Finding> {
    let files = lost_files(data);
    let newest = files.iter().map(|file| file.written).max()?;
    let goes = match at_rest_until(data) {
        Some(until) => format!("the last of them is removed on {}", until.rfc3339_ms()),
        None => format!(
            "the last of them was written on {}; each is removed when its stream's retention is over since then",
            newest.rfc3339_ms()
        ),
    };
    Some(Finding::warning(
        DATA,
        format!("{} files are in {}", files.len(), data.join("lost+found").display()),
        format!(
            "no row of the catalogue accounts for them: they may be media that is served no more; {goes}"
        ),
        "read docs/operations.md, \"lost+found\"; copy them elsewhere to keep them longer",
    ))
}

/// When the last file goes, if the catalogue can be asked.
fn at_rest_until(data: &Path) -> Option<WallTime> {
    AtRest::open(data).ok()?.lost_until().ok()?
}

fn keys(config: &Config) -> Vec<Finding> {
    let place = config.keyring_dir();
    let file = keyring_file(&place);
    let mut findings = Vec::new();
    if file.is_file() {
        findings.push(match open(config, &file) {
            Ok((enabled, all)) => Finding::ok(
                KEYS,
                format!("{} is private and holds {all} keys, {enabled} of them enabled", file.display()),
            ),
            Err(reason) => Finding::problem(
                KEYS,
                reason,
                "no stream can be written or read",
                format!(
                    "chmod 600 {} and 700 its folder; if it is damaged, put a copy in its place",
                    file.display()
                ),
            ),
        });
    } else {
        findings.push(Finding::ok(
            KEYS,
            format!("{} does not exist yet and is made at the first start", file.display()),
        ));
    }
    findings.extend(same_disk(&config.data_dir, &place));
    findings
}

/// The keyring, where there is one: none is made.
fn keyring_at(config: &Config, file: &Path) -> Result<Keyring, String> {
    if !file.is_file() {
        return Err(format!("{} is not there", file.display()));
    }
    let owner = KeyringOwner { region: config.account.region.clone(), account: config.account.id.clone() };
    Keyring::open(file, owner, SystemClock.wall_now()).map_err(|error| error.to_string())
}

fn open(config: &Config, file: &Path) -> Result<(usize, usize), String> {
    let keyring = keyring_at(config, file)?;
    let keys = keyring.keys().map_err(|error| error.to_string())?;
    let enabled = keys.iter().filter(|key| key.state == KeyState::Enabled).count();
    if enabled == 0 {
        return Err(format!("{} has no key that is enabled", file.display()));
    }
    Ok((enabled, keys.len()))
}

fn same_disk(data: &Path, keys: &Path) -> Option<Finding> {
    let device = |path: &Path| nearest(path).metadata().ok().map(|metadata| metadata.dev());
    (device(data)? == device(keys)?).then(|| {
        Finding::warning(
            KEYS,
            "the keys are on the same disk as the data",
            "a thief of the disk has both, and encryption protects nothing",
            "move the keyring to another disk and set kms.keyring_dir; keep a copy of it elsewhere",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions};

    fn config(place: &Path) -> Config {
        Config { data_dir: place.join("data"), ..Config::default() }
    }

    fn worst(findings: &[Finding]) -> State {
        findings.iter().map(|finding| finding.state).max().unwrap()
    }

    #[test]
    fn a_directory_that_is_still_to_be_made_is_fine_and_keys_beside_the_data_are_advised_against() {
        let place = tempfile::tempdir().unwrap();
        let findings = examine(&config(place.path()));
        assert_eq!(worst(&findings), State::Warning, "{findings:#?}");
        assert!(!place.path().join("data").exists(), "nothing is made");
    }

    #[test]
    fn a_journal_that_is_not_as_its_list_says_is_a_problem() {
        let place = tempfile::tempdir().unwrap();
        let config = config(place.path());
        drop(EmbeddedBackend::open(&config.data_dir, EmbeddedOptions::default()).unwrap());
        let of_the_journal = || {
            let findings = examine(&config).into_iter();
            findings.filter(|finding| finding.what.contains("SEGMENTS")).collect::<Vec<_>>()
        };
        assert!(of_the_journal().is_empty());
        std::fs::write(config.data_dir.join("journal/0000000002.seg"), [0; 100]).unwrap();
        assert_eq!(worst(&of_the_journal()), State::Problem);
    }

    #[test]
    fn an_open_directory_is_a_warning_and_an_exposed_keyring_a_problem() {
        let place = tempfile::tempdir().unwrap();
        let config = config(place.path());
        let owner =
            KeyringOwner { region: "us-west-2".parse().unwrap(), account: "111122223333".parse().unwrap() };
        let keyring = config.data_dir.join("keyring");
        Keyring::open(&keyring, owner, SystemClock.wall_now()).unwrap();
        assert_eq!(worst(&examine(&config)), State::Warning);
        let open = |mode| {
            std::fs::set_permissions(keyring.join("keyring.json"), std::fs::Permissions::from_mode(mode))
                .unwrap();
        };
        open(0o644);
        assert_eq!(worst(&examine(&config)), State::Problem);
        open(0o600);
        std::fs::set_permissions(&config.data_dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        let findings = examine(&config);
        assert!(findings.iter().any(|finding| finding.action.contains("chmod 700")), "{findings:#?}");
    }
}
