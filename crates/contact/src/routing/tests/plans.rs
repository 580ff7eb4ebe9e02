use super::rig::{
    LUNCH, OFFLINE, Rig, agent, call, contact, instance, number, plan, profile, queue, queue_id, routed,
    status,
};
use crate::routing::{OfferEnd, Output, Removal};

fn removed(rig: &Rig) -> Vec<(u32, Removal)> {
    let removed = |output: &Output| match output {
        Output::Removed { contact, why, .. } => Some((number(*contact), *why)),
        _ => None,
    };
    rig.outputs.iter().filter_map(removed).collect()
}

#[test]
fn a_queue_that_is_gone_gives_up_its_contacts() {
    let mut rig = Rig::new(plan(2, 0));
    rig.call(1);
    rig.enqueue(call(2, queue(2), rig.now)).unwrap();
    rig.callback(3, 60_000, 1);
    rig.plan.queues.remove(&queue_id(1));
    rig.configure();
    assert_eq!(removed(&rig), [(1, Removal::QueueDeleted), (3, Removal::QueueDeleted)]);
    assert_eq!(rig.routing.queue_of(contact(2)), Some(queue(2)));
}

#[test]
fn a_contact_that_rings_is_served_though_its_queue_is_gone() {
    let mut rig = Rig::staffed(2);
    rig.call(1);
    rig.call(2);
    rig.plan.queues.clear();
    rig.configure();
    assert_eq!(removed(&rig), []);
    rig.join(1);
    assert_eq!(rig.states(1), [(1, "CONNECTED")]);
    rig.miss(2);
    assert_eq!(removed(&rig), [(2, Removal::QueueDeleted)]);
    assert_eq!(rig.routing.queue_of(contact(2)), None);
}

#[test]
fn offers_to_an_agent_who_is_gone_end_and_the_contact_goes_to_the_next() {
    let mut rig = Rig::staffed(2);
    rig.call(1);
    rig.offered();
    rig.plan.agents.remove(&agent(1).user);
    rig.configure();
    let offered: Vec<u32> = rig.ringing.iter().map(|(_, agent, _)| *agent).collect();
    assert_eq!(offered, [2]);
    assert_eq!(rig.offer_ends(), [(1, OfferEnd::AgentGone)]);
    assert!(rig.routing.user_data(agent(1)).is_none());
}

#[test]
fn the_own_queue_of_an_agent_who_is_gone_goes_with_him() {
    let mut rig = Rig::staffed(2);
    rig.put_status(1, LUNCH);
    rig.enqueue(call(1, agent(1).own_queue(), rig.now)).unwrap();
    rig.plan.agents.remove(&agent(1).user);
    rig.configure();
    assert_eq!(removed(&rig), [(1, Removal::QueueDeleted)]);
}

#[test]
fn an_agent_who_is_gone_talks_to_the_end_and_takes_nothing_more() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.join(1);
    let settings = rig.plan.agents.remove(&agent(1).user).unwrap();
    rig.configure();
    rig.call(2);
    assert_eq!((rig.agents().online, rig.ringing.len()), (0, 0));
    rig.outputs.clear();
    rig.end(1, 1);
    assert!(rig.outputs.iter().any(|output| matches!(output, Output::AfterContactWorkEnded { .. })));
    assert_eq!(rig.ringing.len(), 0);
    // He who comes back is a new agent.
    rig.plan.agents.insert(agent(1).user, settings);
    rig.configure();
    assert_eq!((rig.user(1).status, rig.user(1).is_at_telephone), (Some(status(OFFLINE)), false));
}

#[test]
fn an_agent_who_is_gone_and_back_while_he_talks_goes_on() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.join(1);
    let settings = rig.plan.agents.remove(&agent(1).user).unwrap();
    rig.configure();
    rig.plan.agents.insert(agent(1).user, settings);
    rig.configure();
    rig.end_all(1, 1);
    rig.call(2);
    assert_eq!(rig.states(1), [(2, "CONNECTING")]);
}

#[test]
fn other_queues_of_a_profile_hold_at_once_for_what_waits() {
    let mut plan = plan(2, 1);
    plan.profiles.get_mut(&profile(1)).unwrap().queues = vec![routed(2, 1, 0)];
    let mut rig = Rig::new(plan);
    rig.online(1);
    rig.call(1);
    assert_eq!(rig.offered(), []);
    rig.plan.profiles.get_mut(&profile(1)).unwrap().queues = vec![routed(1, 1, 30)];
    rig.configure();
    assert_eq!(rig.offered(), []);
    rig.wait_ms(20_000);
    rig.plan.profiles.get_mut(&profile(1)).unwrap().queues = vec![routed(1, 1, 20)];
    rig.configure();
    assert_eq!(rig.offered(), [(1, 1)]);
    rig.leave(1);
    rig.call(2);
    rig.plan.profiles.get_mut(&profile(1)).unwrap().queues.clear();
    rig.configure();
    rig.wait_ms(60_000);
    assert_eq!(rig.offered(), []);
}

#[test]
fn another_profile_of_an_agent_holds_at_once() {
    let mut rig = Rig::staffed(1);
    rig.plan.agents.get_mut(&agent(1).user).unwrap().profile = profile(2);
    rig.configure();
    rig.call(1);
    assert_eq!(rig.offered(), []);
    rig.plan.agents.get_mut(&agent(1).user).unwrap().profile = profile(1);
    rig.configure();
    assert_eq!(rig.offered(), [(1, 1)]);
}

#[test]
fn more_slots_hold_at_once() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.join(1);
    rig.call(2);
    rig.offered();
    rig.plan.profiles.get_mut(&profile(1)).unwrap().voice_concurrency = 2;
    rig.configure();
    assert_eq!(rig.offered(), [(2, 1)]);
}

#[test]
fn an_agent_whose_status_is_gone_is_offline() {
    let mut rig = Rig::staffed(2);
    rig.put_status(1, LUNCH);
    rig.call(1);
    rig.join(1);
    rig.put_status(2, LUNCH);
    rig.plan.statuses.remove(&status(LUNCH));
    rig.configure();
    assert_eq!((rig.user(1).status, rig.user(2).next_status), (Some(status(OFFLINE)), None));
}

#[test]
fn an_instance_without_statuses_routes_nothing_and_breaks_nothing() {
    let mut plan = plan(1, 1);
    plan.statuses.clear();
    let mut rig = Rig::new(plan);
    rig.online(1);
    rig.call(1);
    rig.offline(1);
    assert_eq!((rig.offered(), rig.user(1).status), (vec![], None));
}

#[test]
fn an_instance_that_is_forgotten_leaves_nothing() {
    let mut rig = Rig::staffed(3);
    rig.call(1);
    rig.join(1);
    for number in 2..=4 {
        rig.call(number);
    }
    rig.outputs.clear();
    rig.routing.forget(rig.now, instance());
    rig.drain();
    assert_eq!(removed(&rig).len(), 3);
    assert_eq!(rig.ringing, []);
    rig.end(1, 1);
    rig.routing.forget(rig.now, instance());
    assert!(rig.routing.user_data(agent(1)).is_none());
    assert_eq!(rig.routing.next_deadline(), None);
    assert_eq!(rig.routing.state(rig.now), Default::default());
}
