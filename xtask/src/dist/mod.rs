//! `cargo xtask dist`: what is handed out: a program that needs glibc and nothing else, and a Debian package of it.
//!
//! The package is laid out here and closed by `dpkg-deb`, which every Debian has. cargo-deb would do as well, but it is a program of 70
//! crates to install first, it asks dpkg-shlibdeps for what the check of the program knows already, and its folder of maintainer scripts
//! would be the one that is in `packaging/deb` now.

mod machine;
mod notices;
mod package;
mod program;
mod prove;

use crate::command::{RunLoudly, program as command, standard_output, target_folder};
use anyhow::{Context, bail};
use package::Contents;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder, in the target folder, of what is handed out.
const FOLDER: &str = "dist";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let Arguments { program, proves } = Arguments::parse(arguments)?;
    let folder = target_folder()?.join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    let built = program.map_or_else(program::build, Ok)?;
    let needs = program::needs(&built)?;
    needs.check()?;
    let tympan = folder.join("tympan");
    // One that runs keeps its file.
    let _ = std::fs::remove_file(&tympan);
    std::fs::copy(&built, &tympan)?;
    println!("{needs}");
    command("ldd").arg(&tympan).run_loudly()?;

    let package = Handout::new(&tympan)?.package(version(), package::SMALL, &folder)?;
    command("dpkg-deb").args(["--info"]).arg(&package).run_loudly()?;
    command("dpkg-deb").args(["--contents"]).arg(&package).run_loudly()?;
    let names = [file_name(&package)?, "tympan"];
    let sums = standard_output(Command::new("sha256sum").current_dir(&folder).args(names))?;
    std::fs::write(folder.join("SHA256SUMS"), sums)?;
    println!("\n{}\n{}", tympan.display(), package.display());
    match proves {
        true => prove::run(&folder, &tympan, &package),
        false => Ok(()),
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    /// Packaged instead of one that is built here, such as one that cargo-zigbuild made.
    program: Option<PathBuf>,
    proves: bool,
}

impl Arguments {
    fn parse(mut arguments: &[String]) -> anyhow::Result<Self> {
        let mut parsed = Self::default();
        while let [first, rest @ ..] = arguments {
            arguments = match (first.as_str(), rest) {
                ("--prove", rest) => {
                    parsed.proves = true;
                    rest
                }
                ("--program", [file, rest @ ..]) => {
                    parsed.program = Some(file.into());
                    rest
                }
                _ => bail!("dist takes no argument but --prove and --program FILE"),
            };
        }
        Ok(parsed)
    }
}

/// The version of the workspace, which all its crates have.
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

fn file_name(path: &Path) -> anyhow::Result<&str> {
    path.file_name().and_then(|name| name.to_str()).context("a file without a name")
}

/// What is the same in packages of different versions.
struct Handout {
    program: PathBuf,
    completions: Vec<(&'static str, Vec<u8>)>,
    notices: String,
    architecture: String,
}

impl Handout {
    fn new(program: &Path) -> anyhow::Result<Self> {
        let completions = package::COMPLETIONS.iter().map(|(shell, file)| {
            Ok((*file, standard_output(Command::new(program).args(["completions", shell]))?))
        });
        let architecture = standard_output(command("dpkg").arg("--print-architecture"))?;
        Ok(Self {
            program: program.to_owned(),
            completions: completions.collect::<anyhow::Result<_>>()?,
            notices: notices::collect()?,
            architecture: String::from_utf8(architecture)?.trim().to_owned(),
        })
    }

    fn package(&self, version: &str, compression: &str, folder: &Path) -> anyhow::Result<PathBuf> {
        let contents = Contents {
            program: &self.program,
            completions: &self.completions,
            notices: &self.notices,
            version,
            compression,
            architecture: &self.architecture,
        };
        package::build(&contents, folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_taken_in_any_order() {
        let parse =
            |words: &[&str]| Arguments::parse(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        let both = Arguments { program: Some("x".into()), proves: true };
        assert_eq!(parse(&["--program", "x", "--prove"]).unwrap(), both);
        assert_eq!(parse(&["--prove", "--program", "x"]).unwrap(), both);
        assert_eq!(parse(&[]).unwrap(), Arguments::default());
        assert!(parse(&["--program"]).is_err() && parse(&["prove"]).is_err());
    }
}
