//! A leg on its thread: its session, its sockets, and its captures.

use super::ports::RtpSocket;
use super::stats::Tally;
use crate::clock::CallClock;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tympan_capture::{Anchor, CaptureStats, CaptureTaps, Captures, CutterSpec, Upload};
use tympan_media::{Input, Output, Port, Session, SessionSpec};
use tympan_telephony::words::{Frame, MediaCommand, MediaEvent, Payload, Track, Tracks};
use tympan_types::{BridgeId, CaptureId, LegId, Mono, TapId};

/// How a leg begins.
pub(crate) struct LegSpec {
    /// Its session.
    pub session: SessionSpec,
    /// The call's clock, to which the captured timeline is anchored.
    pub clock: CallClock,
}

/// What a leg has to tell its call.
#[derive(Debug)]
pub(crate) enum MediaNotice {
    /// Something happened on a leg.
    Event(LegId, MediaEvent),
    /// A capture has ended, and will write no more.
    CaptureFinished {
        /// The leg that was captured.
        leg: LegId,
        /// The capture.
        capture: CaptureId,
        /// What it did.
        stats: Box<CaptureStats>,
    },
}

/// What a call tells one of its captures.
pub(super) enum CaptureCommand {
    Open { capture: CaptureId, spec: Box<CutterSpec> },
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
    /// The thread's count of looks when one of the sockets was ready last.
    pub(super) ready_at_look: u64,
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
            ready_at_look: 0,
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
        let Self { id, rtp, rtcp, session, captures, opening, clock, notices, ready_at_look: _ } = self;
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
    /// Does it for captures whose leg is over: nothing is captured any more.
    pub(super) fn apply(self, captures: &mut Captures) {
        match self {
            Self::Open { .. } => {}
            Self::Attach { capture, upload } => captures.attach(capture, upload),
            Self::Only { capture, tracks } => captures.only(capture, tracks),
            Self::Close { capture } => captures.close(capture),
            Self::Abandon { capture } => captures.abandon(capture),
        }
    }
}

fn report(
    leg: LegId,
    captures: &mut Captures,
    notices: &mut Option<mpsc::Sender<MediaNotice>>,
    tally: &mut Tally,
) {
    tally.displaced_captures += captures.take_displaced();
    while let Some((capture, stats)) = captures.poll_finished() {
        tally.captured_samples += stats.cutter.ledger.samples();
        tell(notices, MediaNotice::CaptureFinished { leg, capture, stats: Box::new(stats) }, tally);
    }
}

/// The taps of captures are named by their capture, apart from the taps that a call opens.
const OF_CAPTURE: u64 = 1 << 63;

fn tap_of(capture: CaptureId, track: Track) -> TapId {
    TapId::new(OF_CAPTURE | capture.number() << 1 | u64::from(track == Track::Sent))
}

fn taps_of(capture: CaptureId, spec: &CutterSpec) -> CaptureTaps {
    CaptureTaps {
        received: tap_of(capture, Track::Received),
        sent: spec.tracks.to_customer.then(|| tap_of(capture, Track::Sent)),
    }
}

fn capture_of(tap: TapId) -> Option<CaptureId> {
    let number = tap.number();
    (number & OF_CAPTURE != 0).then(|| CaptureId::new((number & !OF_CAPTURE) >> 1))
}

fn is_received(tap: TapId) -> bool {
    tap.number() & (OF_CAPTURE | 1) == OF_CAPTURE
}

/// Tells the call, which may be gone already. A call that does not take its notices is cut off: this thread waits for none.
fn tell(notices: &mut Option<mpsc::Sender<MediaNotice>>, notice: MediaNotice, tally: &mut Tally) {
    let sent = notices.as_ref().map(|notices| notices.try_send(notice));
    if let Some(Err(TrySendError::Full(_))) = sent {
        tally.cut_off_legs += 1;
        *notices = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_types::PromptId;

    #[test]
    fn a_call_that_takes_no_notices_is_cut_off_and_loses_none_of_those_before() {
        let (notices, mut receiver) = mpsc::channel(3);
        let (mut notices, mut tally) = (Some(notices), Tally::default());
        for prompt in 0..10 {
            let event = MediaEvent::PromptFinished(PromptId::new(prompt));
            tell(&mut notices, MediaNotice::Event(LegId::new(1), event), &mut tally);
        }
        assert_eq!(tally.cut_off_legs, 1);
        let heard: Vec<_> = std::iter::from_fn(|| receiver.blocking_recv()).collect();
        assert_eq!(heard.len(), 3);
    }

    #[test]
    fn the_taps_of_a_capture_lead_back_to_it_and_are_none_of_the_calls_own() {
        for number in [1, 2, 1_000_000] {
            let capture = CaptureId::new(number);
            let (received, sent) = (tap_of(capture, Track::Received), tap_of(capture, Track::Sent));
            assert_eq!((capture_of(received), capture_of(sent)), (Some(capture), Some(capture)));
            assert_eq!((is_received(received), is_received(sent)), (true, false));
            assert_eq!((capture_of(TapId::new(number)), is_received(TapId::new(number))), (None, false));
        }
    }
}
