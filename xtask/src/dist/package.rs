//! The Debian package: its files, what dpkg knows of it, and what it does when it comes and goes.

use super::program::GLIBC;
use crate::command::{RunLoudly, program, root, standard_output};
use anyhow::{Context, ensure};
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Shells, and where Debian looks for their completions.
pub(super) const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/tympan"),
    ("zsh", "usr/share/zsh/vendor-completions/_tympan"),
    ("fish", "usr/share/fish/vendor_completions.d/tympan.fish"),
];
const DOC: &str = "usr/share/doc/tympan";
/// Files of the repository, and where they go.
const FILES: [(&str, &str); 11] = [
    ("packaging/deb/tympan.service", "usr/lib/systemd/system/tympan.service"),
    ("packaging/deb/default", "etc/default/tympan"),
    ("packaging/deb/copyright", "usr/share/doc/tympan/copyright"),
    ("LICENSE-MIT", "usr/share/doc/tympan/LICENSE-MIT"),
    ("LICENSE-APACHE", "usr/share/doc/tympan/LICENSE-APACHE"),
    ("README.md", "usr/share/doc/tympan/README.md"),
    ("CHANGELOG.md", "usr/share/doc/tympan/CHANGELOG.md"),
    ("config/tympan.toml", "usr/share/doc/tympan/config/tympan.toml"),
    ("fixtures/flows/seed.json", "usr/share/doc/tympan/examples/flow.json"),
    ("packaging/examples/caller.xml", "usr/share/doc/tympan/examples/caller.xml"),
    ("docs/call.svg", "usr/share/doc/tympan/docs/call.svg"),
];
/// Files that a person may change: an upgrade asks before it replaces one.
const CONFFILES: [&str; 1] = ["/etc/default/tympan"];
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Of a package that is handed out, and of one that is not.
pub(super) const SMALL: &str = "-Zxz";
pub(super) const QUICK: &str = "-Zgzip";

/// What a package is made of beside the files of the repository.
pub(super) struct Contents<'a> {
    pub(super) program: &'a Path,
    /// Files of [`COMPLETIONS`], with what is in them.
    pub(super) completions: &'a [(&'static str, Vec<u8>)],
    /// The licences of what the program is linked with.
    pub(super) notices: &'a str,
    pub(super) version: &'a str,
    /// An option of dpkg-deb.
    pub(super) compression: &'a str,
    /// As Debian names it, such as `amd64`.
    pub(super) architecture: &'a str,
}

/// Makes `tympan_VERSION_ARCHITECTURE.deb` in `folder`.
pub(super) fn build(contents: &Contents<'_>, folder: &Path) -> anyhow::Result<PathBuf> {
    let tree = folder.join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    lay_files(contents, &tree)?;
    lay_control(contents, &tree)?;
    let package = folder.join(format!("tympan_{}_{}.deb", contents.version, contents.architecture));
    let mut build = program("dpkg-deb");
    // The same sources make the same package.
    build.env("SOURCE_DATE_EPOCH", last_change()?);
    build
        .args(["--root-owner-group", contents.compression, "--build"])
        .args([&tree, &package])
        .run_loudly()?;
    Ok(package)
}

/// The time of the last commit, in Unix seconds; 0 where git knows of none, as in an unpacked archive.
fn last_change() -> anyhow::Result<String> {
    let asked = program("git").args(["log", "-1", "--format=%ct"]).output()?;
    let seconds = String::from_utf8(asked.stdout)?.trim().to_owned();
    Ok(if asked.status.success() && !seconds.is_empty() { seconds } else { "0".into() })
}

fn lay_files(contents: &Contents<'_>, tree: &Path) -> anyhow::Result<()> {
    write(tree, "usr/bin/tympan", &fs::read(contents.program)?, 0o755)?;
    for (from, to) in FILES {
        write(tree, to, &read(from)?, 0o644)?;
    }
    for entry in fs::read_dir(root().join("docs"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            write(tree, &format!("{DOC}/docs/{name}"), &fs::read(&path)?, 0o644)?;
        }
    }
    for (file, text) in contents.completions {
        write(tree, file, text, 0o644)?;
    }
    write(tree, &format!("{DOC}/third-party.txt"), contents.notices.as_bytes(), 0o644)?;
    let voice = samples(&read("fixtures/audio/hello.wav")?)?.to_vec();
    write(tree, &format!("{DOC}/examples/hello.ulaw"), &voice, 0o644)
}

fn lay_control(contents: &Contents<'_>, tree: &Path) -> anyhow::Result<()> {
    let mut files = Vec::new();
    list(tree, tree, &mut files)?;
    files.sort();
    let sums = standard_output(Command::new("md5sum").current_dir(tree).args(&files))?;
    let mut installed_bytes = 0;
    for file in &files {
        // Debian counts whole kibibytes of each file.
        installed_bytes += fs::metadata(tree.join(file))?.len().next_multiple_of(1024);
    }
    let control = control(contents, installed_bytes / 1024);
    write(tree, "DEBIAN/control", control.as_bytes(), 0o644)?;
    write(tree, "DEBIAN/md5sums", &sums, 0o644)?;
    let conffiles: String = CONFFILES.iter().map(|file| format!("{file}\n")).collect();
    write(tree, "DEBIAN/conffiles", conffiles.as_bytes(), 0o644)?;
    for script in SCRIPTS {
        write(tree, &format!("DEBIAN/{script}"), &read(&format!("packaging/deb/{script}"))?, 0o755)?;
    }
    Ok(())
}

fn control(contents: &Contents<'_>, installed_kib: u64) -> String {
    let Contents { version, architecture, .. } = contents;
    let mut control = String::new();
    // Writing to a string succeeds.
    let _ = write!(
        control,
        "Package: tympan
Version: {version}
Architecture: {architecture}
Maintainer: the tympan authors <tympan@localhost>
Installed-Size: {installed_kib}
Depends: libc6 (>= {GLIBC}), adduser
Recommends: espeak-ng
Suggests: sip-tester
Section: net
Priority: optional
Homepage: {homepage}
Description: phone calls and contact flows, their media as streams
 Answers phone calls (SIP), runs Amazon Connect contact flows, and captures what
 callers say into encrypted streams with the API of Amazon Kinesis Video Streams:
 programs written for Connect's live media streaming read them unmodified.
 .
 Set up by \"tympan init\"; it is not started before.
",
        homepage = env!("CARGO_PKG_REPOSITORY"),
    );
    control
}

/// The bytes of a WAV file's `data` chunk.
fn samples(wav: &[u8]) -> anyhow::Result<&[u8]> {
    let mut rest = wav.get(12..).context("a WAV file without chunks")?;
    while let Some((header, after)) = rest.split_at_checked(8) {
        let bytes = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let body = after.get(..bytes).context("a chunk of the WAV file is cut off")?;
        if header.starts_with(b"data") {
            return Ok(body);
        }
        rest = after.get(bytes.next_multiple_of(2)..).unwrap_or_default();
    }
    anyhow::bail!("a WAV file without samples")
}

fn read(name: &str) -> anyhow::Result<Vec<u8>> {
    fs::read(root().join(name)).with_context(|| format!("cannot read {name}"))
}

/// Writes a file of the package, and its folders, which all may read.
fn write(tree: &Path, name: &str, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let file = tree.join(name);
    let parent = file.parent().context("a file of a package lies in a folder")?;
    fs::create_dir_all(parent)?;
    // The umask of the person who builds is not that of the package.
    for folder in parent.ancestors().take_while(|folder| folder.starts_with(tree)) {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    fs::write(&file, bytes)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// The files below `folder`, relative to `tree`.
fn list(tree: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(tree, &path, files)?;
        } else {
            files.push(path.strip_prefix(tree)?.to_owned());
        }
    }
    ensure!(!files.is_empty() || folder != tree, "the package is empty");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package of a program that is none.
    fn package(folder: &Path) -> PathBuf {
        let stub = folder.join("stub");
        fs::write(&stub, "#!/bin/sh\n").unwrap();
        let completions = COMPLETIONS.map(|(shell, file)| (file, shell.as_bytes().to_vec()));
        let contents = Contents {
            program: &stub,
            completions: &completions,
            notices: "notices\n",
            version: "1.2.3",
            compression: QUICK,
            architecture: "all",
        };
        build(&contents, folder).unwrap()
    }

    fn said(command: &mut Command) -> String {
        String::from_utf8(standard_output(command).unwrap()).unwrap()
    }

    #[test]
    fn a_package_holds_program_unit_configuration_and_completions() {
        let folder = tempfile::tempdir().unwrap();
        let listed = said(Command::new("dpkg-deb").arg("--contents").arg(package(folder.path())));
        for (start, file) in [
            ("-rwxr-xr-x root/root", "./usr/bin/tympan"),
            ("-rw-r--r-- root/root", "./usr/lib/systemd/system/tympan.service"),
            ("-rw-r--r-- root/root", "./etc/default/tympan"),
            ("-rw-r--r-- root/root", "./usr/share/doc/tympan/config/tympan.toml"),
            ("-rw-r--r-- root/root", "./usr/share/doc/tympan/docs/operations.md"),
            ("-rw-r--r-- root/root", "./usr/share/doc/tympan/copyright"),
            ("-rw-r--r-- root/root", "./usr/share/doc/tympan/third-party.txt"),
            ("-rw-r--r-- root/root", "./usr/share/bash-completion/completions/tympan"),
            ("-rw-r--r-- root/root", "./usr/share/zsh/vendor-completions/_tympan"),
            ("-rw-r--r-- root/root", "./usr/share/fish/vendor_completions.d/tympan.fish"),
        ] {
            let line = listed.lines().find(|line| line.ends_with(&format!(" {file}")));
            let line = line.unwrap_or_else(|| panic!("no {file} in\n{listed}"));
            assert!(line.starts_with(start), "{line}");
        }
    }

    #[test]
    fn the_control_of_a_package_is_what_its_files_are() {
        let folder = tempfile::tempdir().unwrap();
        let package = package(folder.path());
        let field = |name: &str| said(Command::new("dpkg-deb").arg("--field").arg(&package).arg(name));
        assert_eq!(field("Version"), "1.2.3\n");
        assert_eq!(field("Depends"), "libc6 (>= 2.36), adduser\n");
        assert!(field("Installed-Size").trim().parse::<u64>().unwrap() > 100);

        let unpacked = folder.path().join("unpacked");
        said(Command::new("dpkg-deb").arg("--raw-extract").args([&package, &unpacked]));
        said(Command::new("md5sum").current_dir(&unpacked).args(["--check", "--strict", "DEBIAN/md5sums"]));
        let sums = fs::read_to_string(unpacked.join("DEBIAN/md5sums")).unwrap();
        let mut files = Vec::new();
        list(&unpacked, &unpacked, &mut files).unwrap();
        let installed = files.iter().filter(|file| !file.starts_with("DEBIAN")).count();
        assert_eq!(sums.lines().count(), installed);

        let conffiles = fs::read_to_string(unpacked.join("DEBIAN/conffiles")).unwrap();
        for file in conffiles.lines() {
            assert!(unpacked.join(&file[1..]).is_file(), "{file} is not in the package");
        }
        let in_etc = files.iter().filter(|file| file.starts_with("etc")).count();
        assert_eq!(conffiles.lines().count(), in_etc);
    }

    #[test]
    fn the_scripts_of_the_package_are_of_the_shell() {
        for script in SCRIPTS {
            let file = root().join("packaging/deb").join(script);
            said(Command::new("sh").arg("-n").arg(&file));
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("#!/bin/sh\nset -e\n"), "{script} goes on after a failure");
        }
    }

    #[test]
    fn the_unit_is_exposed_little() {
        let folder = tempfile::tempdir().unwrap();
        package(folder.path());
        let unit = folder.path().join("tree/usr/lib/systemd/system/tympan.service");
        // Tenths of the scale from 0 (safe) to 10.
        said(
            Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=15"]).arg(unit),
        );
    }

    #[test]
    fn samples_are_found_after_other_chunks() {
        let wav = b"RIFF....WAVEfmt \x03\0\0\0abc\0data\x02\0\0\0xyLIST";
        assert_eq!(samples(wav).unwrap(), b"xy");
        assert!(samples(b"RIFF....WAVEdata\xff\0\0\0xy").is_err());
        assert!(samples(b"RIFF....WAVE").is_err());
    }
}
