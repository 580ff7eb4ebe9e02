use super::rig::{
    AVAILABLE, LUNCH, OFFLINE, Rig, agent, call, contact, instance, plan, profile, queue, routed, status,
};
use crate::routing::{AgentCounts, ContactCounts, QueuedContact, Slots};

#[test]
fn a_queue_counts_what_waits_and_how_old_it_really_is() {
    let mut rig = Rig::new(plan(2, 1));
    assert_eq!(rig.routing.queue_contacts(rig.now, queue(1)), ContactCounts::default());
    let older = QueuedContact { age_adjustment_s: 600, ..call(1, queue(1), rig.now) };
    rig.enqueue(older).unwrap();
    rig.wait_ms(1_500);
    rig.call(2);
    rig.callback(3, 60_000, 1);
    rig.wait_ms(500);
    let counts = ContactCounts { in_queue: 2, scheduled: 1, oldest_age_ms: 2_000 };
    assert_eq!(rig.routing.queue_contacts(rig.now, queue(1)), counts);
    // What rings waits too; what was joined does not.
    rig.online(1);
    assert_eq!(rig.routing.queue_contacts(rig.now, queue(1)).in_queue, 2);
    rig.join(1);
    let counts = ContactCounts { in_queue: 1, scheduled: 1, oldest_age_ms: 500 };
    assert_eq!(rig.routing.queue_contacts(rig.now, queue(1)), counts);
    assert_eq!(rig.routing.queue_contacts(rig.now, queue(9)), ContactCounts::default());
}

#[test]
fn a_profile_counts_what_waits_in_all_its_queues_once() {
    let mut plan = plan(3, 0);
    plan.profiles.get_mut(&profile(1)).unwrap().queues =
        vec![routed(1, 1, 0), routed(2, 2, 0), routed(1, 3, 60)];
    let mut rig = Rig::new(plan);
    for number in 1..=3 {
        rig.enqueue(call(number, queue(number), rig.now)).unwrap();
        rig.wait_ms(1_000);
    }
    let counts = ContactCounts { in_queue: 2, scheduled: 0, oldest_age_ms: 3_000 };
    assert_eq!(rig.routing.profile_contacts(rig.now, instance(), profile(1)), counts);
    assert_eq!(rig.routing.profile_contacts(rig.now, instance(), profile(2)), ContactCounts::default());
}

#[test]
fn agents_are_counted_by_what_they_do() {
    let mut rig = Rig::staffed(8);
    // 1 talks, 2 holds, 3 works, 4 has missed, 5 rings, 6 is at lunch, 7 is offline, 8 is free.
    rig.put_status(6, LUNCH);
    rig.put_status(7, OFFLINE);
    for number in 1..=5 {
        rig.call(number);
    }
    for number in 1..=3 {
        rig.join(number);
    }
    rig.routing.held(rig.now, agent(2), contact(2), true);
    rig.end(3, 3);
    let eight_is_at_lunch = |rig: &mut Rig, number| rig.put_status(8, number);
    eight_is_at_lunch(&mut rig, LUNCH);
    rig.miss(4);
    rig.leave(4);
    eight_is_at_lunch(&mut rig, AVAILABLE);
    let expected = AgentCounts {
        online: 7,
        staffed: 6,
        available: 1,
        on_contact: 3,
        non_productive: 1,
        after_contact_work: 1,
        error: 1,
        slots: Slots { max: 8, active: 5, available: 1 },
    };
    assert_eq!(rig.agents(), expected);
    assert_eq!(rig.routing.profile_agents(instance(), profile(1)), expected);
    assert_eq!(rig.routing.queue_profile_agents(queue(1), profile(1)), expected);
    assert_eq!(rig.routing.queue_profile_agents(queue(1), profile(2)), AgentCounts::default());
    let statuses = rig.routing.queue_statuses(queue(1));
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [(status(AVAILABLE), 6), (status(LUNCH), 1)]);
    let one = AgentCounts { slots: Slots { max: 1, active: 0, available: 0 }, ..AgentCounts::default() };
    assert_eq!(rig.routing.agent_counts(agent(7)), one);
}

#[test]
fn agents_are_counted_for_the_queues_of_their_profile() {
    let mut rig = Rig::new(plan(2, 2));
    rig.plan.profiles.insert(
        profile(2),
        crate::routing::ProfilePlan {
            queues: vec![routed(2, 1, 0)],
            voice_concurrency: 1,
            timer: Default::default(),
        },
    );
    rig.plan.agents.get_mut(&agent(2).user).unwrap().profile = profile(2);
    rig.configure();
    rig.online(1);
    rig.online(2);
    let online = |queue| rig.routing.queue_agents(queue).online;
    assert_eq!([online(queue(1)), online(queue(2)), online(queue(3))], [1, 2, 0]);
    assert_eq!(online(agent(2).own_queue()), 1);
    assert_eq!(rig.routing.agents_of_queue(queue(2)), [agent(1), agent(2)]);
    assert_eq!(rig.routing.agents(instance()).collect::<Vec<_>>(), [agent(1), agent(2)]);
}

#[test]
fn the_place_in_the_queue_is_counted_in_its_order() {
    let mut rig = Rig::new(plan(1, 0));
    for number in 1..=3 {
        rig.call(number);
        rig.wait_ms(1_000);
    }
    rig.enqueue(QueuedContact { priority: 1, ..call(4, queue(1), rig.now) }).unwrap();
    rig.callback(5, 1_000, 1);
    let places = [1, 2, 3, 4, 5, 6].map(|number| rig.routing.position(contact(number)));
    assert_eq!(places, [Some(2), Some(3), Some(4), Some(1), None, None]);
}

#[test]
fn the_estimated_wait_is_made_of_the_pace_of_the_last_joins() {
    let mut rig = Rig::staffed(1);
    let mut number = 0;
    let mut join_one = |rig: &mut Rig| {
        number += 1;
        rig.call(number);
        rig.join(number);
        rig.end_all(1, number);
        rig.wait_ms(30_000);
    };
    assert_eq!(rig.routing.estimated_wait_ms(rig.now, queue(1)), None);
    join_one(&mut rig);
    assert_eq!(rig.routing.estimated_wait_ms(rig.now, queue(1)), None, "one join has no pace");
    for _ in 0..30 {
        join_one(&mut rig);
    }
    assert_eq!(rig.routing.estimated_wait_ms(rig.now, queue(1)), Some(0));
    rig.put_status(1, LUNCH);
    for number in 101..=103 {
        rig.call(number);
    }
    assert_eq!(rig.routing.estimated_wait_ms(rig.now, queue(1)), Some(90_000));
    assert_eq!(rig.routing.contact_wait_ms(rig.now, contact(102)), Some(60_000));
    rig.wait_ms(1_800_000);
    assert_eq!(rig.routing.estimated_wait_ms(rig.now, queue(1)), None, "an old pace says nothing");
}
