//! What is acknowledged is found again, however the server ended.

use anyhow::Context;
use tympan_e2e::python;
use tympan_testkit::TestServer;

/// Ends a busy server by `signal` and looks at what its successor finds.
fn restart(signal: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let notes = folder.path().join("notes.json");
    let notes = notes.to_str().context("the temporary folder is not named in UTF-8")?;
    let start = || {
        let server = TestServer::builder().data_dir(folder.path().join("data"));
        server.env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 500).start()
    };

    let mut server = start()?;
    let pid = server.pid().to_string();
    python::run(&server, "sdk_persistence.py", &["write", "--", notes, &pid, signal]);
    let status = server.wait()?;
    assert_eq!(status.success(), signal == "TERM", "the server ended with {status}");
    drop(server);

    python::run(&start()?, "sdk_persistence.py", &["read", "--", notes]);
    Ok(())
}

#[test]
fn media_streams_and_settings_survive_a_kill() -> anyhow::Result<()> {
    restart("KILL")
}

#[test]
fn media_streams_and_settings_survive_a_shutdown() -> anyhow::Result<()> {
    restart("TERM")
}
