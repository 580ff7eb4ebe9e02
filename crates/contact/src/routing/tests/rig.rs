use crate::Now;
use crate::routing::{
    AgentCounts, AgentKey, AgentPlan, CallbackPlan, DEFAULT_PRIORITY, EnqueueRefusal, InstancePlan, OfferEnd,
    Output, ProfilePlan, QueueKey, QueuePlan, QueuedContact, QueuedKind, RoutedQueuePlan, Routing,
    RoutingCriteria, RoutingOptions, StatusKind, StatusPlan, UserData,
};
use tympan_types::{ContactId, InstanceId, Mono, OfferId, ResourceId, WallTime};

/// Statuses of the rig's instance.
pub(super) const AVAILABLE: u8 = 1;
pub(super) const LUNCH: u8 = 2;
pub(super) const OFFLINE: u8 = 3;

fn bytes(kind: u8, number: u32) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[0] = kind;
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    bytes
}

pub(super) fn instance() -> InstanceId {
    InstanceId::from_random(bytes(1, 1))
}

pub(super) fn contact(number: u32) -> ContactId {
    ContactId::from_random(bytes(2, number))
}

/// The number that [`contact`] made an id of.
pub(super) fn number(contact: ContactId) -> u32 {
    u32::from_be_bytes(contact.as_bytes()[12..].try_into().unwrap())
}

pub(super) fn queue_id(number: u32) -> ResourceId {
    ResourceId::from_bytes(bytes(3, number))
}

pub(super) fn queue(number: u32) -> QueueKey {
    QueueKey::standard(instance(), queue_id(number))
}

pub(super) fn profile(number: u32) -> ResourceId {
    ResourceId::from_bytes(bytes(4, number))
}

pub(super) fn status(number: u8) -> ResourceId {
    ResourceId::from_bytes(bytes(5, u32::from(number)))
}

pub(super) fn agent(number: u32) -> AgentKey {
    AgentKey { instance: instance(), user: ResourceId::from_bytes(bytes(6, number)) }
}

pub(super) fn agent_number(agent: AgentKey) -> u32 {
    u32::from_be_bytes(agent.user.as_bytes()[12..].try_into().unwrap())
}

pub(super) fn routed(number: u32, priority: u32, delay_s: u32) -> RoutedQueuePlan {
    RoutedQueuePlan { queue: queue_id(number), priority, delay_s }
}

/// An instance with queues 1 to `queues`, which profile 1 has at priority 1 without a delay, and agents 1 to `agents` of that profile.
pub(super) fn plan(queues: u32, agents: u32) -> InstancePlan {
    let mut plan = InstancePlan::empty(instance());
    let names = [
        (AVAILABLE, "Available", StatusKind::Routable),
        (LUNCH, "Lunch", StatusKind::Custom),
        (OFFLINE, "Offline", StatusKind::Offline),
    ];
    for (number, name, kind) in names {
        plan.statuses.insert(status(number), StatusPlan { name: name.to_owned(), kind, is_enabled: true });
    }
    for number in 1..=queues {
        plan.queues.insert(queue_id(number), QueuePlan { is_enabled: true, max_contacts: Some(1000) });
    }
    let queues = (1..=queues).map(|number| routed(number, 1, 0)).collect();
    plan.profiles.insert(profile(1), ProfilePlan { queues, voice_concurrency: 1, timer: Default::default() });
    for number in 1..=agents {
        let settings = AgentPlan { profile: profile(1), after_contact_work_s: 10, auto_accept: false };
        plan.agents.insert(agent(number).user, settings);
    }
    plan
}

/// A call in a queue, as most are.
pub(super) fn call(number: u32, queue: QueueKey, now: Now) -> QueuedContact {
    QueuedContact {
        contact: contact(number),
        queue,
        priority: DEFAULT_PRIORITY,
        age_adjustment_s: 0,
        queued_at: now.wall,
        kind: QueuedKind::Call,
        has_buffer: false,
        criteria: RoutingCriteria::default(),
    }
}

/// Routing, its time, and what it gave out.
pub(super) struct Rig {
    pub(super) routing: Routing,
    pub(super) now: Now,
    pub(super) plan: InstancePlan,
    /// What was given out and not taken from here.
    pub(super) outputs: Vec<Output>,
    /// The offers that are not over: contact, agent, offer.
    pub(super) ringing: Vec<(u32, u32, OfferId)>,
}

impl Rig {
    pub(super) fn new(plan: InstancePlan) -> Self {
        Self::with(plan, RoutingOptions::default())
    }

    pub(super) fn with(plan: InstancePlan, options: RoutingOptions) -> Self {
        let now = Now { mono: Mono::from_millis(1_000), wall: WallTime::from_unix_ms(1_700_000_000_000) };
        let mut routing = Routing::new(options);
        routing.configure(now, plan.clone());
        let mut rig = Self { routing, now, plan, outputs: Vec::new(), ringing: Vec::new() };
        rig.drain();
        rig.outputs.clear();
        rig
    }

    /// One queue, and so many agents whose telephones register one second after the other.
    pub(super) fn staffed(agents: u32) -> Self {
        let mut rig = Self::new(plan(1, agents));
        for number in 1..=agents {
            rig.online(number);
            rig.wait_ms(1000);
        }
        rig.outputs.clear();
        rig
    }

    pub(super) fn drain(&mut self) {
        while let Some(output) = self.routing.poll() {
            match output {
                Output::Offer { offer, contact, agent, .. } => {
                    self.ringing.push((number(contact), agent_number(agent), offer));
                }
                Output::OfferEnded { offer, .. } => self.ringing.retain(|(.., id)| *id != offer),
                _ => {}
            }
            self.outputs.push(output);
        }
    }

    /// Lets time pass, each deadline at its time.
    pub(super) fn wait_ms(&mut self, ms: i64) {
        let until = self.now.plus_ms(ms);
        while let Some(at) = self.routing.next_deadline().filter(|at| *at <= until.mono) {
            self.now = self.now.plus_ms(at.ms_since(self.now.mono));
            self.routing.time_passed(self.now);
            self.drain();
            let next = self.routing.next_deadline();
            assert!(next.is_none_or(|next| next > self.now.mono), "what is due is done: {next:?}");
        }
        self.now = until;
    }

    pub(super) fn configure(&mut self) {
        self.routing.configure(self.now, self.plan.clone());
        self.drain();
    }

    pub(super) fn online(&mut self, number: u32) {
        self.routing.online(self.now, agent(number));
        self.drain();
    }

    pub(super) fn offline(&mut self, number: u32) {
        self.routing.offline(self.now, agent(number));
        self.drain();
    }

    pub(super) fn put_status(&mut self, number: u32, number_of_status: u8) {
        self.routing.put_status(self.now, agent(number), status(number_of_status)).unwrap();
        self.drain();
    }

    pub(super) fn enqueue(&mut self, queued: QueuedContact) -> Result<(), EnqueueRefusal> {
        let result = self.routing.enqueue(self.now, queued);
        self.drain();
        result
    }

    /// Puts a call into queue 1.
    pub(super) fn call(&mut self, number: u32) {
        self.enqueue(call(number, queue(1), self.now)).unwrap();
    }

    /// Puts a callback into queue 1.
    pub(super) fn callback(&mut self, number: u32, delay_ms: i64, attempts_max: u32) {
        let plan = CallbackPlan {
            created_at: self.now.wall,
            due_at: self.now.wall.plus_ms(delay_ms),
            attempts_max,
            retry_delay_s: 60,
        };
        let queued = QueuedContact { kind: QueuedKind::Callback(plan), ..call(number, queue(1), self.now) };
        self.enqueue(queued).unwrap();
    }

    pub(super) fn leave(&mut self, number: u32) {
        self.routing.leave(self.now, contact(number));
        self.drain();
    }

    /// The offers since the last look: contact and agent.
    pub(super) fn offered(&mut self) -> Vec<(u32, u32)> {
        let outputs = std::mem::take(&mut self.outputs);
        let offer = |output: &Output| match output {
            Output::Offer { contact, agent, .. } => Some((number(*contact), agent_number(*agent))),
            _ => None,
        };
        outputs.iter().filter_map(offer).collect()
    }

    /// The offer of a contact.
    pub(super) fn offer(&self, number: u32) -> OfferId {
        let ringing = self.ringing.iter().rev().find(|(contact, ..)| *contact == number);
        ringing.map(|(.., offer)| *offer).expect("it rings")
    }

    pub(super) fn accept(&mut self, number: u32) {
        assert!(self.routing.accepted(self.now, self.offer(number)));
        self.drain();
    }

    /// The agent accepts, and they talk.
    pub(super) fn join(&mut self, number: u32) {
        assert!(self.routing.joined(self.now, self.offer(number)));
        self.over(number);
    }

    pub(super) fn miss(&mut self, number: u32) {
        self.routing.missed(self.now, self.offer(number));
        self.over(number);
    }

    pub(super) fn fail(&mut self, number: u32) {
        self.routing.failed(self.now, self.offer(number));
        self.over(number);
    }

    fn over(&mut self, number: u32) {
        let offer = self.offer(number);
        self.ringing.retain(|(.., id)| *id != offer);
        self.drain();
    }

    pub(super) fn end(&mut self, of: u32, number: u32) {
        self.routing.ended(self.now, agent(of), contact(number));
        self.drain();
    }

    pub(super) fn dismiss(&mut self, of: u32, number: u32) {
        self.routing.dismiss(self.now, agent(of), contact(number)).unwrap();
        self.drain();
    }

    /// They have talked, and the work after it is done.
    pub(super) fn end_all(&mut self, of: u32, number: u32) {
        self.end(of, number);
        self.dismiss(of, number);
    }

    pub(super) fn user(&self, number: u32) -> UserData {
        self.routing.user_data(agent(number)).expect("an agent")
    }

    /// The states of an agent's contacts.
    pub(super) fn states(&self, of: u32) -> Vec<(u32, &'static str)> {
        let contacts = self.user(of).contacts;
        contacts.iter().map(|held| (number(held.contact), held.state.as_str())).collect()
    }

    pub(super) fn agents(&self) -> AgentCounts {
        self.routing.queue_agents(queue(1))
    }

    /// Contacts of queue 1 in its order.
    pub(super) fn waiting(&self) -> Vec<u32> {
        self.routing.queued(queue(1), usize::MAX).into_iter().map(number).collect()
    }

    /// How offers ended since the last look.
    pub(super) fn offer_ends(&mut self) -> Vec<(u32, OfferEnd)> {
        let outputs = std::mem::take(&mut self.outputs);
        let end = |output: &Output| match output {
            Output::OfferEnded { contact, why, .. } => Some((number(*contact), *why)),
            _ => None,
        };
        outputs.iter().filter_map(end).collect()
    }
}
