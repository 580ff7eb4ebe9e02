//! Runs a path under callgrind and reads what it counted.

use crate::path::{Path, Scope};
use anyhow::{Context, bail, ensure};
use std::process::{Command, Stdio};

/// Instructions of one unit.
pub(crate) fn instructions_per_unit(path: &Path) -> anyhow::Result<f64> {
    let counted = match path.scope {
        Scope::Thread => {
            let counted = count(
                path,
                path.units,
                &["--collect-atstart=no", "--toggle-collect=*counted_by_callgrind*"],
            )?;
            ensure!(
                counted > 0,
                "callgrind did not find the function that it is to look at: is the binary stripped?"
            );
            counted
        }
        Scope::Process => count(path, path.units, &[])?.saturating_sub(count(path, 0, &[])?),
    };
    Ok(counted as f64 / path.units as f64)
}

fn count(path: &Path, units: usize, options: &[&str]) -> anyhow::Result<u64> {
    let program = std::env::current_exe()?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).args(options);
    command.arg(program).args(["run", path.name, &units.to_string()]);
    // One thread of many allocates from an arena of its own, or not, as it happens: one arena for all is the same each time.
    command.env("MALLOC_ARENA_MAX", "1");
    let output = command.stdin(Stdio::null()).output();
    let output = output.context("cannot run valgrind; `apt-get install valgrind` brings it")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{} failed under callgrind ({}):\n{said}", path.name, output.status);
    }
    collected(&said).with_context(|| format!("callgrind did not say what it collected:\n{said}"))
}

/// The line is `==PID== Collected : 123456`.
fn collected(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_callgrind_says() {
        assert_eq!(collected("==1== Events    : Ir\n==1== Collected : 123456\n==1== \n"), Some(123_456));
        assert_eq!(collected("==1== Events    : Ir\n"), None);
    }
}
