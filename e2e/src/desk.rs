//! boto3 in a child process, asked over a pipe (`python/desk.py`).

use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use tympan_testkit::TestServer;

/// An unmodified boto3, pointed at a server by the environment alone. Ends when dropped.
pub struct Desk {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Desk {
    /// Starts it.
    pub fn new(server: &TestServer) -> anyhow::Result<Self> {
        let mut child = python("desk.py")
            .envs(server.aws_environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start python: set TYMPAN_E2E_PYTHON to one that has boto3")?;
        let requests = child.stdin.take().context("no pipe")?;
        let answers = BufReader::new(child.stdout.take().context("no pipe")?);
        Ok(Self { child, requests, answers })
    }

    /// Turns to another server.
    pub fn point_at(&mut self, server: &TestServer) -> anyhow::Result<()> {
        self.ask("point_at", json!({ "endpoint": server.http() })).map(drop)
    }

    /// One of the operations that `desk.py` lists.
    pub fn ask(&mut self, operation: &str, arguments: Value) -> anyhow::Result<Value> {
        writeln!(self.requests, "{}", json!({ "do": operation, "with": arguments }))?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let mut answer: Value = serde_json::from_str(&line).context("boto3's process gave no answer")?;
        match answer.get("error") {
            Some(error) => bail!("{operation} failed: {error}"),
            None => Ok(answer["ok"].take()),
        }
    }

    /// An AWS operation by boto3's name for it.
    pub fn call(&mut self, service: &str, operation: &str, arguments: Value) -> anyhow::Result<Value> {
        let request = json!({ "service": service, "operation": operation, "arguments": arguments });
        self.ask("call", request).with_context(|| format!("{service}.{operation}"))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // It holds nothing that could be lost.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A script of ours that takes orders as JSON lines and prints JSON lines. Killed when dropped.
pub struct Peer {
    child: Child,
    orders: ChildStdin,
    printed: Arc<Mutex<Vec<Value>>>,
}

impl Peer {
    /// Starts it with the credentials for `server`.
    pub fn new(script: &str, server: &TestServer) -> anyhow::Result<Self> {
        let mut child = python(script)
            .envs(server.aws_environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start python: set TYMPAN_E2E_PYTHON to one that has boto3")?;
        let orders = child.stdin.take().context("no pipe")?;
        let lines = BufReader::new(child.stdout.take().context("no pipe")?).lines();
        let printed: Arc<Mutex<Vec<Value>>> = Arc::default();
        let sink = printed.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Ok(value) = serde_json::from_str(&line) {
                    sink.lock().unwrap_or_else(PoisonError::into_inner).push(value);
                }
            }
        });
        Ok(Self { child, orders, printed })
    }

    /// Gives it an order.
    pub fn order(&mut self, order: &Value) -> anyhow::Result<()> {
        Ok(writeln!(self.orders, "{order}")?)
    }

    /// Everything that it printed so far.
    pub fn printed(&self) -> Vec<Value> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of our scripts, ready to be run; what the machine says about AWS or proxies is not heard.
pub fn python(script: &str) -> Command {
    let mut command = Command::new(interpreter());
    let misleading = |name: &str| name.starts_with("AWS_") || name.to_ascii_lowercase().ends_with("_proxy");
    for name in
        std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| misleading(name))
    {
        command.env_remove(name);
    }
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg("-u").arg(folder("python").join(script));
    command
}

/// `TYMPAN_E2E_PYTHON`, a Python with boto3.
pub fn interpreter() -> String {
    std::env::var("TYMPAN_E2E_PYTHON").unwrap_or_else(|_| "python3".into())
}

/// A folder of this crate.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
