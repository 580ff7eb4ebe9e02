//! `tympan serve --dev` as a child process.

use anyhow::{Context, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Starting takes well under a second; this is for a machine that does ten other things.
const START_LIMIT: Duration = Duration::from_secs(60);
/// A drain may wait for calls and uploads.
const STOP_LIMIT: Duration = Duration::from_secs(120);

/// A running server. Killed when dropped.
pub struct TestServer {
    child: Child,
    http: String,
    sip: SocketAddr,
    console: Option<String>,
    console_sign_in: Option<String>,
    data_dir: PathBuf,
    log: PathBuf,
    started_in: Duration,
    _scratch: tempfile::TempDir,
}

/// How a server is to be started.
pub struct TestServerBuilder {
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    data_dir: Option<PathBuf>,
    open_files_max: Option<u32>,
}

impl TestServer {
    /// A development server with all defaults.
    pub fn start() -> anyhow::Result<Self> {
        Self::builder().start()
    }

    /// A development server with some settings changed.
    pub fn builder() -> TestServerBuilder {
        TestServerBuilder {
            environment: Vec::new(),
            arguments: vec!["--dev".into()],
            data_dir: None,
            open_files_max: None,
        }
    }

    /// The HTTP endpoint, such as `http://127.0.0.1:40001`.
    pub fn http(&self) -> &str {
        &self.http
    }

    /// The SIP address, for UDP and TCP.
    pub fn sip(&self) -> SocketAddr {
        self.sip
    }

    /// The console, such as `http://127.0.0.1:40002`.
    pub fn console(&self) -> Option<&str> {
        self.console.as_deref()
    }

    /// Under `--dev` the link that signs in to the console, once.
    pub fn console_sign_in(&self) -> Option<&str> {
        self.console_sign_in.as_deref()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its streams and records are.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Everything that it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// From the start of the process to the ready file.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Variables that point an AWS SDK at this server.
    pub fn aws_environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.http.clone()),
            ("AWS_ACCESS_KEY_ID", "TYMPANDEV".into()),
            ("AWS_SECRET_ACCESS_KEY", "tympandevsecret".into()),
            ("AWS_DEFAULT_REGION", "us-west-2".into()),
            ("AWS_REGION", "us-west-2".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
        ]
    }

    /// SIGKILL: the process has no chance to do anything more.
    pub fn kill_9(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends SIGTERM and returns at once.
    pub fn terminate(&self) -> anyhow::Result<()> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)?;
        Ok(())
    }

    /// Waits until the process has ended by itself.
    pub fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(begun.elapsed() < STOP_LIMIT, "the server did not end; its log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for TestServer {
    #[allow(clippy::print_stderr, reason = "a failing test shows what the server said")]
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the server ---\n{}", self.log());
        }
    }
}

impl TestServerBuilder {
    /// Sets a configuration key by its variable, such as `TYMPAN_KVS__STREAMS_PER_ACCOUNT`.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds an argument to `tympan serve`.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Keeps the data in `folder`, so that another server can find it later.
    #[must_use]
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(folder.into());
        self
    }

    /// Lets the server have only so many files open.
    #[must_use]
    pub fn open_files_max(mut self, count: u32) -> Self {
        self.open_files_max = Some(count);
        self
    }

    /// Without `--dev`: no credentials, no instance, nothing enabled.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.arguments.retain(|argument| argument != "--dev");
        self
    }

    /// Starts it and waits for its ready file.
    pub fn start(self) -> anyhow::Result<TestServer> {
        let begun = Instant::now();
        let Spawned { mut child, data_dir, log, ready_file, scratch } = self.spawn()?;
        let ready = loop {
            // The file appears by a rename, whole.
            if let Ok(bytes) = std::fs::read(&ready_file) {
                break bytes;
            }
            let log = || std::fs::read_to_string(&log).unwrap_or_default();
            if let Some(status) = child.try_wait()? {
                bail!("tympan ended at its start ({status}):\n{}", log());
            }
            if begun.elapsed() > START_LIMIT {
                child.kill()?;
                bail!("tympan did not become ready:\n{}", log());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let started_in = begun.elapsed();
        let ready: serde_json::Value = serde_json::from_slice(&ready)?;
        let field = |name: &str| {
            ready[name].as_str().map(str::to_owned).with_context(|| format!("no {name} in {ready}"))
        };
        Ok(TestServer {
            console: field("console").ok(),
            console_sign_in: field("console_sign_in").ok(),
            http: field("http")?,
            sip: field("sip")?.parse()?,
            child,
            data_dir,
            log,
            started_in,
            _scratch: scratch,
        })
    }

    /// Starts it and sends SIGKILL after `time`, however far it is by then: in the middle of its recovery, perhaps.
    pub fn start_and_kill_9_after(self, time: Duration) -> anyhow::Result<()> {
        let mut spawned = self.spawn()?;
        std::thread::sleep(time);
        spawned.child.kill()?;
        spawned.child.wait()?;
        Ok(())
    }

    fn spawn(self) -> anyhow::Result<Spawned> {
        let scratch = tempfile::tempdir()?;
        let ready_file = scratch.path().join("ready.json");
        let log = scratch.path().join("log.txt");
        let data_dir = self.data_dir.unwrap_or_else(|| scratch.path().join("data"));
        let log_file = File::create(&log)?;
        let mut command = match self.open_files_max {
            None => Command::new(binary()?),
            // The shell sets both limits, and becomes the server.
            Some(count) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(format!("ulimit -n {count} && exec \"$0\" \"$@\"")).arg(binary()?);
                shell
            }
        };
        let child = command
            .arg("serve")
            .args(&self.arguments)
            .arg("--data-dir")
            .arg(&data_dir)
            .arg("--ready-file")
            .arg(&ready_file)
            .env("TYMPAN_HTTP__LISTEN", "127.0.0.1:0")
            .env("TYMPAN_CONSOLE__LISTEN", "127.0.0.1:0")
            .env("TYMPAN_SIP__LISTEN", "127.0.0.1:0")
            .env("TYMPAN_RTP__PORT_FIRST", "0")
            .envs(self.environment)
            .stdin(Stdio::null())
            .stdout(log_file.try_clone()?)
            .stderr(log_file)
            .spawn()
            .context("cannot start tympan")?;
        Ok(Spawned { child, data_dir, log, ready_file, scratch })
    }
}

/// A server of which nothing is known yet.
struct Spawned {
    child: Child,
    data_dir: PathBuf,
    log: PathBuf,
    ready_file: PathBuf,
    scratch: tempfile::TempDir,
}

/// The binary under test: `TYMPAN_BIN`, else the one of the build that this test belongs to.
pub fn binary() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("TYMPAN_BIN") {
        return Ok(path.into());
    }
    let test = std::env::current_exe()?;
    let profile = test.ancestors().find(|folder| folder.join("deps").is_dir());
    let binary = profile.context("this test is not in a cargo target folder")?.join("tympan");
    ensure!(binary.is_file(), "{} is missing: run `cargo build -p tympan-cli` first", binary.display());
    Ok(binary)
}
