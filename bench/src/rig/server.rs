//! The server under test: the real binary, in the same profile as this one, in a process of its own.

use super::core::Core;
use anyhow::{Context, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::{Path, PathBuf};
use std::process::Command;
use tympan_testkit::{TestServer, TestServerBuilder};

/// Builds the binary, unless `TYMPAN_BIN` names one.
pub(crate) fn build() -> anyhow::Result<()> {
    if std::env::var_os("TYMPAN_BIN").is_some() {
        return Ok(());
    }
    let profile = profile_folder()?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "-p", "tympan-cli"]);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    if profile.file_name().is_some_and(|name| name == "release") {
        command.arg("--release");
    }
    let status = command.status().context("cannot run cargo; set TYMPAN_BIN to a built server instead")?;
    ensure!(status.success(), "the server does not build");
    Ok(())
}

/// Starts a development server with room for that many calls, on a core of its own if one is given.
pub(crate) fn start_with(
    calls: u32,
    core: Option<Core>,
    settings: impl FnOnce(TestServerBuilder) -> TestServerBuilder,
) -> anyhow::Result<(TestServer, tempfile::TempDir)> {
    let data = data_folder()?;
    let server = launch(data.path(), calls, core, settings)?;
    Ok((server, data))
}

/// As [`start_with`], with its data in that folder and some variables more.
pub(crate) fn start_in(
    data: &Path,
    calls: u32,
    variables: &[(&str, &str)],
    core: Option<Core>,
) -> anyhow::Result<TestServer> {
    launch(data, calls, core, |builder| {
        variables.iter().fold(builder, |builder, (name, value)| builder.env(name, value))
    })
}

fn launch(
    data: &Path,
    calls: u32,
    core: Option<Core>,
    settings: impl FnOnce(TestServerBuilder) -> TestServerBuilder,
) -> anyhow::Result<TestServer> {
    make_room_for_sockets()?;
    let builder = TestServer::builder()
        .env("TYMPAN_KVS__STREAMS_PER_ACCOUNT", calls + 10)
        .env("TYMPAN_SIP__CALLS_MAX", calls + 10)
        // All callers of a benchmark have one address.
        .env("TYMPAN_SIP__HALF_OPEN_PER_SOURCE", calls + 10)
        .env("TYMPAN_SIP__REQUESTS_PER_SOURCE_PER_S", calls + 1_000)
        .env("TYMPAN_SPEECH__COMMAND", "[]")
        .data_dir(data);
    let builder = settings(builder);
    match core {
        Some(core) => core.run(|| builder.start())?,
        None => builder.start(),
    }
}

/// Ends a server as an operator would.
pub(crate) fn stop(mut server: TestServer) -> anyhow::Result<()> {
    server.terminate()?;
    let status = server.wait()?;
    ensure!(status.success(), "the server ended with {status}:\n{}", server.log());
    Ok(())
}

/// A folder beside the build, removed when dropped.
pub(crate) fn scratch(prefix: &str) -> anyhow::Result<tempfile::TempDir> {
    Ok(tempfile::Builder::new().prefix(prefix).tempdir_in(profile_folder()?)?)
}

/// Has the system use so much of its memory for files and give it up again.
///
/// A virtual machine's host gives it memory at its first touch, which costs ten times what writing into it does; what
/// is measured should meet memory that has been touched before.
pub(crate) fn touch_memory(folder: &Path, bytes: u64) -> anyhow::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let zeros = vec![0; 1 << 20];
    for _ in 0..bytes.div_ceil(1 << 20) {
        std::io::Write::write_all(&mut file, &zeros)?;
    }
    Ok(())
}

/// A folder for a server's data, removed when dropped. It is beside the build and not in the temporary folder, which may
/// be no disk.
pub(crate) fn data_folder() -> anyhow::Result<tempfile::TempDir> {
    scratch("bench-data-")
}

/// `target/release` or `target/debug`.
fn profile_folder() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.ancestors().find(|folder| folder.join("deps").is_dir());
    Ok(folder.context("this program is not in a cargo target folder")?.to_owned())
}

/// A socket per call there, one per reader here: the soft limit of many shells is 1,024. Children inherit it.
fn make_room_for_sockets() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(())
}
