//! Telephones and a proxy that others wrote: PJSIP, baresip, kamailio, sipsak.

use crate::desk::{folder, python};
use crate::sipp::free_port;
use crate::until;
use anyhow::{Context, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

/// What a call of PJSIP came to.
#[derive(Debug)]
pub struct PjsipCall(Value);

impl PjsipCall {
    /// Places a call and does these steps in it; `call` and the steps are as `python/pjsip.py` describes them.
    pub fn run(mut call: Value, steps: &[&str]) -> anyhow::Result<Self> {
        let scratch = tempfile::tempdir()?;
        let log = scratch.path().join("pjsip.log");
        call["steps"] = json!(steps);
        call["log"] = json!(log);
        let output = python("pjsip.py").arg(call.to_string()).output().context("cannot run python")?;
        let log = || {
            let log = read(&log);
            let lines: Vec<&str> = log.lines().rev().take(120).collect();
            lines.into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        ensure!(
            output.status.success(),
            "PJSIP ended with {}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr),
            log()
        );
        let outcome = serde_json::from_slice(&output.stdout).context("pjsip.py printed no JSON")?;
        let call = Self(outcome);
        ensure!(call.was_up(), "the call did not come up: {:?}\n{}", call.0, log());
        Ok(call)
    }

    /// The call was answered and acknowledged.
    pub fn was_up(&self) -> bool {
        self.0["states"].as_array().into_iter().flatten().any(|state| state["state"] == "CONFIRMED")
    }

    /// How it ended: the status that PJSIP gives.
    pub fn last_status(&self) -> Option<u64> {
        let last = self.0["states"].as_array()?.last()?;
        (last["state"] == "DISCONNECTED").then(|| last["status"].as_u64())?
    }

    /// The states of the audio, such as `active`.
    pub fn media(&self) -> Vec<&str> {
        self.0["media"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The final answers to its requests of this method.
    pub fn answers(&self, method: &str) -> Vec<u64> {
        let answers = self.0["answers"].as_array().into_iter().flatten();
        answers.filter(|answer| answer[0] == method).filter_map(|answer| answer[1].as_u64()).collect()
    }
}

/// An agent's telephone that is a running PJSIP. Killed when dropped.
pub struct PjsipAgent {
    child: Child,
    orders: ChildStdin,
    told: mpsc::Receiver<Value>,
    events: Vec<Value>,
    folder: TempDir,
}

impl PjsipAgent {
    /// Starts it on an address; it registers at a server with a name and a password, and says what is in `tone`, a WAV file at 8 kHz.
    pub fn start(
        address: IpAddr,
        server: SocketAddr,
        user: &str,
        password: &str,
        tone: &Path,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = |name: &str| folder.path().join(name);
        let wanted = json!({
            "address": address, "server": server, "user": user, "password": password, "tone": tone,
            "heard": file("heard.wav"), "log": file("log"),
        });
        let mut child = python("pjsip_agent.py")
            .arg(wanted.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(file("complaint"))?)
            .spawn()
            .context("cannot run python")?;
        let orders = child.stdin.take().context("no pipe")?;
        let lines = BufReader::new(child.stdout.take().context("no pipe")?).lines();
        let (tell, told) = mpsc::channel();
        std::thread::Builder::new().name("pjsip".to_owned()).spawn(move || {
            for line in lines.map_while(Result::ok) {
                let Ok(event) = serde_json::from_str(&line) else { continue };
                if tell.send(event).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { child, orders, told, events: Vec::new(), folder })
    }

    /// Gives an order, as `python/pjsip_agent.py` lists them.
    pub fn order(&mut self, order: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.orders, "{order}")?)
    }

    /// Waits until it has told of an event, such as `registration`, whose values are these.
    pub fn await_event(&mut self, kind: &str, values: &[(&str, Value)]) -> anyhow::Result<()> {
        let waited = until(&format!("{kind} of PJSIP"), || {
            self.events.extend(self.told.try_iter());
            let is_it = |event: &&Value| {
                event["event"] == kind && values.iter().all(|(name, value)| event[name] == *value)
            };
            let found = self.events.iter().any(|event| is_it(&event));
            if let Some(status) = self.child.try_wait()?.filter(|_| !found) {
                bail!("PJSIP ended ({status})");
            }
            Ok(found.then_some(()))
        });
        waited.with_context(|| {
            let [log, complaint] = ["log", "complaint"].map(|name| read(&self.folder.path().join(name)));
            format!("{:?}\n{complaint}\n{log}", self.events)
        })
    }

    /// Ends it; what it heard, at 8 kHz.
    pub fn end(mut self) -> anyhow::Result<Vec<i16>> {
        self.order("end")?;
        self.await_event("end", &[])?;
        Ok(wav_samples(&self.folder.path().join("heard.wav")))
    }
}

impl Drop for PjsipAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running baresip, which takes orders by its own TCP control. Killed when dropped.
///
/// It takes no loopback interface: the test is in a [`crate::network::Network`], where the port of the control is free.
pub struct Baresip {
    child: Child,
    control: TcpStream,
    held: Vec<u8>,
    events: Vec<Value>,
    folder: TempDir,
}

/// Where its control listens, in a network of the test's own.
const CONTROL: &str = "127.0.0.1:4444";

impl Baresip {
    /// Starts it on an interface and its address; it says what is in `tone`, a WAV file at 8 kHz.
    pub fn start(interface: &str, address: IpAddr, tone: &Path) -> anyhow::Result<Self> {
        let account = format!("<sip:+12065550142@{address}>;regint=0;audio_codecs=PCMU/8000/1\n");
        Self::start_with(interface, address, tone, &account)
    }

    /// The same with a line of its accounts file.
    pub fn start_with(interface: &str, address: IpAddr, tone: &Path, account: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = |name: &str| folder.path().join(name);
        let config = format!(
            "sip_listen {address}:0\naudio_source aufile,{}\naudio_player aubridge,heard\n\
             audio_alert aubridge,alert\naudio_level no\nnet_interface {interface}\nsnd_path {}\n\
             ctrl_tcp_listen {CONTROL}\nmodule_path /usr/lib/baresip/modules\nmodule g711.so\n\
             module aufile.so\nmodule aubridge.so\nmodule sndfile.so\nmodule uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n\
             module_app ctrl_tcp.so\n",
            tone.display(),
            folder.path().display(),
        );
        std::fs::write(file("config"), config)?;
        std::fs::write(file("accounts"), account)?;
        std::fs::write(file("contacts"), "")?;
        let output = std::fs::File::create(file("output"))?;
        let mut child = Command::new("baresip")
            .arg("-s")
            .arg("-f")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("cannot run baresip: install baresip-core")?;
        let control = until("baresip's control", || {
            if let Some(status) = child.try_wait()? {
                bail!("baresip ended ({status}):\n{}", read(&file("output")));
            }
            Ok(TcpStream::connect(CONTROL).ok())
        });
        let control = match control {
            Ok(control) => control,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
        };
        control.set_read_timeout(Some(Duration::from_millis(50)))?;
        Ok(Self { child, control, held: Vec::new(), events: Vec::new(), folder })
    }

    /// Gives an order, such as `dial`.
    pub fn order(&mut self, command: &str, parameters: &str) -> anyhow::Result<()> {
        let order = json!({ "command": command, "params": parameters }).to_string();
        Ok(self.control.write_all(format!("{}:{order},", order.len()).as_bytes())?)
    }

    /// Waits until it has told of so many events of this type, such as `CALL_ESTABLISHED`.
    pub fn await_event(&mut self, kind: &str, count: usize) -> anyhow::Result<()> {
        until(&format!("{count} times {kind} of baresip"), || {
            self.listen()?;
            let seen = self.events.iter().filter(|event| event["type"] == kind).count();
            Ok((seen >= count).then_some(()))
        })
        .with_context(|| format!("{:?}\n{}", self.events, self.output()))
    }

    /// What it heard in a call that is over, at 8 kHz: it writes that then.
    pub fn heard(&self) -> anyhow::Result<Vec<i16>> {
        let files = std::fs::read_dir(self.folder.path())?.filter_map(Result::ok).map(|entry| entry.path());
        let mut decoded = files.filter(|file| file.to_string_lossy().ends_with("-dec.wav"));
        Ok(decoded.next().map(|file| wav_samples(&file)).unwrap_or_default())
    }

    /// What it printed, SIP messages among it.
    pub fn output(&self) -> String {
        read(&self.folder.path().join("output"))
    }

    fn listen(&mut self) -> anyhow::Result<()> {
        let mut bytes = [0; 4_096];
        match self.control.read(&mut bytes) {
            Ok(0) => bail!("baresip closed its control:\n{}", self.output()),
            Ok(length) => self.held.extend_from_slice(&bytes[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
        // Netstrings: a length, a colon, so many bytes, a comma.
        while let Some(colon) = self.held.iter().position(|byte| *byte == b':') {
            let length: usize = std::str::from_utf8(&self.held[..colon])?.parse()?;
            let Some(text) = self.held.get(colon + 1..colon + 1 + length) else { break };
            self.events.push(serde_json::from_slice(text)?);
            self.held.drain(..(colon + length + 2).min(self.held.len()));
        }
        Ok(())
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A kamailio that takes calls by UDP and TCP and hands each on by the other one. Ended when dropped.
pub struct Kamailio {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Kamailio {
    /// Starts it before a server, and waits until it answers for it.
    pub fn before(server: SocketAddr) -> anyhow::Result<Self> {
        let scratch = tempfile::tempdir()?;
        let port = free_port()?;
        let template = std::fs::read_to_string(folder("kamailio").join("bridge.cfg"))?;
        let config = scratch.path().join("kamailio.cfg");
        let text = template.replace("{{port}}", &port.to_string()).replace("{{server}}", &server.to_string());
        std::fs::write(&config, text)?;
        let log = scratch.path().join("log");
        let output = std::fs::File::create(&log)?;
        let child = Command::new("/usr/sbin/kamailio")
            .args(["-DD", "-E", "-m", "32", "-M", "4", "-f"])
            .arg(&config)
            .arg("-Y")
            .arg(scratch.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("cannot run kamailio: install it")?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut kamailio = Self { child, address, _folder: scratch };
        until("kamailio to answer", || {
            if let Some(status) = kamailio.child.try_wait()? {
                bail!("kamailio ended ({status}):\n{}", read(&log));
            }
            Ok(sipsak(address).is_ok().then_some(()))
        })?;
        Ok(kamailio)
    }

    /// Its address, for UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // It ends its children itself, and SIGKILL would leave it no time for that.
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}

/// Asks by OPTIONS; an error where the answer is not 200.
pub fn sipsak(server: SocketAddr) -> anyhow::Result<()> {
    let output = Command::new("sipsak")
        .args(["-s", &format!("sip:ping@{server}")])
        .output()
        .context("cannot run sipsak: install it")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "sipsak ended with {}: {said}", output.status);
    Ok(())
}

/// Sends `count` OPTIONS as fast as it can, and reads no answer.
pub fn sipsak_flood(server: SocketAddr, count: u32) -> anyhow::Result<()> {
    let output = Command::new("sipsak")
        .args(["-F", "-e", &count.to_string(), "-s", &format!("sip:flood@{server}")])
        .output()
        .context("cannot run sipsak: install it")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "sipsak ended with {}: {said}", output.status);
    Ok(())
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

/// The samples of a WAV file at 8 kHz, whose header may lack its lengths.
fn wav_samples(file: &Path) -> Vec<i16> {
    let file = std::fs::read(file).unwrap_or_default();
    let sound = file.get(44..).unwrap_or_default();
    sound.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}
