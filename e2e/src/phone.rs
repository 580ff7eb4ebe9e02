//! A phone's media by hand, where the network is to misbehave: packets are lost, doubled and put out of order at will.
//!
//! Signalling stays sipp's; it names our port in its offer ([`crate::sipp::Caller::hearing_at`]).

use crate::sipp::Sipp;
use crate::until;
use anyhow::Context;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Bytes, and at 8 kHz samples, in a packet of 20 ms.
pub const FRAME: usize = 160;
const PACE: Duration = Duration::from_millis(20);
const PCMU: u8 = 0;
const TELEPHONE_EVENT: u8 = 101;

/// One synchronisation source on one socket.
pub struct Phone {
    socket: UdpSocket,
    server: Option<SocketAddr>,
    sequence: u16,
    timestamp: u32,
    source: [u8; 4],
    due: Instant,
}

/// A packet that the server sent.
#[derive(Debug, Clone)]
pub struct Heard {
    /// When it came.
    pub at: Instant,
    /// The payload type.
    pub payload_type: u8,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp.
    pub timestamp: u32,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// A packet that is ready to be sent, once, twice or never.
pub struct Packet(Vec<u8>);

impl Phone {
    /// Takes a port.
    pub fn new() -> anyhow::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        // Near their ends, so that both counters wrap during a call.
        Ok(Self {
            socket,
            server: None,
            sequence: 65_500,
            timestamp: u32::MAX - 8_000,
            source: *b"fone",
            due: Instant::now(),
        })
    }

    /// Its port, for the offer.
    pub fn port(&self) -> anyhow::Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// Learns from the answer of `call` where to speak to.
    pub fn pick_up(&mut self, call: &Sipp) -> anyhow::Result<()> {
        let own = self.port()?;
        let port = until("the answer", || {
            let messages = call.messages();
            let ports = messages.split("m=audio ").skip(1);
            let mut ports = ports.filter_map(|rest| rest.split(' ').next()?.parse::<u16>().ok());
            Ok(ports.find(|port| *port != own))
        })?;
        self.server = Some(SocketAddr::from(([127, 0, 0, 1], port)));
        self.due = Instant::now();
        Ok(())
    }

    /// Speaks to this address from now on.
    pub fn speak_to(&mut self, server: SocketAddr) {
        self.server = Some(server);
        self.due = Instant::now();
    }

    /// Where it speaks to.
    pub fn server(&self) -> anyhow::Result<SocketAddr> {
        self.server.context("the call has no answer")
    }

    /// Takes a port of another address; sequence numbers and timestamps go on.
    pub fn move_to(&mut self, address: IpAddr) -> anyhow::Result<()> {
        self.socket = UdpSocket::bind((address, 0))?;
        Ok(())
    }

    /// Takes another port and another synchronisation source at once, as behind a media server that changes.
    pub fn become_another(&mut self, source: [u8; 4]) -> anyhow::Result<()> {
        self.source = source;
        (self.sequence, self.timestamp) = (7, 99_000);
        self.move_to(self.socket.local_addr()?.ip())
    }

    /// The clock of its packets jumps so many samples ahead, and no time passes.
    pub fn jump(&mut self, samples: u32) {
        self.timestamp = self.timestamp.wrapping_add(samples);
    }

    /// What the server sends within this time.
    pub fn hear(&self, time: Duration) -> anyhow::Result<Vec<Heard>> {
        let (until, mut heard, mut datagram) = (Instant::now() + time, Vec::new(), [0; 2_048]);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(heard);
            }
            self.socket.set_read_timeout(Some(left))?;
            let Ok(length) = self.socket.recv(&mut datagram) else { continue };
            let Some((header, payload)) = datagram[..length].split_at_checked(12) else { continue };
            // RTCP may share the port (RFC 5761).
            if (64..96).contains(&(header[1] & 0x7F)) {
                continue;
            }
            heard.push(Heard {
                at: Instant::now(),
                payload_type: header[1] & 0x7F,
                sequence: u16::from_be_bytes([header[2], header[3]]),
                timestamp: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
                payload: payload.to_vec(),
            });
        }
    }

    /// Says all of it, a packet each 20 ms.
    pub fn say(&mut self, speech: &[u8]) -> anyhow::Result<()> {
        for frame in speech.chunks_exact(FRAME) {
            let packet = self.packet(frame);
            self.send(&packet)?;
            self.pace();
        }
        Ok(())
    }

    /// The next packet of speech.
    pub fn packet(&mut self, frame: &[u8]) -> Packet {
        let packet = self.rtp(PCMU, false, self.timestamp, frame);
        self.timestamp = self.timestamp.wrapping_add(frame.len() as u32);
        packet
    }

    /// An update or, with `end`, the end of a key (RFC 4733 section 2.3), with these values as they are.
    pub fn key(&mut self, key: u8, marker: bool, end: bool, timestamp: u32, duration: u16) -> Packet {
        let duration = duration.to_be_bytes();
        let payload = [key, if end { 0x80 | 10 } else { 10 }, duration[0], duration[1]];
        self.rtp(TELEPHONE_EVENT, marker, timestamp, &payload)
    }

    /// The timestamp of the next packet.
    pub fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// The next packet, in another payload type.
    pub fn packet_of(&mut self, payload_type: u8, samples: u32, payload: &[u8]) -> Packet {
        let packet = self.rtp(payload_type, false, self.timestamp, payload);
        self.timestamp = self.timestamp.wrapping_add(samples);
        packet
    }

    /// Sends a packet now.
    pub fn send(&self, packet: &Packet) -> anyhow::Result<()> {
        self.socket.send_to(&packet.0, self.server.context("nobody has answered")?)?;
        Ok(())
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&self, bytes: &[u8], to: SocketAddr) -> anyhow::Result<()> {
        self.socket.send_to(bytes, to)?;
        Ok(())
    }

    /// Lets the time of one packet pass.
    pub fn pace(&mut self) {
        self.due += PACE;
        std::thread::sleep(self.due.saturating_duration_since(Instant::now()));
    }

    /// Says nothing and sends nothing, while the clock of its packets runs on (discontinuous transmission).
    pub fn pause(&mut self, time: Duration) {
        self.timestamp = self.timestamp.wrapping_add(8 * time.as_millis() as u32);
        self.due += time;
        std::thread::sleep(self.due.saturating_duration_since(Instant::now()));
    }

    /// Holds a key for `frames` packets instead of speaking (RFC 4733 section 2.5.1): updates, then the end thrice.
    pub fn press(&mut self, key: u8, frames: u16) -> anyhow::Result<()> {
        let began = self.timestamp;
        for frame in 1..=frames {
            let duration = (frame * FRAME as u16).to_be_bytes();
            let last = frame == frames;
            let payload = [key, if last { 0x80 | 10 } else { 10 }, duration[0], duration[1]];
            for _ in 0..if last { 3 } else { 1 } {
                let packet = self.rtp(TELEPHONE_EVENT, frame == 1, began, &payload);
                self.send(&packet)?;
            }
            self.pace();
        }
        self.timestamp = began.wrapping_add(u32::from(frames) * FRAME as u32);
        Ok(())
    }

    fn rtp(&mut self, payload_type: u8, marker: bool, timestamp: u32, payload: &[u8]) -> Packet {
        let mut packet = vec![0x80, payload_type | u8::from(marker) << 7];
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&timestamp.to_be_bytes());
        packet.extend_from_slice(&self.source);
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        Packet(packet)
    }
}
