//! rtpengine, from Debian: a media proxy that records every packet that it forwards to a pcap file.
//!
//! In user space, without its kernel module. It is asked by its NG protocol: a cookie and a bencoded dictionary in a
//! datagram each way. Source: rtpengine's documentation of the NG control protocol.

use crate::rig::core::Core;
use crate::rig::process::Usage;
use crate::rig::server;
use anyhow::{Context, bail, ensure};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running rtpengine. Killed when dropped.
pub(crate) struct Rtpengine {
    process: Child,
    control: UdpSocket,
    /// The far end of every call: packets are forwarded to it and nothing reads them.
    far_end: UdpSocket,
    folder: tempfile::TempDir,
    asked: u32,
    /// Its version, as it names it.
    pub(crate) version: String,
}

/// Starting takes a fraction of a second.
const START_LIMIT: Duration = Duration::from_secs(20);
/// For one answer of the control protocol.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// An IPv4 and a UDP header in front of each recorded packet, and the header of a pcap record before them.
const RECORD_OVERHEAD_BYTES: u64 = 16 + 28;
const FILE_HEADER_BYTES: u64 = 24;
/// An RTP header and 20 ms of G.711.
const PACKET_BYTES: u64 = 12 + 160;

impl Rtpengine {
    /// How it is installed.
    pub(crate) const INSTALL: &'static str = "apt-get install --no-install-recommends rtpengine-daemon";

    /// Starts it on a core of its own if one is given; `None` where it is not installed.
    pub(crate) fn start(core: Option<Core>) -> anyhow::Result<Option<Self>> {
        let Some(program) = program() else { return Ok(None) };
        let folder = server::scratch("bench-rtpengine-")?;
        // It cannot tell which port the kernel chose, so the port is chosen here and given up for it.
        let address = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = std::fs::File::create(folder.path().join("output.log"))?;
        let mut command = Command::new(&program);
        command.args(["--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--num-threads=2"]);
        command.args(["--interface=127.0.0.1", "--port-min=20000", "--port-max=60000"]);
        command.arg(format!("--listen-ng={address}"));
        command.args(["--recording-method=pcap", "--recording-format=raw"]);
        command.arg("--recording-dir").arg(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = match core {
            Some(core) => core.run(|| command.spawn())?,
            None => command.spawn(),
        };
        let process = process.context("rtpengine does not start")?;
        let control = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        control.connect(address)?;
        control.set_read_timeout(Some(ANSWER_LIMIT))?;
        let far_end = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let version = version(&program);
        let mut rtpengine = Self { process, control, far_end, folder, asked: 0, version };
        rtpengine.await_start()?;
        Ok(Some(rtpengine))
    }

    /// Sets up a recorded call whose caller sends from there. Returns where the caller is to send to.
    pub(crate) fn call(&mut self, call: u32, caller: SocketAddr) -> anyhow::Result<SocketAddr> {
        let id = format!("bench-{call}");
        let far_end = self.far_end.local_addr()?;
        self.ask(&[
            ("command", "offer"),
            ("call-id", &id),
            ("from-tag", "caller"),
            ("record call", "yes"),
            ("sdp", &description(caller)),
        ])?;
        let answer = self.ask(&[
            ("command", "answer"),
            ("call-id", &id),
            ("from-tag", "caller"),
            ("to-tag", "called"),
            ("record call", "yes"),
            ("sdp", &description(far_end)),
        ])?;
        let port = answer.get("sdp").and_then(|sdp| audio_port(sdp));
        let port = port.with_context(|| format!("an answer without a port: {answer:?}"))?;
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// What it has cost so far.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.process.id())
    }

    /// Ends all calls, and tells how many packets were recorded.
    pub(crate) fn recorded_packets(&mut self, calls: u32) -> anyhow::Result<u64> {
        for call in 0..calls {
            let id = format!("bench-{call}");
            self.ask(&[
                ("command", "delete"),
                ("call-id", &id),
                ("from-tag", "caller"),
                ("delete-delay", "0"),
            ])?;
        }
        let folder = self.folder.path().join("pcaps");
        let mut packets = 0;
        for file in std::fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))? {
            let bytes = file?.metadata()?.len();
            packets += bytes.saturating_sub(FILE_HEADER_BYTES) / (RECORD_OVERHEAD_BYTES + PACKET_BYTES);
        }
        Ok(packets)
    }

    fn ask(&mut self, members: &[(&str, &str)]) -> anyhow::Result<BTreeMap<String, String>> {
        self.asked += 1;
        let cookie = format!("{}", self.asked);
        let request = format!("{cookie} {}", dictionary(members));
        let mut datagram = vec![0; 65_536];
        // A datagram to a process that is just starting finds no socket.
        self.control.send(request.as_bytes())?;
        loop {
            let bytes = self.control.recv(&mut datagram).context("rtpengine does not answer")?;
            let text = String::from_utf8_lossy(&datagram[..bytes]).into_owned();
            // An answer to a question that was given up.
            let Some(body) = text.strip_prefix(&format!("{cookie} ")) else { continue };
            let answer = strings(body).with_context(|| format!("not bencoded: {body}"))?;
            ensure!(
                matches!(answer.get("result").map(String::as_str), Some("ok" | "pong")),
                "rtpengine refuses {request}: {body}"
            );
            return Ok(answer);
        }
    }

    fn await_start(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.ask(&[("command", "ping")]).is_err() {
            if let Some(status) = self.process.try_wait()? {
                let log = std::fs::read_to_string(self.folder.path().join("output.log")).unwrap_or_default();
                bail!("rtpengine ended at its start ({status}):\n{log}");
            }
            ensure!(begun.elapsed() < START_LIMIT, "rtpengine does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Rtpengine {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("rtpengine")).find(|program| program.is_file())
}

fn version(program: &PathBuf) -> String {
    let output = Command::new(program).arg("--version").output();
    let text = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
        .unwrap_or("?")
        .to_owned()
}

fn description(address: SocketAddr) -> String {
    let (ip, port) = (address.ip(), address.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=sendrecv\r\n"
    )
}

fn audio_port(sdp: &str) -> Option<u16> {
    sdp.lines().find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse().ok())
}

/// A bencoded dictionary of strings.
fn dictionary(members: &[(&str, &str)]) -> String {
    let string = |text: &str| format!("{}:{text}", text.len());
    let members: String = members.iter().map(|(name, value)| string(name) + &string(value)).collect();
    format!("d{members}e")
}

/// The strings among the members of a bencoded dictionary; other members are passed over.
fn strings(text: &str) -> Option<BTreeMap<String, String>> {
    let mut rest = text.strip_prefix('d')?;
    let mut members = BTreeMap::new();
    while !rest.starts_with('e') {
        let name = string(&mut rest)?;
        if rest.starts_with(|first: char| first.is_ascii_digit()) {
            members.insert(name, string(&mut rest)?);
        } else {
            skip(&mut rest)?;
        }
    }
    Some(members)
}

fn string(rest: &mut &str) -> Option<String> {
    let (length, after) = rest.split_once(':')?;
    let value = after.get(..length.parse().ok()?)?;
    *rest = &after[value.len()..];
    Some(value.to_owned())
}

/// Passes over a value of any kind.
fn skip(rest: &mut &str) -> Option<()> {
    match rest.chars().next()? {
        'i' => *rest = rest.split_once('e')?.1,
        'l' | 'd' => {
            *rest = &rest[1..];
            while !rest.starts_with('e') {
                skip(rest)?;
            }
            *rest = &rest[1..];
        }
        _ => drop(string(rest)?),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dictionaries_are_written_and_read() {
        let written = dictionary(&[("command", "ping"), ("sdp", "v=0\r\n")]);
        assert_eq!(written, "d7:command4:ping3:sdp5:v=0\r\ne");
        let read = strings("d7:createdi17e6:result2:ok3:sdp1:x4:tagsd1:al1:b1:cee1:z0:e").unwrap();
        let expected = [("result", "ok"), ("sdp", "x"), ("z", "")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert_eq!((strings("d3:abc"), strings("i1e"), strings("d9:x")), (None, None, None));
    }

    #[test]
    fn the_port_of_a_description_is_found() {
        let address = "127.0.0.1:4002".parse().unwrap();
        assert_eq!(audio_port(&description(address)), Some(4_002));
    }
}
