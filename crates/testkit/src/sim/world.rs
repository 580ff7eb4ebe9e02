//! One seed's world: its hosts, its calls, and the loop that runs them.

use super::conditions::Conditions;
use super::endpoint::{CREDENTIALS, Endpoint};
use super::network::{Delivery, EndId, HostId, Network, SIP_PORT};
use super::outcome::{Outcome, Tally, Violation};
use super::packet::Packet;
use super::proxy::{Proxy, Sent};
use super::random::Random;
use super::schedule::{Schedule, later};
use super::script::{Habits, Script};
use super::stray::Strays;
use super::trace::Trace;
use super::user::Step;
use bytes::Bytes;
use std::net::SocketAddr;
use tympan_sip::agent::{
    Agent, Command, ConnId, Counter, Credentials, Event, Flow, Input, ListenerId, Output, Target, Way,
};
use tympan_sip::wire::{Name, Transport};
use tympan_types::{LegId, Mono, Redacted};

mod scene;

/// What happens at some time.
#[derive(Debug)]
pub(crate) enum Action {
    Dial { call: usize },
    Step { endpoint: usize, leg: LegId, step: Step },
    Wake { endpoint: usize },
    Datagram { host: HostId, to_port: u16, from: SocketAddr, bytes: Bytes },
    Open { end: EndId },
    Segment { end: EndId },
    Cut { end: EndId },
    CutFar { end: EndId },
    Closed { host: HostId, number: u64 },
    SendFailed { endpoint: usize, flow: Flow },
    Resolved { endpoint: usize, query: u64, targets: Vec<Target> },
    Dark { host: HostId, is_dark: bool },
    Deaf { host: HostId, is_deaf: bool },
    Rebind { host: HostId },
}

/// What every part of a world uses.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) schedule: Schedule<Action>,
    pub(crate) random: Random,
    pub(crate) trace: Trace,
}

/// One call of a world.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) caller: usize,
    to: String,
    route: Vec<String>,
    transport: Option<Transport>,
    /// The legs: the caller's, and those that were invited.
    pub(crate) leg: Option<LegId>,
    pub(crate) invited: Vec<(usize, LegId)>,
}

#[derive(Debug, Clone, Copy)]
enum Role {
    Endpoint(usize),
    Proxy(usize),
}

/// One seed's world.
#[derive(Debug)]
pub(crate) struct World {
    seed: u64,
    pub(crate) core: Core,
    pub(crate) conditions: Conditions,
    habits: Habits,
    network: Network,
    roles: Vec<Role>,
    pub(crate) endpoints: Vec<Endpoint>,
    proxies: Vec<Proxy>,
    pub(crate) calls: Vec<Call>,
    strays: Strays,
    moves_offers: bool,
    /// When the last user hangs up.
    last_step: Mono,
    dialled: usize,
    tally: Tally,
}

/// A world without faults of its own comes to rest after far fewer actions.
const ACTIONS_MAX: u64 = 3_000_000;
/// Wakes of one agent at one time.
const WAKES_MAX: u32 = 1_000;
/// From the last step: two transactions in a row, the longest session interval twice, a last transaction.
const REST_MS: u64 = 72_000 + 2 * 180_000 + 72_000;

impl World {
    /// The world of a seed.
    pub(crate) fn new(seed: u64, with_text: bool) -> Self {
        let mut random = Random::new(seed);
        let conditions = Conditions::draw(&mut random);
        let habits = Habits::draw(&mut random);
        let mut world = Self {
            seed,
            core: Core { schedule: Schedule::new(), random, trace: Trace::new(with_text) },
            conditions,
            habits,
            network: Network::new(conditions),
            roles: Vec::new(),
            endpoints: Vec::new(),
            proxies: Vec::new(),
            calls: Vec::new(),
            strays: Strays::default(),
            moves_offers: false,
            last_step: Mono::from_millis(0),
            dialled: 0,
            tally: Tally::default(),
        };
        world.settle();
        world
    }

    /// Runs until nothing is left to happen. `weigh` drops an agent that is quiet and says how many bytes that freed.
    pub(crate) fn run(mut self, weigh: Option<fn(Agent) -> i64>) -> Outcome {
        let violation = self.run_out().err();
        let violation = violation.or_else(|| self.finish().err());
        let mut tally = self.tally;
        self.count(&mut tally);
        let violation = violation.or_else(|| self.weigh(weigh?, &mut tally));
        let hash = self.core.trace.hash();
        Outcome { seed: self.seed, hash, violation, tally, text: self.core.trace.into_text() }
    }

    fn run_out(&mut self) -> Result<(), Violation> {
        let (mut actions, mut wakes, mut woken_at) = (0_u64, 0_u32, self.now());
        while let Some(action) = self.core.schedule.next() {
            actions += 1;
            if self.now() > later(self.last_step, REST_MS) && self.dialled == self.calls.len() {
                return Err(
                    self.violation(None, format!("agents are quiet at the end: {action:?} is still to come"))
                );
            }
            if woken_at != self.now() {
                (wakes, woken_at) = (0, self.now());
            }
            wakes += u32::from(matches!(action, Action::Wake { .. }));
            if actions > ACTIONS_MAX || wakes > WAKES_MAX {
                return Err(self.violation(None, "the world does not come to rest".into()));
            }
            self.act(action)?;
        }
        Ok(())
    }

    pub(crate) fn now(&self) -> Mono {
        self.core.schedule.now()
    }

    pub(crate) fn violation(&self, leg: Option<String>, what: String) -> Violation {
        Violation { seed: self.seed, at: self.now(), leg, what }
    }

    fn act(&mut self, action: Action) -> Result<(), Violation> {
        match action {
            Action::Dial { call } => self.dial(call),
            Action::Step { endpoint, leg, step } => self.step(endpoint, leg, step),
            Action::Wake { endpoint } => {
                if self.endpoints[endpoint].wake != Some(self.now()) {
                    return Ok(());
                }
                self.endpoints[endpoint].wake = None;
                self.feed(endpoint, Input::Tick)
            }
            Action::Datagram { host, to_port, from, bytes } => {
                if !self.network.take_datagram(host, to_port) {
                    return Ok(());
                }
                self.deliver(host, Delivery::Datagram { from, bytes })
            }
            Action::Open { end } => match self.network.open(&self.core, end) {
                Some((host, delivery)) => self.deliver(host, delivery),
                None => Ok(()),
            },
            Action::Segment { end } => match self.network.take_segment(&mut self.core, end) {
                Some((host, delivery)) => self.deliver(host, delivery),
                None => Ok(()),
            },
            Action::Cut { end } => {
                self.network.cut(&mut self.core, end);
                Ok(())
            }
            Action::CutFar { end } => {
                self.network.close_end(&mut self.core, end);
                Ok(())
            }
            Action::Closed { host, number } => self.deliver(host, Delivery::Closed { number }),
            Action::SendFailed { endpoint, flow } => self.feed(endpoint, Input::SendFailed { flow }),
            Action::Resolved { endpoint, query, targets } => {
                self.feed(endpoint, Input::Resolved { query, targets })
            }
            Action::Dark { host, is_dark } => {
                self.network.set_dark(host, is_dark);
                Ok(())
            }
            Action::Deaf { host, is_deaf } => {
                self.network.set_deaf(host, is_deaf);
                Ok(())
            }
            Action::Rebind { host } => {
                self.network.rebind(host);
                Ok(())
            }
        }
    }

    fn dial(&mut self, index: usize) -> Result<(), Violation> {
        self.tally.calls += 1;
        self.dialled += 1;
        let now = self.now();
        let script = Script::draw(&mut self.core.random, self.habits, true);
        let call = &mut self.calls[index];
        let endpoint = &mut self.endpoints[call.caller];
        let from = format!("sip:+1555{index:04}@{}", endpoint.address);
        let (leg, user) = endpoint.dial(now, script, self.moves_offers);
        let command = Command::Dial {
            to: call.to.clone(),
            from,
            display_name: Some("A \"caller\"".to_owned()),
            route: call.route.clone(),
            transport: call.transport,
            credentials: Some(Credentials {
                username: CREDENTIALS.0.to_owned(),
                password: Redacted::new(CREDENTIALS.1.to_owned()),
            }),
            offer: user.first_offer(now),
            headers: vec![(Name::UserToUser, index.to_string())],
            binding: None,
            replaces: None,
        };
        let steps = user.begin();
        call.leg = Some(leg);
        let caller = call.caller;
        self.plan(caller, leg, steps);
        self.step(caller, leg, Step::Dial(Box::new(command)))
    }

    /// Schedules the steps of a user.
    fn plan(&mut self, endpoint: usize, leg: LegId, steps: Vec<(u64, Step)>) {
        for (ms, step) in steps {
            self.last_step = self.last_step.max(later(self.now(), ms));
            self.core.schedule.after_ms(ms, Action::Step { endpoint, leg, step });
        }
    }

    fn step(&mut self, index: usize, leg: LegId, step: Step) -> Result<(), Violation> {
        let now = self.now();
        let Some(user) = self.endpoints[index].users.get_mut(&leg) else { return Ok(()) };
        if user.ended.is_some() {
            return Ok(());
        }
        let Some(command) = user.step(now, step) else { return Ok(()) };
        let (name, verb) = (user.name.clone(), verb(&command));
        self.core.trace.event(now, &name, verb, b"");
        self.feed(index, Input::Command { leg, command })
    }

    fn deliver(&mut self, host: HostId, delivery: Delivery) -> Result<(), Violation> {
        match self.roles[host.0] {
            Role::Proxy(index) => {
                self.proxy(index, delivery);
                Ok(())
            }
            Role::Endpoint(index) => self.deliver_to_agent(index, delivery),
        }
    }

    fn proxy(&mut self, index: usize, delivery: Delivery) {
        let proxy = &mut self.proxies[index];
        let sent = match delivery {
            Delivery::Datagram { from, bytes } => proxy.packet(from, &bytes),
            Delivery::Opened { number, peer } => proxy.opened(number, peer),
            Delivery::Stream { number, bytes } => proxy.stream(number, &bytes),
            Delivery::Closed { number } => {
                proxy.closed(number);
                Vec::new()
            }
        };
        let host = proxy.host;
        for sent in sent {
            match sent {
                Sent::Datagram(to, bytes) => self.network.send(&mut self.core, host, to, &bytes),
                Sent::Stream(number, bytes) => self.network.write(&mut self.core, host, number, &bytes),
                Sent::Connect(to, bytes) => {
                    if let Some(bytes) = self.proxies[index].joins(to, bytes) {
                        let number = self.network.connect(&mut self.core, host, None, to);
                        self.proxies[index].connecting(number, to, bytes);
                    }
                }
            }
        }
    }

    fn deliver_to_agent(&mut self, index: usize, delivery: Delivery) -> Result<(), Violation> {
        let now = self.now();
        let endpoint = &mut self.endpoints[index];
        let (local, name) = (endpoint.address, endpoint.name.clone());
        let input = match delivery {
            Delivery::Datagram { from, bytes } => {
                self.core.trace.event(now, &name, "receives", &bytes);
                self.strays.sent(from, bytes.len());
                if let Some(packet) = Packet::read(&bytes) {
                    let watched = endpoint.watch.received(now, &packet, None);
                    watched.map_err(|what| self.violation(Some(name), what))?;
                }
                Input::Packet { at: ListenerId(0), local, from, bytes }
            }
            Delivery::Opened { number, peer } => {
                self.core.trace.event(now, &name, "opens", &number.to_le_bytes());
                let conn = ConnId(number);
                let flow = Flow { way: Way::Stream(conn), transport: Transport::Tcp, local, peer };
                Input::Opened { conn, flow }
            }
            Delivery::Stream { number, bytes } => {
                self.core.trace.event(now, &name, "reads", &bytes);
                let messages = endpoint.framers.entry(number).or_default().push(&bytes);
                for message in messages {
                    if let Some(packet) = Packet::read(&message) {
                        let watched = self.endpoints[index].watch.received(now, &packet, Some(number));
                        watched.map_err(|what| self.violation(Some(name.clone()), what))?;
                    }
                }
                Input::Stream { conn: ConnId(number), bytes }
            }
            Delivery::Closed { number } => {
                self.core.trace.event(now, &name, "closes", &number.to_le_bytes());
                endpoint.framers.remove(&number);
                endpoint.watch.closed(number);
                Input::Closed { conn: ConnId(number) }
            }
        };
        self.feed(index, input)
    }

    /// Gives an input to an agent, takes all that comes of it, and sees when it is to be woken.
    fn feed(&mut self, index: usize, input: Input) -> Result<(), Violation> {
        let now = self.now();
        self.endpoints[index].agent.handle(now, input);
        while let Some(output) = self.endpoints[index].agent.poll() {
            self.take(index, output)?;
        }
        let endpoint = &mut self.endpoints[index];
        let drained = endpoint.watch.is_drained();
        let next = endpoint.agent.next_deadline().map(|next| next.max(now));
        if next != endpoint.wake {
            endpoint.wake = next;
            if let Some(next) = next {
                self.core.schedule.at(next, Action::Wake { endpoint: index });
            }
        }
        let name = self.endpoints[index].name.clone();
        drained.map_err(|what| self.violation(Some(name), what))
    }

    fn take(&mut self, index: usize, output: Output) -> Result<(), Violation> {
        let now = self.now();
        let host = self.endpoints[index].host;
        match output {
            Output::Send { flow, bytes } => self.send(index, flow, &bytes),
            Output::Connect { conn, target } => {
                self.network.connect(&mut self.core, host, Some(conn.0), target.peer);
                Ok(())
            }
            // Also without `after_writing` the network may carry what is on its way.
            Output::Close { conn, .. } => {
                self.network.close(&mut self.core, host, conn.0);
                Ok(())
            }
            Output::Resolve { query, host, port, transport } => {
                let peer = host.parse().ok().map(|ip| SocketAddr::new(ip, port.unwrap_or(SIP_PORT)));
                let target = peer.map(|peer| Target {
                    transport: transport.unwrap_or(Transport::Udp),
                    peer,
                    local: self.endpoints[index].address,
                    listener: ListenerId(0),
                });
                let targets = target.into_iter().collect();
                let delay_ms = self.core.random.pick(&[0, 1, 30]);
                self.core.schedule.after_ms(delay_ms, Action::Resolved { endpoint: index, query, targets });
                Ok(())
            }
            Output::Event { leg, event } => self.event(index, leg, &event),
            // No telephone registers here.
            Output::Binding(_) => Ok(()),
            Output::Count(counter) => {
                self.core.trace.event(
                    now,
                    &self.endpoints[index].name,
                    "counts",
                    format!("{counter:?}").as_bytes(),
                );
                self.endpoints[index].withheld |= counter == Counter::Withheld;
                let is_ours = matches!(counter, Counter::Dropped(_) | Counter::Refused(_));
                if is_ours && self.conditions.strays == 0 {
                    let name = self.endpoints[index].name.clone();
                    return Err(self.violation(
                        Some(name),
                        format!("a message of another agent is in doubt: {counter:?}"),
                    ));
                }
                Ok(())
            }
        }
    }

    fn send(&mut self, index: usize, flow: Flow, bytes: &Bytes) -> Result<(), Violation> {
        let now = self.now();
        let endpoint = &mut self.endpoints[index];
        let (host, name) = (endpoint.host, endpoint.name.clone());
        self.core.trace.event(now, &name, "sends", bytes);
        self.tally.messages += 1;
        if bytes.as_ref() != b"\r\n" {
            let watched = match Packet::read(bytes) {
                Some(packet) => endpoint.watch.sent(now, &packet, matches!(flow.way, Way::Stream(_))),
                None => Err("it sends what is no whole message".to_owned()),
            };
            watched.map_err(|what| self.violation(Some(name.clone()), what))?;
        }
        match flow.way {
            Way::Stream(conn) => self.network.write(&mut self.core, host, conn.0, bytes),
            Way::Datagram(_) => {
                if let Some(what) = self.strays.answered(flow.peer, bytes.len()) {
                    return Err(self.violation(Some(name), what));
                }
                self.network.send(&mut self.core, host, flow.peer, bytes);
                let is_gone =
                    self.network.host_at(flow.peer.ip()).is_some_and(|peer| self.network.is_dark(peer));
                if is_gone && self.core.random.percent(5) {
                    self.core.schedule.after_ms(20, Action::SendFailed { endpoint: index, flow });
                }
            }
        }
        Ok(())
    }

    fn event(&mut self, index: usize, leg: LegId, event: &Event) -> Result<(), Violation> {
        let now = self.now();
        let (habits, is_lenient) = (self.habits, self.moves_offers);
        let core = &mut self.core;
        let endpoint = &mut self.endpoints[index];
        let name = format!("{}/{leg}", endpoint.name);
        core.trace.event(now, &name, "is told", happened(event).as_bytes());
        let new = |random: &mut Random| (Script::draw(random, habits, false), is_lenient);
        let steps = endpoint.event(now, leg, event, &mut core.random, new);
        let steps = steps.map_err(|what| self.violation(Some(name), what))?;
        if let Event::Invited { message, .. } = event {
            self.tally.dialogs += 1;
            let call = message.value(Name::UserToUser).and_then(|text| std::str::from_utf8(text).ok());
            let call =
                call.and_then(|text| text.parse::<usize>().ok()).and_then(|call| self.calls.get_mut(call));
            if let Some(call) = call {
                call.invited.push((index, leg));
            }
        }
        self.plan(index, leg, steps);
        Ok(())
    }
}

/// A command in one word.
const fn verb(command: &Command) -> &'static str {
    match command {
        Command::Dial { .. } => "dials",
        Command::Ring { .. } => "rings",
        Command::Answer { .. } => "answers",
        Command::Refuse(_) => "refuses",
        Command::Offer { .. } => "offers",
        Command::ReplyOffer { .. } => "replies",
        Command::RefuseOffer { .. } => "refuses the offer",
        Command::RejectAnswer { .. } => "rejects the answer",
        Command::Info { .. } => "sends a digit",
        Command::AcceptRefer { .. } => "accepts the REFER",
        Command::RefuseRefer { .. } => "refuses the REFER",
        Command::NotifyRefer { .. } => "notifies",
        Command::Refer { .. } => "refers",
        Command::HangUp { .. } => "hangs up",
    }
}

/// An event in a line.
fn happened(event: &Event) -> String {
    match event {
        Event::Invited { call_id, late_offer, .. } => {
            format!("Invited, Call-ID {call_id}, late offer {late_offer}")
        }
        Event::Ringing { status, .. } => format!("Ringing {status}"),
        Event::Offered { exchange, .. } => format!("Offered {exchange:?}"),
        Event::OfferWanted { exchange } => format!("OfferWanted {exchange:?}"),
        Event::Answered { exchange, .. } => format!("Answered {exchange:?}"),
        Event::Confirmed => "Confirmed".to_owned(),
        Event::OfferFailed { exchange, status } => format!("OfferFailed {exchange:?} {status}"),
        Event::Info { parts } => format!("Info of {} parts", parts.len()),
        Event::Refreshed => "Refreshed".to_owned(),
        Event::TargetRefreshed { .. } => "TargetRefreshed".to_owned(),
        Event::Referred { refer, target, .. } => format!("Referred {refer:?} to {target}"),
        Event::ReferProgress { refer, status } => format!("ReferProgress {refer:?} {status}"),
        Event::ReferDone { refer, status } => format!("ReferDone {refer:?} {status}"),
        Event::ReferFailed { refer, status } => format!("ReferFailed {refer:?} {status}"),
        Event::Ended(ended) => format!("{ended:?}"),
    }
}
