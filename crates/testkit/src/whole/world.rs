//! One seed's world: its callers, its node, and the loop that runs them.

use super::Weigh;
use super::centre::{Answer, Centre};
use super::conditions::Conditions;
use super::control::ControlRows;
use super::core::{Action, Core};
use super::flows::{self, RoutedFlow};
use super::node::{INSTANCE, Node, Site};
use super::outcome::Outcome;
use super::peer::Peer;
use super::phone::{Phone, Step};
use super::plan::{End, Plan};
use super::watch::{Watches, acknowledged, memory};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tympan_sip::agent::{Command, Event, Input};
use tympan_sip::wire::Part;
use tympan_store::StoreError;
use tympan_store::simulation::{SimulatedMachine, Unsynced};
use tympan_types::{InstanceId, LegId, Mono};

mod finish;

/// Where the node takes calls.
const NODE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 5_060);
/// Hosts that share their agent between calls.
const SHARED_PEERS: usize = 2;
/// Calls of agents' telephones have numbers from here.
const AGENT_CALLS_FROM: usize = 1_000_000;
/// A world comes to rest within this after its last call was placed.
const REST_MS: u64 = 400_000;
/// While calls are over, the world is looked at this often.
const LOOK_MS: u64 = 2_000;

/// One seed's world.
pub(crate) struct World {
    seed: u64,
    pub(super) site: Site,
    pub(super) node: Option<Node>,
    epoch: u32,
    pub(super) peers: Vec<Peer>,
    /// By call.
    pub(super) phones: BTreeMap<usize, Phone>,
    /// Hosts that vanished.
    dark: BTreeSet<IpAddr>,
    by_media: BTreeMap<SocketAddr, usize>,
    by_peer: BTreeMap<SocketAddr, usize>,
    last_dial: Mono,
    /// The number of the next call that an agent's telephone rings for.
    next_agent_call: usize,
    is_over: bool,
    /// Of a run of very many calls.
    many: Option<Many>,
    weigh: Option<Weigh>,
}

/// Very many calls, placed one after the other.
pub(crate) struct Many {
    pub(crate) calls: usize,
    /// Gets, now and then, how many calls were placed, and how many bytes of memory stand for the disk.
    pub(crate) progress: fn(usize, usize),
}

/// From one of very many calls to the next.
const NEXT_CALL_MS: u64 = 10;
/// How many of very many calls between two looks at their progress.
const PROGRESS_CALLS: usize = 1_000;

impl World {
    /// The world of a seed.
    pub(crate) fn new(seed: u64, with_text: bool, weigh: Option<Weigh>) -> Result<Self, StoreError> {
        let mut core = Core::new(seed, with_text);
        let world_ms = core.random.pick(&[10_000, 10_000, 15_000, 20_000, 40_000]);
        let world_ms = if core.random.percent(3) { 120_000 } else { world_ms };
        let calls = core.random.pick(&[1, 1, 2, 2, 3, 4, 6]);
        let calls = if core.random.percent(3) { core.random.between(7, 20) } else { calls };
        let count = usize::try_from(core.random.between(1, 4)).unwrap_or(1);
        let centre = core.random.percent(50).then(|| {
            let agents = usize::try_from(core.random.between(1, 5)).unwrap_or(1);
            Centre::draw(&mut core.random, InstanceId::from_random(INSTANCE), agents)
        });
        let flows = match &centre {
            Some(centre) => flows::draw_queued(&mut core.random, count, centre.queues),
            None => flows::draw(&mut core.random, count),
        };
        let plans: Vec<Plan> = (0..calls)
            .map(|_| {
                let plan = Plan::draw(&mut core.random, flows.len(), world_ms);
                if centre.is_some() { plan.with_patience(&mut core.random) } else { plan }
            })
            .collect();
        let mut world = Self::empty(seed, core, flows)?;
        world.site.centre = centre;
        world.weigh = weigh;
        world.settle(plans, world_ms);
        Ok(world)
    }

    /// A world of very many calls, without faults: what has ended is forgotten, so that memory stays.
    pub(crate) fn of_many(seed: u64, many: Many) -> Result<Self, StoreError> {
        let mut core = Core::new(seed, false);
        core.conditions = Conditions::CALM;
        let mut world = Self::empty(seed, core, flows::of_many())?;
        world.site.keeps = false;
        for _ in 0..SHARED_PEERS {
            world.add_peer();
        }
        let schedule = &mut world.site.core.schedule;
        schedule.after_ms(0, Action::Restart);
        schedule.after_ms(1, Action::Dial { call: 0 });
        let last_ms = NEXT_CALL_MS * u64::try_from(many.calls).unwrap_or(u64::MAX);
        schedule.after_ms(last_ms, Action::Finish);
        world.last_dial = schedule.now().plus_ms(i64::try_from(last_ms).unwrap_or(i64::MAX));
        world.many = Some(many);
        Ok(world)
    }

    /// A world of many calls into the queues of many agents, within so long.
    pub(crate) fn of_centre(
        seed: u64,
        agents: usize,
        calls: usize,
        world_ms: u64,
        is_calm: bool,
    ) -> Result<Self, StoreError> {
        let mut core = Core::new(seed, false);
        if is_calm {
            core.conditions = Conditions::CALM;
        }
        core.conditions.power_cuts = 0;
        let centre = Centre::draw(&mut core.random, InstanceId::from_random(INSTANCE), agents);
        let flows = flows::draw_queued(&mut core.random, 3, centre.queues);
        let plans: Vec<Plan> = (0..calls)
            .map(|_| {
                let plan = Plan::draw(&mut core.random, flows.len(), world_ms);
                let dial_ms = core.random.between(0, world_ms);
                Plan { dial_ms, ..plan.with_patience(&mut core.random) }
            })
            .collect();
        let mut world = Self::empty(seed, core, flows)?;
        world.site.centre = Some(centre);
        world.settle(plans, world_ms);
        Ok(world)
    }

    fn empty(seed: u64, mut core: Core, flows: Vec<RoutedFlow>) -> Result<Self, StoreError> {
        let machine = SimulatedMachine::new(core.random.bits())?;
        Ok(Self {
            seed,
            site: Site {
                core,
                machine,
                rows: ControlRows::default(),
                watches: Watches::default(),
                flows: Arc::new(flows),
                keeps: true,
                calls: BTreeMap::new(),
                interrupted: BTreeSet::new(),
                centre: None,
                agent_addresses: Vec::new(),
                chains: BTreeMap::new(),
            },
            node: None,
            epoch: 0,
            peers: Vec::new(),
            phones: BTreeMap::new(),
            dark: BTreeSet::new(),
            by_media: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            last_dial: Mono::default(),
            next_agent_call: AGENT_CALLS_FROM,
            is_over: false,
            many: None,
            weigh: None,
        })
    }

    fn settle(&mut self, plans: Vec<Plan>, world_ms: u64) {
        for _ in 0..SHARED_PEERS {
            self.add_peer();
        }
        for _ in 0..self.site.centre.as_ref().map_or(0, |centre| centre.agents) {
            let peer = self.add_peer();
            self.site.agent_addresses.push(self.peers[peer].address);
        }
        for (call, plan) in plans.into_iter().enumerate() {
            // A host that vanishes takes no other call with it.
            let peer = match plan.end {
                End::Vanishes { .. } => self.add_peer(),
                _ => self.site.core.random.index(SHARED_PEERS),
            };
            let dial_ms = plan.dial_ms;
            let key = self.site.core.random.bits();
            let phone = Phone::new(call, peer, self.media_address(call, peer), plan, key);
            for address in phone.addresses() {
                self.by_media.insert(address, call);
            }
            self.phones.insert(call, phone);
            self.site.core.schedule.after_ms(dial_ms, Action::Dial { call });
        }
        let core = &mut self.site.core;
        for _ in 0..core.random.between(0, world_ms / 1_000) {
            let at_ms = core.random.between(0, world_ms);
            core.schedule.after_ms(at_ms, Action::Api);
        }
        for _ in 0..core.conditions.power_cuts {
            let at_ms = core.random.between(500, world_ms);
            core.schedule.after_ms(at_ms, Action::PlanPowerCut);
        }
        core.schedule.after_ms(world_ms, Action::Finish);
        core.schedule.after_ms(0, Action::Restart);
        self.last_dial = core.now().plus_ms(i64::try_from(world_ms).unwrap_or(i64::MAX));
    }

    fn media_address(&self, call: usize, peer: usize) -> SocketAddr {
        let port = 30_000 + 2 * u16::try_from(call % 8_000).unwrap_or_default();
        SocketAddr::new(self.peers[peer].address.ip(), port)
    }

    /// The next of very many calls.
    fn place_next(&mut self, call: usize) {
        let Some(Many { calls, progress }) = self.many else { return };
        if call.is_multiple_of(PROGRESS_CALLS) {
            progress(call, self.site.machine.disk_held_bytes());
        }
        let peer = call % SHARED_PEERS;
        let random = &mut self.site.core.random;
        let (plan, key) = (Plan::of_many(random, call), random.bits());
        let phone = Phone::new(call, peer, self.media_address(call, peer), plan, key);
        self.phones.insert(call, phone);
        if call + 1 < calls {
            self.site.core.schedule.after_ms(NEXT_CALL_MS, Action::Dial { call: call + 1 });
        }
    }

    fn add_peer(&mut self) -> usize {
        let index = self.peers.len();
        let [high, low] = u16::try_from(index + 1).unwrap_or(u16::MAX).to_be_bytes();
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 1, high, low)), 5_060);
        self.peers.push(Peer::new(index, address, &mut self.site.core.random));
        self.by_peer.insert(address, index);
        index
    }

    /// Runs until all calls are over, or a promise is broken.
    pub(crate) fn run(mut self) -> Outcome {
        while let Some(action) = self.site.core.schedule.next() {
            self.site.machine.clock().advance_to(self.site.core.now());
            self.act(action);
            if !self.site.machine.has_power() && self.node.is_some() {
                self.lose_power();
            }
            if self.is_over || self.site.core.is_broken() {
                break;
            }
        }
        let node = self.node.take();
        if !self.site.core.is_broken() {
            self.let_go(node);
        }
        let mut tally = self.site.core.tally;
        tally.simulated_ms = self.site.core.now().as_millis();
        let violation = self.site.core.take_broken();
        let trace = self.site.core.trace;
        Outcome { seed: self.seed, hash: trace.hash(), violation, tally, text: trace.into_text() }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Dial { call } => self.dial(call),
            Action::Phone { call, step } => self.step(call, step),
            Action::PeerWake { peer } => {
                let now = self.site.core.now();
                if self.peers[peer].is_due(now) {
                    self.feed(peer, Input::Tick);
                }
            }
            Action::PeerResolved { peer, query, targets } => {
                self.feed(peer, Input::Resolved { query, targets })
            }
            Action::Datagram { from, to, bytes } => self.datagram(from, to, bytes),
            Action::Node { epoch, task } => {
                if let Some(node) = self.node.as_mut().filter(|node| node.epoch == epoch) {
                    node.run(&mut self.site, task);
                }
            }
            Action::Api => {
                if let Some(node) = &mut self.node {
                    node.api_call(&mut self.site);
                }
            }
            Action::PlanPowerCut => {
                let call = usize::try_from(self.site.core.random.below(40)).unwrap_or_default();
                match self.site.core.random.percent(50) {
                    true => self.site.machine.cut_power_at(call),
                    false => self.site.machine.cut_power_after(call),
                }
            }
            Action::Restart => self.restart(),
            Action::Finish => self.look(),
        }
    }

    fn dial(&mut self, call: usize) {
        self.place_next(call);
        let Some(phone) = self.phones.get_mut(&call) else { return };
        let peer = phone.peer;
        let command = phone.dial(&mut self.site.core, self.peers[peer].address, NODE);
        let leg = self.peers[peer].leg(call);
        phone.leg = Some(leg);
        self.feed(peer, Input::Command { leg, command });
    }

    fn step(&mut self, call: usize, step: Step) {
        let Some(phone) = self.phones.get_mut(&call) else { return };
        let command = phone.step(&mut self.site.core, step);
        let (peer, leg) = (phone.peer, phone.leg);
        if step == Step::Vanish && phone.has_vanished() {
            self.vanishes(peer);
        }
        if let (Some(command), Some(leg)) = (command, leg) {
            self.feed(peer, Input::Command { leg, command });
        }
    }

    /// A host is never heard of again, nor any telephone on it.
    fn vanishes(&mut self, peer: usize) {
        self.dark.insert(self.peers[peer].address.ip());
        for phone in self.phones.values_mut().filter(|phone| phone.peer == peer) {
            phone.vanishes();
        }
    }

    fn feed(&mut self, peer: usize, input: Input) {
        if self.dark.contains(&self.peers[peer].address.ip()) {
            return;
        }
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for (leg, event) in self.peers[peer].feed(&mut self.site.core, input) {
                inputs.extend(self.event(peer, leg, &event).map(|command| Input::Command { leg, command }));
            }
        }
    }

    fn event(&mut self, peer: usize, leg: LegId, event: &Event) -> Option<Command> {
        if let Event::Invited { parts, .. } = event {
            self.rings(peer, leg, parts);
            return None;
        }
        let call = self.peers[peer].legs.get(&leg).copied()?;
        let command = self.phones.get_mut(&call)?.event(&mut self.site.core, event);
        if self.many.is_some() && matches!(event, Event::Ended(_)) {
            self.peers[peer].legs.remove(&leg);
            self.phones.remove(&call);
        }
        command
    }

    /// An agent's telephone rings.
    fn rings(&mut self, peer: usize, leg: LegId, parts: &[Part]) {
        let call = self.next_agent_call;
        self.next_agent_call += 1;
        self.peers[peer].legs.insert(leg, call);
        let media = self.media_address(call, peer);
        let core = &mut self.site.core;
        let answer = Answer::draw(&mut core.random);
        let may_vanish = !core.conditions.is_calm && self.node.as_ref().is_some_and(Node::misses_silence);
        let plan = Plan::of_agent(&mut core.random, may_vanish);
        let phone = Phone::invited(core, (call, peer, leg), media, plan, answer, parts);
        for address in phone.addresses() {
            self.by_media.insert(address, call);
        }
        self.phones.insert(call, phone);
    }

    fn datagram(&mut self, from: SocketAddr, to: SocketAddr, bytes: Bytes) {
        if self.dark.contains(&to.ip()) {
            return;
        }
        if to.ip() == NODE.ip() {
            let Some(node) = &mut self.node else { return };
            if to.port() == NODE.port() {
                return node.sip_datagram(&mut self.site, from, bytes);
            }
            if let Some(phone) = self.by_media.get(&from).and_then(|call| self.phones.get_mut(call)) {
                phone.voice.arrived(self.site.core.now(), &bytes);
            }
            return node.rtp_datagram(&mut self.site, to.port(), from, &bytes);
        }
        if let Some(peer) = self.by_peer.get(&to).copied() {
            let input = self.peers[peer].datagram(from, bytes);
            self.feed(peer, input);
        }
    }

    /// Power is gone: the node with all that it had in memory.
    fn lose_power(&mut self) {
        let core = &mut self.site.core;
        core.event(&"node", "loses power", "");
        core.tally.power_cuts += 1;
        // Of captures that were not acknowledged to their end, the end may be lost.
        let node = self.node.take();
        self.site.interrupted.extend(node.iter().flat_map(Node::unsafe_contacts));
        self.let_go(node);
        self.site.rows.lose_power();
        self.site.watches.live.lose_power();
        let core = &mut self.site.core;
        // People hang up some time after they hear nothing any more.
        for phone in self.phones.values().filter(|phone| phone.leg.is_some() && phone.ended.is_none()) {
            let ms = core.random.between(1_000, 12_000);
            core.schedule.after_ms(ms, Action::Phone { call: phone.call, step: Step::HangUp });
        }
        let after_ms = core.random.pick(&[10, 500, 3_000]);
        core.schedule.after_ms(after_ms, Action::Restart);
    }

    /// Drops the node, and sees what it held.
    pub(super) fn let_go(&mut self, node: Option<Node>) {
        let (Some(node), Some(weigh)) = (node, self.weigh) else { return };
        let (calls, streams) = (node.legs.len(), node.streams());
        let bytes = weigh(Box::new(move || drop(node)));
        let outcome = memory::check(bytes, calls, streams);
        self.site.core.tally.node_bytes_max =
            self.site.core.tally.node_bytes_max.max(u64::try_from(bytes).unwrap_or(0));
        self.site.core.check(memory::NAME, &"node", outcome);
    }

    fn restart(&mut self) {
        self.epoch += 1;
        if self.epoch > 1 {
            let seed = self.site.core.random.bits();
            let unsynced =
                self.site.core.random.pick(&[Unsynced::Lost, Unsynced::Kept, Unsynced::Torn(seed)]);
            self.site.machine.restore_power(unsynced);
        }
        // Power may go again in the midst of the recovery.
        if self.epoch > 1 && self.site.core.random.percent(20) {
            let call = usize::try_from(self.site.core.random.below(6)).unwrap_or_default();
            self.site.machine.cut_power_at(call);
        }
        match Node::start(&mut self.site, NODE, self.epoch) {
            Ok(node) => {
                self.site.core.event(&"node", "starts", "");
                if self.site.machine.has_power() {
                    let outcome = self.site.watches.acknowledged.check(&node.store, &self.site.rows);
                    self.site.core.check(acknowledged::NAME, &"after a start", outcome);
                }
                self.node = Some(node);
            }
            Err(error) if self.site.machine.has_power() => {
                self.site.core.broken("the node starts", &"node", &error);
            }
            Err(_) => {
                self.site.core.event(&"node", "loses power", "in its start");
                self.site.rows.lose_power();
                self.site.core.schedule.after_ms(100, Action::Restart);
            }
        }
    }
}
