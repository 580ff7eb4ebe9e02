//! One call's media on its thread: packets in, prompts out, a capture in between.

use super::inbox::Inbox;
use super::ports::RtpSocket;
use super::stats::Tally;
use crate::clock::CallClock;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tympan_capture::{Anchor, CaptureStats, CaptureTaps, Captures, CutterSpec, Upload};
use tympan_telephony::audio::pcm::FRAME_SAMPLES;
use tympan_telephony::rtp::latch::{SourceLatch, Trust, Verdict};
use tympan_telephony::rtp::packet::{RtpPacket, RtpTimestamp, Ssrc};
use tympan_telephony::rtp::rtcp::is_rtcp;
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::rtp::timeline::{Timeline, TimelineConfig, TimelineOutput};
use tympan_telephony::sdp::offer_answer::{Codec, Negotiated};
use tympan_telephony::words::{Frame, Payload, Tracks};
use tympan_telephony::{Digit, samples_between};
use tympan_types::{CaptureId, Mono, PromptId, TapId};

/// From one packet of a prompt to the next.
const FRAME: Duration = Duration::from_millis(20);
/// While nothing is played, a frame of silence keeps translators' bindings open (RFC 6263 section 4.3).
const KEEPALIVE: Duration = Duration::from_secs(15);
/// After a stall at most this many frames are sent at once; the rest of the delay is not caught up.
const CATCH_UP_FRAMES: u32 = 5;
/// What all captures of a leg listen to.
const TAPS: CaptureTaps = CaptureTaps { received: TapId::new(1), sent: Some(TapId::new(2)) };

/// How a leg begins.
pub(crate) struct LegSpec {
    /// What was agreed by SDP.
    pub agreed: StreamAgreement,
    /// The host that the signalling came from: it may send media too.
    pub signalling: Option<IpAddr>,
    /// How far the timeline may fall behind before silence is written.
    pub silence_grace: Duration,
    /// The call's clock, to which the captured timeline is anchored.
    pub clock: CallClock,
    /// Sixteen random bytes for the outgoing stream's numbers.
    pub random: [u8; 16],
}

/// Eight-kilohertz samples to be played; shared between the calls that play the same prompt.
pub(crate) type Prompt = Arc<[i16]>;

/// What a leg has to tell its call.
#[derive(Debug)]
pub(crate) enum MediaEvent {
    /// The caller pressed a key.
    Digit(Digit),
    /// A prompt was played to its end; not told of one that was stopped.
    PromptFinished(PromptId),
    /// A capture has ended, and will write no more.
    CaptureFinished(CaptureId, Box<CaptureStats>),
}

/// A leg on its thread.
pub(super) struct Leg {
    socket: RtpSocket,
    latch: SourceLatch,
    timeline: Timeline,
    sender: RtpSender,
    law: Law,
    /// The peer wants to hear us.
    sends: bool,
    prompts: VecDeque<Playing>,
    next_send: Mono,
    /// The instant that the sender's timestamp stands for.
    sender_clock: Mono,
    captures: Captures,
    clock: CallClock,
    /// `None` once the call has missed an event: it learns by the end of the channel, and ends.
    events: Option<mpsc::Sender<MediaEvent>>,
    datagram: Vec<u8>,
    frame: Vec<u8>,
    /// Linear samples of the packet that is being captured.
    expanded: Vec<i16>,
}

/// What a call tells one of its captures.
pub(super) enum CaptureCommand {
    Attach { capture: CaptureId, upload: Box<dyn Upload> },
    Only { capture: CaptureId, tracks: Tracks },
    Close { capture: CaptureId },
    Abandon { capture: CaptureId },
}

/// A leg on its thread.
pub(super) struct Leg {
    pub(super) id: LegId,
    pub(super) rtp: RtpSocket,
    /// Where RTCP has a port of its own.
    pub(super) rtcp: Option<RtpSocket>,
    pub(super) session: Session,
    captures: Captures,
    /// The capture whose tap is being opened.
    opening: Option<(CaptureId, Box<CutterSpec>)>,
    clock: CallClock,
    /// `None` once the call has missed a notice: it learns by the end of the channel, and ends.
    notices: Option<mpsc::Sender<MediaNotice>>,
}

impl Leg {
    pub(super) fn new(
        now: Mono,
        rtp: RtpSocket,
        spec: LegSpec,
        notices: mpsc::Sender<MediaNotice>,
    ) -> Box<Self> {
        Box::new(Self {
            id: spec.session.leg,
            rtp,
            rtcp: None,
            session: Session::new(now, spec.session),
            captures: Captures::default(),
            opening: None,
            clock: spec.clock,
            notices: Some(notices),
        })
    }

    /// Takes what happens, and does what the session wants done. What the leg says in a bridge goes to `bridged`.
    pub(super) fn handle(
        &mut self,
        now: Mono,
        input: Input<'_>,
        tally: &mut Tally,
        mut bridged: impl FnMut(BridgeId, Payload<'_>),
    ) {
        let Self { id, rtp, rtcp, session, captures, opening, clock, notices } = self;
        session.handle(now, input);
        let mut captures_changed = false;
        while let Some(output) = session.poll() {
            match output {
                Output::Transmit { to, bytes, port, .. } => {
                    let socket = match port {
                        Port::Rtp => Some(&*rtp),
                        Port::Rtcp => rtcp.as_ref(),
                    };
                    match socket.map(|socket| socket.send_to(bytes, to)) {
                        Some(Ok(_)) => tally.sent_packets += 1,
                        // A full socket buffer or a closed port: a phone plays the next one.
                        Some(Err(_)) => tally.unsent_packets += 1,
                        // Counted when its port could not be bound.
                        None => {}
                    }
                }
                Output::Frame(frame) => {
                    if let Frame { tap, payload: Payload::Silence { samples, .. }, .. } = frame
                        && is_received(tap)
                    {
                        tally.silence_samples += u64::from(samples);
                    }
                    captures.frame(&frame);
                }
                Output::Bridged { bridge, payload } => bridged(bridge, payload),
                Output::Event(leg, event) => match event {
                    MediaEvent::TapOpened { tap, at, lead_samples } if capture_of(tap).is_some() => {
                        if let Some((capture, spec)) = opening.take() {
                            let wall = clock.wall_now().plus_ms(lead_samples / 8);
                            captures.open(capture, &spec, taps_of(capture, &spec), Anchor { at, wall });
                            captures_changed = true;
                        }
                    }
                    MediaEvent::TapClosed { tap } if capture_of(tap).is_some() => {
                        if let Some(capture) = capture_of(tap).filter(|_| is_received(tap)) {
                            captures.close(capture);
                            captures_changed = true;
                        }
                    }
                    event => {
                        if let MediaEvent::Digit(key) = event {
                            captures.key(key);
                        }
                        tell(notices, MediaNotice::Event(leg, event), tally);
                    }
                },
            }
        }
        session.take_remarks().for_each(|entry| captures.remark(entry.samples, entry.cause));
        tally.add(&session.take_stats());
        if captures_changed {
            report(*id, captures, notices, tally);
        }
    }

    /// A command to one of the captures. One that names a capture that is over changes nothing.
    pub(super) fn capture(
        &mut self,
        now: Mono,
        command: CaptureCommand,
        tally: &mut Tally,
        mut bridged: impl FnMut(BridgeId, Payload<'_>),
    ) {
        let mut media = |leg: &mut Self, command: MediaCommand, tally: &mut Tally| {
            leg.handle(now, Input::Command(command), tally, &mut bridged);
        };
        match command {
            CaptureCommand::Open { capture, spec } => {
                let CaptureTaps { received, sent } = taps_of(capture, &spec);
                self.opening = Some((capture, spec));
                media(self, MediaCommand::OpenTap { tap: received, track: Track::Received }, tally);
                // Refused, where the leg has as many taps as it may: the Start block hears nothing, and takes its error branch.
                if self.opening.take().is_none()
                    && let Some(tap) = sent
                {
                    media(self, MediaCommand::OpenTap { tap, track: Track::Sent }, tally);
                }
            }
            CaptureCommand::Close { capture } => {
                for tap in [tap_of(capture, Track::Sent), tap_of(capture, Track::Received)] {
                    media(self, MediaCommand::CloseTap { tap }, tally);
                }
            }
            CaptureCommand::Abandon { capture } => {
                self.captures.abandon(capture);
                for track in [Track::Sent, Track::Received] {
                    media(self, MediaCommand::CloseTap { tap: tap_of(capture, track) }, tally);
                }
                report(self.id, &mut self.captures, &mut self.notices, tally);
            }
            CaptureCommand::Attach { .. } | CaptureCommand::Only { .. } => {
                command.apply(&mut self.captures);
                report(self.id, &mut self.captures, &mut self.notices, tally);
            }
        }
    }

    /// The call is over: what was captured is completed. Captures that have no upload yet are given back, and wait for it.
    pub(super) fn close(mut self, now: Mono, tally: &mut Tally) -> Option<Captures> {
        self.handle(now, Input::Ended, tally, |_, _| ());
        self.captures.close_all();
        report(self.id, &mut self.captures, &mut self.notices, tally);
        self.captures.awaits_upload().then_some(self.captures)
    }
}

impl CaptureCommand {
    /// Does it, for a leg that lives or one that is over.
    pub(super) fn apply(self, captures: &mut Captures) {
        match self {
            Self::Attach { capture, upload } => captures.attach(capture, upload),
            Self::Only { capture, tracks } => captures.only(capture, tracks),
            Self::Close { capture } => captures.close(capture),
            Self::Abandon { capture } => captures.abandon(capture),
        }
    }
}

struct Playing {
    token: PromptId,
    prompt: Prompt,
    played_samples: usize,
}

impl Leg {
    pub(super) fn new(now: Mono, socket: RtpSocket, spec: LegSpec, events: mpsc::Sender<MediaEvent>) -> Self {
        let LegSpec { agreed, signalling, silence_grace, clock, random } = spec;
        let [a, b, c, d, e, f, g, h, i, j, ..] = random;
        let config =
            TimelineConfig { payloads: agreed.payloads.clone(), silence_grace, ..Default::default() };
        Self {
            socket,
            latch: SourceLatch::new(now, negotiated.remote, signalling, Trust::KnownHosts),
            timeline: Timeline::new(config, now),
            sender: RtpSender::new(
                Ssrc(u32::from_be_bytes([a, b, c, d])),
                u16::from_be_bytes([e, f]),
                RtpTimestamp(u32::from_be_bytes([g, h, i, j])),
                agreed.codec.payload_type,
            ),
            law: law(&agreed),
            sends: agreed.destination().is_some(),
            prompts: VecDeque::new(),
            // The first frame goes out at once: it opens the way through a translator for the caller's packets.
            next_send: now,
            sender_clock: now,
            captures: Captures::default(),
            clock,
            events: Some(events),
            datagram: Vec::with_capacity(256),
            frame: Vec::with_capacity(FRAME_SAMPLES),
            expanded: Vec::with_capacity(FRAME_SAMPLES),
        }
    }

    pub(super) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// The session has changed: hold, resume, another address or codec.
    pub(super) fn renegotiate(&mut self, agreed: &StreamAgreement) {
        if !agreed.remote.ip().is_unspecified() {
            self.latch.expect(agreed.remote);
        }
        self.timeline.set_payloads(agreed.payloads.clone());
        self.law = law(agreed);
        self.sender.set_payload_type(agreed.codec.payload_type);
        self.sends = agreed.destination().is_some();
    }

    /// Takes everything that waits on the socket.
    pub(super) fn receive(&mut self, now: Mono, inbox: &mut Inbox, tally: &mut Tally) -> io::Result<()> {
        let Self { socket, latch, timeline, .. } = self;
        inbox.drain(socket, |datagram, from| {
            if is_rtcp(datagram) {
                tally.other_packets += 1;
                return;
            }
            let Ok(packet) = RtpPacket::parse(datagram) else {
                tally.other_packets += 1;
                return;
            };
            match latch.admit(now, from, &packet.header(), datagram) {
                Verdict::Accepted => {}
                Verdict::Latched => {
                    for (arrival, held) in latch.take_held() {
                        if let Ok(packet) = RtpPacket::parse(&held) {
                            tally.received_packets += 1;
                            timeline.handle(now, arrival, &packet);
                        }
                    }
                }
                Verdict::Held => return,
                Verdict::Refused => {
                    tally.refused_packets += 1;
                    return;
                }
            }
            tally.received_packets += 1;
            timeline.handle(now, now, &packet);
        })?;
        self.forward(tally);
        Ok(())
    }

    /// Lets time pass: silence in, prompts out.
    pub(super) fn tick(&mut self, now: Mono, tally: &mut Tally) {
        self.timeline.tick(now);
        self.forward(tally);
        self.send_due(now, tally);
    }

    /// When `tick` has something to do without a packet.
    pub(super) fn next_deadline(&self) -> Mono {
        self.timeline.next_deadline().map_or(self.next_send, |deadline| deadline.min(self.next_send))
    }

    pub(super) fn play(&mut self, now: Mono, token: PromptId, prompt: Prompt) {
        if self.prompts.is_empty() {
            // The keep-alive's pace is not the prompt's: it begins now.
            self.next_send = self.next_send.min(now);
        }
        self.prompts.push_back(Playing { token, prompt, played_samples: 0 });
    }

    pub(super) fn stop_prompts(&mut self) {
        self.prompts.clear();
    }

    /// Captures from here on: what is in the socket already came before.
    pub(super) fn start_capture(
        &mut self,
        now: Mono,
        capture: CaptureId,
        spec: &CutterSpec,
        tally: &mut Tally,
    ) {
        let at = self.timeline.position(now);
        let behind_ms = self.timeline.lead_samples(now) / 8;
        let wall = self.clock.wall_now().plus_ms(behind_ms);
        self.captures.open(capture, spec, TAPS, Anchor { at, wall });
        self.report_captures(tally);
    }

    /// A command to a capture of this leg. One that names a capture that is over changes nothing.
    pub(super) fn capture(&mut self, command: CaptureCommand, tally: &mut Tally) {
        command.apply(&mut self.captures);
        self.report_captures(tally);
    }

    /// The call is over: what was captured is completed. Captures that have no upload yet are given back, and wait for it.
    pub(super) fn close(mut self, now: Mono, tally: &mut Tally) -> Option<Captures> {
        self.timeline.finish(now);
        self.forward(tally);
        tally.lost_packets += self.timeline.stats().lost_packets;
        self.captures.close_all();
        self.report_captures(tally);
        self.captures.awaits_upload().then_some(self.captures)
    }

    fn report_captures(&mut self, tally: &mut Tally) {
        tally.displaced_captures += self.captures.take_displaced();
        while let Some((capture, stats)) = self.captures.poll_finished() {
            tally.captured_samples += stats.cutter.ledger.samples();
            tell(&mut self.events, MediaEvent::CaptureFinished(capture, Box::new(stats)), tally);
        }
    }

    fn forward(&mut self, tally: &mut Tally) {
        let Self { timeline, captures, events, .. } = self;
        while let Some(output) = timeline.poll() {
            match output {
                TimelineOutput::Audio(audio) => {
                    let payload = Payload::Pcm(audio.samples);
                    captures.frame(&Frame { tap: TAPS.received, at: audio.at, payload });
                }
                TimelineOutput::Silence { at, samples, cause } => {
                    if captures.is_cutting() {
                        tally.silence_samples += u64::from(samples);
                    }
                    let payload = Payload::Silence { samples, cause };
                    captures.frame(&Frame { tap: TAPS.received, at, payload });
                }
                TimelineOutput::Digit { digit, .. } => tell(events, MediaEvent::Digit(digit), tally),
            }
        }
        self.report_captures(tally);
    }

    fn send_due(&mut self, now: Mono, tally: &mut Tally) {
        for _ in 0..CATCH_UP_FRAMES {
            if now < self.next_send {
                return;
            }
            self.send_frame(tally);
        }
        // Far behind: take the pace up again from now.
        self.next_send = self.next_send.max(now);
    }

    fn send_frame(&mut self, tally: &mut Tally) {
        let due = self.next_send;
        let silent = samples_between(self.sender_clock, due);
        if silent > 0 {
            self.sender.skip(u32::try_from(silent).unwrap_or(u32::MAX));
        }
        self.sender_clock = due + FRAME;
        self.frame.clear();
        let Some(playing) = self.prompts.front_mut() else {
            self.frame.resize(FRAME_SAMPLES, self.law.silence());
            self.send(tally);
            self.next_send = due + KEEPALIVE;
            return;
        };
        let rest = playing.prompt.get(playing.played_samples..).unwrap_or_default();
        let samples = rest.get(..FRAME_SAMPLES).unwrap_or(rest);
        self.law.encode_into(samples, &mut self.frame);
        self.frame.resize(FRAME_SAMPLES, self.law.silence());
        playing.played_samples += FRAME_SAMPLES;
        let heard_at = self.timeline.end();
        if let Some(tap) = TAPS.sent {
            self.captures.frame(&Frame { tap, at: heard_at, payload: Payload::Pcm(samples) });
        }
        let finished = (playing.played_samples >= playing.prompt.len()).then_some(playing.token);
        self.send(tally);
        self.next_send = due + FRAME;
        if let Some(token) = finished {
            self.prompts.pop_front();
            tell(&mut self.events, MediaEvent::PromptFinished(token), tally);
        }
    }

    fn send(&mut self, tally: &mut Tally) {
        self.sender.audio_packet(&self.frame, &mut self.datagram);
        if !self.sends {
            return;
        }
        match self.socket.send_to(&self.datagram, self.latch.remote()) {
            Ok(_) => tally.sent_packets += 1,
            // A full socket buffer or a closed port: a phone plays the next one.
            Err(_) => tally.unsent_packets += 1,
        }
    }
}

/// The law to send with. Nothing but G.711 is offered or accepted by this media thread.
fn law(agreed: &StreamAgreement) -> Law {
    agreed.codec.kind.law().unwrap_or(Law::Mu)
}

/// Tells the call, which may be gone already. A call that does not take its events is cut off: this thread waits for none.
fn tell(events: &mut Option<mpsc::Sender<MediaEvent>>, event: MediaEvent, tally: &mut Tally) {
    let sent = events.as_ref().map(|events| events.try_send(event));
    if let Some(Err(TrySendError::Full(_))) = sent {
        tally.cut_off_legs += 1;
        *events = None;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use tympan_telephony::sdp::{LocalMedia, Session};

    /// A leg of a call whose caller offered PCMU.
    pub(in super::super) fn spec() -> LegSpec {
        let offer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                     m=audio 40000 RTP/AVP 0\r\n";
        let mut session = Session::new(LocalMedia::new(([127, 0, 0, 1], 4_000).into(), 1));
        session.receive_offer(offer).unwrap();
        LegSpec {
            agreed: session.audio().unwrap().clone(),
            signalling: None,
            silence_grace: Duration::from_millis(500),
            clock: crate::clock::ServiceClock::default().for_call(),
            random: [7; 16],
        }
    }

    #[test]
    fn a_call_that_takes_no_events_is_cut_off_and_loses_none_of_those_before() {
        let (events, mut receiver) = mpsc::channel(3);
        let (mut events, mut tally) = (Some(events), Tally::default());
        for token in 0..10 {
            tell(&mut events, MediaEvent::PromptFinished(PromptId::new(token)), &mut tally);
        }
        assert_eq!(tally.cut_off_legs, 1);
        let heard: Vec<_> = std::iter::from_fn(|| receiver.blocking_recv()).collect();
        assert_eq!(heard.len(), 3);
    }
}
