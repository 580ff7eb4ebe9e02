//! Who may ask: each way of signing, and each way of doing it wrong.

use std::path::PathBuf;
use tympan_e2e::python;
use tympan_testkit::TestServer;

const SECRET: &str = "a temporary secret";
const TOKEN: &str = "FwoGZXIvYXdzEXAMPLE/session+token==";

/// A configuration with a temporary key.
fn temporary_key() -> anyhow::Result<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tympan.toml");
    let key = format!(
        "[[credentials]]\naccess_key_id = \"TEMPORARY\"\nsecret_access_key = \"{SECRET}\"\nsession_token = \"{TOKEN}\"\npolicies = [\"full-access\"]\n"
    );
    std::fs::write(&file, key)?;
    Ok((folder, file))
}

#[test]
fn good_signatures_pass_and_bad_ones_are_refused_by_kind() -> anyhow::Result<()> {
    let (_folder, file) = temporary_key()?;
    let server = TestServer::builder().env("TYMPAN_CONFIG", file.display()).start()?;
    python::run(&server, "sdk_signatures.py", &["--", SECRET, TOKEN]);
    Ok(())
}

#[test]
fn without_dev_there_is_no_key_but_the_configured_one() -> anyhow::Result<()> {
    let (_folder, file) = temporary_key()?;
    let server = TestServer::builder().bare().env("TYMPAN_CONFIG", file.display()).start()?;
    python::run(&server, "sdk_bare.py", &["--", SECRET, TOKEN]);
    Ok(())
}

#[test]
fn no_secret_reaches_the_log() -> anyhow::Result<()> {
    let (_folder, file) = temporary_key()?;
    let server = TestServer::builder()
        .env("TYMPAN_CONFIG", file.display())
        .env("TYMPAN_LOG__FILTER", "debug")
        .start()?;
    python::run(&server, "sdk_signatures.py", &["--", SECRET, TOKEN]);
    let log = server.log();
    assert!(log.lines().count() > 10, "the log is too short to say anything: {log}");
    for secret in [SECRET, TOKEN, "tympandevsecret"] {
        assert!(!log.contains(secret), "the log shows {secret:?}");
    }
    Ok(())
}
