//! `cargo xtask dist --prove`: the package on a machine of Debian's own packages, by the commands that the README prints.

use super::machine::{self, Machine};
use super::{Handout, file_name, package, version};
use crate::command::{RunLoudly, program, root, standard_output};
use crate::prerequisites::{self, SIPP, SYSTEMD};
use anyhow::{Context, ensure};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The promise: from the package to a caller's voice.
const LIMIT: Duration = Duration::from_secs(60);
/// Code blocks of the README with this word after their language are about the package.
const MARK: &str = "package";
/// The file that the README's commands leave.
const HEARD: &str = "caller.mkv";
/// The variables that the commands have set.
const VARIABLES: &str = "aws.env";
const MAKE_A_KEY: &str =
    "python3 -c 'import boto3; print(boto3.client(\"kms\").create_key()[\"KeyMetadata\"][\"Arn\"])'";
const UNIT: &str = "usr/lib/systemd/system/tympan.service";

pub(super) fn run(folder: &Path, tympan: &Path, current: &Path) -> anyhow::Result<()> {
    prerequisites::debian(&[SYSTEMD, SIPP])?;
    let by_root = standard_output(Command::new("id").arg("-u"))? == b"0\n";
    ensure!(by_root, "the proof installs packages into a root folder and boots it: run it as root");
    let debian = machine::make_root(folder)?;
    let before = Handout::new(tympan)?.package(&format!("{}~before", version()), package::QUICK, folder)?;

    heading("The package, unpacked into a root of Debian's packages");
    let root = folder.join("machine");
    machine::copy(&debian, &root)?;
    machine::dpkg(&root, &["--install"], &[current.to_owned()])?;
    let root_option = format!("--root={}", root.display());
    program("systemd-analyze").args(["verify", &root_option, &format!("/{UNIT}")]).run_loudly()?;
    let exposure =
        ["security", "--offline=true", "--no-pager", "--threshold=15", &root_option, "tympan.service"];
    program("systemd-analyze").args(exposure).run_loudly()?;

    heading("By the README's commands, on a machine without it");
    let person = Person::new(folder)?;
    machine::copy(&debian, &root)?;
    let machine = Machine::boot(&root)?;
    let took = person.follow_the_readme(&machine, current)?;
    println!("from the package to the caller's voice in {:.1} s", took.as_secs_f64());
    ensure!(took < LIMIT, "the README's commands took more than {LIMIT:?}");
    println!("{}", machine.run("systemctl status --no-pager tympan | head -12; tympan --version")?);
    println!("{}", machine.run("systemd-analyze security --no-pager tympan.service | tail -1")?);
    // The service writes its keyring, which is not in its data folder.
    person.shell(&machine, &format!(". ./{VARIABLES}\n{MAKE_A_KEY}\n"))?;
    drop(machine);

    heading("An upgrade from the package before");
    machine::copy(&debian, &root)?;
    let machine = Machine::boot(&root)?;
    person.follow_the_readme(&machine, &before)?;
    let was = person.everything(&machine)?;
    machine.bring(current)?;
    person.shell(&machine, &format!("sudo apt install ./{}", file_name(current)?))?;
    let installed = machine.run("dpkg-query --show --showformat='${Version}' tympan")?;
    ensure!(installed == version(), "after the upgrade it is version {installed}");
    ensure!(machine.run("systemctl is-active tympan")?.trim() == "active", "the upgrade left it stopped");
    let is = person.everything(&machine)?;
    ensure!(was == is, "before the upgrade:\n{was}\nafter it:\n{is}");
    println!("kept:\n{is}");

    heading("Removed and purged");
    machine.run("apt-get -y purge tympan")?;
    println!("{}", machine.run("ls -l /etc/tympan /var/lib/tympan; ! test -e /usr/bin/tympan")?);
    let kept = person.files(&machine)?;
    ensure!(was.starts_with(&kept), "a purge took something:\n{kept}");
    println!("proven");
    Ok(())
}

/// The name by which the README installs the package.
fn printed_package() -> String {
    format!("tympan_{}_amd64.deb", version())
}

fn heading(text: &str) {
    println!("\n== {text}\n");
}

/// The person who follows the README: a shell outside, whose `sudo` acts on the machine.
struct Person {
    bin: PathBuf,
    home: PathBuf,
    python: PathBuf,
}

impl Person {
    fn new(folder: &Path) -> anyhow::Result<Self> {
        let (bin, home) = (folder.join("person/bin"), folder.join("person/home"));
        let _ = fs::remove_dir_all(folder.join("person"));
        fs::create_dir_all(&bin)?;
        fs::create_dir_all(&home)?;
        symlink(folder.join("tympan"), bin.join("tympan"))?;
        Ok(Self { bin, home, python: prerequisites::python()? })
    }

    /// Runs the commands, checks that they end with the caller's voice, and gives how long they took.
    fn follow_the_readme(&self, machine: &Machine, package: &Path) -> anyhow::Result<Duration> {
        machine.bring(package)?;
        let script = readme()?.all.replace(&printed_package(), file_name(package)?);
        let begun = Instant::now();
        self.shell(machine, &format!("{script}export -p | grep AWS_ > {VARIABLES}\n"))?;
        let took = begun.elapsed();
        println!("{}", self.voice()?);
        Ok(took)
    }

    /// Runs a script of the shell as the person would.
    fn shell(&self, machine: &Machine, script: &str) -> anyhow::Result<()> {
        let sudo = self.bin.join("sudo");
        fs::write(&sudo, machine.sudo())?;
        fs::set_permissions(&sudo, fs::Permissions::from_mode(0o755))?;
        let file = self.home.join("script.sh");
        fs::write(&file, script)?;
        let python = self.python.parent().context("Python is in no folder")?;
        let path = std::env::join_paths([&self.bin, python, Path::new("/usr/bin"), Path::new("/bin")])?;
        let mut shell = machine.beside("env");
        shell.args(["-i", "LC_ALL=C.UTF-8"]).arg(format!("HOME={}", self.home.display()));
        shell.arg(format!("PATH={}", path.to_string_lossy())).args(["sh", "-ex"]).arg(file);
        shell.current_dir(&self.home).run_loudly().or_else(|error| {
            let log = machine.run("journalctl --unit=tympan --no-pager | tail -30")?;
            Err(error.context(format!("the service says:\n{log}")))
        })
    }

    /// What an upgrade has to keep: configuration and keys, contacts, and what the streams hold.
    fn everything(&self, machine: &Machine) -> anyhow::Result<String> {
        let script =
            format!(". ./{VARIABLES}\n{}tympan contacts ls --json > contacts.json\n", readme()?.reading);
        self.shell(machine, &script)?;
        let contacts = fs::read_to_string(self.home.join("contacts.json"))?;
        Ok(format!("{}{}{contacts}", self.files(machine)?, self.voice()?))
    }

    /// Configuration and keys by their sums.
    fn files(&self, machine: &Machine) -> anyhow::Result<String> {
        machine.run("find /etc/tympan -type f | sort | xargs sha256sum")
    }

    /// What was read, in a line, once it was found to be what the caller said.
    fn voice(&self) -> anyhow::Result<String> {
        let mut check = program(self.python.to_str().context("the path of Python is not UTF-8")?);
        check.arg("e2e/python/package_voice.py").arg(self.home.join(HEARD));
        Ok(String::from_utf8(standard_output(check.arg(root().join("fixtures/audio/hello.wav")))?)?)
    }
}

/// The README's commands about the package.
struct Readme {
    /// All of them.
    all: String,
    /// Those in Python, which read the caller's voice.
    reading: String,
}

fn readme() -> anyhow::Result<Readme> {
    Ok(commands(&fs::read_to_string(root().join("README.md"))?))
}

fn commands(readme: &str) -> Readme {
    let (mut all, mut reading, mut lines) = (String::new(), String::new(), readme.lines());
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```").and_then(|rest| rest.strip_suffix(MARK)) else {
            continue;
        };
        let inside = lines.by_ref().take_while(|line| *line != "```");
        let text: String = inside.map(|line| format!("{line}\n")).collect();
        if language.trim() == "python" {
            let command = format!("python3 - <<'PYTHON'\n{text}PYTHON\n");
            all.push_str(&command);
            reading.push_str(&command);
        } else {
            all.push_str(&text);
        }
    }
    Readme { all, reading }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_of_the_package_are_taken() {
        let page = "```sh\nno\n```\n\n```sh package\nyes\n```\n\n```python package\nprint(1)\n```\n";
        let Readme { all, reading } = commands(page);
        assert_eq!(reading, "python3 - <<'PYTHON'\nprint(1)\nPYTHON\n");
        assert_eq!(all, format!("yes\n{reading}"));
    }

    #[test]
    fn the_readme_installs_the_package_of_this_version() {
        let readme = readme().unwrap();
        assert!(readme.all.contains(&format!("./{}", printed_package())), "{}", readme.all);
        assert!(readme.reading.contains(HEARD));
    }
}
