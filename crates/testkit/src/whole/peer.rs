//! A host of callers: one SIP agent with its telephones.

use super::core::{Action, Core};
use crate::sim::Random;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tympan_sip::agent::{
    Agent, Config, DigitSource, Event, Identity, Input, Limits, ListenerId, NumberRules, Output, Target,
    Trunk, TrunkId, TrunkMatch, Trunks,
};
use tympan_sip::dialog::TimerRules;
use tympan_sip::transaction::Timers;
use tympan_sip::wire::Transport;
use tympan_types::{LegId, Mono};

/// Dialled legs have numbers from here.
const DIALLED_LEGS_FROM: u64 = 1 << 32;

/// A host of callers.
#[derive(Debug)]
pub(crate) struct Peer {
    index: usize,
    pub(crate) address: SocketAddr,
    pub(crate) agent: Agent,
    /// Which call each leg is.
    pub(crate) legs: BTreeMap<LegId, usize>,
    wake: Option<Mono>,
    next_leg: u64,
}

impl Peer {
    pub(crate) fn new(index: usize, address: SocketAddr, random: &mut Random) -> Self {
        let timers = TimerRules { session_expires_s: random.percent(30).then_some(90), min_se_s: 90 };
        let agent = Agent::new(config("caller", timers, DigitSource::Both), random.key());
        Self { index, address, agent, legs: BTreeMap::new(), wake: None, next_leg: DIALLED_LEGS_FROM }
    }

    /// A leg for this call.
    pub(crate) fn leg(&mut self, call: usize) -> LegId {
        let leg = LegId::new(self.next_leg);
        self.next_leg += 1;
        self.legs.insert(leg, call);
        leg
    }

    /// Whether this wake-up still counts.
    pub(crate) fn is_due(&mut self, now: Mono) -> bool {
        self.wake.take_if(|wake| *wake <= now).is_some()
    }

    /// Gives the agent an input and takes all that comes of it but its events, which are given back. What `is_silent` legs would
    /// send is lost.
    pub(crate) fn feed(&mut self, core: &mut Core, input: Input) -> Vec<(LegId, Event)> {
        let now = core.now();
        self.agent.handle(now, input);
        let mut events = Vec::new();
        while let Some(output) = self.agent.poll() {
            match output {
                Output::Send { flow, bytes } => core.send(self.address, flow.peer, bytes),
                Output::Event { leg, event } => events.push((leg, event)),
                Output::Resolve { query, host, port, transport } => {
                    let targets = resolve(self.address, &host, port, transport);
                    core.schedule.after_ms(0, Action::PeerResolved { peer: self.index, query, targets });
                }
                Output::Connect { .. } | Output::Close { .. } | Output::Binding(_) | Output::Count(_) => {}
            }
        }
        let next = self.agent.next_deadline().map(|next| next.max(now));
        if next != self.wake {
            self.wake = next;
            if let Some(next) = next {
                core.schedule.at(next, Action::PeerWake { peer: self.index });
            }
        }
        events
    }

    /// A datagram for the agent.
    pub(crate) fn datagram(&self, from: SocketAddr, bytes: bytes::Bytes) -> Input {
        Input::Packet { at: ListenerId(0), local: self.address, from, bytes }
    }
}

/// Hosts have addresses for names here.
pub(crate) fn resolve(
    local: SocketAddr,
    host: &str,
    port: Option<u16>,
    transport: Option<Transport>,
) -> Vec<Target> {
    let peer = host.parse().ok().map(|ip| SocketAddr::new(ip, port.unwrap_or(5_060)));
    let target = peer.map(|peer| Target {
        transport: transport.unwrap_or(Transport::Udp),
        peer,
        local,
        listener: ListenerId(0),
    });
    target.into_iter().collect()
}

/// An agent's set-up: one trunk takes all.
pub(crate) fn config(product: &str, timers: TimerRules, digits: DigitSource) -> Config {
    let trunk = Trunk {
        id: TrunkId(Arc::from("default")),
        matches: TrunkMatch::default(),
        force_rport: false,
        numbers: NumberRules::default(),
        identity: Identity::From,
        digits,
        timers,
        longest_call_s: None,
        calls_max: None,
        calls_per_s: None,
        realm: "simulation".to_owned(),
        users: BTreeMap::new().into_iter().collect(),
    };
    // All calls of a world come from a few hosts.
    let limits =
        Limits { half_open_per_source: 100_000, requests_per_source_per_s: 100_000, ..Limits::default() };
    Config {
        product: product.to_owned(),
        contact_user: product.to_owned(),
        host_names: Vec::new(),
        timers: Timers::default(),
        limits,
        trunks: Trunks::new(Vec::new(), trunk).expect("the default trunk alone is valid"),
        invited_legs_from: 1,
        takes_transfers: false,
        dialled_legs_from: DIALLED_LEGS_FROM,
    }
}
