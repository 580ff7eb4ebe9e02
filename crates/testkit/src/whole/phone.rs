//! A caller's telephone: one dialog and one stream of sound.

use super::centre::Answer;
use super::core::{Action, Core};
use super::plan::{Act, End, Plan};
use super::voice::Voice;
use super::watch::keys::By;
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use tympan_sip::agent::{Body, Command, Event, OfferBy, Refusal};
use tympan_sip::wire::{Part, Status};
use tympan_telephony::Digit;
use tympan_telephony::rtp::dtmf::EventSender;
use tympan_types::{LegId, Mono};

/// What a caller does at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The next packet of sound is due.
    Frame,
    /// As its plan says.
    Act(Act),
    /// An agent's telephone is taken up.
    Answer,
    /// It is refused.
    Refuse(u16),
    /// BYE or CANCEL.
    HangUp,
    /// The host is never heard of again.
    Vanish,
}

/// A caller's telephone.
#[derive(Debug)]
pub(crate) struct Phone {
    pub(crate) call: usize,
    pub(crate) peer: usize,
    pub(crate) leg: Option<LegId>,
    pub(crate) plan: Plan,
    pub(crate) voice: Voice,
    pub(crate) confirmed: Option<Mono>,
    pub(crate) ended: Option<Mono>,
    /// When the caller hung up, gave up or vanished.
    pub(crate) left: Option<Mono>,
    has_vanished: bool,
    /// Where its sound comes from and is sent to.
    pub(crate) media: SocketAddr,
    remote: Option<SocketAddr>,
    is_held: bool,
    /// What an offer of ours changes once it is answered.
    offered: Option<Act>,
    version: u64,
    /// Keys to press, the first of them perhaps in mid-press.
    keys: VecDeque<char>,
    pressing: Option<EventSender>,
    /// How much of the key is over.
    key_samples: u32,
    /// Keys that were begun, and when.
    pub(crate) pressed: Vec<(Mono, By, char)>,
    spoken_ms: u64,
    frame: Vec<u8>,
    packet: Vec<u8>,
}

/// How long a key is held.
const KEY: Duration = Duration::from_millis(100);
const KEY_SAMPLES: u32 = 800;
const EVENT_PAYLOAD_TYPE: u8 = 101;
const SDP: &str = "application/sdp";

impl Phone {
    pub(crate) fn new(call: usize, peer: usize, media: SocketAddr, plan: Plan, key: u64) -> Self {
        Self {
            call,
            peer,
            leg: None,
            voice: Voice::new(plan.law, key),
            plan,
            confirmed: None,
            ended: None,
            left: None,
            has_vanished: false,
            media,
            remote: None,
            is_held: false,
            offered: None,
            version: 1,
            keys: VecDeque::new(),
            pressing: None,
            key_samples: 0,
            pressed: Vec::new(),
            spoken_ms: 0,
            frame: Vec::new(),
            packet: Vec::new(),
        }
    }

    /// An agent's telephone that rings.
    pub(crate) fn invited(
        core: &mut Core,
        (call, peer, leg): (usize, usize, LegId),
        media: SocketAddr,
        plan: Plan,
        answer: Answer,
        parts: &[Part],
    ) -> Self {
        let key = core.random.bits();
        let mut phone = Self::new(call, peer, media, plan, key);
        phone.leg = Some(leg);
        phone.agreed(parts);
        core.event(&phone.name(), "rings", &format!("{answer:?}"));
        match answer {
            Answer::Takes { after_ms } => phone.later(core, after_ms, Step::Answer),
            Answer::Refuses { after_ms, status } => phone.later(core, after_ms, Step::Refuse(status)),
            Answer::Rings | Answer::Dead => {}
        }
        phone
    }

    pub(crate) fn name(&self) -> String {
        format!("call-{}", self.call)
    }

    /// The INVITE, and what follows by itself.
    pub(crate) fn dial(&mut self, core: &mut Core, from: SocketAddr, to: SocketAddr) -> Command {
        core.tally.calls += 1;
        core.event(&self.name(), "dials", "");
        if let End::Cancels { after_ms } = self.plan.end {
            self.later(core, after_ms, Step::HangUp);
        }
        let number = 100 + self.plan.flow;
        Command::Dial {
            to: format!("sip:+18005550{number}@{to}"),
            from: format!("sip:+1555{:07}@{from}", self.call),
            display_name: None,
            route: Vec::new(),
            transport: None,
            credentials: None,
            offer: (!self.plan.is_late_offer).then(|| self.description()),
            headers: vec![(tympan_sip::wire::Name::UserToUser, self.call.to_string())],
            binding: None,
            replaces: None,
        }
    }

    /// Takes an event of the leg; what is to be commanded at once.
    pub(crate) fn event(&mut self, core: &mut Core, event: &Event) -> Option<Command> {
        let now = core.now();
        core.event(&self.name(), "hears", word(event));
        if self.ended.is_some() {
            core.broken("a leg ends once", &self.name(), &format!("{event:?} after its end"));
        }
        match event {
            Event::Answered { parts, .. } => {
                self.agreed(parts);
                None
            }
            Event::Offered { exchange, parts } => {
                self.agreed(parts);
                Some(Command::ReplyOffer { exchange: *exchange, body: self.description() })
            }
            Event::OfferWanted { exchange } => {
                Some(Command::ReplyOffer { exchange: *exchange, body: self.description() })
            }
            Event::Confirmed => {
                self.confirmed = Some(now);
                core.tally.answered += 1;
                self.begin(core);
                None
            }
            Event::OfferFailed { .. } => {
                self.offered = None;
                None
            }
            Event::Ended(_) => {
                self.ended = Some(now);
                None
            }
            Event::Invited { .. }
            | Event::Ringing { .. }
            | Event::Info { .. }
            | Event::Refreshed
            | Event::TargetRefreshed { .. }
            | Event::Referred { .. }
            | Event::ReferProgress { .. }
            | Event::ReferDone { .. }
            | Event::ReferFailed { .. } => None,
        }
    }

    /// The call is up.
    fn begin(&mut self, core: &mut Core) {
        if self.plan.has_media {
            self.later(core, 0, Step::Frame);
        }
        for (after_ms, act) in self.plan.acts.clone() {
            self.later(core, after_ms, Step::Act(act));
        }
        match self.plan.end {
            End::HangsUp { after_ms } => self.later(core, after_ms, Step::HangUp),
            End::Vanishes { after_ms } => self.later(core, after_ms, Step::Vanish),
            End::Waits | End::Cancels { .. } => {}
        }
    }

    fn later(&self, core: &mut Core, ms: u64, step: Step) {
        core.schedule.after_ms(ms, Action::Phone { call: self.call, step });
    }

    /// Does a step: the command for the agent, where there is one.
    pub(crate) fn step(&mut self, core: &mut Core, step: Step) -> Option<Command> {
        if self.ended.is_some() || self.has_vanished {
            return None;
        }
        if step != Step::Frame {
            core.event(&self.name(), "does", &format!("{step:?}"));
        }
        match step {
            Step::Frame => {
                self.speak(core);
                None
            }
            Step::Answer => Some(Command::Answer { body: self.description() }),
            Step::Refuse(status) => {
                let status = Status::new(status)?;
                Some(Command::Refuse(Refusal { status, retry_after_s: None, headers: Vec::new() }))
            }
            Step::HangUp => {
                self.left = Some(core.now());
                Some(Command::HangUp { reason: None })
            }
            Step::Vanish => {
                self.left = Some(core.now());
                self.has_vanished = true;
                None
            }
            Step::Act(_) if self.left.is_some() => None,
            Step::Act(Act::Key(key)) => {
                self.keys.push_back(key);
                None
            }
            Step::Act(Act::InfoKey(key)) => {
                self.pressed.push((core.now(), By::Info, key));
                let text = format!("Signal={key}\r\nDuration=160\r\n");
                Some(Command::Info { body: body("application/dtmf-relay", text) })
            }
            Step::Act(act @ (Act::Hold | Act::Resume | Act::Move)) => {
                if self.offered.is_some() || (act == Act::Resume && !self.is_held) {
                    return None;
                }
                self.offered = Some(act);
                self.version += 1;
                Some(Command::Offer { body: self.description(), by: OfferBy::ReInvite })
            }
        }
    }

    /// Its host is gone.
    pub(crate) fn vanishes(&mut self) {
        if self.leg.is_some() && self.ended.is_none() {
            self.has_vanished = true;
        }
    }

    /// True while nothing leaves this telephone's host and nothing reaches it.
    pub(crate) fn has_vanished(&self) -> bool {
        self.has_vanished
    }

    /// One packet of sound, of a key, or none.
    fn speak(&mut self, core: &mut Core) {
        if self.left.is_some() {
            return;
        }
        let now = core.now();
        let mut frame_samples = self.plan.frame_samples;
        match (self.remote, self.is_held) {
            (Some(remote), false) if self.is_pressing(now) => {
                frame_samples = 160;
                self.key_samples += frame_samples;
                self.key_packets(core, remote);
            }
            (Some(remote), false) => {
                self.voice.speak(frame_samples, &mut self.frame, &mut self.packet);
                core.send(self.media, remote, Bytes::copy_from_slice(&self.packet));
            }
            _ => {
                // Nothing leaves a telephone on hold, a key in mid-press included.
                self.pressing = None;
                self.voice.pause(frame_samples + std::mem::take(&mut self.key_samples));
            }
        }
        let mut ms = u64::from(frame_samples / 8);
        self.spoken_ms += ms;
        if let Some((sound_ms, silent_ms)) = self.plan.dtx_ms
            && self.spoken_ms >= sound_ms
            && self.pressing.is_none()
        {
            self.spoken_ms = 0;
            self.voice.pause(u32::try_from(8 * silent_ms).unwrap_or(8_000));
            ms += silent_ms;
        }
        self.later(core, ms, Step::Frame);
    }

    fn is_pressing(&mut self, now: Mono) -> bool {
        if self.pressing.is_none()
            && let Some(key) = self.keys.pop_front()
            && let Some(digit) = Digit::from_char(key)
        {
            self.pressed.push((now, By::Rtp, key));
            self.pressing = Some(EventSender::new(digit, EVENT_PAYLOAD_TYPE, KEY));
        }
        self.pressing.is_some()
    }

    fn key_packets(&mut self, core: &mut Core, remote: SocketAddr) {
        let Some(key) = &mut self.pressing else { return };
        let mut is_over = false;
        loop {
            if !key.next_packet(self.voice.sender(), &mut self.packet) {
                is_over = true;
                break;
            }
            core.send(self.media, remote, Bytes::copy_from_slice(&self.packet));
            // The end goes out three times at once.
            if self.packet.get(13).is_none_or(|flags| flags & 0x80 == 0) {
                break;
            }
        }
        if is_over {
            self.pressing = None;
            self.key_samples = 0;
            self.voice.pressed(KEY_SAMPLES);
        }
    }

    /// The other side's description counts from now on, and so does our last offer.
    fn agreed(&mut self, parts: &[Part]) {
        let Some(text) = parts.iter().find_map(|part| std::str::from_utf8(&part.body).ok()) else { return };
        self.remote = address(text).or(self.remote);
        match self.offered.take() {
            Some(Act::Hold) => self.is_held = true,
            Some(Act::Resume) => self.is_held = false,
            Some(Act::Move) => self.media = self.moved(),
            Some(Act::Key(_) | Act::InfoKey(_)) | None => {}
        }
    }

    /// All addresses that it sends sound from.
    pub(crate) fn addresses(&self) -> [SocketAddr; 2] {
        [self.media, self.moved()]
    }

    fn moved(&self) -> SocketAddr {
        SocketAddr::new(self.media.ip(), self.media.port() ^ 0x4000)
    }

    /// Our session as it is, or as the offer wants it.
    fn description(&self) -> Body {
        let is_held = match self.offered {
            Some(Act::Hold) => true,
            Some(Act::Resume) => false,
            _ => self.is_held,
        };
        let media = if self.offered == Some(Act::Move) { self.moved() } else { self.media };
        let (ip, port, version) = (media.ip(), media.port(), self.version);
        let payload_type = self.plan.law.static_payload_type();
        let (name, ptime_ms) = (self.plan.law.name(), self.plan.frame_samples / 8);
        let direction = if is_held { "inactive" } else { "sendrecv" };
        let text = format!(
            "v=0\r\no=- {} {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {payload_type} \
             {EVENT_PAYLOAD_TYPE}\r\na=rtpmap:{payload_type} {name}/8000\r\na=rtpmap:{EVENT_PAYLOAD_TYPE} telephone-event/8000\r\n\
             a=fmtp:{EVENT_PAYLOAD_TYPE} 0-15\r\na=ptime:{ptime_ms}\r\na={direction}\r\n",
            1_000 + self.call
        );
        body(SDP, text)
    }
}

/// Where a description wants its sound; `None` where it wants none. Read without the product's parser.
fn address(text: &str) -> Option<SocketAddr> {
    let mut ip = None;
    for line in text.lines() {
        if let Some(address) = line.strip_prefix("c=IN IP4 ") {
            ip = address.trim().parse().ok();
        } else if let Some(media) = line.strip_prefix("m=audio ") {
            let port: u16 = media.split(' ').next()?.parse().ok()?;
            return (port != 0).then_some(SocketAddr::new(ip?, port));
        }
    }
    None
}

fn body(content_type: &str, text: String) -> Body {
    Body { content_type: content_type.to_owned(), bytes: text.into() }
}

/// An event in one word.
fn word(event: &Event) -> &'static str {
    match event {
        Event::Invited { .. } => "an invitation",
        Event::Ringing { .. } => "ringing",
        Event::Offered { .. } => "an offer",
        Event::OfferWanted { .. } => "that an offer is wanted",
        Event::Answered { .. } => "an answer",
        Event::Confirmed => "that the call is up",
        Event::OfferFailed { .. } => "that an offer failed",
        Event::Info { .. } => "a key",
        Event::Refreshed => "a refresh",
        Event::TargetRefreshed { .. } => "a new target",
        Event::Referred { .. } => "a REFER",
        Event::ReferProgress { .. } | Event::ReferDone { .. } | Event::ReferFailed { .. } => "of its REFER",
        Event::Ended(_) => "the end",
    }
}
