use super::model::{CLEAR_MISSED_S, JOIN_S, Model, PROFILES, Queue, RING_S, State, WORK_S};
use super::rig::{Rig, agent, call, contact, number, plan, profile, queue, routed, status};
use crate::routing::{
    AvailabilityTimer, ProfilePlan, QueuedContact, RoutingCriteria, RoutingOptions, RoutingStep,
    RoutingUpdate,
};
use proptest::prelude::*;

/// The agents of both.
const AGENTS: u32 = 6;

/// Something that may happen; numbers choose among those to whom it can.
#[derive(Debug, Clone)]
pub(super) enum Happening {
    Enqueue { queue: u32, priority: u64, adjustment: i32, prefers: Option<(Vec<u32>, Option<u32>)> },
    EnqueueOwn { agent: u32 },
    Leave(usize),
    Priority(usize, u64),
    Adjust(usize, i32),
    Associate(usize, u32),
    Accept(usize),
    Join(usize),
    Miss(usize),
    Fail(usize),
    End(usize),
    Dismiss(usize),
    Dial(u32),
    Status(u32, u8),
    Online(u32),
    Offline(u32),
    Wait(u8),
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    let agent = || 1..=AGENTS;
    let any = || 0usize..100;
    let prefers = prop::option::weighted(
        0.2,
        (prop::collection::vec(agent(), 0..3), prop::option::weighted(0.8, 1u32..30)),
    );
    prop_oneof![
        12 => (1u32..=3, 4u64..=6, -20i32..20, prefers).prop_map(|(queue, priority, adjustment, prefers)| {
            Enqueue { queue, priority, adjustment, prefers }
        }),
        2 => agent().prop_map(|agent| EnqueueOwn { agent }),
        2 => any().prop_map(Leave),
        1 => (any(), 4u64..=6).prop_map(|(which, priority)| Priority(which, priority)),
        1 => (any(), -20i32..20).prop_map(|(which, seconds)| Adjust(which, seconds)),
        1 => (any(), agent()).prop_map(|(which, agent)| Associate(which, agent)),
        8 => any().prop_map(Accept),
        8 => any().prop_map(Join),
        2 => any().prop_map(Miss),
        1 => any().prop_map(Fail),
        8 => any().prop_map(End),
        6 => any().prop_map(Dismiss),
        1 => agent().prop_map(Dial),
        3 => (agent(), 1u8..=3).prop_map(|(agent, status)| Status(agent, status)),
        6 => agent().prop_map(Online),
        2 => agent().prop_map(Offline),
        10 => (1u8..15).prop_map(Wait),
    ]
}

fn pick<T: Copy>(from: &[T], which: usize) -> Option<T> {
    (!from.is_empty()).then(|| from[which % from.len()])
}

/// The machine and the model side by side.
pub(super) struct Both {
    pub(super) rig: Rig,
    pub(super) model: Model,
    last_contact: u32,
}

impl Both {
    pub(super) fn new(agents: u32) -> Self {
        let mut plan = plan(3, agents);
        for (place, (slots, inbound, queues)) in (1..).zip(PROFILES) {
            let timer = if inbound {
                AvailabilityTimer::SinceLastInbound
            } else {
                AvailabilityTimer::SinceLastActivity
            };
            let routed =
                |(queue, priority, delay): &(u32, u32, i64)| routed(*queue, *priority, *delay as u32);
            let queues = queues.iter().map(routed).collect();
            plan.profiles
                .insert(profile(place), ProfilePlan { queues, voice_concurrency: slots as u32, timer });
        }
        for number in 1..=agents {
            let settings = plan.agents.get_mut(&agent(number).user).unwrap();
            settings.profile = profile((number + 1) % 2 + 1);
            settings.after_contact_work_s = WORK_S[number as usize % WORK_S.len()] as u32;
        }
        let options = RoutingOptions {
            ring_limit_ms: RING_S as u32 * 1000,
            join_limit_ms: JOIN_S as u32 * 1000,
            clear_missed_after_ms: Some(CLEAR_MISSED_S as u32 * 1000),
            ..RoutingOptions::default()
        };
        Self { rig: Rig::with(plan, options), model: Model::new(agents), last_contact: 0 }
    }

    pub(super) fn happens(&mut self, what: Happening) {
        let Self { rig, model, last_contact } = self;
        let ringing = |model: &Model| model.pairs(|state| state == State::Ringing);
        let taking = |model: &Model| model.pairs(|state| matches!(state, State::Ringing | State::Accepted));
        let queued: Vec<u32> = model.contacts.keys().copied().collect();
        match what {
            Happening::Enqueue { queue: of, priority, adjustment, prefers } => {
                *last_contact += 1;
                let step = |(agents, expires_after_s): &(Vec<u32>, Option<u32>)| RoutingStep {
                    agents: agents.iter().map(|number| agent(*number)).collect(),
                    expires_after_s: *expires_after_s,
                };
                let criteria = RoutingCriteria { steps: prefers.iter().map(step).collect() };
                let queued = call(*last_contact, queue(of), rig.now);
                let queued = QueuedContact { priority, age_adjustment_s: adjustment, criteria, ..queued };
                rig.enqueue(queued).unwrap();
                let steps = prefers.into_iter().map(|(agents, lasts)| (agents, lasts.map(i64::from)));
                let of = Queue::Standard(of);
                model.enqueue(*last_contact, of, priority, i64::from(adjustment), steps.collect());
            }
            Happening::EnqueueOwn { agent: of } => {
                let full = model.contacts.values().filter(|c| c.queue == Queue::Own(of)).count() >= 10;
                *last_contact += 1;
                let result = rig.enqueue(call(*last_contact, agent(of).own_queue(), rig.now));
                assert_eq!(result.is_err(), full);
                if !full {
                    model.enqueue(*last_contact, Queue::Own(of), 5, 0, Vec::new());
                }
            }
            Happening::Leave(which) => {
                if let Some(number) = pick(&queued, which) {
                    rig.leave(number);
                    model.leave(number);
                }
            }
            Happening::Priority(which, priority) => {
                if let Some(number) = pick(&queued, which) {
                    let accepted = model.pairs(|state| state == State::Accepted);
                    let update = RoutingUpdate::Priority(priority);
                    let result = rig.routing.update(rig.now, contact(number), update);
                    rig.drain();
                    let is_accepted = accepted.iter().any(|(contact, _)| *contact == number);
                    assert_eq!(result.is_err(), is_accepted);
                    if !is_accepted {
                        model.contacts.get_mut(&number).unwrap().priority = priority;
                        model.route();
                    }
                }
            }
            Happening::Adjust(which, seconds) => {
                let waiting: Vec<u32> = queued.into_iter().filter(|n| model.is_waiting(*n)).collect();
                if let Some(number) = pick(&waiting, which) {
                    let update = RoutingUpdate::AgeAdjustment { seconds };
                    rig.routing.update(rig.now, contact(number), update).unwrap();
                    rig.drain();
                    model.contacts.get_mut(&number).unwrap().adjustment = i64::from(seconds);
                    model.route();
                }
            }
            Happening::Associate(which, of) => {
                let waiting: Vec<u32> = queued.into_iter().filter(|n| model.is_waiting(*n)).collect();
                if let Some(number) = pick(&waiting, which)
                    && model.agents[&of].contacts.len() < 20
                {
                    rig.routing.associate(rig.now, contact(number), agent(of)).unwrap();
                    rig.drain();
                    model.offer(number, of);
                    model.route();
                }
            }
            Happening::Accept(which) => {
                if let Some((number, of)) = pick(&ringing(model), which) {
                    rig.accept(number);
                    model.accept(number, of);
                }
            }
            Happening::Join(which) => {
                if let Some((number, of)) = pick(&taking(model), which) {
                    rig.join(number);
                    model.join(number, of);
                }
            }
            Happening::Miss(which) => {
                if let Some((number, of)) = pick(&taking(model), which) {
                    rig.miss(number);
                    model.miss(number, of, State::Missed);
                }
            }
            Happening::Fail(which) => {
                if let Some((number, of)) = pick(&taking(model), which) {
                    rig.fail(number);
                    model.miss(number, of, State::Error);
                }
            }
            Happening::End(which) => {
                let busy = |state| !matches!(state, State::Missed | State::Error | State::Work);
                if let Some((number, of)) = pick(&model.pairs(busy), which) {
                    rig.end(of, number);
                    rig.ringing.retain(|(contact, to, _)| (*contact, *to) != (number, of));
                    model.end(number, of);
                }
            }
            Happening::Dismiss(which) => {
                let over = |state| matches!(state, State::Missed | State::Error | State::Work);
                if let Some((number, of)) = pick(&model.pairs(over), which) {
                    rig.dismiss(of, number);
                    model.dismiss(number, of);
                }
            }
            Happening::Dial(of) => {
                *last_contact += 1;
                if model.agents[&of].contacts.len() < 20 {
                    rig.routing.dialled(rig.now, agent(of), contact(*last_contact)).unwrap();
                    rig.drain();
                    model.dial(*last_contact, of);
                }
            }
            Happening::Status(of, chosen) => {
                rig.put_status(of, chosen);
                model.put_status(of, chosen);
            }
            Happening::Online(of) => {
                rig.online(of);
                model.online(of);
            }
            Happening::Offline(of) => {
                rig.offline(of);
                model.offline(of);
            }
            Happening::Wait(seconds) => {
                for _ in 0..seconds {
                    self.rig.wait_ms(1000);
                    self.model.tick();
                    self.agree();
                }
            }
        }
        self.agree();
    }

    /// Both have made the same offers in the same order, and show the same.
    fn agree(&mut self) {
        let Self { rig, model, .. } = self;
        assert_eq!(rig.offered(), std::mem::take(&mut model.offers), "at {} s", model.now);
        for of in 1..=3 {
            let waiting: Vec<u32> =
                rig.routing.queued(queue(of), usize::MAX).into_iter().map(number).collect();
            assert_eq!(waiting, model.waiting(of));
            let oldest = model.contacts.values().filter(|c| c.queue == Queue::Standard(of));
            let oldest = oldest.map(|contact| model.now - contact.queued).max().unwrap_or(0);
            assert_eq!(rig.routing.queue_contacts(rig.now, queue(of)).oldest_age_ms, oldest * 1000);
        }
        for (of, expected) in &model.agents {
            let states = expected.contacts.iter().map(|handled| (handled.contact, handled.state.word()));
            assert_eq!(rig.states(*of), states.collect::<Vec<_>>(), "agent {of}");
            let user = rig.user(*of);
            let next = expected.next.map(|(next, _)| status(next));
            assert_eq!((user.status, user.next_status), (Some(status(expected.status)), next), "agent {of}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    /// After each thing that happens both have made the same offers and show the same queues, agents and statuses.
    #[test]
    fn routing_decides_as_plain_lists_sorted_by_the_specified_key_do(
        history in prop::collection::vec(happening(), 0..250),
    ) {
        let mut both = Both::new(AGENTS);
        for number in 1..=AGENTS {
            both.happens(Happening::Online(number));
        }
        for what in history {
            both.happens(what);
        }
    }
}
