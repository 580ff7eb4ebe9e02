//! A policy denies by id, and every spelling of the id is tried: raw requests, signed by botocore.

use serde_json::{Value, json};
use std::path::Path;
use tympan_e2e::python;
use tympan_testkit::{TestServer, TestServerBuilder};

const SECRET: &str = "the secret of all keys";

/// A server without `--dev`, with one key that may do everything, and others whose policies deny these resources.
fn server(folder: &Path, denied: &[String]) -> anyhow::Result<TestServerBuilder> {
    let mut config = String::new();
    let mut key = |id: &str, policies: &[&str]| {
        config.push_str(&format!(
            "[[credentials]]\naccess_key_id = \"{id}\"\nsecret_access_key = \"{SECRET}\"\npolicies = {policies:?}\n"
        ));
    };
    key("FULL", &["full-access"]);
    key("WARY", &["full-access", "wary"]);
    key("SHOUTING", &["full-access", "shouting"]);
    let policy = |name: &str, of: &dyn Fn(&str) -> String| {
        let resources: Vec<String> = denied.iter().map(|arn| of(arn)).collect();
        let statement = json!({ "Effect": "Deny", "Action": "*", "Resource": resources });
        let document = json!({ "Version": "2012-10-17", "Statement": statement });
        format!("[[policies]]\nname = \"{name}\"\ndocument = '''{document}'''\n")
    };
    config.push_str(&policy("wary", &str::to_owned));
    // Ids, but not names, in upper case.
    config.push_str(&policy("shouting", &|arn| match arn.rsplit_once('/') {
        Some((front, id)) if id.len() == 36 => format!("{front}/{}", id.to_uppercase()),
        _ => arn.to_owned(),
    }));
    config.push_str("[[roles]]\nname = \"denied\"\nassumed_by = [\"FULL\", \"WARY\", \"SHOUTING\"]\n");
    let file = folder.join("tympan.toml");
    std::fs::write(&file, config)?;
    Ok(TestServer::builder().bare().env("TYMPAN_CONFIG", file.display()).data_dir(folder.join("data")))
}

#[test]
fn what_a_policy_denies_by_id_is_denied_in_every_spelling() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let kept = folder.path().join("made.json");
    let arguments = ["--", SECRET, &kept.display().to_string()];
    let first = server(folder.path(), &["arn:aws:none:::nothing".to_owned()])?.start()?;
    python::run(
        &first,
        "access_spellings.py",
        &[&["something_of_every_kind_is_made"], &arguments[..]].concat(),
    );
    first.kill_9()?;

    let made: Value = serde_json::from_slice(&std::fs::read(&kept)?)?;
    let id = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    let (connect, absent) = ("arn:aws:connect:*:*", "abcdefab-9999-4999-8999-abcdefabcdef");
    let denied = [
        format!("{connect}:instance/{}", id("instance")),
        format!("{connect}:instance/{}/*", id("instance")),
        format!("{connect}:instance/{}/contact-flow/{}", id("instance"), id("flow")),
        format!("{connect}:instance/{}/contact/{absent}", id("other")),
        format!("{connect}:phone-number/{}", id("number")),
        format!("arn:aws:tympan:*:*:contact/{absent}"),
        format!("arn:aws:kms:*:*:key/{}", id("key")),
        format!("arn:aws:kms:*:*:key/{absent}"),
        id("stream"),
        "arn:aws:iam::*:role/denied".to_owned(),
    ];
    let second = server(folder.path(), &denied)?.start()?;
    let checks = ["no_spelling_finds_what_is_denied", "what_is_denied_is_denied_for_what_it_is"];
    python::run(&second, "access_spellings.py", &[&checks[..], &arguments].concat());
    Ok(())
}
