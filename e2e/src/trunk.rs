//! A trunk: many calls over one UDP socket, each with its own speech, all in step.
//!
//! sipp is the peer of the other tests. This one knows to the millisecond how long each INVITE waited for its answer, and
//! speaks only when it is asked to, so that what it says can be compared from the first sample to the last.

use crate::audio::Law;
use anyhow::{Context, ensure};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Bytes, and at 8 kHz samples, in a packet of 20 ms.
const FRAME: usize = 160;
const PACE: Duration = Duration::from_millis(20);
/// RFC 3261, 17.1.1.1: T1.
const RESEND: Duration = Duration::from_millis(500);
/// A server that is silent for so long is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// The calls and their socket.
pub struct Trunk {
    server: SocketAddr,
    dialled: String,
    socket: UdpSocket,
    own: SocketAddr,
    calls: Vec<TrunkCall>,
    by_id: HashMap<String, usize>,
}

/// One call.
pub struct TrunkCall {
    /// The caller's number.
    pub number: String,
    /// The final answer to the INVITE.
    pub status: Option<u16>,
    /// How long the INVITE waited for its final answer.
    pub answered_in: Duration,
    /// What the caller says, mu-law.
    speech: Vec<u8>,
    media: UdpSocket,
    remote_media: Option<SocketAddr>,
    id: String,
    to: String,
    sent_at: Instant,
    resend_at: Instant,
    ended: bool,
}

impl TrunkCall {
    /// Whether the call came up.
    pub fn is_accepted(&self) -> bool {
        self.status == Some(200)
    }

    /// The samples of what the caller says.
    pub fn samples(&self) -> Vec<i16> {
        self.speech.iter().map(|byte| Law::Mu.decode(*byte)).collect()
    }

    fn is_settled(&self) -> bool {
        self.status.is_some()
    }

    fn is_over(&self) -> bool {
        self.ended || !self.is_accepted()
    }
}

impl Trunk {
    /// A trunk to `server` whose calls dial `dialled`.
    pub fn new(server: SocketAddr, dialled: &str) -> anyhow::Result<Self> {
        Self::at([127, 0, 0, 1].into(), server, dialled)
    }

    /// A trunk from an address of this machine, such as 127.0.0.2; its media is at 127.0.0.1.
    pub fn at(own: IpAddr, server: SocketAddr, dialled: &str) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((own, 0))?;
        socket.set_nonblocking(true)?;
        let own = socket.local_addr()?;
        let dialled = dialled.to_owned();
        Ok(Self { server, dialled, socket, own, calls: Vec::new(), by_id: HashMap::new() })
    }

    /// The calls, in the order in which they were placed.
    pub fn calls(&self) -> &[TrunkCall] {
        &self.calls
    }

    /// Places one call for each speech, `per_s` of them a second, and waits until each is answered or refused.
    pub fn place(&mut self, speeches: Vec<Vec<u8>>, per_s: u32) -> anyhow::Result<()> {
        let gap = Duration::from_secs(1) / per_s;
        let mut due = Instant::now();
        for speech in speeches {
            self.invite(speech)?;
            due += gap;
            while Instant::now() < due {
                self.turn(TrunkCall::is_settled)?;
            }
        }
        self.settle("an answer to an INVITE", TrunkCall::is_settled)
    }

    /// All accepted calls say what they have to say, packet by packet.
    pub fn speak(&mut self) -> anyhow::Result<()> {
        let frames = self.calls.iter().map(|call| call.speech.len() / FRAME).max().unwrap_or(0);
        let mut due = Instant::now();
        for frame in 0..frames {
            for call in self.calls.iter().filter(|call| call.is_accepted()) {
                let Some(payload) = call.speech.get(frame * FRAME..(frame + 1) * FRAME) else { continue };
                let remote = call.remote_media.context("an answer names no media port")?;
                call.media.send_to(&packet(frame, payload), remote)?;
            }
            due += PACE;
            while Instant::now() < due {
                self.turn(TrunkCall::is_settled)?;
            }
        }
        Ok(())
    }

    /// All accepted calls hang up.
    pub fn hang_up(&mut self) -> anyhow::Result<()> {
        for nth in 0..self.calls.len() {
            if !self.calls[nth].is_over() {
                self.send(nth, "BYE", 2, "")?;
                self.calls[nth].resend_at = Instant::now() + RESEND;
            }
        }
        self.settle("an answer to a BYE", TrunkCall::is_over)
    }

    fn invite(&mut self, speech: Vec<u8>) -> anyhow::Result<()> {
        let nth = self.calls.len();
        let media = UdpSocket::bind("127.0.0.1:0")?;
        let (id, now) = (format!("{nth}-{}@trunk", self.own.port()), Instant::now());
        self.by_id.insert(id.clone(), nth);
        self.calls.push(TrunkCall {
            number: format!("+1206555{nth:04}"),
            status: None,
            answered_in: Duration::ZERO,
            speech,
            media,
            remote_media: None,
            id,
            to: format!("<sip:{}@{}>", self.dialled, self.server),
            sent_at: now,
            resend_at: now + RESEND,
            ended: false,
        });
        self.send_invite(nth)
    }

    fn send_invite(&self, nth: usize) -> anyhow::Result<()> {
        let port = self.calls[nth].media.local_addr()?.port();
        let offer = format!(
            "v=0\r\no=trunk {nth} 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
        );
        self.send(nth, "INVITE", 1, &offer)
    }

    fn send(&self, nth: usize, method: &str, sequence: u32, body: &str) -> anyhow::Result<()> {
        let (call, own) = (&self.calls[nth], self.own);
        // The acknowledgement of a refusal belongs to the INVITE's transaction, that of an answer does not.
        let branch = match method {
            "ACK" if !call.is_accepted() => format!("{nth}-INVITE"),
            method => format!("{nth}-{method}"),
        };
        let mut text = format!("{method} sip:{}@{} SIP/2.0\r\n", self.dialled, self.server);
        write!(text, "Via: SIP/2.0/UDP {own};branch=z9hG4bK{}-{branch}\r\n", own.port())?;
        write!(text, "From: <sip:{}@{own}>;tag=t{nth}\r\nTo: {}\r\n", call.number, call.to)?;
        write!(text, "Call-ID: {}\r\nCSeq: {sequence} {method}\r\n", call.id)?;
        write!(text, "Contact: <sip:trunk@{own}>\r\nMax-Forwards: 70\r\n")?;
        if !body.is_empty() {
            text.push_str("Content-Type: application/sdp\r\n");
        }
        write!(text, "Content-Length: {}\r\n\r\n{body}", body.len())?;
        self.socket.send_to(text.as_bytes(), self.server)?;
        Ok(())
    }

    /// Waits until every call is as `is_done` says.
    fn settle(&mut self, what: &str, is_done: fn(&TrunkCall) -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !self.calls.iter().all(is_done) {
            self.turn(is_done)?;
            ensure!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for {what}");
        }
        Ok(())
    }

    /// Takes what has come, and sends again what had no answer for too long.
    fn turn(&mut self, is_done: fn(&TrunkCall) -> bool) -> anyhow::Result<()> {
        let mut datagram = [0; 8_192];
        loop {
            match self.socket.recv_from(&mut datagram) {
                Ok((length, _)) => self.take(&String::from_utf8_lossy(&datagram[..length]))?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        let now = Instant::now();
        for nth in 0..self.calls.len() {
            if is_done(&self.calls[nth]) || now < self.calls[nth].resend_at {
                continue;
            }
            self.calls[nth].resend_at = now + RESEND;
            if self.calls[nth].is_settled() {
                self.send(nth, "BYE", 2, "")?;
            } else {
                self.send_invite(nth)?;
            }
        }
        std::thread::sleep(Duration::from_millis(1));
        Ok(())
    }

    fn take(&mut self, message: &str) -> anyhow::Result<()> {
        let header = |name: &str| {
            let mut lines = message.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        let Some(nth) = header("Call-ID").and_then(|id| self.by_id.get(&id).copied()) else { return Ok(()) };
        let Some(status) = message.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)) else {
            anyhow::bail!("the server asks for something in the call of {nth}:\n{message}");
        };
        let status: u16 = status.parse()?;
        if status < 200 {
            return Ok(());
        }
        if header("CSeq").is_some_and(|sequence| sequence.ends_with("BYE")) {
            self.calls[nth].ended = true;
            return Ok(());
        }
        let call = &mut self.calls[nth];
        if call.status.is_none() {
            (call.status, call.answered_in) = (Some(status), call.sent_at.elapsed());
            call.to = header("To").context("an answer without To")?;
            let port = message.split("m=audio ").nth(1).and_then(|rest| rest.split(' ').next());
            if let Some(port) = port {
                call.remote_media = Some(SocketAddr::from(([127, 0, 0, 1], port.parse()?)));
            }
        }
        self.send(nth, "ACK", 1, "")
    }
}

/// One packet of mu-law.
fn packet(frame: usize, payload: &[u8]) -> Vec<u8> {
    let (sequence, timestamp) = (frame as u16, (frame * FRAME) as u32);
    let mut packet = vec![0x80, u8::from(frame == 0) << 7];
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&timestamp.to_be_bytes());
    packet.extend_from_slice(b"trnk");
    packet.extend_from_slice(payload);
    packet
}
