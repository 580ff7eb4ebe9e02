//! Agents of the instance that `--dev` brings along, and telephones that are worked by hand.

use crate::audio::{Law, Speech, find, share_at};
use crate::office::{Office, text};
use crate::raw_message::RawMessage;
use crate::raw_peer::{RawCall, RawPeer, sdp};
use crate::sipp::free_port;
use crate::until;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The name of the queue that every instance begins with.
const QUEUE: &str = "BasicQueue";

/// A free port of 127.0.0.N.
pub fn at(last: u8) -> anyhow::Result<SocketAddr> {
    Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), free_port()?))
}

/// A configuration file, which may hold passwords.
pub fn write_configuration(folder: &Path, text: &str) -> anyhow::Result<String> {
    let file = folder.join("tympan.toml");
    std::fs::write(&file, text)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    Ok(file.to_string_lossy().into_owned())
}

/// Telephones of agents that stand at these addresses, in the words of the configuration.
pub fn telephones(phones: &[(&str, SocketAddr)]) -> String {
    let phone = |(name, address): &(&str, SocketAddr)| {
        format!(
            "[[sip.phones]]\nuser = {name:?}\ncontact = \"sip:{name}@{address}\"\nnetworks = [\"{}\"]\n\
             challenge_calls = false\nagent = {name:?}\ninstance = \"demo\"\n",
            address.ip()
        )
    };
    phones.iter().map(phone).collect()
}

/// Agents who serve the queue of the instance; gives the ARN of that queue.
pub fn hire(office: &mut Office, names: &[&str], auto_accept: bool) -> anyhow::Result<String> {
    let (_, queue) = first(office, "list_queues", "QueueSummaryList", QUEUE)?;
    let (profile, _) =
        first(office, "list_routing_profiles", "RoutingProfileSummaryList", "Basic Routing Profile")?;
    let (security, _) = first(office, "list_security_profiles", "SecurityProfileSummaryList", "Agent")?;
    for name in names {
        let user = json!({
            "InstanceId": office.instance, "Username": name, "Password": "Hush-hush-1",
            "PhoneConfig": {
                "PhoneType": "SOFT_PHONE", "AutoAccept": auto_accept, "AfterContactWorkTimeLimit": 1,
            },
            "SecurityProfileIds": [security], "RoutingProfileId": profile,
        });
        office.desk.call("connect", "create_user", user)?;
    }
    Ok(queue)
}

/// The id and the ARN of what a list has under that name.
pub fn first(
    office: &mut Office,
    operation: &str,
    list: &str,
    name: &str,
) -> anyhow::Result<(String, String)> {
    let listed = office.desk.call("connect", operation, json!({ "InstanceId": office.instance.clone() }))?;
    let all: &[Value] = listed[list].as_array().map_or(&[], Vec::as_slice);
    let found = all.iter().find(|one| one["Name"] == name);
    let found = found.with_context(|| format!("no {name} in {listed}"))?;
    Ok((text(&found["Id"]), text(&found["Arn"])))
}

/// A packet of companded audio as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The synchronisation source.
    pub source: [u8; 4],
    /// The RTP timestamp.
    pub timestamp: u32,
    /// The codes.
    pub codes: Vec<u8>,
}

/// The samples of packets.
pub fn decoded(heard: &[Heard]) -> Vec<i16> {
    heard.iter().flat_map(|packet| packet.codes.iter().map(|code| Law::Mu.decode(*code))).collect()
}

/// The media of one call: says what it was given at 50 packets a second, and keeps all that it hears.
pub struct Line {
    socket: UdpSocket,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    server: Mutex<Option<SocketAddr>>,
    heard: Mutex<Vec<Heard>>,
    said: Mutex<usize>,
    is_over: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    /// A line on a port of this address that says these PCMU codes, once the server's address is known.
    pub fn open(address: IpAddr, says: Vec<u8>) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((address, 0))?;
        socket.set_nonblocking(true)?;
        let shared = Arc::new(Shared::default());
        let (own, kept) = (socket.try_clone()?, Arc::clone(&shared));
        let thread =
            std::thread::Builder::new().name("line".to_owned()).spawn(move || talk(&own, &kept, &says))?;
        Ok(Self { socket, shared, thread: Some(thread) })
    }

    /// Its description.
    pub fn description(&self, direction: &str) -> anyhow::Result<String> {
        let own = self.socket.local_addr()?;
        Ok(sdp(own.ip(), own.port(), "0 101", direction))
    }

    /// Begins to speak to where this description says.
    pub fn speak_to(&self, description: &str) -> anyhow::Result<()> {
        let value = |prefix: &str| description.lines().find_map(|line| line.strip_prefix(prefix));
        let ip: IpAddr = value("c=IN IP4 ").context("no address")?.trim().parse()?;
        let port = value("m=audio ").and_then(|line| line.split(' ').next()).context("no media")?.parse()?;
        *locked(&self.shared.server) = Some(SocketAddr::new(ip, port));
        Ok(())
    }

    /// Ends to speak.
    pub fn falls_silent(&self) {
        *locked(&self.shared.server) = None;
    }

    /// All that was heard.
    pub fn heard(&self) -> Vec<Heard> {
        locked(&self.shared.heard).clone()
    }

    /// Waits until what it hears is this speech, for a fifth of a second without a break.
    pub fn hears(&self, speech: &Speech) -> anyhow::Result<()> {
        self.hears_what("speech that is heard", |last| find(last, &speech.samples).is_ok())
    }

    /// Waits until what it hears is a tone of this frequency.
    pub fn hears_tone(&self, frequency_hz: f64) -> anyhow::Result<()> {
        let what = format!("a tone of {frequency_hz} Hz");
        self.hears_what(&what, |last| share_at(last, frequency_hz) > 0.9)
    }

    fn hears_what(&self, what: &str, is_it: impl Fn(&[i16]) -> bool) -> anyhow::Result<()> {
        let from = self.heard().len();
        until(what, || {
            let heard = self.heard();
            let last = heard.get(from..).and_then(|new| new.get(new.len().checked_sub(10)?..));
            Ok(last.is_some_and(|last| is_it(&decoded(last))).then_some(()))
        })
    }

    /// How many codes were said.
    pub fn said(&self) -> usize {
        *locked(&self.shared.said)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn talk(socket: &UdpSocket, shared: &Shared, says: &[u8]) {
    let mut due = Instant::now();
    let mut datagram = [0; 2_048];
    let mut sequence = 0_u16;
    while !shared.is_over.load(Ordering::Relaxed) {
        due += Duration::from_millis(20);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let server = *locked(&shared.server);
        let mut said = locked(&shared.said);
        if let Some((server, next)) = server.zip(says.get(*said..*said + 160)) {
            let mut packet = vec![0x80, if sequence == 0 { 0x80 } else { 0 }];
            packet.extend(sequence.to_be_bytes());
            packet.extend((u32::from(sequence) * 160).to_be_bytes());
            packet.extend(*b"line");
            packet.extend(next);
            if socket.send_to(&packet, server).is_ok() {
                sequence = sequence.wrapping_add(1);
                *said += 160;
            }
        }
        drop(said);
        while let Ok(length) = socket.recv(&mut datagram) {
            if length > 12 && datagram[1] & 0x7F == 0 {
                let word = |from: usize| [0, 1, 2, 3].map(|at| datagram[from + at]);
                locked(&shared.heard).push(Heard {
                    source: word(8),
                    timestamp: u32::from_be_bytes(word(4)),
                    codes: datagram[12..length].to_vec(),
                });
            }
        }
    }
}

/// The telephone of an agent.
pub struct AgentPhone {
    /// Its signalling.
    pub peer: RawPeer,
    name: String,
}

impl AgentPhone {
    /// A telephone at this address.
    pub fn new(name: &str, address: SocketAddr, server: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self { peer: RawPeer::udp_on(address, server)?, name: name.to_owned() })
    }

    /// Waits until it rings.
    pub fn rings(&mut self) -> anyhow::Result<RawMessage> {
        self.peer.wait_for("an INVITE", |message| message.method() == Some("INVITE"))
    }

    /// Takes the call that rings.
    pub fn takes(&mut self, invite: &RawMessage, line: &Line) -> anyhow::Result<RawCall> {
        line.speak_to(invite.body())?;
        let answer = invite.taken(&line.description("sendrecv")?, self.peer.own(), &self.name);
        self.peer.send(&answer)?;
        self.peer.wait_for("the ACK", |message| message.method() == Some("ACK"))?;
        RawCall::taken(invite, self.peer.own(), &self.name)
    }

    /// Calls `dialled` by the server.
    pub fn calls(&mut self, dialled: &str, line: &Line) -> anyhow::Result<RawCall> {
        let mut call = self.peer.new_call(dialled);
        let server = call.target.split_once('@').context("a target")?.1.to_owned();
        call.from = format!("<sip:{}@{server}>;tag={}", self.name, call.id.replace(['@', '.'], ""));
        let answer = self.peer.invite(&mut call, "", &line.description("sendrecv")?)?;
        ensure!(answer.status() == Some(200), "{} was answered\n{answer}", self.name);
        line.speak_to(answer.body())?;
        Ok(call)
    }

    /// Puts the other side on hold (`sendonly`), or takes it back (`sendrecv`).
    pub fn offers(&mut self, call: &mut RawCall, line: &Line, direction: &str) -> anyhow::Result<()> {
        let answer = self.peer.invite(call, "", &line.description(direction)?)?;
        ensure!(answer.status() == Some(200), "{answer}");
        Ok(())
    }

    /// Asks that the other side of `call` be joined with the other side of `consulted` (RFC 5589 section 7), and sees it done.
    pub fn joins(&mut self, call: &mut RawCall, consulted: &RawCall) -> anyhow::Result<()> {
        let tag = |party: &str| party.split_once(";tag=").map(|(_, tag)| tag.to_owned()).context("no tag");
        let replaces = format!(
            "{}%3Bto-tag%3D{}%3Bfrom-tag%3D{}",
            consulted.id.replace('@', "%40"),
            tag(&consulted.to)?,
            tag(&consulted.from)?
        );
        let refer_to = format!("Refer-To: <{}?Replaces={replaces}>\r\n", consulted.target);
        let answer = self.peer.ask(call, "REFER", &refer_to, None)?;
        ensure!(answer.status() == Some(202), "{answer}");
        loop {
            let news = self.peer.take_request("NOTIFY")?;
            ensure!(!news.body().starts_with("SIP/2.0 4"), "{news}");
            if news.body().starts_with("SIP/2.0 200") {
                return Ok(());
            }
        }
    }
}
