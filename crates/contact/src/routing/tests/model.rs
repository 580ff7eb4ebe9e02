//! Routing as plain lists: each decision sorts all contacts and all agents by the key that is specified. Slow, and easy to read.

use super::rig::{AVAILABLE, LUNCH, OFFLINE};
use std::collections::BTreeMap;

/// How the model and the machine are set up.
pub(super) const RING_S: i64 = 20;
pub(super) const JOIN_S: i64 = 60;
pub(super) const CLEAR_MISSED_S: i64 = 40;
/// Slots, whether only inbound contacts count for idleness, and (queue, priority, delay).
type Profile = (usize, bool, &'static [(u32, u32, i64)]);
pub(super) const PROFILES: [Profile; 2] =
    [(1, false, &[(1, 1, 0), (2, 2, 5)]), (2, true, &[(2, 1, 0), (1, 1, 10), (3, 2, 0)])];
/// After-contact work of agents, in turn.
pub(super) const WORK_S: [i64; 3] = [10, 0, 5];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    Standard(u32),
    Own(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ringing,
    Accepted,
    Dialling,
    Connected,
    Missed,
    Error,
    Work,
}

impl State {
    fn is_busy(self) -> bool {
        !matches!(self, Self::Missed | Self::Error | Self::Work)
    }

    fn is_taking_or_blamed(self) -> bool {
        matches!(self, Self::Ringing | Self::Accepted | Self::Missed | Self::Error)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ringing | Self::Accepted | Self::Dialling => "CONNECTING",
            Self::Connected => "CONNECTED",
            Self::Missed => "MISSED",
            Self::Error => "ERROR",
            Self::Work => "ENDED",
        }
    }
}

pub(super) struct Handled {
    pub(super) contact: u32,
    pub(super) state: State,
    is_outbound: bool,
    until: Option<i64>,
}

pub(super) struct Agent {
    pub(super) status: u8,
    pub(super) next: Option<(u8, bool)>,
    telephone: bool,
    pub(super) contacts: Vec<Handled>,
    idle: i64,
    inbound_idle: i64,
}

pub(super) struct Contact {
    pub(super) queue: Queue,
    pub(super) priority: u64,
    pub(super) queued: i64,
    pub(super) adjustment: i64,
    /// Preferred agents and how long each step lasts.
    steps: Vec<(Vec<u32>, Option<i64>)>,
    step_until: Option<i64>,
    agent: Option<u32>,
}

impl Contact {
    pub(super) fn rank(&self, number: u32) -> (u64, i64, u32) {
        (self.priority, self.queued - self.adjustment, number)
    }

    fn start_step(&mut self, now: i64) {
        self.step_until = self.steps.first().and_then(|(_, lasts)| *lasts).map(|lasts| now + lasts);
    }
}

/// Agents are counted from 1.
pub(super) struct Model {
    pub(super) now: i64,
    pub(super) agents: BTreeMap<u32, Agent>,
    pub(super) contacts: BTreeMap<u32, Contact>,
    /// Contact and agent of each offer since the last look.
    pub(super) offers: Vec<(u32, u32)>,
}

fn profile(agent: u32) -> Profile {
    PROFILES[(agent as usize + 1) % PROFILES.len()]
}

fn work_s(agent: u32) -> i64 {
    WORK_S[agent as usize % WORK_S.len()]
}

impl Model {
    pub(super) fn new(agents: u32) -> Self {
        let agent = || Agent {
            status: OFFLINE,
            next: None,
            telephone: false,
            contacts: Vec::new(),
            idle: 0,
            inbound_idle: 0,
        };
        let agents = (1..=agents).map(|number| (number, agent())).collect();
        Self { now: 0, agents, contacts: BTreeMap::new(), offers: Vec::new() }
    }

    /// While an agent can take a contact: the first one who has one is offered his first one.
    pub(super) fn route(&mut self) {
        loop {
            let mut free: Vec<u32> =
                self.agents.keys().copied().filter(|agent| self.can_take(*agent)).collect();
            free.sort_by_key(|number| {
                let agent = &self.agents[number];
                let idle = if profile(*number).1 { agent.inbound_idle } else { agent.idle };
                (agent.contacts.len(), idle, *number)
            });
            let choice = free.into_iter().find_map(|agent| Some((agent, self.best(agent)?)));
            let Some((agent, contact)) = choice else { return };
            self.offer(contact, agent);
        }
    }

    fn can_take(&self, number: u32) -> bool {
        let agent = &self.agents[&number];
        agent.telephone
            && agent.status == AVAILABLE
            && agent.next.is_none()
            && agent.contacts.len() < profile(number).0
            && !agent.contacts.iter().any(|handled| handled.state.is_taking_or_blamed())
    }

    fn best(&self, agent: u32) -> Option<u32> {
        let key = |number: u32, contact: &Contact| {
            let (own, queue_priority) = match contact.queue {
                Queue::Own(owner) if owner == agent => (0, 0),
                Queue::Own(_) => return None,
                Queue::Standard(queue) => {
                    let (_, priority, delay) =
                        profile(agent).2.iter().find(|(routed, ..)| *routed == queue)?;
                    let age = self.now - (contact.queued - contact.adjustment);
                    if *delay > 0 && age < *delay {
                        return None;
                    }
                    if contact.steps.first().is_some_and(|(agents, _)| !agents.contains(&agent)) {
                        return None;
                    }
                    (1, *priority)
                }
            };
            Some((own, queue_priority, contact.rank(number)))
        };
        let waiting = self.contacts.iter().filter(|(_, contact)| contact.agent.is_none());
        waiting.filter_map(|(number, contact)| Some((key(*number, contact)?, *number))).min().map(|(_, n)| n)
    }

    pub(super) fn offer(&mut self, contact: u32, agent: u32) {
        self.contacts.get_mut(&contact).unwrap().agent = Some(agent);
        self.offers.push((contact, agent));
        let until = Some(self.now + RING_S);
        let contacts = &mut self.agents.get_mut(&agent).unwrap().contacts;
        contacts.retain(|handled| handled.contact != contact);
        contacts.push(Handled { contact, state: State::Ringing, is_outbound: false, until });
    }

    pub(super) fn enqueue(
        &mut self,
        number: u32,
        queue: Queue,
        priority: u64,
        adjustment: i64,
        steps: Vec<(Vec<u32>, Option<i64>)>,
    ) {
        let steps = if matches!(queue, Queue::Own(_)) { Vec::new() } else { steps };
        let mut contact =
            Contact { queue, priority, queued: self.now, adjustment, steps, step_until: None, agent: None };
        contact.start_step(self.now);
        self.contacts.insert(number, contact);
        self.route();
    }

    pub(super) fn leave(&mut self, number: u32) {
        if let Some(agent) = self.contacts.remove(&number).and_then(|contact| contact.agent) {
            self.agents.get_mut(&agent).unwrap().contacts.retain(|handled| handled.contact != number);
            self.refresh(agent);
        }
        self.route();
    }

    fn held(&mut self, agent: u32, contact: u32) -> &mut Handled {
        let contacts = &mut self.agents.get_mut(&agent).unwrap().contacts;
        contacts.iter_mut().find(|handled| handled.contact == contact).unwrap()
    }

    pub(super) fn accept(&mut self, contact: u32, agent: u32) {
        let until = Some(self.now + JOIN_S);
        let handled = self.held(agent, contact);
        (handled.state, handled.until) = (State::Accepted, until);
    }

    pub(super) fn join(&mut self, contact: u32, agent: u32) {
        self.contacts.remove(&contact);
        let handled = self.held(agent, contact);
        (handled.state, handled.until) = (State::Connected, None);
        self.route();
    }

    fn fall_through(&mut self, contact: u32, agent: u32, state: State) {
        self.contacts.get_mut(&contact).unwrap().agent = None;
        let until = Some(self.now + CLEAR_MISSED_S);
        let handled = self.held(agent, contact);
        (handled.state, handled.until) = (state, until);
        if !self.agents[&agent].telephone {
            self.clear(agent, contact);
        }
        self.refresh(agent);
    }

    pub(super) fn miss(&mut self, contact: u32, agent: u32, state: State) {
        self.fall_through(contact, agent, state);
        self.route();
    }

    fn clear(&mut self, number: u32, contact: u32) {
        let now = self.now;
        let agent = self.agents.get_mut(&number).unwrap();
        let place = agent.contacts.iter().position(|handled| handled.contact == contact).unwrap();
        let handled = agent.contacts.remove(place);
        agent.idle = now;
        if handled.state == State::Work && !handled.is_outbound {
            agent.inbound_idle = now;
        }
    }

    fn clear_if(&mut self, number: u32, is_cleared: impl Fn(State) -> bool) {
        let cleared = self.agents[&number].contacts.iter().filter(|handled| is_cleared(handled.state));
        for contact in cleared.map(|handled| handled.contact).collect::<Vec<_>>() {
            self.clear(number, contact);
        }
    }

    pub(super) fn end(&mut self, contact: u32, agent: u32) {
        let state = self.held(agent, contact).state;
        if matches!(state, State::Ringing | State::Accepted) {
            self.fall_through(contact, agent, State::Missed);
        } else {
            let until = Some(work_s(agent)).filter(|work| *work > 0).map(|work| self.now + work);
            let handled = self.held(agent, contact);
            (handled.state, handled.until) = (State::Work, until);
            if !self.agents[&agent].telephone {
                self.clear(agent, contact);
            }
            self.refresh(agent);
        }
        self.route();
    }

    pub(super) fn dismiss(&mut self, contact: u32, agent: u32) {
        self.clear(agent, contact);
        self.refresh(agent);
        self.route();
    }

    pub(super) fn dial(&mut self, contact: u32, agent: u32) {
        let handled = Handled { contact, state: State::Dialling, is_outbound: true, until: None };
        self.agents.get_mut(&agent).unwrap().contacts.push(handled);
    }

    fn set_status(&mut self, number: u32, status: u8) {
        let now = self.now;
        let agent = self.agents.get_mut(&number).unwrap();
        (agent.status, agent.idle) = (status, now);
    }

    fn refresh(&mut self, number: u32) {
        let agent = self.agents.get_mut(&number).unwrap();
        if agent.contacts.is_empty()
            && let Some((status, _)) = agent.next.take()
        {
            self.set_status(number, status);
        }
    }

    pub(super) fn put_status(&mut self, number: u32, status: u8) {
        self.clear_if(number, |state| !state.is_busy());
        let agent = self.agents.get_mut(&number).unwrap();
        if !agent.contacts.is_empty() && matches!(status, LUNCH | OFFLINE) && agent.status != status {
            agent.next = Some((status, false));
        } else {
            agent.next = None;
            if agent.status != status {
                self.set_status(number, status);
            }
        }
        self.refresh(number);
        self.route();
    }

    pub(super) fn online(&mut self, number: u32) {
        let agent = self.agents.get_mut(&number).unwrap();
        if agent.telephone {
            return;
        }
        agent.telephone = true;
        agent.next = agent.next.filter(|(_, is_logout)| !is_logout);
        let is_offline = agent.status == OFFLINE;
        self.clear_if(number, |state| matches!(state, State::Missed | State::Error));
        if is_offline {
            self.set_status(number, AVAILABLE);
        }
        self.refresh(number);
        self.route();
    }

    pub(super) fn offline(&mut self, number: u32) {
        self.agents.get_mut(&number).unwrap().telephone = false;
        self.clear_if(number, |state| !state.is_busy());
        let agent = self.agents.get_mut(&number).unwrap();
        agent.next = None;
        if agent.status != OFFLINE {
            if agent.contacts.is_empty() {
                self.set_status(number, OFFLINE);
            } else {
                agent.next = Some((OFFLINE, true));
            }
        }
        self.refresh(number);
        self.route();
    }

    /// A second has passed.
    pub(super) fn tick(&mut self) {
        self.now += 1;
        let now = self.now;
        let mut due = Vec::new();
        for (number, agent) in &self.agents {
            let over =
                agent.contacts.iter().filter(|handled| handled.until.is_some_and(|until| until <= now));
            due.extend(over.map(|handled| (*number, handled.contact, handled.state)));
        }
        for (agent, contact, state) in due {
            match state {
                State::Ringing => self.fall_through(contact, agent, State::Missed),
                State::Accepted => self.fall_through(contact, agent, State::Error),
                _ => {
                    self.clear(agent, contact);
                    self.refresh(agent);
                }
            }
        }
        for contact in self.contacts.values_mut() {
            while contact.step_until.is_some_and(|until| until <= now) {
                contact.steps.remove(0);
                contact.start_step(now);
            }
        }
        self.route();
    }

    /// Contacts of a standard queue in its order.
    pub(super) fn waiting(&self, queue: u32) -> Vec<u32> {
        let of_queue = self.contacts.iter().filter(|(_, contact)| contact.queue == Queue::Standard(queue));
        let mut ranks: Vec<_> = of_queue.map(|(number, contact)| contact.rank(*number)).collect();
        ranks.sort_unstable();
        ranks.into_iter().map(|(.., number)| number).collect()
    }

    /// Contacts and agents in a state.
    pub(super) fn pairs(&self, is: impl Fn(State) -> bool) -> Vec<(u32, u32)> {
        let mut pairs = Vec::new();
        for (number, agent) in &self.agents {
            let of_agent = agent.contacts.iter().filter(|handled| is(handled.state));
            pairs.extend(of_agent.map(|handled| (handled.contact, *number)));
        }
        pairs
    }

    pub(super) fn is_waiting(&self, number: u32) -> bool {
        self.contacts.get(&number).is_some_and(|contact| contact.agent.is_none())
    }
}
