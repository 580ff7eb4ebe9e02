//! Callers: sipp, with scenarios put together out of the pieces in `sipp/`.

use crate::audio::Speech;
use crate::desk::folder;
use anyhow::{Context, bail, ensure};
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a telephone registers with.
pub struct Registration<'a> {
    /// Its name.
    pub user: &'a str,
    /// Its password.
    pub password: &'a str,
    /// Contact: a URI in angle brackets, or `*`.
    pub contact: &'a str,
    /// For how long, in seconds; 0 removes.
    pub expires_s: u32,
}

/// What a caller does, step by step.
pub struct Caller {
    steps: Vec<String>,
    dialled: String,
    number: String,
    codec: (u8, &'static str),
    port: String,
    version: u32,
    tcp: bool,
    limit: Duration,
}

impl Caller {
    /// Dials a number; nothing is sent yet.
    pub fn dialling(number: &str) -> Self {
        Self {
            steps: Vec::new(),
            dialled: number.to_owned(),
            number: "+1206555[call_number]".to_owned(),
            codec: (0, "PCMU/8000"),
            port: "[rtpstream_audio_port]".to_owned(),
            version: 1,
            tcp: false,
            limit: Duration::from_secs(90),
        }
    }

    /// Calls from this number.
    #[must_use]
    pub fn from(mut self, number: &str) -> Self {
        self.number = number.to_owned();
        self
    }

    /// Speaks the law of `speech`, which [`Caller::speak`] will play.
    #[must_use]
    pub fn speaking(mut self, speech: &Speech) -> Self {
        self.codec = (speech.law.payload_type(), speech.law.encoding());
        self
    }

    /// Signals over TCP.
    #[must_use]
    pub fn over_tcp(mut self) -> Self {
        self.tcp = true;
        self
    }

    /// Wants to hear at this port, which sipp itself does not listen on.
    #[must_use]
    pub fn hearing_at(mut self, port: u16) -> Self {
        self.port = port.to_string();
        self
    }

    /// Sends media from and hears it at sipp's own media port, which keys (RFC 4733) are sent from too.
    #[must_use]
    pub fn at_media_port(mut self) -> Self {
        self.port = "[media_port]".to_owned();
        self
    }

    /// Registers this user: a REGISTER that is challenged, and one that answers. `cseq` is that of the first.
    #[must_use]
    pub fn register(self, registration: &Registration<'_>, cseq: u32, status: u16) -> Self {
        let Registration { user, password, contact, expires_s } = registration;
        // A line of its own: an empty one would end the head.
        let authentication = format!("\n      [authentication username={user} password={password}]");
        let (first, second) = (cseq.to_string(), (cseq + 1).to_string());
        let (expires, status) = (expires_s.to_string(), status.to_string());
        let common = [("user", *user), ("contact", contact), ("expires", &expires)];
        let with = |more: &[(&'static str, &str)]| -> Vec<(&str, String)> {
            let all = common.iter().chain(more);
            all.map(|(name, value)| (*name, (*value).to_owned())).collect()
        };
        let challenged =
            with(&[("cseq", &first), ("authentication", ""), ("status", "401"), ("auth", "true")]);
        let answered = with(&[
            ("cseq", &second),
            ("authentication", &authentication),
            ("status", &status),
            ("auth", "false"),
        ]);
        [challenged, answered].into_iter().fold(self, |caller, values| {
            let values: Vec<(&str, &str)> =
                values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            caller.step("register.xml", &values)
        })
    }

    /// Calls, and is answered.
    #[must_use]
    pub fn call(self) -> Self {
        self.step("invite.xml", &[]).step("answered.xml", &[])
    }

    /// Calls without an offer, and answers the one that comes with the answer.
    #[must_use]
    pub fn call_without_offer(self) -> Self {
        self.step("invite_without_offer.xml", &[]).step("answering_ack.xml", &[])
    }

    /// Calls, and is refused with this status.
    #[must_use]
    pub fn be_refused(self, status: u16) -> Self {
        self.step("invite.xml", &[]).step("refused.xml", &[("status", &status.to_string())])
    }

    /// Asks whether the server is there.
    #[must_use]
    pub fn probe(self, status: u16) -> Self {
        self.step("options.xml", &[("status", &status.to_string())])
    }

    /// Begins to speak, and goes on with the next step at once.
    #[must_use]
    pub fn speak(self, speech: &Speech) -> Self {
        let file = speech.file.to_string_lossy().into_owned();
        self.step("play.xml", &[("file", &file)])
    }

    /// Lets time pass.
    #[must_use]
    pub fn pause(self, time: Duration) -> Self {
        self.step("pause.xml", &[("ms", &time.as_millis().to_string())])
    }

    /// Presses a key by RFC 4733.
    #[must_use]
    pub fn press(self, key: char) -> Self {
        let name = match key {
            '*' => "star".to_owned(),
            '#' => "pound".to_owned(),
            digit => digit.to_string(),
        };
        self.step("dtmf.xml", &[("file", &format!("/usr/share/sip-tester/dtmf_2833_{name}.pcap"))])
    }

    /// Presses a key by SIP INFO.
    #[must_use]
    pub fn press_by_info(self, key: char) -> Self {
        self.step("info.xml", &[("key", &key.to_string())])
    }

    /// Offers the session anew with direction `offered`, and wants `expected` in the answer.
    #[must_use]
    pub fn reoffer(mut self, offered: &str, expected: &str) -> Self {
        self.version += 1;
        let version = self.version.to_string();
        self.step("reinvite.xml", &[("offered", offered), ("expected", expected), ("version", &version)])
    }

    /// Hangs up.
    #[must_use]
    pub fn hang_up(self) -> Self {
        self.step("bye.xml", &[])
    }

    /// Waits for the other side to hang up.
    ///
    /// sipp takes a BYE only once it is at this step, so a flow must do something audible after the caller's last
    /// step: one that hangs up microseconds after the ACK, or before the 200 of an INFO, looks like a failed call.
    #[must_use]
    pub fn be_hung_up(self) -> Self {
        self.step("await_bye.xml", &[])
    }

    fn step(mut self, piece: &str, values: &[(&str, &str)]) -> Self {
        let file = folder("sipp").join(piece);
        let mut text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for (name, value) in values {
            text = text.replace(&format!("{{{{{name}}}}}"), value);
        }
        self.steps.push(text);
        self
    }

    fn scenario(&self) -> String {
        let mut text = self.steps.concat();
        for (name, value) in [
            ("dialled", self.dialled.as_str()),
            ("number", &self.number),
            ("codec", self.codec.1),
            ("payload_type", &self.codec.0.to_string()),
            ("port", &self.port),
        ] {
            text = text.replace(&format!("{{{{{name}}}}}"), value);
        }
        format!(
            "<?xml version=\"1.0\" encoding=\"us-ascii\"?>\n<scenario name=\"caller\">\n{text}</scenario>\n"
        )
    }

    /// Places one call.
    pub fn start(&self, server: SocketAddr) -> anyhow::Result<Sipp> {
        self.start_many(server, 1, 1)
    }

    /// Places `calls` calls, `rate` of them a second.
    pub fn start_many(&self, server: SocketAddr, calls: u32, rate: u32) -> anyhow::Result<Sipp> {
        self.run("127.0.0.1", &["-r", &rate.to_string(), &server.to_string()], calls)
    }

    /// A telephone at this address that takes one call, says `speech` again and again, and waits for the other side to hang up.
    pub fn takes_a_call(address: SocketAddr, speech: &Speech) -> anyhow::Result<Sipp> {
        let file = speech.file.to_string_lossy();
        let telephone = Self::dialling("").step("take.xml", &[("file", &file)]).be_hung_up();
        telephone.run(&address.ip().to_string(), &["-p", &address.port().to_string()], 1)
    }

    fn run(&self, own: &str, arguments: &[&str], calls: u32) -> anyhow::Result<Sipp> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("caller.xml"), self.scenario())?;
        let child = Command::new("sipp")
            .current_dir(folder.path())
            .env("TERM", "xterm")
            .args(["-sf", "caller.xml", "-nostdin", "-i", own, "-mi", own])
            .args(["-t", if self.tcp { "t1" } else { "u1" }])
            .args(["-m", &calls.to_string(), "-l", &calls.to_string()])
            // A pair of ports that are free; sipp takes further ones itself.
            .args(["-mp", &free_port()?.to_string()])
            .args(["-timeout", &format!("{}s", self.limit.as_secs()), "-timeout_error"])
            .args(["-trace_err", "-error_file", "errors.log", "-trace_msg", "-message_file", "messages.log"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(folder.path().join("screen.log"))?)
            .stderr(std::fs::File::create(folder.path().join("stderr.log"))?)
            .spawn()
            .context("cannot start sipp: install the package sip-tester")?;
        Ok(Sipp { child, folder, limit: self.limit + Duration::from_secs(30) })
    }
}

/// Running callers. Killed when dropped.
pub struct Sipp {
    child: Child,
    folder: TempDir,
    limit: Duration,
}

impl Sipp {
    /// Waits until every call went as its scenario says.
    pub fn wait(mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            ensure!(begun.elapsed() < self.limit, "sipp does not end:\n{}", self.complaint());
            std::thread::sleep(Duration::from_millis(20));
        };
        if !status.success() {
            bail!("a call did not go as its scenario says ({status}):\n{}", self.complaint());
        }
        Ok(())
    }

    /// The process is still there.
    pub fn is_running(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// The SIP messages so far, as sipp logs them.
    pub fn messages(&self) -> String {
        read(&self.folder.path().join("messages.log"))
    }

    fn complaint(&self) -> String {
        let file = |name: &str| read(&self.folder.path().join(name));
        let messages = file("messages.log");
        let tail: Vec<&str> = messages.lines().rev().take(60).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        format!("{}{}\n--- last messages ---\n{}", file("stderr.log"), file("errors.log"), tail.join("\n"))
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

/// An even port that nothing is bound to, nor to the second one after it: sipp takes both when it starts.
///
/// It lies below those that the kernel gives to other sockets, so that none of them takes it before sipp does.
/// A port that none listens on now.
pub fn free_port() -> anyhow::Result<u16> {
    const FIRST: u16 = 10_000;
    const PAIRS: u16 = 11_000;
    loop {
        // The kernel's choice is as good as random.
        let chosen = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        let port = FIRST + 2 * (chosen % PAIRS);
        let is_free = |port: u16| UdpSocket::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + 2) {
            return Ok(port);
        }
    }
}

/// Whether [`Caller::press`] can work: sipp plays captures through a raw socket, which only root may open.
pub fn can_press_keys() -> bool {
    let can = nix::unistd::geteuid().is_root();
    if !can {
        eprintln!("left out: sipp needs root to send keys by RFC 4733");
    }
    can
}
