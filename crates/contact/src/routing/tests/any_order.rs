//! Words in any order, late ones and wrong ones, and configurations that change under them.

use super::rig::{
    AVAILABLE, OFFLINE, Rig, agent, call, contact, instance, plan, profile, queue, queue_id, routed, status,
};
use crate::routing::queue::Place;
use crate::routing::{
    AgentPlan, CallbackPlan, InstancePlan, Output, ProfilePlan, QueueKey, QueuePlan, QueuedContact,
    QueuedKind, Routing, RoutingCriteria, RoutingOptions, RoutingStep, RoutingUpdate, StatusKind, StatusPlan,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use tympan_types::OfferId;

const CONTACTS: u32 = 12;
const AGENTS: u32 = 5;
const QUEUES: u32 = 4;

#[derive(Debug, Clone)]
enum Anything {
    Enqueue { contact: u32, queue: u32, own: bool, callback: Option<(i64, u32)>, prefers: Vec<u32> },
    Leave(u32),
    Closed(u32),
    Update(u32, u8),
    Associate(u32, u32),
    Direct(u32, u32),
    Offer(u64, u8),
    Held(u32, u32, bool),
    Dialled(u32, u32),
    Answered(u32, u32),
    Ended(u32, u32),
    Dismiss(u32, u32),
    Unanswered(u32, u32),
    Telephone(u32, bool),
    Status(u32, u8),
    Wait(u32),
    Configure(u64),
    Restart,
    Forget,
}

fn anything() -> impl Strategy<Value = Anything> {
    use Anything::*;
    let contact = || 1..=CONTACTS;
    let agent = || 1..=AGENTS;
    let callback = prop::option::weighted(0.3, (-1_000i64..60_000, 1u32..3));
    let prefers = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(agent(), 1..3)];
    prop_oneof![
        14 => (contact(), 1..=QUEUES, prop::bool::weighted(0.2), callback, prefers).prop_map(
            |(contact, queue, own, callback, prefers)| Enqueue { contact, queue, own, callback, prefers }
        ),
        2 => contact().prop_map(Leave),
        2 => contact().prop_map(Closed),
        2 => (contact(), 0u8..4).prop_map(|(contact, how)| Update(contact, how)),
        1 => (contact(), agent()).prop_map(|(contact, agent)| Associate(contact, agent)),
        1 => (contact(), agent()).prop_map(|(contact, agent)| Direct(contact, agent)),
        20 => (0u64..6, 0u8..7).prop_map(|(before_last, what)| Offer(before_last, what)),
        1 => (agent(), contact(), any::<bool>()).prop_map(|(agent, contact, held)| Held(agent, contact, held)),
        1 => (agent(), contact()).prop_map(|(agent, contact)| Dialled(agent, contact)),
        1 => (agent(), contact()).prop_map(|(agent, contact)| Answered(agent, contact)),
        8 => (agent(), contact()).prop_map(|(agent, contact)| Ended(agent, contact)),
        8 => (agent(), contact()).prop_map(|(agent, contact)| Dismiss(agent, contact)),
        3 => (contact(), contact()).prop_map(|(contact, next)| Unanswered(contact, next)),
        6 => (agent(), prop::bool::weighted(0.7)).prop_map(|(agent, is_there)| Telephone(agent, is_there)),
        3 => (agent(), 1u8..=4).prop_map(|(agent, status)| Status(agent, status)),
        6 => (0u32..30_000).prop_map(Wait),
        3 => any::<u64>().prop_map(Configure),
        1 => Just(Restart),
        1 => Just(Forget),
    ]
}

/// A configuration made of bits.
fn some_plan(mut bits: u64) -> InstancePlan {
    let mut next = |limit: u32| {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (bits >> 33) as u32 % limit
    };
    let mut some = plan(0, 0);
    if next(8) == 0 {
        some.statuses.remove(&status(1 + next(3) as u8));
    }
    let extra =
        StatusPlan { name: "Training".to_owned(), kind: StatusKind::Custom, is_enabled: next(2) == 0 };
    some.statuses.insert(status(4), extra);
    for number in 1..=QUEUES {
        if next(5) > 0 {
            let max_contacts = Some(next(6)).filter(|_| next(2) == 0);
            some.queues.insert(queue_id(number), QueuePlan { is_enabled: next(6) > 0, max_contacts });
        }
    }
    for number in 1..=2 {
        let queues = (0..next(5)).map(|_| routed(1 + next(QUEUES), 1 + next(3), next(3) * 10)).collect();
        let settings = ProfilePlan { queues, voice_concurrency: next(3), timer: Default::default() };
        some.profiles.insert(profile(number), settings);
    }
    for number in 1..=AGENTS {
        if next(6) > 0 {
            let settings = AgentPlan {
                profile: profile(1 + next(3)),
                after_contact_work_s: next(3) * 7,
                auto_accept: next(2) == 0,
            };
            some.agents.insert(agent(number).user, settings);
        }
    }
    some
}

impl Rig {
    fn hears(&mut self, what: Anything, last_offer: u64) {
        let now = self.now;
        let routing = &mut self.routing;
        match what {
            Anything::Enqueue { contact: number, queue: of, own, callback, prefers } => {
                let of = if own { agent(of).own_queue() } else { queue(of) };
                let kind = callback.map(|(delay_ms, attempts_max)| {
                    let (created_at, due_at) = (now.wall, now.wall.plus_ms(delay_ms));
                    QueuedKind::Callback(CallbackPlan { created_at, due_at, attempts_max, retry_delay_s: 5 })
                });
                let agents = prefers.iter().map(|number| agent(*number)).collect();
                let step = RoutingStep { agents, expires_after_s: Some(8) };
                let criteria = RoutingCriteria {
                    steps: Some(step).filter(|_| !prefers.is_empty()).into_iter().collect(),
                };
                let queued = call(number, of, now);
                let _ = routing.enqueue(
                    now,
                    QueuedContact {
                        kind: kind.unwrap_or(QueuedKind::Call),
                        has_buffer: number % 2 == 0,
                        criteria,
                        ..queued
                    },
                );
            }
            Anything::Leave(number) => drop(routing.leave(now, contact(number))),
            Anything::Closed(number) => routing.closed(now, contact(number)),
            Anything::Update(number, how) => {
                let update = match how {
                    0 => RoutingUpdate::Priority(1),
                    1 => RoutingUpdate::AgeAdjustment { seconds: -30 },
                    2 => RoutingUpdate::AgeAdjustment { seconds: 30 },
                    _ => RoutingUpdate::Criteria(RoutingCriteria::default()),
                };
                let _ = routing.update(now, contact(number), update);
            }
            Anything::Associate(number, of) => drop(routing.associate(now, contact(number), agent(of))),
            Anything::Direct(number, of) => drop(routing.offer_directly(now, contact(number), agent(of))),
            Anything::Offer(before_last, what) => {
                let offer = OfferId::new(last_offer.saturating_sub(before_last));
                match what {
                    0 | 1 => drop(routing.accepted(now, offer)),
                    2 => drop(routing.dequeued(now, offer)),
                    3 | 4 => drop(routing.joined(now, offer)),
                    5 => routing.missed(now, offer),
                    _ => routing.failed(now, offer),
                }
            }
            Anything::Held(of, number, is_held) => routing.held(now, agent(of), contact(number), is_held),
            Anything::Dialled(of, number) => drop(routing.dialled(now, agent(of), contact(number))),
            Anything::Answered(of, number) => routing.answered(now, agent(of), contact(number)),
            Anything::Ended(of, number) => routing.ended(now, agent(of), contact(number)),
            Anything::Dismiss(of, number) => drop(routing.dismiss(now, agent(of), contact(number))),
            Anything::Unanswered(number, next) => {
                let _ = routing.unanswered(now, contact(number), contact(next));
            }
            Anything::Telephone(of, true) => routing.online(now, agent(of)),
            Anything::Telephone(of, false) => routing.offline(now, agent(of)),
            Anything::Status(of, chosen) => drop(routing.put_status(now, agent(of), status(chosen))),
            Anything::Wait(ms) => self.wait_ms(i64::from(ms)),
            Anything::Configure(bits) => routing.configure(now, some_plan(bits)),
            Anything::Forget => routing.forget(now, instance()),
            Anything::Restart => {
                let state = routing.state(now);
                *routing = Routing::new(RoutingOptions { contacts_max: 9, ..RoutingOptions::default() });
                routing.configure(now, plan(QUEUES, AGENTS));
                routing.restore(now, state);
            }
        }
        self.drain();
    }
}

/// What holds after everything that can happen.
fn check(routing: &mut Routing) {
    let mut deadlines = 0;
    let mut places = 0;
    for (number, queued) in &routing.contacts {
        let rank = queued.rank(*number);
        let in_queue = routing.queues.get(&queued.queue).is_some_and(|queue| queue.ranks.contains(&rank));
        assert_eq!(in_queue, queued.is_in_queue());
        match queued.place {
            Place::Waiting => {
                let lines: BTreeSet<_> = routing.lines_of(queued).into_iter().collect();
                places += lines.len();
                assert!(lines.into_iter().all(|line| routing.lines.contains(line, rank)));
                assert!(routing.queue_plan(queued.queue).is_some(), "a queue that is gone holds nothing");
            }
            Place::Offered(offer) | Place::Accepted(offer) => {
                let offer = &routing.offers[&offer];
                assert_eq!((offer.contact, offer.is_queued), (*number, true));
                assert_eq!(offer.is_accepted, matches!(queued.place, Place::Accepted(_)));
            }
            Place::Scheduled { .. } | Place::Dialled => {}
        }
        deadlines += usize::from(matches!(queued.place, Place::Scheduled { .. }));
        deadlines += usize::from(queued.expiry.is_some());
        // While an agent has a callback, no step of it expires.
        deadlines += usize::from(queued.is_in_queue() && queued.criteria.deadline.is_some());
    }
    assert_eq!(routing.lines.places(), places, "no contact stands in a line that it left");
    let in_queues = |is: &dyn Fn(&crate::routing::queue::Queue) -> usize| -> usize {
        routing.queues.values().map(is).sum()
    };
    let waiting = routing.contacts.values().filter(|queued| queued.is_in_queue()).count();
    assert_eq!((in_queues(&|q| q.ranks.len()), in_queues(&|q| q.by_age.len())), (waiting, waiting));
    let mut handled_offers = 0;
    let mut pairs = 0;
    for (key, agent) in &routing.agents {
        assert_eq!(agent.idle, routing.idle_place(*key));
        assert!(agent.plan.is_some() || !agent.contacts.is_empty());
        assert!(agent.contacts.is_empty() <= agent.next.is_none());
        deadlines += usize::from(agent.restored.is_some());
        for handled in &agent.contacts {
            pairs += 1;
            assert!(routing.agents_on[&handled.contact].contains(key));
            deadlines += usize::from(handled.deadline.is_some());
            if let Some(offer) = handled.offer {
                handled_offers += 1;
                let offer = &routing.offers[&offer];
                assert_eq!((offer.contact, offer.agent), (handled.contact, *key));
            }
        }
    }
    assert_eq!(handled_offers, routing.offers.len());
    assert_eq!(pairs, routing.agents_on.values().map(BTreeSet::len).sum::<usize>());
    assert_eq!(routing.deadlines.len(), deadlines + routing.offers.len(), "no deadline is left behind");
    let idle = routing.idle.all();
    assert_eq!(idle.len(), routing.agents.values().filter(|agent| agent.idle.is_some()).count());
    for (_, rank) in idle {
        assert_eq!(routing.best_for(rank.agent), None, "no agent is free whom a contact waits for");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    /// No order of words, late and wrong ones included, leaves something behind, or an agent free whom a contact waits for; and in the
    /// end all contacts can be served.
    #[test]
    fn no_order_of_words_strands_a_contact_or_an_agent(
        history in prop::collection::vec(anything(), 0..200),
    ) {
        let mut rig = Rig::new(plan(QUEUES, AGENTS));
        let mut last_offer = 0;
        for what in history {
            if matches!(what, Anything::Restart) {
                last_offer = 0;
            }
            rig.hears(what, last_offer);
            for output in std::mem::take(&mut rig.outputs) {
                if let Output::Offer { offer, .. } = output {
                    last_offer = offer.number();
                }
            }
            check(&mut rig.routing);
        }
        // All is well again: whatever waits is served, and all agents are free.
        rig.routing.configure(rig.now, plan(QUEUES, AGENTS));
        for number in 1..=AGENTS {
            for contact in rig.states(number) {
                rig.routing.closed(rig.now, super::rig::contact(contact.0));
            }
            rig.routing.put_status(rig.now, agent(number), status(AVAILABLE)).unwrap();
            rig.routing.online(rig.now, agent(number));
        }
        rig.drain();
        for _ in 0..5 * CONTACTS {
            // What is lost with its call is reported so.
            let offers: Vec<_> = rig.routing.offers.keys().copied().collect();
            for offer in offers {
                rig.routing.joined(rig.now, offer);
            }
            for number in 1..=AGENTS {
                for (contact, _) in rig.states(number) {
                    rig.routing.ended(rig.now, agent(number), super::rig::contact(contact));
                    let _ = rig.routing.dismiss(rig.now, agent(number), super::rig::contact(contact));
                }
            }
            rig.wait_ms(10_000);
            check(&mut rig.routing);
        }
        let left: Vec<QueueKey> = rig.routing.contacts.values().map(|queued| queued.queue).collect();
        let dialled = |queued: &crate::routing::queue::Queued| queued.place == Place::Dialled;
        prop_assert_eq!(left.len(), rig.routing.contacts.values().filter(|queued| dialled(queued)).count());
        for number in 1..=AGENTS {
            prop_assert_eq!(rig.states(number), vec![]);
            prop_assert_ne!(rig.user(number).status, Some(status(OFFLINE)));
        }
    }
}
