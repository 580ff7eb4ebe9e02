//! What must hold of a session whatever comes, shared by the fuzz target and the corpus test.

use std::collections::BTreeMap;
use std::time::Duration;
use tympan_media::{Input, Output, PROMPTS_MAX, Port, Session, SessionSpec, SilenceSending, TAPS_MAX};
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::rtp::latch::Trust;
use tympan_telephony::rtp::ledger::Cause;
use tympan_telephony::rtp::payload::{PayloadKind, PayloadMap};
use tympan_telephony::rtp::timeline::Timeline;
use tympan_telephony::sdp::{Agreement, Codec, Direction, StreamAgreement};
use tympan_telephony::words::{Frame, MediaCommand, MediaEvent, Payload, Sound, Track};
use tympan_telephony::{SampleOffset, samples_between};
use tympan_types::{BridgeId, LegId, ListenId, Mono, PromptId, TapId, WallTime};

const BEGAN: Mono = Mono::from_millis(1_000);
/// Sources of datagrams: the described host, another port of it, and a stranger.
const SOURCES: [&str; 3] = ["192.0.2.1:4000", "192.0.2.1:4002", "203.0.113.9:4000"];

/// Plays a script to a session.
///
/// Shape: records of one byte that says what happens, one byte of argument, and for a datagram as many more bytes as the argument says.
/// The last record may be cut off.
pub(crate) fn check(script: &[u8]) {
    let [flags, script @ ..] = script else { return };
    let (mut played, mut script) = (Played::new(*flags), script);
    while let [kind, argument, rest @ ..] = script {
        let datagram = if kind % 16 < 4 { rest.len().min(usize::from(*argument)) } else { 0 };
        let (bytes, rest) = rest.split_at(datagram);
        script = rest;
        played.step(*kind, *argument, bytes);
    }
    played.end();
}

struct Played {
    session: Session,
    now: Mono,
    negotiated: bool,
    taps: BTreeMap<TapId, Tap>,
    /// Prompts that were played and have neither ended nor been stopped.
    prompts: Vec<PromptId>,
    prompts_given: u64,
    taps_given: u64,
    timed_out: u64,
    /// The listening that has heard no utterance yet.
    listens: Option<ListenId>,
    heard: u64,
}

#[derive(Default)]
struct Tap {
    next: Option<SampleOffset>,
    is_sent: bool,
    closed: bool,
}

impl Played {
    fn new(flags: u8) -> Self {
        let spec = SessionSpec {
            leg: LegId::new(1),
            signalling: None,
            trust: match flags & 3 {
                0 | 1 => Trust::KnownHosts,
                2 => Trust::SignallingHost,
                _ => Trust::FirstComer { within_ms: 5_000 },
            },
            media_timeout: (flags & 4 != 0).then_some(Duration::from_secs(30)),
            silence: match flags >> 3 & 3 {
                0 => SilenceSending::Off,
                1 => SilenceSending::Silence,
                _ => SilenceSending::ComfortNoise,
            },
            silence_grace: Duration::from_millis(500),
            ptime_ms: (flags & 32 != 0).then_some(u32::from(flags)),
            wall: WallTime::from_unix_ms(1_700_000_000_000),
            random: [flags; 32],
        };
        Self {
            session: Session::new(BEGAN, spec),
            now: BEGAN,
            negotiated: false,
            taps: BTreeMap::new(),
            prompts: Vec::new(),
            prompts_given: 0,
            taps_given: 0,
            timed_out: 0,
            listens: None,
            heard: 0,
        }
    }

    fn step(&mut self, kind: u8, argument: u8, bytes: &[u8]) {
        let id = u64::from(argument);
        match kind % 16 {
            0..=3 => {
                let from = SOURCES[usize::from(kind >> 4) % 3].parse().expect("an address");
                let port = if kind % 16 == 3 { Port::Rtcp } else { Port::Rtp };
                let truncated = kind % 16 == 2;
                let stream = usize::from(kind >> 6) % 3;
                self.heard += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                let arrived = self.now;
                self.input(Input::Datagram { stream, port, from, bytes, truncated, arrived });
            }
            4 => self.pass(id),
            5 => self.pass(20 * id),
            6 => {
                self.negotiated = true;
                self.command(MediaCommand::Negotiate(Box::new(agreement(kind, argument))));
            }
            7 => {
                let prompt = PromptId::new(self.prompts_given);
                self.prompts_given += 1;
                self.prompts.push(prompt);
                self.command(MediaCommand::Play { prompt, sound: Sound::silence(u32::from(argument) * 4) });
            }
            8 => {
                let prompt = PromptId::new(id);
                self.prompts.retain(|playing| *playing != prompt);
                self.command(MediaCommand::Stop { prompt });
            }
            9 | 10 => {
                let tap = TapId::new(self.taps_given);
                self.taps_given += 1;
                let track = if kind % 16 == 9 { Track::Received } else { Track::Sent };
                let before = self.open_taps();
                self.taps.insert(tap, Tap { is_sent: track == Track::Sent, ..Tap::default() });
                self.command(MediaCommand::OpenTap { tap, track });
                let is_open = self.taps.get(&tap).is_some_and(|tap| tap.next.is_some());
                assert_eq!(is_open, before < TAPS_MAX && self.negotiated, "a tap has room or is refused");
            }
            11 => self.command(MediaCommand::CloseTap { tap: TapId::new(id) }),
            12 => self.command(MediaCommand::Join { bridge: BridgeId::new(id) }),
            13 if id % 2 == 0 => self.command(MediaCommand::Monitor { bridge: BridgeId::new(id) }),
            13 => self.command(MediaCommand::Leave),
            14 => {
                let samples = u32::from(argument) << (kind >> 4);
                let pcm = [0x1234; 255];
                let payload = if kind & 16 == 0 {
                    Payload::Silence { samples, cause: Cause::Lost }
                } else {
                    Payload::Pcm(&pcm[..usize::from(argument)])
                };
                self.input(Input::Bridged { from: LegId::new(id % 12), payload });
            }
            _ if argument & 1 == 0 => {
                self.listens = Some(ListenId::new(id));
                let (pause_ms, longest_ms) = (u32::from(argument) << 4, u32::from(kind) << 6);
                self.command(MediaCommand::Listen { listen: ListenId::new(id), pause_ms, longest_ms });
            }
            _ => {
                self.listens = self.listens.filter(|listens| *listens != ListenId::new(id));
                self.command(MediaCommand::StopListening { listen: ListenId::new(id) });
            }
        }
    }

    /// Time passes as a media thread lets it: in ticks, or at once after a stall.
    fn pass(&mut self, ms: u64) {
        let end = self.now.plus_ms(i64::try_from(ms).unwrap_or(0));
        while let Some(deadline) = self.session.next_deadline()
            && deadline <= end
        {
            let is_late = deadline <= self.now;
            self.now = self.now.max(deadline);
            self.input(Input::TimePassed);
            assert!(
                !is_late || self.session.next_deadline() != Some(deadline),
                "a deadline that never passes"
            );
        }
        self.now = end;
    }

    fn command(&mut self, command: MediaCommand) {
        self.input(Input::Command(command));
    }

    fn open_taps(&self) -> usize {
        self.taps.values().filter(|tap| tap.next.is_some() && !tap.closed).count()
    }

    fn input(&mut self, input: Input<'_>) {
        self.session.handle(self.now, input);
        let mut outputs = 0;
        while let Some(output) = self.session.poll() {
            outputs += 1;
            match output {
                Output::Transmit { to, bytes, .. } => {
                    assert!(to.port() != 0 && !to.ip().is_unspecified(), "sent to nowhere");
                    assert!((12..=12 + 480).contains(&bytes.len()) || bytes[1] >= 192, "no frame of ours");
                }
                Output::Frame(frame) => take(&mut self.taps, &frame),
                Output::Bridged { payload, .. } => assert!(payload.samples() > 0),
                Output::Event(leg, event) => {
                    assert_eq!(leg, LegId::new(1));
                    match event {
                        MediaEvent::TapOpened { tap, at, .. } => {
                            self.taps.get_mut(&tap).expect("a tap of ours").next = Some(at);
                        }
                        MediaEvent::TapClosed { tap } => {
                            let tap = self.taps.get_mut(&tap).expect("a tap of ours");
                            assert!(!std::mem::replace(&mut tap.closed, true), "closed twice");
                        }
                        MediaEvent::PromptFinished(prompt) => {
                            assert!(
                                self.prompts.contains(&prompt),
                                "a prompt ends once, and not after it was stopped"
                            );
                            self.prompts.retain(|playing| *playing != prompt);
                        }
                        MediaEvent::MediaTimedOut => self.timed_out += 1,
                        MediaEvent::Digit(_) => {}
                        MediaEvent::SpeechBegan { listen } => assert_eq!(self.listens, Some(listen)),
                        MediaEvent::Heard { listen, utterance, .. } => {
                            assert_eq!(self.listens.take(), Some(listen));
                            assert!(utterance.duration_ms() <= 15_300, "{utterance:?}");
                        }
                    }
                }
            }
        }
        // A datagram releases what was held, and what it releases goes to each tap; speech flips once in 20 ms of a silence.
        assert!(outputs <= 3_000, "{outputs} outputs of one input");
        assert!(self.open_taps() <= TAPS_MAX && self.prompts.len() <= PROMPTS_MAX);
        let bound =
            samples_between(BEGAN, self.now) + u64::try_from(Timeline::LEAD_MAX.as_millis()).unwrap_or(0) * 8;
        for stream in 0..Session::STREAMS_MAX {
            let end = self.session.timeline_end(stream).map_or(0, SampleOffset::as_samples);
            assert!(end <= bound, "no position lies further in the future than the bound");
        }
    }

    fn end(&mut self) {
        self.input(Input::Ended);
        assert_eq!(self.open_taps(), 0, "the end closes every tap");
        assert_eq!(self.session.next_deadline(), None);
        let received: u64 = self.timed_out;
        assert!(received <= self.heard + samples_between(BEGAN, self.now), "time-outs have their time");
        self.input(Input::TimePassed);
    }
}

fn take(taps: &mut BTreeMap<TapId, Tap>, frame: &Frame<'_>) {
    let tap = taps.get_mut(&frame.tap).expect("a tap of ours");
    assert!(!tap.closed, "nothing follows the end");
    let next = tap.next.expect("opened before its first frame");
    assert_eq!(frame.at, next, "frames of a tap follow each other");
    assert!(frame.payload.samples() > 0);
    assert!(tap.is_sent || !matches!(frame.payload, Payload::Silence { cause: Cause::Late, .. }));
    tap.next = Some(next + frame.payload.samples());
}

/// Any of many agreements.
fn agreement(kind: u8, argument: u8) -> Agreement {
    let codec = AudioCodec::ALL[usize::from(argument) % 3];
    let stream = |local: usize| StreamAgreement {
        local,
        remote: ["192.0.2.1:4000", "192.0.2.7:6000", "0.0.0.0:4000", "192.0.2.1:0"]
            [usize::from(argument >> 2) % 4]
            .parse()
            .expect("an address"),
        remote_rtcp: (argument & 16 != 0).then(|| "192.0.2.1:4001".parse().expect("an address")),
        rtcp_mux: argument & 32 != 0,
        codec: Codec { kind: codec, payload_type: codec.static_payload_type() },
        dtmf: Some(101),
        direction: [Direction::SendRecv, Direction::RecvOnly, Direction::SendOnly, Direction::Inactive]
            [usize::from(argument >> 6)],
        ptime_ms: u32::from(argument),
        payloads: PayloadMap::g711()
            .with_audio(9, AudioCodec::G722)
            .with_telephone_event(101)
            .with(13, PayloadKind::ComfortNoise),
        label: None,
    };
    // At least one is agreed, and some are refused or beyond the limit.
    let streams = match kind >> 4 & 3 {
        0 => vec![Some(stream(0))],
        1 => vec![None, Some(stream(1))],
        2 => vec![Some(stream(0)), Some(stream(1)), None],
        _ => (0..12).map(|local| Some(stream(local))).collect(),
    };
    Agreement { streams }
}
