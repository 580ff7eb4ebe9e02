//! A session with its peer and its clock, and everything that came out of it.
#![allow(dead_code, reason = "every test file is a crate of its own and uses its part")]

use std::net::SocketAddr;
use std::time::Duration;
use tympan_media::{Input, Output, Port, Session, SessionSpec, SilenceSending};
use tympan_telephony::SampleOffset;
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::rtp::latch::Trust;
use tympan_telephony::rtp::ledger::Cause;
use tympan_telephony::rtp::packet::{RtpHeader, RtpPacket, RtpTimestamp, Ssrc};
use tympan_telephony::rtp::payload::PayloadMap;
use tympan_telephony::rtp::rtcp::is_rtcp;
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::sdp::{Agreement, StreamAgreement};
use tympan_telephony::sdp::{Codec, Direction};
use tympan_telephony::words::{Frame, MediaCommand, MediaEvent, Payload, Sound, Track};
use tympan_types::{BridgeId, LegId, Mono, PromptId, TapId, WallTime};

pub(crate) const PEER: &str = "192.0.2.1:4000";
pub(crate) const TAP: TapId = TapId::new(1);
pub(crate) const PROMPT: PromptId = PromptId::new(1);

/// A datagram that was sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) at: Mono,
    pub(crate) stream: usize,
    pub(crate) to: SocketAddr,
    pub(crate) header: RtpHeader,
    pub(crate) payload: Vec<u8>,
}

/// What a tap handed on.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Heard {
    pub(crate) begin: Option<u64>,
    pub(crate) samples: Vec<i16>,
    pub(crate) silences: Vec<(u64, u32, Cause)>,
    pub(crate) closed: bool,
}

pub(crate) struct Rig {
    pub(crate) session: Session,
    pub(crate) now: Mono,
    pub(crate) sent: Vec<Sent>,
    /// RTCP that was sent: from which port, where to, and what.
    pub(crate) reports: Vec<(Port, SocketAddr, Vec<u8>)>,
    pub(crate) events: Vec<MediaEvent>,
    pub(crate) heard: std::collections::BTreeMap<TapId, Heard>,
    pub(crate) bridged: Vec<(BridgeId, Vec<i16>)>,
    /// The peer's outgoing stream.
    pub(crate) peer: RtpSender,
    pub(crate) from: SocketAddr,
}

pub(crate) fn spec() -> SessionSpec {
    SessionSpec {
        leg: LegId::new(1),
        signalling: None,
        trust: Trust::KnownHosts,
        media_timeout: None,
        silence: SilenceSending::Off,
        silence_grace: Duration::from_millis(500),
        ptime_ms: None,
        wall: WallTime::from_unix_ms(1_700_000_000_000),
        random: [7; 32],
    }
}

pub(crate) fn agreed(remote: &str) -> StreamAgreement {
    StreamAgreement {
        local: 0,
        remote: remote.parse().expect("an address"),
        remote_rtcp: None,
        rtcp_mux: false,
        codec: Codec { kind: AudioCodec::Pcmu, payload_type: 0 },
        dtmf: Some(101),
        direction: Direction::SendRecv,
        ptime_ms: 20,
        payloads: PayloadMap::g711().with_audio(9, AudioCodec::G722).with_telephone_event(101),
        label: None,
    }
}

pub(crate) fn of(streams: impl IntoIterator<Item = StreamAgreement>) -> Agreement {
    Agreement { streams: streams.into_iter().map(Some).collect() }
}

impl Rig {
    /// A session in conversation with a peer at [`PEER`].
    pub(crate) fn new(change: impl FnOnce(&mut SessionSpec)) -> Self {
        let mut rig = Self::unagreed(change);
        rig.negotiate(of([agreed(PEER)]));
        rig
    }

    pub(crate) fn unagreed(change: impl FnOnce(&mut SessionSpec)) -> Self {
        let mut spec = spec();
        change(&mut spec);
        let now = Mono::from_millis(1_000);
        Self {
            session: Session::new(now, spec),
            now,
            sent: Vec::new(),
            reports: Vec::new(),
            events: Vec::new(),
            heard: std::collections::BTreeMap::new(),
            bridged: Vec::new(),
            peer: RtpSender::new(Ssrc(0xfeed), 65_530, RtpTimestamp(u32::MAX - 1_000), 0),
            from: PEER.parse().expect("an address"),
        }
    }

    pub(crate) fn handle(&mut self, input: Input<'_>) {
        self.session.handle(self.now, input);
        self.drain();
    }

    pub(crate) fn command(&mut self, command: MediaCommand) {
        self.handle(Input::Command(command));
    }

    pub(crate) fn negotiate(&mut self, agreement: Agreement) {
        self.command(MediaCommand::Negotiate(Box::new(agreement)));
    }

    pub(crate) fn play(&mut self, number: u64, samples: Vec<i16>) {
        self.command(MediaCommand::Play { prompt: PromptId::new(number), sound: Sound::new(samples) });
    }

    pub(crate) fn tap(&mut self, number: u64, track: Track) {
        self.command(MediaCommand::OpenTap { tap: TapId::new(number), track });
    }

    pub(crate) fn close_tap(&mut self, number: u64) {
        self.command(MediaCommand::CloseTap { tap: TapId::new(number) });
    }

    /// A datagram of the peer, now.
    pub(crate) fn datagram(&mut self, bytes: &[u8]) {
        let (from, arrived) = (self.from, self.now);
        self.handle(Input::Datagram { stream: 0, port: Port::Rtp, from, bytes, truncated: false, arrived });
    }

    /// A packet of the peer with this audio, now.
    pub(crate) fn audio(&mut self, codes: &[u8]) {
        let datagram = self.packet(codes);
        self.datagram(&datagram);
    }

    /// The peer's next packet, which is not sent yet.
    pub(crate) fn packet(&mut self, codes: &[u8]) -> Vec<u8> {
        let mut datagram = Vec::new();
        self.peer.audio_packet(codes, &mut datagram);
        datagram
    }

    /// Lets time pass in steps of 2 ms, as the media thread does.
    pub(crate) fn pass(&mut self, ms: u64) {
        for _ in 0..ms / 2 {
            self.now = self.now.plus_ms(2);
            if self.session.next_deadline().is_some_and(|deadline| deadline <= self.now) {
                self.handle(Input::TimePassed);
            }
        }
    }

    /// The peer says this in packets of 20 ms, one after the other; the last one is not waited for.
    pub(crate) fn speak(&mut self, codes: &[u8]) {
        for (index, frame) in codes.chunks(160).enumerate() {
            if index > 0 {
                self.pass(20);
            }
            self.audio(frame);
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Transmit { port, to, bytes, .. } if is_rtcp(bytes) => {
                    self.reports.push((port, to, bytes.to_vec()));
                }
                Output::Transmit { stream, to, bytes, .. } => {
                    let packet = RtpPacket::parse(bytes).expect("RTP is sent");
                    let (header, payload) = (packet.header(), packet.payload().to_vec());
                    self.sent.push(Sent { at: self.now, stream, to, header, payload });
                }
                Output::Event(leg, event) => {
                    assert_eq!(leg, LegId::new(1));
                    if let MediaEvent::TapClosed { tap } = &event {
                        self.heard.entry(*tap).or_default().closed = true;
                    }
                    self.events.push(event);
                }
                Output::Frame(frame) => self.heard.entry(frame.tap).or_default().take(&frame),
                Output::Bridged { bridge, payload } => {
                    let mut samples = Vec::new();
                    payload.expand_into(&mut samples);
                    self.bridged.push((bridge, samples));
                }
            }
        }
    }

    pub(crate) fn heard(&self, number: u64) -> Heard {
        self.heard.get(&TapId::new(number)).cloned().unwrap_or_default()
    }

    /// Everything that was sent, one payload after the other.
    pub(crate) fn payloads(&self) -> Vec<u8> {
        self.sent.iter().flat_map(|sent| sent.payload.clone()).collect()
    }

    pub(crate) fn stat(&mut self, name: &str) -> u64 {
        let stats = self.session.take_stats();
        stats.values().find(|(known, _)| *known == name).expect("a counter of that name").1
    }
}

impl Heard {
    fn take(&mut self, frame: &Frame<'_>) {
        assert!(!self.closed, "a tap that is closed hands nothing on");
        let begin = *self.begin.get_or_insert(frame.at.as_samples());
        let next = SampleOffset::from_samples(begin + self.samples.len() as u64);
        assert_eq!(frame.at, next, "frames of a tap follow each other");
        assert!(frame.payload.samples() > 0);
        if let Payload::Silence { samples, cause } = frame.payload {
            self.silences.push((frame.at.as_samples(), samples, cause));
        }
        frame.payload.expand_into(&mut self.samples);
    }
}

/// Codes of so many samples, no two neighbours alike.
pub(crate) fn codes(samples: usize, seed: usize) -> Vec<u8> {
    (0..samples).map(|index| u8::try_from((index * 7 + seed * 31) % 251).expect("a byte")).collect()
}

/// What codes of mu-law sound like.
pub(crate) fn ulaw(codes: &[u8]) -> Vec<i16> {
    let mut samples = Vec::new();
    Payload::Ulaw(codes).expand_into(&mut samples);
    samples
}
