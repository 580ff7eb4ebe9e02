//! The program as it is handed out, and what it needs of the machine that it runs on.

use crate::command::{cargo, made_by, program, standard_output, target_folder};
use crate::compat::PACKAGE;
use anyhow::ensure;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// The newest glibc that the program may need: that of Debian 12.
pub(crate) const GLIBC: Version = Version(2, 36);
/// The libraries of glibc that it may need, without their numbers.
const GLIBC_LIBRARIES: [&str; 3] = ["libc.so", "libm.so", "ld-linux"];

/// Builds the program, optimised, with the unwinder inside.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    // Rust's standard library asks the linker for libgcc_s, the shared unwinder. In this folder the name stands for the static one.
    let folder = target_folder()?.join("static-unwinder");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("libgcc_s.so"), "INPUT ( -lgcc_eh -lgcc )\n")?;
    let search = format!("link-arg=-L{}", folder.display());
    let mut cargo = cargo();
    cargo.args(["rustc", "--locked", "--release", "-p", PACKAGE, "--bin", "tympan"]);
    made_by(cargo, "tympan", &["--", "-C", &search])
}

/// A version of glibc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u32, u32);

impl Version {
    /// Reads `GLIBC_2.34`, or `GLIBC_2.2.5` as 2.2.
    fn of_symbol(name: &str) -> Option<Self> {
        let mut numbers = name.strip_prefix("GLIBC_")?.split('.').map(str::parse);
        Some(Self(numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// What a program is linked with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    libraries: Vec<String>,
    /// Names of symbol versions, such as `GLIBC_2.34`.
    versions: BTreeSet<String>,
}

/// Reads the ELF headers of a program with `objdump` (binutils, which Rust's linker comes with).
pub(crate) fn needs(file: &Path) -> anyhow::Result<Needs> {
    let headers = standard_output(program("objdump").arg("-p").arg(file))?;
    Ok(Needs::parse(&String::from_utf8_lossy(&headers)))
}

impl Needs {
    fn parse(headers: &str) -> Self {
        let mut needs = Self::default();
        for line in headers.lines() {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["NEEDED", library] => needs.libraries.push(library.to_owned()),
                // Hash, flags, index, name.
                [hash, _, _, name] if hash.starts_with("0x") => {
                    needs.versions.insert(name.to_owned());
                }
                _ => {}
            }
        }
        needs
    }

    /// Fails when the program needs more than glibc 2.36.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(!self.libraries.is_empty(), "the program names no library: is it linked statically?");
        for library in &self.libraries {
            let known = GLIBC_LIBRARIES.iter().any(|name| library.starts_with(name));
            ensure!(known, "the program needs {library}, which does not belong to glibc");
        }
        for name in &self.versions {
            let fits = Version::of_symbol(name).is_some_and(|version| version <= GLIBC);
            ensure!(
                fits,
                "the program needs {name}, and may need glibc {GLIBC} at most: build it on Debian 12, or by \
                 `cargo zigbuild --target x86_64-unknown-linux-gnu.{GLIBC}`"
            );
        }
        Ok(())
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let newest = self.versions.iter().filter_map(|name| Version::of_symbol(name)).max();
        write!(f, "needs {}", self.libraries.join(", "))?;
        newest.map_or(Ok(()), |newest| write!(f, "; the newest symbol is of glibc {newest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: &str = "\
m:     file format elf64-x86-64

Dynamic Section:
  NEEDED               libm.so.6
  NEEDED               libc.so.6
  NEEDED               ld-linux-x86-64.so.2
  INIT                 0x0000000001000000

Version References:
  required from libm.so.6:
    0x09691a75 0x00 29 GLIBC_2.2.5
  required from libc.so.6:
    0x069691b4 0x00 02 GLIBC_2.34
    0x069691b6 0x00 03 GLIBC_2.36
";

    #[test]
    fn a_program_that_needs_glibc_of_debian_12_passes() {
        let needs = Needs::parse(HEADERS);
        assert_eq!(needs.libraries, ["libm.so.6", "libc.so.6", "ld-linux-x86-64.so.2"]);
        needs.check().unwrap();
        assert!(needs.to_string().ends_with("the newest symbol is of glibc 2.36"), "{needs}");
    }

    #[test]
    fn a_newer_symbol_and_another_library_are_refused() {
        for (old, new, named) in [
            ("GLIBC_2.36", "GLIBC_2.38", "GLIBC_2.38"),
            ("GLIBC_2.36", "GLIBC_3.0", "GLIBC_3.0"),
            ("GLIBC_2.36", "GLIBC_ABI_DT_RELR", "GLIBC_ABI_DT_RELR"),
            ("GLIBC_2.36", "GCC_3.0", "GCC_3.0"),
            ("libm.so.6\n", "libssl.so.3\n", "libssl.so.3"),
        ] {
            let refused = Needs::parse(&HEADERS.replace(old, new)).check().unwrap_err().to_string();
            assert!(refused.contains(named), "{refused}");
        }
    }

    #[test]
    fn what_a_program_of_this_machine_needs_is_read() {
        let needs = needs(&std::env::current_exe().unwrap()).unwrap();
        assert!(needs.libraries.iter().any(|library| library.starts_with("libc.so")), "{needs}");
        assert!(needs.versions.iter().any(|name| name.starts_with("GLIBC_2.")), "{needs}");
    }
}
