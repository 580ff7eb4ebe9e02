//! A leg of the node: its media session, and the captures that listen to it.

use super::{Node, Site, Task};
use crate::whole::watch::prompts;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tympan_capture::{Anchor, CaptureTaps, Captures, CutterSpec};
use tympan_contact::{CaptureEvent, Input};
use tympan_media::{Input as MediaInput, Output, Port, Session, SessionSpec, SilenceSending};
use tympan_telephony::audio::g711::Law;
use tympan_telephony::rtp::latch::Trust;
use tympan_telephony::sdp::session::Agreement;
use tympan_telephony::words::{MediaCommand, MediaEvent, Payload, Track};
use tympan_types::{CaptureId, ContactId, LegId, Mono, TapId, WallTime};

/// A leg.
pub(crate) struct Leg {
    pub(crate) contact: ContactId,
    pub(crate) port: u16,
    source: IpAddr,
    pub(super) is_answered: bool,
    /// The node has called it.
    pub(super) is_dialled: bool,
    /// It hears others.
    is_bridged: bool,
    /// The SIP side has not said its last.
    pub(super) has_signalling: bool,
    /// Media flows; else prompts only take their time.
    has_sound: bool,
    session: Option<Session>,
    pub(super) captures: Captures,
    /// Captures that were asked for: what they need once their tap is open.
    asked: BTreeMap<CaptureId, (CutterSpec, CaptureTaps)>,
    wake: Option<Mono>,
}

/// How far a timeline may fall behind before silence is written.
const SILENCE_GRACE: Duration = Duration::from_millis(200);

impl Leg {
    pub(super) fn new(contact: ContactId, port: u16, source: IpAddr, has_sound: bool) -> Self {
        Self {
            has_sound,
            contact,
            port,
            source,
            is_answered: false,
            is_dialled: false,
            is_bridged: false,
            has_signalling: true,
            session: None,
            captures: Captures::default(),
            asked: BTreeMap::new(),
            wake: None,
        }
    }
}

impl Leg {
    /// One that is to be rung: its SIP side begins with that.
    pub(super) fn dialled(contact: ContactId, port: u16, source: IpAddr, has_sound: bool) -> Self {
        Self { is_dialled: true, has_signalling: false, ..Self::new(contact, port, source, has_sound) }
    }
}

/// The tap of what the customer says; the one of what the customer hears follows it.
fn taps(capture: CaptureId) -> (TapId, TapId) {
    let number = 2 * capture.number();
    (TapId::new(number), TapId::new(number + 1))
}

fn capture_of(tap: TapId) -> CaptureId {
    CaptureId::new(tap.number() / 2)
}

impl Node {
    /// A datagram for an RTP port.
    pub(crate) fn rtp_datagram(&mut self, site: &mut Site, port: u16, from: SocketAddr, bytes: &Bytes) {
        let Some(leg) = self.ports.get(&port).copied() else { return };
        let arrived = site.core.now();
        self.media(
            site,
            leg,
            MediaInput::Datagram { stream: 0, port: Port::Rtp, from, bytes, truncated: false, arrived },
        );
        self.plan(site);
    }

    pub(super) fn open_media(&mut self, site: &mut Site, id: LegId, agreement: Box<Agreement>) {
        let now = site.core.now();
        let random = site.core.random.key();
        let wall = self.wall(site);
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.has_sound) else { return };
        let spec = SessionSpec {
            leg: id,
            signalling: Some(leg.source),
            trust: Trust::KnownHosts,
            media_timeout: self.media_timeout,
            silence: SilenceSending::Off,
            silence_grace: SILENCE_GRACE,
            ptime_ms: None,
            wall,
            random,
        };
        leg.session = Some(Session::new(now, spec));
        self.media(site, id, MediaInput::Command(MediaCommand::Negotiate(agreement)));
    }

    pub(super) fn close_media(&mut self, site: &mut Site, id: LegId) {
        self.media(site, id, MediaInput::Ended);
        self.bridges.leave(id);
        site.watches.prompts.ends(id);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.session = None;
        leg.captures.close_all();
        self.ports.remove(&leg.port);
        self.capture_stats(site, id);
    }

    pub(super) fn media_command(&mut self, site: &mut Site, id: LegId, command: MediaCommand) {
        match &command {
            MediaCommand::Play { prompt, sound } => {
                site.watches.prompts.plays(id, *prompt);
                site.core.tally.prompts += 1;
                if let Some(leg) = self.legs.get(&id).filter(|leg| !leg.has_sound) {
                    let ms = u64::try_from(sound.duration_ms()).unwrap_or_default();
                    let task = Task::PromptEnds { contact: leg.contact, leg: id, prompt: *prompt };
                    site.later(self.epoch, ms, task);
                }
            }
            MediaCommand::Stop { prompt } => site.watches.prompts.stops(id, *prompt),
            MediaCommand::Join { bridge } => {
                let joined = self.bridges.join(*bridge, id);
                site.core.check("a bridge has room", &id, joined.map_err(|full| full.to_string()));
                if let Some(leg) = self.legs.get_mut(&id) {
                    leg.is_bridged = true;
                }
            }
            MediaCommand::Leave => {
                self.bridges.leave(id);
                if let Some(leg) = self.legs.get_mut(&id) {
                    leg.is_bridged = false;
                }
            }
            _ => {}
        }
        self.media(site, id, MediaInput::Command(command));
    }

    pub(super) fn media_due(&mut self, site: &mut Site, id: LegId) {
        let now = site.core.now();
        if self.legs.get_mut(&id).is_some_and(|leg| leg.wake.take_if(|wake| *wake <= now).is_some()) {
            self.media(site, id, MediaInput::TimePassed);
        }
    }

    /// Captures from the sample that is due now.
    pub(super) fn open_taps(&mut self, site: &mut Site, id: LegId, capture: CaptureId, spec: CutterSpec) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let (received, sent) = taps(capture);
        let wants_sent = spec.tracks.to_customer;
        let both = CaptureTaps { received, sent: wants_sent.then_some(sent) };
        leg.asked.insert(capture, (spec, both));
        self.media(
            site,
            id,
            MediaInput::Command(MediaCommand::OpenTap { tap: received, track: Track::Received }),
        );
        if wants_sent {
            self.media(
                site,
                id,
                MediaInput::Command(MediaCommand::OpenTap { tap: sent, track: Track::Sent }),
            );
        }
    }

    /// Captures no more from the sample that is due now on.
    pub(super) fn close_taps(&mut self, site: &mut Site, id: LegId, capture: CaptureId) {
        let (received, sent) = taps(capture);
        // What is heard is written in step with what is said: its last frames come first.
        self.media(site, id, MediaInput::Command(MediaCommand::CloseTap { tap: sent }));
        self.media(site, id, MediaInput::Command(MediaCommand::CloseTap { tap: received }));
    }

    /// Gives the leg's media an input, and does all that comes of it.
    fn media(&mut self, site: &mut Site, id: LegId, input: MediaInput<'_>) {
        let now = site.core.now();
        let wall = self.wall(site);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Leg { session, captures, asked, port, wake, contact, is_bridged, .. } = leg;
        let Some(session) = session else { return };
        session.handle(now, input);
        let local = SocketAddr::new(self.address.ip(), *port);
        let contact = *contact;
        let (mut events, mut has_ended, mut said) = (Vec::new(), false, Vec::new());
        // What others say is no prompt, whatever its codes are.
        let is_bridged = *is_bridged;
        while let Some(output) = session.poll() {
            match output {
                Output::Transmit { to, bytes, .. } => {
                    // What is neither is a report or a key.
                    let law = match bytes.get(1).map(|kind| kind & 0x7f) {
                        Some(0) => Some(Law::Mu),
                        Some(8) => Some(Law::A),
                        _ => None,
                    };
                    if let Some(law) = law.filter(|_| !is_bridged) {
                        let heard = site.watches.prompts.sent(id, law, bytes.get(12..).unwrap_or_default());
                        site.core.check(prompts::NAME, &contact, heard);
                    }
                    site.core.send(local, to, Bytes::copy_from_slice(bytes));
                }
                Output::Event(_, MediaEvent::TapOpened { tap, at, lead_samples }) => {
                    let capture = capture_of(tap);
                    site.core.event(&contact, "opens a tap", &format!("{tap} at {at:?}"));
                    if let Some((spec, taps)) = asked.get(&capture)
                        && taps.received == tap
                    {
                        let anchor = Anchor { at, wall: ahead(wall, lead_samples) };
                        captures.open(capture, spec, *taps, anchor);
                        if site.keeps {
                            site.watches.taps.opened(contact, capture, now);
                        }
                    }
                }
                Output::Event(_, MediaEvent::TapClosed { tap }) => {
                    let capture = capture_of(tap);
                    site.core.event(&contact, "closes a tap", &tap.to_string());
                    if taps(capture).0 == tap {
                        captures.close(capture);
                        has_ended = true;
                    }
                }
                Output::Event(_, event) => {
                    if let MediaEvent::Digit(key) = event {
                        captures.key(key);
                    }
                    events.push(event);
                }
                Output::Frame(frame) => captures.frame(&frame),
                Output::Bridged { bridge, payload } => {
                    let mut samples = Vec::new();
                    payload.expand_into(&mut samples);
                    said.push((bridge, samples));
                }
            }
        }
        session.take_remarks().for_each(|entry| captures.remark(entry.samples, entry.cause));
        let next = session.next_deadline().map(|next| next.max(now));
        if next != *wake {
            *wake = next;
            if let Some(next) = next {
                site.at(self.epoch, next, Task::Media { leg: id });
            }
        }
        if has_ended {
            self.capture_stats(site, id);
        }
        for (bridge, samples) in said {
            let others: Vec<LegId> = self.bridges.others(bridge, id).collect();
            for other in others {
                let payload = Payload::Pcm(&samples);
                self.media(site, other, MediaInput::Bridged { from: id, payload });
            }
        }
        for event in events {
            self.tell(site, contact, Input::Media { leg: id, event });
        }
    }

    /// What captures that have ended did.
    pub(super) fn capture_stats(&mut self, site: &mut Site, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let (contact, mut finished) = (leg.contact, Vec::new());
        finished.extend(std::iter::from_fn(|| leg.captures.poll_finished()));
        for (capture, stats) in finished {
            let ledger = stats.cutter.ledger.clone();
            site.core.event(&contact, "has captured", &format!("{capture}: {} samples", ledger.samples()));
            if site.keeps {
                site.watches.taps.ended(contact, capture, stats);
            }
            self.tell(site, contact, Input::Capture { capture, event: CaptureEvent::Finished { ledger } });
        }
    }

    /// Lets a leg go once neither side needs it.
    pub(super) fn forget_leg(&mut self, site: &mut Site, id: LegId) {
        let Some(leg) = self.legs.get(&id) else { return };
        if leg.has_signalling || self.contacts.contains_key(&leg.contact) {
            return;
        }
        if let Some(leg) = self.legs.remove(&id) {
            self.ports.remove(&leg.port);
        }
        site.watches.prompts.forget(id);
    }
}

fn ahead(wall: WallTime, samples: i64) -> WallTime {
    wall.plus_ms(samples / 8)
}
