//! What an offer costs in a large centre, in sets that are looked into: no walk over contacts or agents hides in it.

use super::rig::{AVAILABLE, LUNCH, Rig, agent, call, plan, profile, queue, routed};
use crate::routing::{ProfilePlan, QueuedContact, RoutingOptions};

const AGENTS: u32 = 500;
const QUEUES: u32 = 20;
const CONTACTS: u32 = 10_000;

/// Sets that were looked into while something happened, and the offers that came of it.
fn cost(rig: &mut Rig, what: impl FnOnce(&mut Rig)) -> (u64, usize) {
    let before = rig.routing.counters().lookups;
    rig.outputs.clear();
    what(rig);
    (rig.routing.counters().lookups - before, rig.offered().len())
}

/// 500 agents of ten profiles with twenty queues each, in which 10,000 contacts wait, of as many priorities as one likes.
fn large(contacts: u32) -> Rig {
    let mut plan = plan(QUEUES, AGENTS);
    for number in 1..=10 {
        let delay_s = |queue| if queue % 2 == 0 { 0 } else { number * 5 };
        let queues = (1..=QUEUES).map(|queue| routed(queue, 1 + queue % 3, delay_s(queue))).collect();
        let settings = ProfilePlan { queues, voice_concurrency: 1, timer: Default::default() };
        plan.profiles.insert(profile(number), settings);
    }
    for number in 1..=AGENTS {
        plan.agents.get_mut(&agent(number).user).unwrap().profile = profile(1 + number % 10);
    }
    let options = RoutingOptions { clear_missed_after_ms: None, ..RoutingOptions::default() };
    let mut rig = Rig::with(plan, options);
    for number in 1..=AGENTS {
        rig.online(number);
        rig.put_status(number, LUNCH);
    }
    for number in 1..=contacts {
        let priority = 1 + u64::from(number.wrapping_mul(7919) % contacts);
        let queued = QueuedContact { priority, ..call(number, queue(1 + number % QUEUES), rig.now) };
        rig.enqueue(queued).unwrap();
    }
    rig
}

/// Each of an agent's queues has two sets to look into; besides, a few for the agent and those who come first.
const PER_DECISION: u64 = 2 * QUEUES as u64 + 20;

#[test]
fn an_agent_event_among_ten_thousand_contacts_looks_only_at_the_first_of_each_queue() {
    let mut rig = large(CONTACTS);
    for number in 1..=AGENTS {
        let (lookups, offers) = cost(&mut rig, |rig| rig.put_status(number, AVAILABLE));
        assert_eq!(offers, 1);
        assert!(lookups <= PER_DECISION, "{lookups}");
    }
    // All talk; a conversation that ends costs the same.
    let ringing: Vec<(u32, u32)> = rig.ringing.iter().map(|(contact, agent, _)| (*contact, *agent)).collect();
    for (contact, of) in ringing {
        rig.join(contact);
        let (lookups, offers) = cost(&mut rig, |rig| rig.end_all(of, contact));
        assert_eq!(offers, 1);
        assert!(lookups <= 2 * PER_DECISION, "{lookups}");
    }
}

#[test]
fn a_decision_costs_the_same_among_ten_contacts_and_among_ten_thousand() {
    let lookups = |contacts| {
        let mut rig = large(contacts);
        let (lookups, offers) = cost(&mut rig, |rig| rig.put_status(7, AVAILABLE));
        assert_eq!(offers, 1);
        lookups
    };
    let (few, many) = (lookups(40), lookups(CONTACTS));
    assert!(many <= few, "{few} {many}");
}

#[test]
fn a_call_that_comes_to_five_hundred_idle_agents_looks_only_at_the_first_of_each_profile() {
    let mut rig = large(0);
    for number in 1..=AGENTS {
        rig.put_status(number, AVAILABLE);
    }
    for number in 1..=AGENTS {
        let (lookups, offers) = cost(&mut rig, |rig| {
            rig.enqueue(call(number, queue(2), rig.now)).unwrap();
        });
        assert_eq!(offers, 1);
        // Ten profiles have the queue.
        assert!(lookups <= PER_DECISION + 10, "{lookups}");
    }
}

#[test]
fn a_caller_who_leaves_or_moves_costs_no_decision() {
    let mut rig = large(CONTACTS);
    let (lookups, _) = cost(&mut rig, |rig| {
        for number in 1..=CONTACTS {
            rig.leave(number);
        }
    });
    assert!(lookups <= 2 * u64::from(CONTACTS), "{lookups}");
}
