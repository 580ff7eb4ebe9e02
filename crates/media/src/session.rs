//! The media of one leg.

use crate::bridge::Mix;
use crate::listening::Listening;
use crate::outbox::{Outbox, Output, Port};
use crate::player::Player;
use crate::reports::Reports;
use crate::silence::SilenceSending;
use crate::stats::SessionStats;
use crate::stream::{FirstNumbers, Stream};
use crate::tap::Taps;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tympan_telephony::SampleOffset;
use tympan_telephony::rtp::latch::{SourceLatch, Trust};
use tympan_telephony::rtp::ledger::LedgerEntry;
use tympan_telephony::rtp::packet::{PacketError, RtpPacket, RtpTimestamp, Ssrc};
use tympan_telephony::rtp::timeline::{Timeline, TimelineConfig, TimelineOutput};
use tympan_telephony::sdp::{Agreement, StreamAgreement};
use tympan_telephony::words::{MediaCommand, MediaEvent, Payload};
use tympan_types::{BridgeId, LegId, Mono, PromptId, WallTime};

/// How the media of a leg begins.
#[derive(Debug, Clone)]
pub struct SessionSpec {
    /// The leg.
    pub leg: LegId,
    /// The host that the signalling came from.
    pub signalling: Option<IpAddr>,
    /// Whose packets are taken.
    pub trust: Trust,
    /// How long a peer in conversation may send nothing before [`MediaEvent::MediaTimedOut`]; `None`: for as long as it likes.
    pub media_timeout: Option<Duration>,
    /// What is sent while there is nothing to say.
    pub silence: SilenceSending,
    /// How far the timeline may fall behind the clock before silence takes the place of packets.
    pub silence_grace: Duration,
    /// The packet time to send, in milliseconds, whatever is agreed; `None`: as agreed. From 10 to 60.
    pub ptime_ms: Option<u32>,
    /// The wall-clock time at the beginning, for the reports of RTCP.
    pub wall: WallTime,
    /// Random bytes for the numbers of the outgoing streams and their RTCP.
    pub random: [u8; 32],
}

/// What happens to a session.
pub enum Input<'a> {
    /// A datagram came to a port of a stream.
    Datagram {
        /// The stream.
        stream: usize,
        /// Its port.
        port: Port,
        /// Where it came from.
        from: SocketAddr,
        /// Its bytes.
        bytes: &'a [u8],
        /// It was longer than the buffer, and `bytes` is its beginning.
        truncated: bool,
        /// When it came, which may be before `now`.
        arrived: Mono,
    },
    /// The call commands.
    Command(MediaCommand),
    /// Another leg of the bridge said this.
    Bridged {
        /// The leg that said it.
        from: LegId,
        /// What it said.
        payload: Payload<'a>,
    },
    /// Time passed: every datagram that came before `now` was handed in.
    TimePassed,
    /// The leg is over: what was received is completed, and every tap is closed.
    Ended,
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Datagram { stream, bytes, .. } => write!(f, "Datagram({} bytes to {stream})", bytes.len()),
            Self::Command(command) => write!(f, "Command({command:?})"),
            Self::Bridged { from, payload } => write!(f, "Bridged({from}, {payload:?})"),
            Self::TimePassed => write!(f, "TimePassed"),
            Self::Ended => write!(f, "Ended"),
        }
    }
}

/// The media of one leg: packets in, prompts and the bridge out, and every track handed on where a tap is open.
///
/// Shape: `handle`, then drain `poll`; hand in [`Input::TimePassed`] no later than [`Session::next_deadline`], and only after every
/// datagram that waits in a socket, also before a tap is opened or closed: what came before a tap lies before it.
/// Units: samples at 8 kHz on the timeline of the leg, which begins with the session.
/// Errors: none; whatever cannot be used is counted in [`SessionStats`].
/// Memory: bounded whatever comes, as long as `poll` is drained; nothing is allocated for a packet.
#[derive(Debug)]
pub struct Session {
    spec: SessionSpec,
    began: Mono,
    streams: Vec<Stream>,
    /// The stream that is the conversation: the first one that is agreed.
    primary: usize,
    player: Player,
    taps: Taps,
    bridge: Option<BridgeId>,
    /// The bridge hears the leg.
    is_heard: bool,
    mix: Mix,
    listening: Listening,
    /// The media time-out was told, and nothing has come since.
    timed_out: bool,
    ended: bool,
    sound: Vec<i16>,
    out: Outbox,
    stats: SessionStats,
}

impl Session {
    /// Streams of a session at most.
    pub const STREAMS_MAX: usize = 8;

    /// A session whose timeline begins at `now`, the instant the call is answered. It takes nothing before [`MediaCommand::Negotiate`].
    pub fn new(now: Mono, spec: SessionSpec) -> Self {
        Self {
            spec,
            began: now,
            streams: Vec::new(),
            primary: 0,
            player: Player::default(),
            taps: Taps::default(),
            bridge: None,
            is_heard: false,
            mix: Mix::default(),
            listening: Listening::default(),
            timed_out: false,
            ended: false,
            sound: Vec::new(),
            out: Outbox::default(),
            stats: SessionStats::default(),
        }
    }

    /// Takes what happens.
    pub fn handle(&mut self, now: Mono, input: Input<'_>) {
        if self.ended {
            return;
        }
        match input {
            Input::Datagram { truncated: true, .. } => self.stats.truncated_packets += 1,
            Input::Datagram { stream, port: Port::Rtp, from, bytes, truncated: false, arrived } => {
                self.receive(now, stream, from, bytes, arrived);
            }
            Input::Datagram { stream, port: Port::Rtcp, from, bytes, truncated: false, .. } => {
                self.receive_report(now, stream, Port::Rtcp, from, bytes);
            }
            Input::Command(command) => self.command(now, command),
            Input::Bridged { from, payload } => {
                if self.bridge.is_some() && !self.mix.write(from, payload) {
                    self.stats.refused_speakers += 1;
                }
            }
            Input::TimePassed => self.pass_time(now),
            Input::Ended => self.end(now),
        }
    }

    /// The next output. Drain it after every `handle`.
    pub fn poll(&mut self) -> Option<Output<'_>> {
        self.out.poll(self.spec.leg)
    }

    /// When [`Input::TimePassed`] is due, should nothing come before.
    pub fn next_deadline(&self) -> Option<Mono> {
        if self.ended {
            return None;
        }
        self.streams.iter().filter_map(Stream::next_deadline).chain(self.media_timeout_at()).min()
    }

    /// The leg.
    pub const fn leg(&self) -> LegId {
        self.spec.leg
    }

    /// Counters since they were last taken.
    pub fn take_stats(&mut self) -> SessionStats {
        std::mem::take(&mut self.stats)
    }

    /// Where the timeline of a stream ends.
    pub fn timeline_end(&self, stream: usize) -> Option<SampleOffset> {
        self.streams.get(stream).map(|stream| stream.timeline.end())
    }

    fn command(&mut self, now: Mono, command: MediaCommand) {
        match command {
            MediaCommand::Negotiate(agreement) => self.negotiate(now, &agreement),
            MediaCommand::Play { prompt, sound } => {
                if self.player.play(prompt, sound) {
                    self.hurry(now);
                } else {
                    // A flow that waits for its end must not wait without an end.
                    self.stats.refused_prompts += 1;
                    self.out.event(MediaEvent::PromptFinished(prompt));
                }
            }
            MediaCommand::Stop { prompt } => self.player.stop(prompt),
            MediaCommand::OpenTap { tap, track } => {
                let primary = self.primary;
                let Some(stream) = self.streams.get_mut(primary) else {
                    self.stats.refused_taps += 1;
                    return;
                };
                let at = stream.timeline.position(now);
                let lead_samples =
                    at - SampleOffset::from_samples(tympan_telephony::samples_between(self.began, now));
                self.drain(primary);
                if self.taps.open(tap, primary, track, at) {
                    self.out.event(MediaEvent::TapOpened { tap, at, lead_samples });
                } else {
                    self.stats.refused_taps += 1;
                }
            }
            MediaCommand::CloseTap { tap } => {
                let Some(index) = self.taps.stream_of(tap) else { return };
                let Some(stream) = self.streams.get_mut(index) else { return };
                let at = stream.timeline.position(now);
                self.drain(index);
                self.taps.close(tap, at, &mut self.out);
            }
            MediaCommand::Listen { listen, pause_ms, longest_ms } => {
                // What came before it is not for it.
                self.drain(self.primary);
                self.listening.begin(listen, pause_ms, longest_ms);
            }
            MediaCommand::StopListening { listen } => self.listening.end(listen),
            MediaCommand::Join { bridge } => self.join(now, bridge, true),
            MediaCommand::Monitor { bridge } => self.join(now, bridge, false),
            MediaCommand::Leave => {
                self.bridge = None;
                self.mix = Mix::default();
            }
        }
    }

    fn join(&mut self, now: Mono, bridge: BridgeId, is_heard: bool) {
        if self.bridge != Some(bridge) {
            self.mix = Mix::default();
        }
        self.bridge = Some(bridge);
        self.is_heard = is_heard;
        self.hurry(now);
    }

    fn negotiate(&mut self, now: Mono, agreement: &Agreement) {
        for index in 0..Self::STREAMS_MAX {
            let agreed = of_port(agreement, index);
            if let Some(agreed) = agreed {
                while self.streams.len() <= index {
                    let stream = self.stream(now, agreed);
                    self.streams.push(stream);
                }
            }
            if let Some(stream) = self.streams.get_mut(index) {
                stream.negotiate(now, agreed, self.spec.ptime_ms);
            }
        }
        self.stats.refused_streams +=
            agreement.streams.iter().skip(Self::STREAMS_MAX).flatten().count() as u64;
        let primary = self.streams.iter().position(Stream::is_agreed);
        self.primary = primary.unwrap_or(self.primary);
    }

    fn stream(&self, now: Mono, agreed: &StreamAgreement) -> Stream {
        let SessionSpec { signalling, trust, silence_grace, wall, random, .. } = &self.spec;
        let wall = wall.plus_ms(now.ms_since(self.began));
        let config = TimelineConfig {
            payloads: agreed.payloads.clone(),
            silence_grace: *silence_grace,
            ..TimelineConfig::default()
        };
        let latch = SourceLatch::new(self.began, agreed.remote, *signalling, *trust);
        let (first, of_reports) = numbers(random, self.streams.len());
        let reports = Reports::new(now, wall, first.ssrc, of_reports);
        Stream::new(now, Timeline::new(config, self.began), latch, first, reports)
    }

    fn receive(&mut self, now: Mono, index: usize, from: SocketAddr, bytes: &[u8], arrived: Mono) {
        let Some(stream) = self.streams.get_mut(index).filter(|stream| stream.is_agreed()) else {
            self.stats.unagreed_packets += 1;
            return;
        };
        let packet = match RtpPacket::parse(bytes) {
            Ok(packet) => packet,
            Err(PacketError::Rtcp) => return self.receive_report(now, index, Port::Rtp, from, bytes),
            Err(PacketError::Malformed(_)) => {
                self.stats.other_packets += 1;
                return;
            }
        };
        let received = stream.receive(now, arrived, from, &packet, bytes);
        self.stats.refused_packets += received.refused;
        self.stats.received_packets += received.taken;
        if received.taken > 0 {
            self.timed_out = false;
            self.drain(index);
        }
    }

    fn receive_report(&mut self, now: Mono, index: usize, port: Port, from: SocketAddr, bytes: &[u8]) {
        let Some(stream) = self.streams.get_mut(index).filter(|stream| stream.is_agreed()) else {
            self.stats.unagreed_packets += 1;
            return;
        };
        if stream.receive_report(now, port, from, bytes) {
            self.stats.received_reports += 1;
            self.timed_out = false;
        } else {
            self.stats.refused_packets += 1;
        }
    }

    /// What of the far end's audio came late or was left out since the last call. It stands for no sample of a frame.
    pub fn take_remarks(&mut self) -> impl Iterator<Item = LedgerEntry> + '_ {
        let primary = self.streams.get_mut(self.primary);
        let entries = primary.into_iter().flat_map(|stream| stream.timeline.ledger_mut().take());
        entries.filter(|entry| !entry.cause.is_silence())
    }

    /// Hands on what a timeline has given out.
    fn drain(&mut self, index: usize) {
        let Some(stream) = self.streams.get_mut(index) else { return };
        let bridge = self.bridge.filter(|_| self.is_heard && index == self.primary);
        while let Some(output) = stream.timeline.poll() {
            let (at, payload) = match output {
                TimelineOutput::Audio(audio) => (audio.at, audio.payload),
                TimelineOutput::Silence { at, samples, cause } => (at, Payload::Silence { samples, cause }),
                TimelineOutput::Digit { digit, .. } => {
                    self.out.event(MediaEvent::Digit(digit));
                    continue;
                }
            };
            self.taps.received(index, at, payload, &mut self.out);
            if let Some(bridge) = bridge {
                let sound = self.out.keep(payload);
                self.out.bridged(bridge, sound);
            }
            if index == self.primary {
                let out = &mut self.out;
                let stats = &mut self.stats;
                self.listening.hear(payload, &mut |event| {
                    if let MediaEvent::Heard { cut, .. } = event {
                        stats.utterances += 1;
                        stats.cut_utterances += u64::from(cut);
                    }
                    out.event(event);
                });
            }
        }
    }

    fn pass_time(&mut self, now: Mono) {
        for index in 0..self.streams.len() {
            if let Some(stream) = self.streams.get_mut(index) {
                stream.timeline.tick(now);
            }
            self.drain(index);
            self.send_due(now, index);
            if let Some(stream) = self.streams.get_mut(index) {
                self.stats.sent_reports += u64::from(stream.report(now, index, &mut self.out));
            }
        }
        if self.media_timeout_at().is_some_and(|at| at <= now) {
            self.timed_out = true;
            self.stats.media_timeouts += 1;
            self.out.event(MediaEvent::MediaTimedOut);
        }
    }

    fn end(&mut self, now: Mono) {
        for index in 0..self.streams.len() {
            if let Some(stream) = self.streams.get_mut(index) {
                stream.timeline.finish(now);
            }
            self.drain(index);
            if let Some(stream) = self.streams.get_mut(index) {
                self.stats.sent_reports += u64::from(stream.report_end(now, index, &mut self.out));
                self.stats.lost_packets += stream.timeline.stats().lost_packets;
                self.taps.close_all(index, stream.timeline.end(), &mut self.out);
            }
        }
        self.ended = true;
    }

    fn send_due(&mut self, now: Mono, index: usize) {
        while let Some(stream) = self.streams.get_mut(index)
            && stream.is_agreed()
            && stream.pace.is_due(now)
        {
            self.send_frame(now, index);
        }
    }

    fn send_frame(&mut self, now: Mono, index: usize) {
        let is_primary = index == self.primary;
        let Some(stream) = self.streams.get_mut(index) else { return };
        stream.begin_frame();
        let count = stream.frame_samples();
        let bridged = is_primary && self.bridge.is_some();
        let mut finished: Option<PromptId> = None;
        let played = if is_primary { self.player.next(count) } else { None };
        let plays = played.is_some();
        if bridged {
            self.mix.read(count, &mut self.sound);
            if let Some(played) = played {
                finished = played.finished;
                for (sample, prompt) in self.sound.iter_mut().zip(played.samples) {
                    *sample = sample.saturating_add(*prompt);
                }
            }
            let frame = stream.send_sound(now, index, &self.sound, &mut self.out);
            let end = stream.timeline.end();
            self.stats.overrun_samples += self.taps.sent(index, end, frame, &mut self.out);
        } else if let Some(played) = played {
            finished = played.finished;
            let frame = stream.send_sound(now, index, played.samples, &mut self.out);
            let end = stream.timeline.end();
            self.stats.overrun_samples += self.taps.sent(index, end, frame, &mut self.out);
        } else {
            stream.send_silence(now, index, self.spec.silence, &mut self.out);
        }
        if plays || bridged || stream.fills_silence(self.spec.silence) {
            stream.pace.follow();
        } else {
            stream.pace.rest(stream.frame_duration());
        }
        if let Some(prompt) = finished {
            self.player.finish();
            self.out.event(MediaEvent::PromptFinished(prompt));
        }
    }

    fn hurry(&mut self, now: Mono) {
        if let Some(stream) = self.streams.get_mut(self.primary) {
            stream.pace.hurry(now);
        }
    }

    /// When the peer has sent nothing for too long. While one of its streams speaks, it is there.
    fn media_timeout_at(&self) -> Option<Mono> {
        let timeout = self.spec.media_timeout.filter(|_| !self.timed_out)?;
        let heard = self.streams.iter().filter_map(Stream::quiet_since).max()?;
        Some(heard + timeout)
    }
}

/// What is agreed of the stream on a port of ours.
fn of_port(agreement: &Agreement, port: usize) -> Option<&StreamAgreement> {
    agreement.streams.iter().flatten().find(|stream| stream.local == port)
}

/// The first numbers of one of the outgoing streams, and the random bytes of its RTCP.
fn numbers(random: &[u8; 32], stream: usize) -> (FirstNumbers, [u8; 20]) {
    let [a, b, c, d, e, f, g, h, i, j, _, _, of_reports @ ..] = *random;
    // Streams of one session differ by their source, and may begin alike.
    let stream = u32::try_from(stream).unwrap_or(u32::MAX);
    let first = FirstNumbers {
        ssrc: Ssrc(u32::from_be_bytes([a, b, c, d]).wrapping_add(stream.wrapping_mul(0x9e37_79b9))),
        sequence: u16::from_be_bytes([e, f]),
        timestamp: RtpTimestamp(u32::from_be_bytes([g, h, i, j])),
    };
    (first, of_reports)
}
