use super::rig::{Rig, agent, call, contact, plan, queue, queue_id};
use crate::routing::{CallbackPlan, EnqueueRefusal, QueuePlan, QueuedContact, QueuedKind, RoutingOptions};

fn rig(max_contacts: Option<u32>) -> Rig {
    let mut plan = plan(1, 1);
    plan.queues.insert(queue_id(1), QueuePlan { is_enabled: true, max_contacts });
    Rig::new(plan)
}

/// Fills a queue; how many contacts it took, and what it said then.
fn filled(rig: &mut Rig, has_buffer: bool) -> (u32, EnqueueRefusal) {
    let first = rig.waiting().len() as u32 + 1;
    for number in first.. {
        let queued = QueuedContact { has_buffer, ..call(number, queue(1), rig.now) };
        if let Err(refusal) = rig.enqueue(queued) {
            return (number - 1, refusal);
        }
    }
    unreachable!()
}

#[test]
fn a_queue_holds_what_its_settings_say() {
    assert_eq!(filled(&mut rig(Some(3)), false), (3, EnqueueRefusal::AtCapacity));
    assert_eq!(filled(&mut rig(Some(0)), false), (0, EnqueueRefusal::AtCapacity));
}

#[test]
fn a_queue_that_says_nothing_holds_what_the_instance_says() {
    assert_eq!(filled(&mut rig(None), false), (10, EnqueueRefusal::AtCapacity));
}

#[test]
fn a_transfer_finds_place_in_the_buffer_of_a_fifth() {
    let mut rig = rig(Some(10));
    filled(&mut rig, false);
    assert_eq!(filled(&mut rig, true), (12, EnqueueRefusal::AtCapacity));
    assert_eq!(rig.routing.counters().at_capacity, 2);
}

#[test]
fn an_agents_own_queue_holds_ten_contacts() {
    let mut rig = rig(None);
    rig.plan.queue_contacts = 1000;
    rig.configure();
    for number in 1..=10 {
        rig.enqueue(call(number, agent(1).own_queue(), rig.now)).unwrap();
    }
    let refusal = rig.enqueue(call(11, agent(1).own_queue(), rig.now));
    assert_eq!(refusal, Err(EnqueueRefusal::AtCapacity));
}

#[test]
fn a_contact_that_an_agent_accepted_counts_until_it_is_taken_out() {
    let mut rig = rig(Some(1));
    rig.online(1);
    rig.call(1);
    rig.accept(1);
    assert_eq!(filled(&mut rig, false), (1, EnqueueRefusal::AtCapacity));
    rig.join(1);
    assert_eq!(rig.enqueue(call(2, queue(1), rig.now)), Ok(()));
}

#[test]
fn a_queue_that_is_disabled_or_does_not_exist_takes_nothing() {
    let mut rig = rig(None);
    rig.call(1);
    rig.plan.queues.insert(queue_id(1), QueuePlan { is_enabled: false, max_contacts: None });
    rig.configure();
    assert_eq!(rig.enqueue(call(2, queue(1), rig.now)), Err(EnqueueRefusal::Disabled));
    assert_eq!(rig.enqueue(call(2, queue(9), rig.now)), Err(EnqueueRefusal::NoSuchQueue));
    assert_eq!(rig.enqueue(call(2, agent(9).own_queue(), rig.now)), Err(EnqueueRefusal::NoSuchQueue));
    rig.online(1);
    assert_eq!(rig.offered(), [(1, 1)], "what is inside is served");
}

#[test]
fn the_server_holds_no_more_contacts_than_its_limits_allow() {
    let options = RoutingOptions { contacts_max: 5, queue_contacts_max: 3, ..RoutingOptions::default() };
    let mut rig = Rig::with(plan(2, 0), options);
    for number in 1..=3 {
        rig.call(number);
    }
    assert_eq!(rig.enqueue(call(4, queue(1), rig.now)), Err(EnqueueRefusal::AtCapacity));
    assert_eq!(rig.enqueue(call(4, queue(2), rig.now)), Ok(()));
    assert_eq!(rig.enqueue(call(5, queue(2), rig.now)), Ok(()));
    assert_eq!(rig.enqueue(call(6, queue(2), rig.now)), Err(EnqueueRefusal::AtCapacity));
    assert_eq!(rig.routing.counters().over_limit, 2);
}

#[test]
fn scheduled_callbacks_count_for_the_limits_of_the_server() {
    let options = RoutingOptions { queue_contacts_max: 3, ..RoutingOptions::default() };
    let mut rig = Rig::with(plan(1, 0), options);
    for number in 1..=3 {
        rig.callback(number, 60_000, 1);
    }
    let (created_at, due_at) = (rig.now.wall, rig.now.wall.plus_ms(60_000));
    let plan = CallbackPlan { created_at, due_at, attempts_max: 1, retry_delay_s: 1 };
    let queued = QueuedContact { kind: QueuedKind::Callback(plan), ..call(4, queue(1), rig.now) };
    assert_eq!(rig.enqueue(queued), Err(EnqueueRefusal::AtCapacity));
    assert_eq!(rig.routing.queue_of(contact(4)), None);
}
