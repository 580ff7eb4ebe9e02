//! What a dialog costs an agent in memory, by a counting allocator.
//!
//! An agent's memory at some moment is what dropping it frees. The same calls run once per moment, in lockstep, so that the most
//! that a dialog ever holds is seen too.

use allocation_counter::measure;
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use tympan_sip::agent::{
    Agent, Body, Command, Config, DigitSource, Event, Identity, Input, Limits, ListenerId, NumberRules,
    OfferBy, Output, Target, Trunk, TrunkId, TrunkMatch, Trunks,
};
use tympan_sip::dialog::TimerRules;
use tympan_sip::transaction::Timers;
use tympan_sip::wire::{Status, Transport};
use tympan_types::{LegId, Mono};

const CALLS: u64 = 200;
/// A confirmed dialog once its transactions are over, and the most it ever holds.
const REST_BYTES_MAX: i64 = 4_096;
const PEAK_BYTES_MAX: i64 = 8_192;
/// The size of a session description with a few codecs, ICE and RTCP attributes.
const BODY_BYTES: usize = 800;

/// Two agents, and the messages between them in rounds.
struct Pair {
    now: Mono,
    agents: [Agent; 2],
    /// For each agent: what comes to it in the next round.
    due: [VecDeque<Input>; 2],
    events: Vec<(usize, LegId, Event)>,
}

fn address(side: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, if side == 0 { 1 } else { 2 }], 5060))
}

fn agent(side: usize) -> Agent {
    let trunk = Trunk {
        id: TrunkId(Arc::from("default")),
        matches: TrunkMatch::default(),
        force_rport: false,
        numbers: NumberRules::default(),
        identity: Identity::From,
        digits: DigitSource::Both,
        timers: TimerRules { session_expires_s: Some(1_800), min_se_s: 90 },
        longest_call_s: None,
        calls_max: None,
        calls_per_s: None,
        realm: "memory".to_owned(),
        users: Vec::new(),
    };
    let config = Config {
        product: "tympan".to_owned(),
        contact_user: "tympan".to_owned(),
        host_names: Vec::new(),
        timers: Timers::default(),
        limits: Limits {
            amplification_max: 1_000,
            requests_per_source_per_s: 100_000,
            half_open_per_source: 100_000,
            ..Limits::default()
        },
        trunks: Trunks::new(Vec::new(), trunk).expect("one trunk is valid"),
        invited_legs_from: 1,
        takes_transfers: false,
        dialled_legs_from: 1 << 32,
    };
    Agent::new(config, [u8::from(side == 0); 32])
}

fn body() -> Body {
    let mut text =
        String::from("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=x:");
    text.extend(std::iter::repeat_n('x', BODY_BYTES - text.len()));
    Body { content_type: "application/sdp".to_owned(), bytes: text.into() }
}

impl Pair {
    fn new() -> Self {
        Self {
            now: Mono::from_millis(1_000),
            agents: [agent(0), agent(1)],
            due: [VecDeque::new(), VecDeque::new()],
            events: Vec::new(),
        }
    }

    /// Gives each agent what is due for it; what they send comes in the next round.
    fn round(&mut self) {
        self.now = self.now.plus_ms(20);
        let due = std::mem::take(&mut self.due);
        for (side, inputs) in due.into_iter().enumerate() {
            for input in inputs {
                self.handle(side, input);
            }
            self.handle(side, Input::Tick);
        }
    }

    fn handle(&mut self, side: usize, input: Input) {
        self.agents[side].handle(self.now, input);
        while let Some(output) = self.agents[side].poll() {
            match output {
                Output::Send { flow, bytes } => {
                    assert_eq!(flow.peer, address(1 - side));
                    // A copy, as the network makes one: what an agent keeps of a packet is its own.
                    let bytes = Bytes::copy_from_slice(&bytes);
                    let (local, from) = (address(1 - side), address(side));
                    self.due[1 - side].push_back(Input::Packet { at: ListenerId(0), local, from, bytes });
                }
                Output::Event { leg, event } => self.events.push((side, leg, event)),
                Output::Resolve { query, .. } => {
                    let target = Target {
                        transport: Transport::Udp,
                        peer: address(1 - side),
                        local: address(side),
                        listener: ListenerId(0),
                    };
                    self.due[side].push_back(Input::Resolved { query, targets: vec![target] });
                }
                Output::Connect { .. } | Output::Close { .. } => panic!("no connections here"),
                Output::Binding(binding) => panic!("{binding:?}"),
                Output::Count(counter) => panic!("{counter:?}"),
            }
        }
    }

    fn command(&mut self, side: usize, leg: LegId, command: Command) {
        self.due[side].push_back(Input::Command { leg, command });
    }

    /// What users do about the events of the last round. True where a leg was confirmed.
    fn react(&mut self) -> bool {
        let mut confirmed = false;
        for (side, leg, event) in std::mem::take(&mut self.events) {
            match event {
                Event::Invited { .. } => {
                    self.command(
                        side,
                        leg,
                        Command::Ring { status: Status::RINGING, body: None, reliable: false },
                    );
                    self.command(side, leg, Command::Answer { body: body() });
                }
                Event::Offered { exchange, .. } => {
                    self.command(side, leg, Command::ReplyOffer { exchange, body: body() });
                }
                Event::Confirmed if side == 0 => confirmed = true,
                Event::Ended(ended) => panic!("{leg} ended: {ended:?}"),
                _ => {}
            }
        }
        confirmed
    }
}

/// Runs all calls for so many rounds: set up, one change of the session by re-INVITE, a digit.
fn pair_after(rounds: usize) -> Pair {
    let mut pair = Pair::new();
    for call in 0..CALLS {
        let leg = LegId::new((1 << 32) + call);
        let dial = Command::Dial {
            to: format!("sip:+18005550100@{}", address(1)),
            from: format!("sip:+1555{call:07}@{}", address(0)),
            display_name: None,
            route: Vec::new(),
            transport: Some(Transport::Udp),
            credentials: None,
            offer: Some(body()),
            headers: Vec::new(),
            binding: None,
            replaces: None,
        };
        pair.command(0, leg, dial);
    }
    for _ in 0..rounds {
        pair.round();
        if pair.react() {
            for call in 0..CALLS {
                let leg = LegId::new((1 << 32) + call);
                pair.command(0, leg, Command::Offer { body: body(), by: OfferBy::ReInvite });
                let digit =
                    Body { content_type: "application/dtmf-relay".to_owned(), bytes: "Signal=1\r\n".into() };
                pair.command(0, leg, Command::Info { body: digit });
            }
        }
    }
    pair
}

/// What each agent holds per call, beside what an agent holds that has no calls.
fn bytes_per_call(pair: Pair) -> [i64; 2] {
    let calls = i64::try_from(CALLS).unwrap_or(1);
    let [one, two] = pair.agents;
    [one, two].map(|agent| {
        let freed = |agent: Agent| -measure(|| drop(agent)).bytes_current;
        (freed(agent) - freed(self::agent(0))) / calls
    })
}

#[test]
fn a_confirmed_dialog_stays_within_its_memory() {
    let mut peak = [0; 2];
    for rounds in 0..24 {
        let bytes = bytes_per_call(pair_after(rounds));
        peak = [peak[0].max(bytes[0]), peak[1].max(bytes[1])];
    }
    let mut pair = pair_after(24);
    assert_eq!(pair.agents.each_ref().map(Agent::legs), [200, 200]);
    // Until every transaction is over.
    for _ in 0..60 {
        pair.now = pair.now.plus_ms(1_000);
        pair.round();
        pair.react();
    }
    assert_eq!(pair.agents.each_ref().map(Agent::transactions), [0, 0]);
    let rest = bytes_per_call(pair);
    println!("bytes of a confirmed dialog (caller, called): {rest:?} at rest, {peak:?} at the peak");
    assert!(rest.iter().all(|bytes| *bytes > 0 && *bytes < REST_BYTES_MAX), "{rest:?} at rest");
    assert!(peak.iter().all(|bytes| *bytes < PEAK_BYTES_MAX), "{peak:?} at the peak");
}
