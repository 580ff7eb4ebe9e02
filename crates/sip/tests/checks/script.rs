//! What must hold between two agents whatever their users ask for and whatever the network does, shared by the fuzz target and
//! the corpus test.
//!
//! An input is a list of pairs of bytes: what is done next, and with what.

use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use tympan_sip::agent::{
    Agent, Body, Command, Config, Event, Input, Limits, ListenerId, OfferBy, Output, Refusal, Target, Trunk,
    Trunks, Way,
};
use tympan_sip::dialog::{ExchangeId, TimerRules};
use tympan_sip::transaction::Timers;
use tympan_sip::wire::{Status, Transport};
use tympan_types::{LegId, Mono};

const STEPS_MAX: usize = 200;
const CALLS_MAX: u64 = 4;
const DIALLED_FROM: u64 = 1 << 32;

/// Plays the script, heals the network, lets every call end.
pub(crate) fn check(input: &[u8]) {
    let mut play = Play::new();
    for step in input.chunks(2).take(STEPS_MAX) {
        play.step(step[0], step.get(1).copied().unwrap_or_default());
    }
    play.finish();
}

struct Play {
    now: Mono,
    sides: [Side; 2],
    /// Datagrams on their way, oldest first: to which side, what, and since when.
    wire: VecDeque<(usize, Bytes, Mono)>,
    dialled: u64,
    digits: u32,
}

struct Side {
    agent: Agent,
    legs: BTreeMap<LegId, Seen>,
}

/// What the user of a leg saw.
#[derive(Default)]
struct Seen {
    call_id: String,
    is_up: bool,
    is_over: bool,
    /// Offers of the peer that wait for an answer.
    due: Vec<ExchangeId>,
    is_invited: bool,
    last_digit: u32,
}

fn address(side: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, if side == 0 { 1 } else { 2 }], 5060))
}

fn agent(side: usize) -> Agent {
    let trunk = Trunk {
        timers: TimerRules { session_expires_s: (side == 0).then_some(90), min_se_s: 90 },
        ..Trunk::new("default")
    };
    let config = Config {
        product: "tympan".to_owned(),
        contact_user: "tympan".to_owned(),
        host_names: Vec::new(),
        timers: Timers::default(),
        limits: Limits { amplification_max: 1_000, ..Limits::default() },
        trunks: Trunks::new(Vec::new(), trunk).expect("the trunk is valid"),
        invited_legs_from: 1,
        takes_transfers: true,
        dialled_legs_from: DIALLED_FROM,
    };
    Agent::new(config, [u8::try_from(side).unwrap_or_default(); 32])
}

fn body(text: &str) -> Body {
    Body { content_type: "application/sdp".to_owned(), bytes: Bytes::copy_from_slice(text.as_bytes()) }
}

impl Play {
    fn new() -> Self {
        let side = |side| Side { agent: agent(side), legs: BTreeMap::new() };
        Self {
            now: Mono::from_millis(1_000),
            sides: [side(0), side(1)],
            wire: VecDeque::new(),
            dialled: 0,
            digits: 0,
        }
    }

    fn step(&mut self, what: u8, with: u8) {
        let index = usize::from(with);
        match what % 16 {
            0 => self.dial(with),
            // Any datagram comes first, comes twice, or is lost.
            1 | 2 => self.deliver(index),
            3 => self.deliver_copy(index),
            4 => drop(self.wire.remove(index % self.wire.len().max(1))),
            5 => self.wait_ms(i64::from(with) * 20),
            6 => self.all(),
            7 => self.each_invited(with, Command::Answer { body: body("v=0 answer") }),
            8 => {
                let status = if with & 1 != 0 { Status::RINGING } else { Status::SESSION_PROGRESS };
                let body = (with & 2 != 0).then(|| body("v=0 early"));
                self.each_invited(with, Command::Ring { status, body, reliable: with & 4 != 0 });
            }
            9 => {
                let refusal = Refusal { status: Status::BUSY_HERE, retry_after_s: None, headers: Vec::new() };
                self.each_invited(with, Command::Refuse(refusal));
            }
            10 => self.reply(with),
            11 => {
                let by = if with & 1 != 0 { OfferBy::Update } else { OfferBy::ReInvite };
                self.any_leg(with >> 1, Command::Offer { body: body("v=0 offer"), by });
            }
            12 | 13 => self.digit(with),
            14 => self.any_leg(with, Command::HangUp { reason: None }),
            _ => self.wait_ms(i64::from(with) * 500),
        }
    }

    fn dial(&mut self, with: u8) {
        if self.dialled >= CALLS_MAX {
            return;
        }
        let side = usize::from(with & 1);
        let leg = LegId::new(DIALLED_FROM + self.dialled);
        self.dialled += 1;
        self.sides[side].legs.insert(leg, Seen::default());
        let command = Command::Dial {
            to: format!("sip:+18005550100@{}", address(1 - side)),
            from: format!("sip:caller@{}", address(side)),
            display_name: None,
            route: Vec::new(),
            transport: Some(Transport::Udp),
            credentials: None,
            offer: (with & 2 != 0).then(|| body("v=0 first")),
            headers: Vec::new(),
            binding: None,
            replaces: None,
        };
        self.handle(side, Input::Command { leg, command });
    }

    fn each_invited(&mut self, with: u8, command: Command) {
        let side = usize::from(with >> 7);
        let invited = self.sides[side].legs.iter().find(|(_, seen)| seen.is_invited && !seen.is_over);
        if let Some(leg) = invited.map(|(leg, _)| *leg) {
            self.handle(side, Input::Command { leg, command });
        }
    }

    fn any_leg(&mut self, with: u8, command: Command) {
        let side = usize::from(with & 1);
        let legs: Vec<LegId> = self.sides[side].legs.keys().copied().collect();
        if let Some(leg) = legs.get(usize::from(with >> 1) % legs.len().max(1)) {
            self.handle(side, Input::Command { leg: *leg, command });
        }
    }

    fn reply(&mut self, with: u8) {
        let side = usize::from(with & 1);
        let due = self.sides[side].legs.iter_mut().find(|(_, seen)| !seen.due.is_empty() && !seen.is_over);
        let Some((leg, exchange)) = due.map(|(leg, seen)| (*leg, seen.due.remove(0))) else { return };
        let command = if with & 2 != 0 {
            Command::ReplyOffer { exchange, body: body("v=0 reply") }
        } else {
            Command::RefuseOffer { exchange, status: Status::NOT_ACCEPTABLE_HERE }
        };
        self.handle(side, Input::Command { leg, command });
    }

    /// A digit with a number that goes up over all calls.
    fn digit(&mut self, with: u8) {
        self.digits += 1;
        let bytes = format!("Signal={}", self.digits).into();
        let body = Body { content_type: "application/dtmf-relay".to_owned(), bytes };
        self.any_leg(with, Command::Info { body });
    }

    fn deliver(&mut self, index: usize) {
        let index = index % self.wire.len().max(1);
        if let Some((to, bytes, _)) = self.wire.remove(index) {
            self.packet(to, bytes);
        }
    }

    fn deliver_copy(&mut self, index: usize) {
        let index = index % self.wire.len().max(1);
        if let Some((to, bytes, _)) = self.wire.get(index).cloned() {
            self.packet(to, bytes);
        }
    }

    fn packet(&mut self, to: usize, bytes: Bytes) {
        let (local, from) = (address(to), address(1 - to));
        self.handle(to, Input::Packet { at: ListenerId(0), local, from, bytes });
    }

    /// Delivers all that is on its way, and what that brings about.
    fn all(&mut self) {
        let mut count = 0;
        while let Some((to, bytes, _)) = self.wire.pop_front() {
            self.packet(to, bytes);
            count += 1;
            assert!(count < 10_000, "two agents answer each other without end");
        }
    }

    fn wait_ms(&mut self, ms: i64) {
        let until = self.now.plus_ms(ms);
        let mut ticks = 0;
        loop {
            let next = |side: &Side| side.agent.next_deadline();
            let Some(at) = self.sides.iter().filter_map(next).min().filter(|at| *at <= until) else { break };
            ticks += 1;
            assert!(ticks < 100_000, "time does not pass");
            self.now = self.now.max(at);
            self.handle(0, Input::Tick);
            self.handle(1, Input::Tick);
        }
        self.now = until;
        self.handle(0, Input::Tick);
        self.handle(1, Input::Tick);
        // No datagram stays in the network for longer than T4 (RFC 3261 section 17.1.2.2): what forgets later, forgets rightly.
        let oldest = self.now;
        let t4_ms = Timers::default().t4_ms;
        self.wire.retain(|(_, _, since)| oldest.ms_since(*since) < t4_ms);
    }

    fn handle(&mut self, side: usize, input: Input) {
        self.sides[side].agent.handle(self.now, input);
        while let Some(output) = self.sides[side].agent.poll() {
            match output {
                Output::Send { flow, bytes } => {
                    assert!(matches!(flow.way, Way::Datagram(_)));
                    assert_eq!(flow.peer, address(1 - side));
                    self.wire.push_back((1 - side, bytes, self.now));
                }
                Output::Event { leg, event } => self.event(side, leg, event),
                Output::Resolve { query, .. } => {
                    let target = Target {
                        transport: Transport::Udp,
                        peer: address(1 - side),
                        local: address(side),
                        listener: ListenerId(0),
                    };
                    let input = Input::Resolved { query, targets: vec![target] };
                    self.sides[side].agent.handle(self.now, input);
                }
                Output::Connect { .. } | Output::Close { .. } => panic!("there are no connections"),
                Output::Binding(_) | Output::Count(_) => {}
            }
        }
    }

    fn event(&mut self, side: usize, leg: LegId, event: Event) {
        if let Event::Invited { call_id, .. } = &event {
            let legs = &self.sides[side].legs;
            assert!(legs.values().all(|seen| seen.call_id != *call_id), "a second call for {call_id}");
            let seen = Seen { call_id: call_id.clone(), is_invited: true, ..Seen::default() };
            assert!(self.sides[side].legs.insert(leg, seen).is_none());
            return;
        }
        let seen = self.sides[side].legs.get_mut(&leg).expect("a leg that is known");
        assert!(!seen.is_over, "{leg}: {event:?} after its end");
        match event {
            Event::Confirmed => {
                assert!(!seen.is_up, "{leg} is confirmed twice");
                seen.is_up = true;
            }
            Event::Offered { exchange, .. } | Event::OfferWanted { exchange } => {
                assert!(seen.due.is_empty() || !seen.due.contains(&exchange));
                seen.due = vec![exchange];
            }
            Event::Info { parts } => {
                let text = String::from_utf8_lossy(&parts[0].body).into_owned();
                let digit: u32 = text.trim_start_matches("Signal=").parse().expect("a digit");
                assert!(digit > seen.last_digit, "digit {digit} after {}", seen.last_digit);
                seen.last_digit = digit;
            }
            Event::Ended(_) => seen.is_over = true,
            _ => {}
        }
    }

    /// The network is right again. Calls that hang up end on both sides, and nothing is left of them.
    fn finish(mut self) {
        for _ in 0..40 {
            self.all();
            self.wait_ms(500);
        }
        for side in 0..2 {
            let legs: Vec<LegId> = self.sides[side].legs.keys().copied().collect();
            for leg in legs.into_iter().filter(|leg| leg.number() >= DIALLED_FROM) {
                self.handle(side, Input::Command { leg, command: Command::HangUp { reason: None } });
            }
        }
        // An INVITE whose caller gave up without a sign waits for the user that was called.
        for _ in 0..40 {
            self.all();
            self.wait_ms(500);
        }
        for side in 0..2 {
            let is_open = |seen: &Seen| seen.is_invited && !seen.is_up && !seen.is_over;
            let legs = self.sides[side].legs.iter().filter(|(_, seen)| is_open(seen));
            let legs: Vec<LegId> = legs.map(|(leg, _)| *leg).collect();
            for leg in legs {
                self.handle(side, Input::Command { leg, command: Command::HangUp { reason: None } });
            }
        }
        for _ in 0..260 {
            self.all();
            self.wait_ms(500);
        }
        for (side, of) in self.sides.iter().enumerate() {
            for (leg, seen) in &of.legs {
                assert!(seen.is_over, "side {side}: {leg} is still there");
            }
            assert!(of.agent.is_quiet(), "side {side}: {:#?}", of.agent);
        }
    }
}
