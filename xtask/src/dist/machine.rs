//! A Debian machine for the proof of a package: a root folder made of downloaded packages, and systemd booted in it, in namespaces of its
//! own, with no network but loopback.

use crate::command::{RunLoudly, program, standard_output};
use anyhow::{Context, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the machine has before tympan comes: the packages that every Debian has, systemd, and what a person works with.
const PACKAGES: [&str; 30] = [
    "adduser",
    "apt",
    "base-files",
    "base-passwd",
    "bash",
    "bsdutils",
    "coreutils",
    "dash",
    "dbus",
    "debianutils",
    "diffutils",
    "dpkg",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "init-system-helpers",
    "libc-bin",
    "login",
    "mawk",
    "ncurses-base",
    "ncurses-bin",
    "passwd",
    "perl-base",
    "sed",
    "sudo",
    "systemd-sysv",
    "sysvinit-utils",
    "tar",
    "util-linux",
];
/// The person who works on the machine.
pub(super) const PERSON: &str = "admin";
/// Longer than any boot.
const BOOT_LIMIT: Duration = Duration::from_secs(120);

/// Downloads the packages and unpacks them into `folder`, unless an earlier run did.
pub(super) fn make_root(folder: &Path) -> anyhow::Result<PathBuf> {
    let root = folder.join("root-of-debian");
    let finished = folder.join("root-of-debian.finished");
    if finished.exists() {
        return Ok(root);
    }
    let _ = fs::remove_dir_all(&root);
    let packages = download(&folder.join("debian"))?;
    unpack(&packages, &root)?;
    fs::write(finished, "")?;
    Ok(root)
}

fn download(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder.join("partial"))?;
    let nothing = folder.join("status-of-nothing");
    fs::write(&nothing, "")?;
    let mut apt = program("apt-get");
    // Against an empty machine, so that all that is needed is downloaded, whatever this one has.
    apt.args(["-qq", "-y", "--no-install-recommends", "--download-only"]);
    for option in [
        format!("Dir::State::status={}", nothing.display()),
        format!("Dir::Cache::archives={}", folder.display()),
        "APT::Sandbox::User=root".to_owned(),
    ] {
        apt.args(["-o", &option]);
    }
    apt.arg("install").args(PACKAGES).stdout(Stdio::null()).run_loudly()?;
    let mut packages = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            packages.push(path);
        }
    }
    packages.sort();
    println!("{} packages of Debian", packages.len());
    Ok(packages)
}

/// As debootstrap does it: the files first, so that the packages' scripts find a shell, then dpkg by its rules.
fn unpack(packages: &[PathBuf], root: &Path) -> anyhow::Result<()> {
    for name in ["bin", "sbin", "lib", "lib64"] {
        fs::create_dir_all(root.join("usr").join(name))?;
        std::os::unix::fs::symlink(format!("usr/{name}"), root.join(name))?;
    }
    for package in packages {
        let script = "dpkg-deb --fsys-tarfile \"$1\" | tar -C \"$2\" -x --keep-directory-symlink -f -";
        let status = Command::new("sh").args(["-c", script, "sh"]).args([package, root]).status()?;
        ensure!(status.success(), "cannot unpack {}", package.display());
    }
    for name in ["passwd", "group"] {
        fs::copy(root.join(format!("usr/share/base-passwd/{name}.master")), root.join("etc").join(name))?;
    }
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::write(root.join("var/lib/dpkg/status"), "")?;
    dpkg(root, &["--force-depends", "--unpack"], packages)?;
    dpkg(root, &["--force-depends", "--configure", "-a"], &[])?;
    let mut add = Command::new("chroot");
    add.arg(root).args(["useradd", "--create-home", "--shell", "/bin/bash", PERSON]).run_loudly()?;
    let rule = format!("{PERSON} ALL=(ALL) NOPASSWD: ALL\nDefaults !use_pty\n");
    fs::write(root.join("etc/sudoers.d/person"), rule)?;
    fs::write(root.join("etc/hosts"), "127.0.0.1 localhost tympan-proof\n")?;
    // This machine has no terminals, and its disks are mounted.
    for unit in
        ["getty.target", "systemd-remount-fs.service", "systemd-logind.service", "systemd-udevd.service"]
    {
        let masked = root.join("etc/systemd/system").join(unit);
        std::os::unix::fs::symlink("/dev/null", &masked)
            .with_context(|| format!("cannot mask {}", masked.display()))?;
    }
    Ok(())
}

/// dpkg, with the scripts of packages run in `root`, which has devices meanwhile. What it says goes to a file beside the root.
pub(super) fn dpkg(root: &Path, arguments: &[&str], packages: &[PathBuf]) -> anyhow::Result<()> {
    let log = root.with_extension("dpkg.log");
    let script =
        "mount --bind /dev \"$0/dev\" && mount -t proc proc \"$0/proc\" && exec dpkg --root=\"$0\" \"$@\"";
    let mut dpkg = Command::new("unshare");
    dpkg.args(["--mount", "sh", "-c", script]).arg(root).args(arguments).args(packages);
    dpkg.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
    // A person's PATH may lack what scripts of packages call.
    dpkg.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    let file = fs::File::create(&log)?;
    dpkg.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    println!("+ dpkg --root={} {} ({} packages)", root.display(), arguments.join(" "), packages.len());
    ensure!(dpkg.status()?.success(), "dpkg failed: see {}", log.display());
    Ok(())
}

/// A copy of a root folder, in place of an earlier one.
pub(super) fn copy(root: &Path, to: &Path) -> anyhow::Result<()> {
    let _ = fs::remove_dir_all(to);
    program("cp").arg("-a").args([root, to]).run_loudly()
}

/// A machine that runs; it ends when it is dropped.
pub(super) struct Machine {
    root: PathBuf,
    outside: Child,
    init: String,
}

impl Machine {
    /// Boots systemd in that folder.
    pub(super) fn boot(root: &Path) -> anyhow::Result<Self> {
        let script = root.with_extension("boot");
        let pid_file = root.with_extension("pid");
        let _ = fs::remove_file(&pid_file);
        fs::write(&script, include_str!("boot.sh"))?;
        let mut boot = Command::new("unshare");
        boot.args(["--mount", "sh"]).args([&script, root, &pid_file]);
        let log = fs::File::create(root.with_extension("boot.log"))?;
        boot.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let outside = boot.spawn().context("cannot run unshare (util-linux)")?;
        let mut machine = Self { root: root.to_owned(), outside, init: String::new() };
        let begun = Instant::now();
        loop {
            ensure!(
                machine.outside.try_wait()?.is_none(),
                "the machine did not boot; it takes root and cgroup v2"
            );
            ensure!(begun.elapsed() < BOOT_LIMIT, "the machine did not boot within {BOOT_LIMIT:?}");
            if machine.init.is_empty() {
                machine.init = fs::read_to_string(&pid_file).unwrap_or_default().trim().to_owned();
            } else if machine.state()? == "running" {
                return Ok(machine);
            } else if machine.state()? == "degraded" {
                let failed = machine.run("systemctl --failed --no-legend; journalctl -p err --no-pager")?;
                bail!("units of the machine failed:\n{failed}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn state(&self) -> anyhow::Result<String> {
        let output = self.inside("systemctl is-system-running").stderr(Stdio::null()).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// A command of the shell, by root, inside.
    fn inside(&self, script: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.init, "--mount", "--pid", "--net", "--uts", "--ipc", "--root"]);
        command.args(["env", "-i", "PATH=/usr/sbin:/usr/bin", "LC_ALL=C", "sh", "-c", script]);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command of the shell, by root, inside, and gives what it prints.
    pub(super) fn run(&self, script: &str) -> anyhow::Result<String> {
        Ok(String::from_utf8(standard_output(&mut self.inside(script))?)?)
    }

    /// Puts a file into the person's home.
    pub(super) fn bring(&self, file: &Path) -> anyhow::Result<()> {
        let name = file.file_name().context("a file without a name")?;
        fs::copy(file, self.root.join("home").join(PERSON).join(name))?;
        Ok(())
    }

    /// A program of this machine, beside the other one: in its network, and with its pages and examples.
    pub(super) fn beside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.init, "--net", "unshare", "--mount", "sh", "-c"]);
        command.arg("mount --bind \"$0\" /usr/share/doc && exec \"$@\"").arg(self.root.join("usr/share/doc"));
        command.arg(program).stdin(Stdio::null());
        command
    }

    /// What a program named `sudo` does that acts inside for a person outside.
    pub(super) fn sudo(&self) -> String {
        format!(
            "#!/bin/sh\ncd /\nexec nsenter --target {} --mount --pid --net --uts --ipc --root \
             env -i PATH=/usr/sbin:/usr/bin LC_ALL=C runuser -u {PERSON} -- sh -c 'cd && exec sudo \"$@\"' sudo \"$@\"\n",
            self.init
        )
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Everything inside ends with its first process; what is outside then cleans up.
        if !self.init.is_empty() {
            let _ = Command::new("sh").args(["-c", "kill -9 \"$1\"", "sh", &self.init]).status();
        } else {
            let _ = self.outside.kill();
        }
        let _ = self.outside.wait();
    }
}
