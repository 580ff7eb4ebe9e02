//! Child processes that either succeed or explain themselves.

use anyhow::{Context, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// cargo, in the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Any other program, in the workspace's root.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// The folder that cargo builds into. Only cargo knows it: a variable or any of its configuration files may move it.
pub(crate) fn target_folder() -> anyhow::Result<PathBuf> {
    target_folder_by(cargo())
}

fn target_folder_by(mut cargo: Command) -> anyhow::Result<PathBuf> {
    cargo.args(["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value =
        serde_json::from_slice(&standard_output(&mut cargo)?).context("cargo metadata printed no JSON")?;
    let folder = metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
    Ok(folder.into())
}

/// Builds the program `name` by `cargo build` with `arguments`, and gives the file that cargo says it made.
pub(crate) fn build(name: &str, arguments: &[&str]) -> anyhow::Result<PathBuf> {
    build_by(cargo(), name, arguments)
}

/// The same by this cargo: in another folder, or with another environment.
pub(crate) fn build_by(mut cargo: Command, name: &str, arguments: &[&str]) -> anyhow::Result<PathBuf> {
    cargo.arg("build").args(arguments);
    made_by(cargo, name, &[])
}

/// Runs a cargo command that builds the program `name`, with what follows `--`, and gives the file that cargo says it made.
pub(crate) fn made_by(mut cargo: Command, name: &str, rest: &[&str]) -> anyhow::Result<PathBuf> {
    // What the compiler has to say goes to standard error as usual.
    cargo.args(["--quiet", "--message-format=json-render-diagnostics"]).args(rest);
    eprintln!("+ {}", line(&cargo));
    let messages = standard_output(&mut cargo)?;
    let made = messages.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    let made = made.filter(|message: &Value| message["target"]["name"] == name);
    let file = made.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
    file.with_context(|| format!("cargo built no program {name}"))
}

/// What a command prints, once it has succeeded; its standard error is shown.
pub(crate) fn standard_output(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot run {}", line(command)))?;
    ensure!(output.status.success(), "{} failed ({})", line(command), output.status);
    Ok(output.stdout)
}

/// Runs a command with its output shown.
pub(crate) trait RunLoudly {
    /// Prints the command line, runs it, and fails when it fails.
    fn run_loudly(&mut self) -> anyhow::Result<()>;
}

impl RunLoudly for Command {
    fn run_loudly(&mut self) -> anyhow::Result<()> {
        eprintln!("+ {}", line(self));
        let status = self.status().with_context(|| format!("cannot run {}", line(self)))?;
        ensure!(status.success(), "{} failed ({status})", line(self));
        Ok(())
    }
}

/// A command as a person would type it.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package of its own, for which a configuration file says `configuration`.
    fn package(configuration: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        write("Cargo.toml", "[package]\nname = \"hello\"\nedition = \"2024\"\n");
        write("src/main.rs", "fn main() { println!(\"hello\") }\n");
        write(".cargo/config.toml", configuration);
        folder
    }

    fn cargo_in(folder: &Path) -> Command {
        let mut command = cargo();
        command.current_dir(folder).env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR");
        command
    }

    /// The target of this machine, such as `x86_64-unknown-linux-gnu`.
    fn host() -> String {
        let said = standard_output(Command::new("rustc").arg("-vV")).unwrap();
        let said = String::from_utf8(said).unwrap();
        said.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
    }

    #[test]
    fn a_program_is_found_wherever_cargo_is_told_to_build() {
        let elsewhere = tempfile::tempdir().unwrap();
        let triple = format!("[build]\ntarget-dir = \"made\"\ntarget = {:?}\n", host());
        for (configuration, variable) in
            [("", Some(elsewhere.path())), ("[build]\ntarget-dir = \"made\"\n", None), (&triple, None)]
        {
            let package = package(configuration);
            let target = variable.map_or_else(|| package.path().join("made"), Path::to_owned);
            let cargo = || {
                let mut cargo = cargo_in(package.path());
                cargo.envs(variable.map(|folder| ("CARGO_TARGET_DIR", folder)));
                cargo
            };
            let file = build_by(cargo(), "hello", &[]).unwrap();
            assert!(file.starts_with(&target), "{} is not in {}", file.display(), target.display());
            assert_eq!(standard_output(&mut Command::new(&file)).unwrap(), b"hello\n");
            assert_eq!(target_folder_by(cargo()).unwrap(), target);
        }
    }

    #[test]
    fn no_source_file_guesses_where_cargo_builds() {
        // In two pieces, so that this file is not found.
        let guesses =
            [concat!("\"tar", "get/"), concat!("(\"tar", "get\")"), concat!("-dir\", \"tar", "get\"")];
        let mut folders = ["xtask", "bench", "e2e/src", "e2e/tests", "crates/testkit"]
            .map(|name| root().join(name))
            .to_vec();
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let source = std::fs::read_to_string(&path).unwrap();
                    let guess = guesses.iter().find(|guess| source.contains(*guess));
                    assert_eq!(guess, None, "{} guesses: command::target_folder asks cargo", path.display());
                    files += 1;
                }
            }
        }
        assert!(files > 50, "only {files} files were looked at");
    }
}
