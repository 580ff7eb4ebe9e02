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
    due: Instant,
}

/// A packet that is ready to be sent, once, twice or never.
pub struct Packet(Vec<u8>);

impl Phone {
    /// Takes a port.
    pub fn new() -> anyhow::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        // Near their ends, so that both counters wrap during a call.
        Ok(Self { socket, server: None, sequence: 65_500, timestamp: u32::MAX - 8_000, due: Instant::now() })
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

    /// Takes a port of another address; sequence numbers and timestamps go on.
    pub fn move_to(&mut self, address: IpAddr) -> anyhow::Result<()> {
        self.socket = UdpSocket::bind((address, 0))?;
        Ok(())
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
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        packet
    }

    /// Sends a packet now.
    pub fn send(&self, packet: &Packet) -> anyhow::Result<()> {
        self.socket.send_to(&packet.0, self.server.context("nobody has answered")?)?;
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
        packet.extend_from_slice(b"fone");
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        Packet(packet)
    }
}
