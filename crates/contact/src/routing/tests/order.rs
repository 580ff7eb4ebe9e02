use super::rig::{AVAILABLE, LUNCH, Rig, agent, call, contact, plan, profile, queue, routed};
use crate::routing::{AvailabilityTimer, QueuedContact, RoutingUpdate};

#[test]
fn a_contact_goes_to_the_agent_who_is_idle_for_longest() {
    let mut rig = Rig::staffed(3);
    for number in 1..=3 {
        rig.call(number);
    }
    assert_eq!(rig.offered(), [(1, 1), (2, 2), (3, 3)]);
    for number in [2, 1, 3] {
        rig.join(number);
        rig.wait_ms(1000);
    }
    // After-contact work of the second agent ends last.
    for (agent, number) in [(1, 1), (3, 3), (2, 2)] {
        rig.end_all(agent, number);
        rig.wait_ms(1000);
    }
    for number in 4..=6 {
        rig.call(number);
    }
    assert_eq!(rig.offered(), [(4, 1), (5, 3), (6, 2)]);
}

#[test]
fn agents_idle_for_the_same_time_are_ordered_by_their_key() {
    let mut rig = Rig::new(plan(1, 3));
    for number in [3, 1, 2] {
        rig.online(number);
    }
    rig.call(1);
    assert_eq!(rig.offered(), [(1, 1)]);
}

#[test]
fn an_agents_own_queue_comes_before_all_others() {
    let mut rig = Rig::staffed(1);
    rig.put_status(1, LUNCH);
    let urgent = QueuedContact { priority: 1, age_adjustment_s: 3600, ..call(1, queue(1), rig.now) };
    rig.enqueue(urgent).unwrap();
    rig.enqueue(QueuedContact { priority: 9, ..call(2, agent(1).own_queue(), rig.now) }).unwrap();
    rig.put_status(1, AVAILABLE);
    assert_eq!(rig.offered(), [(2, 1)]);
}

#[test]
fn an_agents_own_queue_is_for_that_agent_alone() {
    let mut rig = Rig::staffed(2);
    rig.put_status(2, LUNCH);
    rig.enqueue(call(1, agent(2).own_queue(), rig.now)).unwrap();
    assert_eq!(rig.offered(), []);
    rig.put_status(2, AVAILABLE);
    assert_eq!(rig.offered(), [(1, 2)]);
}

/// An agent who becomes available while contacts wait, with the queues of his profile.
fn chosen(queues: &[(u32, u32, u32)], waiting: impl FnOnce(&mut Rig), after_ms: i64) -> Vec<(u32, u32)> {
    let mut plan = plan(3, 1);
    let profile = plan.profiles.get_mut(&profile(1)).unwrap();
    profile.queues =
        queues.iter().map(|(queue, priority, delay)| routed(*queue, *priority, *delay)).collect();
    let mut rig = Rig::new(plan);
    waiting(&mut rig);
    rig.wait_ms(after_ms);
    rig.online(1);
    rig.offered()
}

#[test]
fn the_priority_of_the_queue_in_the_profile_comes_before_the_age() {
    let two = |rig: &mut Rig| {
        rig.enqueue(call(1, queue(1), rig.now)).unwrap();
        rig.wait_ms(60_000);
        rig.enqueue(QueuedContact { priority: 9, ..call(2, queue(2), rig.now) }).unwrap();
    };
    assert_eq!(chosen(&[(1, 2, 0), (2, 1, 0)], two, 0), [(2, 1)]);
    assert_eq!(chosen(&[(1, 1, 0), (2, 2, 0)], two, 0), [(1, 1)]);
}

#[test]
fn queues_of_the_same_priority_are_one_line() {
    let three = |rig: &mut Rig| {
        for number in 1..=3 {
            let queue = queue(4 - number);
            rig.enqueue(call(number, queue, rig.now)).unwrap();
            rig.wait_ms(1000);
        }
    };
    assert_eq!(chosen(&[(1, 1, 0), (2, 1, 0), (3, 1, 0)], three, 0), [(1, 1)]);
}

#[test]
fn the_priority_of_the_contact_comes_before_its_age_also_across_queues() {
    let two = |rig: &mut Rig| {
        rig.enqueue(call(1, queue(1), rig.now)).unwrap();
        rig.wait_ms(60_000);
        rig.enqueue(QueuedContact { priority: 4, ..call(2, queue(2), rig.now) }).unwrap();
    };
    assert_eq!(chosen(&[(1, 1, 0), (2, 1, 0)], two, 0), [(2, 1)]);
}

#[test]
fn the_adjustment_makes_a_contact_older_or_younger() {
    let older = |rig: &mut Rig| {
        rig.enqueue(call(1, queue(1), rig.now)).unwrap();
        rig.wait_ms(10_000);
        rig.enqueue(QueuedContact { age_adjustment_s: 11, ..call(2, queue(1), rig.now) }).unwrap();
    };
    assert_eq!(chosen(&[(1, 1, 0)], older, 0), [(2, 1)]);
    let younger = |rig: &mut Rig| {
        rig.enqueue(QueuedContact { age_adjustment_s: -11, ..call(1, queue(1), rig.now) }).unwrap();
        rig.wait_ms(10_000);
        rig.enqueue(call(2, queue(1), rig.now)).unwrap();
    };
    assert_eq!(chosen(&[(1, 1, 0)], younger, 0), [(2, 1)]);
}

#[test]
fn contacts_of_the_same_age_are_ordered_by_their_id() {
    let two = |rig: &mut Rig| {
        for number in [2, 1] {
            rig.enqueue(call(number, queue(number), rig.now)).unwrap();
        }
    };
    assert_eq!(chosen(&[(1, 1, 0), (2, 1, 0)], two, 0), [(1, 1)]);
}

#[test]
fn a_contact_counts_once_its_age_has_reached_the_delay() {
    let one = |rig: &mut Rig| rig.enqueue(call(1, queue(1), rig.now)).unwrap();
    assert_eq!(chosen(&[(1, 1, 30)], one, 29_999), []);
    assert_eq!(chosen(&[(1, 1, 30)], one, 30_000), [(1, 1)]);
    // The first queue has precedence only over what waits for as long as it asks for.
    let two = |rig: &mut Rig| {
        rig.enqueue(call(1, queue(1), rig.now)).unwrap();
        rig.enqueue(call(2, queue(2), rig.now)).unwrap();
    };
    assert_eq!(chosen(&[(1, 1, 30), (2, 9, 0)], two, 29_999), [(2, 1)]);
    assert_eq!(chosen(&[(1, 1, 30), (2, 9, 0)], two, 30_000), [(1, 1)]);
}

#[test]
fn a_contact_whose_age_reaches_the_delay_is_offered_to_an_idle_agent_at_that_instant() {
    let mut plan = plan(1, 1);
    plan.profiles.get_mut(&profile(1)).unwrap().queues = vec![routed(1, 1, 30)];
    let mut rig = Rig::new(plan);
    rig.online(1);
    rig.call(1);
    rig.wait_ms(29_999);
    assert_eq!(rig.offered(), []);
    rig.wait_ms(1);
    assert_eq!(rig.offered(), [(1, 1)]);
}

#[test]
fn the_adjustment_counts_for_the_delay_too() {
    let one = |rig: &mut Rig| {
        rig.enqueue(QueuedContact { age_adjustment_s: 20, ..call(1, queue(1), rig.now) }).unwrap();
    };
    assert_eq!(chosen(&[(1, 1, 30)], one, 9_999), []);
    assert_eq!(chosen(&[(1, 1, 30)], one, 10_000), [(1, 1)]);
}

#[test]
fn a_contact_made_younger_waits_for_nothing_where_there_is_no_delay() {
    let one = |rig: &mut Rig| {
        rig.enqueue(QueuedContact { age_adjustment_s: -600, ..call(1, queue(1), rig.now) }).unwrap();
    };
    assert_eq!(chosen(&[(1, 1, 0)], one, 0), [(1, 1)]);
}

#[test]
fn a_contact_that_was_queued_before_is_as_old_as_that() {
    let two = |rig: &mut Rig| {
        rig.enqueue(call(1, queue(1), rig.now)).unwrap();
        let queued_at = rig.now.wall.plus_ms(-5_000);
        rig.enqueue(QueuedContact { queued_at, ..call(2, queue(1), rig.now) }).unwrap();
    };
    assert_eq!(chosen(&[(1, 1, 0)], two, 0), [(2, 1)]);
}

#[test]
fn an_update_moves_a_contact_at_once() {
    let mut rig = Rig::new(plan(1, 1));
    for number in 1..=3 {
        rig.call(number);
        rig.wait_ms(1000);
    }
    assert_eq!(rig.waiting(), [1, 2, 3]);
    rig.routing.update(rig.now, contact(3), RoutingUpdate::Priority(1)).unwrap();
    assert_eq!(rig.waiting(), [3, 1, 2]);
    rig.routing.update(rig.now, contact(2), RoutingUpdate::AgeAdjustment { seconds: 60 }).unwrap();
    assert_eq!(rig.waiting(), [3, 2, 1]);
    // An adjustment takes the place of the former one.
    rig.routing.update(rig.now, contact(2), RoutingUpdate::AgeAdjustment { seconds: 0 }).unwrap();
    assert_eq!(rig.waiting(), [3, 1, 2]);
    rig.online(1);
    assert_eq!(rig.offered(), [(3, 1)]);
}

#[test]
fn an_update_while_it_rings_holds_for_the_place_to_which_the_contact_goes_back() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.call(2);
    rig.routing.update(rig.now, contact(1), RoutingUpdate::Priority(9)).unwrap();
    rig.miss(1);
    assert_eq!(rig.waiting(), [2, 1]);
    rig.offered();
    rig.dismiss(1, 1);
    assert_eq!(rig.offered(), [(2, 1)]);
}

#[test]
fn a_call_of_the_agents_own_counts_as_activity_unless_only_inbound_contacts_do() {
    let next_after_a_call_of_agent_1 = |timer| {
        let mut plan = plan(1, 2);
        plan.profiles.get_mut(&profile(1)).unwrap().timer = timer;
        let mut rig = Rig::new(plan);
        for number in [1, 2] {
            rig.online(number);
            rig.call(number);
            rig.join(number);
        }
        for number in [1, 2] {
            rig.end_all(number, number);
            rig.wait_ms(1000);
        }
        rig.routing.dialled(rig.now, agent(1), contact(10)).unwrap();
        rig.routing.answered(rig.now, agent(1), contact(10));
        rig.wait_ms(1000);
        rig.end_all(1, 10);
        rig.outputs.clear();
        rig.wait_ms(1000);
        rig.call(11);
        rig.offered()
    };
    assert_eq!(next_after_a_call_of_agent_1(AvailabilityTimer::SinceLastActivity), [(11, 2)]);
    assert_eq!(next_after_a_call_of_agent_1(AvailabilityTimer::SinceLastInbound), [(11, 1)]);
}

#[test]
fn an_agent_with_two_slots_is_offered_one_contact_at_a_time_and_after_those_who_have_none() {
    let mut plan = plan(1, 2);
    plan.profiles.get_mut(&profile(1)).unwrap().voice_concurrency = 2;
    let mut rig = Rig::new(plan);
    rig.online(1);
    rig.wait_ms(1000);
    rig.online(2);
    rig.call(1);
    rig.call(2);
    rig.call(3);
    assert_eq!(rig.offered(), [(1, 1), (2, 2)]);
    rig.join(1);
    assert_eq!(rig.offered(), [(3, 1)]);
    rig.join(3);
    rig.call(4);
    assert_eq!(rig.offered(), []);
    rig.join(2);
    assert_eq!(rig.offered(), [(4, 2)]);
    assert_eq!((rig.user(1).slots.active, rig.user(1).slots.available), (2, 0));
}

#[test]
fn an_agent_of_a_profile_without_slots_for_voice_takes_nothing() {
    let mut plan = plan(1, 1);
    plan.profiles.get_mut(&profile(1)).unwrap().voice_concurrency = 0;
    let mut rig = Rig::new(plan);
    rig.online(1);
    rig.call(1);
    assert_eq!(rig.offered(), []);
}

#[test]
fn a_queue_that_a_profile_has_twice_counts_by_the_better_of_both() {
    let two = |rig: &mut Rig| {
        rig.enqueue(call(1, queue(1), rig.now)).unwrap();
        rig.enqueue(QueuedContact { priority: 1, ..call(2, queue(2), rig.now) }).unwrap();
    };
    let queues = [(1, 9, 0), (2, 5, 0), (1, 1, 60)];
    assert_eq!(chosen(&queues, two, 59_999), [(2, 1)]);
    assert_eq!(chosen(&queues, two, 60_000), [(1, 1)]);
}
