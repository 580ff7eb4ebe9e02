use super::rig::{AVAILABLE, LUNCH, OFFLINE, Rig, agent, contact, plan, queue, status};
use crate::routing::{Output, Removal, Routing, RoutingOptions, RoutingState};
use tympan_types::Mono;

/// The server goes down, and is back so much later, with what it kept.
fn restarted(mut rig: Rig, after_ms: i64) -> Rig {
    let text = serde_json::to_string(&rig.routing.state(rig.now)).unwrap();
    let state: RoutingState = serde_json::from_str(&text).unwrap();
    rig.now.wall = rig.now.wall.plus_ms(after_ms);
    // Another process, another monotonic clock.
    rig.now.mono = Mono::from_millis(77);
    rig.routing = Routing::new(RoutingOptions::default());
    rig.configure();
    rig.ringing.clear();
    rig.routing.restore(rig.now, state);
    rig.outputs.clear();
    rig.drain();
    rig
}

#[test]
fn statuses_outlive_a_restart_with_the_time_since_when() {
    let mut rig = Rig::staffed(3);
    rig.put_status(2, LUNCH);
    rig.put_status(3, OFFLINE);
    let since = rig.now.wall;
    rig.wait_ms(60_000);
    let mut rig = restarted(rig, 5_000);
    let statuses = [1, 2, 3].map(|number| rig.user(number).status);
    assert_eq!(statuses, [Some(status(AVAILABLE)), Some(status(LUNCH)), Some(status(OFFLINE))]);
    assert_eq!(rig.user(2).status_since, since);
    for number in 1..=3 {
        rig.online(number);
    }
    // Registering is logging in: who was offline is available.
    let statuses = [1, 2, 3].map(|number| rig.user(number).status);
    assert_eq!(statuses, [Some(status(AVAILABLE)), Some(status(LUNCH)), Some(status(AVAILABLE))]);
}

#[test]
fn agents_whose_contacts_died_with_the_process_are_free() {
    let mut rig = Rig::staffed(3);
    for number in 1..=3 {
        rig.call(number);
    }
    rig.join(1);
    rig.put_status(1, LUNCH);
    rig.miss(2);
    let mut rig = restarted(rig, 1_000);
    assert_eq!(rig.waiting(), [0; 0]);
    for number in 1..=3 {
        assert_eq!(rig.states(number), []);
        rig.online(number);
    }
    assert_eq!((rig.user(1).status, rig.user(1).next_status), (Some(status(LUNCH)), None));
    rig.call(4);
    rig.call(5);
    assert_eq!(rig.offered(), [(4, 2), (5, 3)]);
}

#[test]
fn the_order_of_idleness_outlives_a_restart() {
    let mut rig = Rig::staffed(3);
    rig.call(1);
    rig.join(1);
    rig.wait_ms(1_000);
    rig.end_all(1, 1);
    let mut rig = restarted(rig, 1_000);
    for number in 1..=3 {
        rig.online(number);
    }
    for number in 1..=3 {
        rig.call(number);
    }
    assert_eq!(rig.offered(), [(1, 2), (2, 3), (3, 1)]);
}

#[test]
fn an_agent_whose_telephone_does_not_come_back_is_offline_in_the_end() {
    let rig = Rig::staffed(2);
    let mut rig = restarted(rig, 0);
    rig.online(2);
    rig.call(1);
    assert_eq!(rig.offered(), [(1, 2)], "without a telephone he is offered nothing");
    rig.wait_ms(3_599_999);
    assert_eq!(rig.user(1).status, Some(status(AVAILABLE)));
    rig.wait_ms(1);
    assert_eq!(rig.user(1).status, Some(status(OFFLINE)));
    assert_eq!(rig.user(2).status, Some(status(AVAILABLE)));
}

#[test]
fn callbacks_outlive_a_restart_with_their_place_their_attempts_and_their_time() {
    let mut rig = Rig::staffed(1);
    rig.put_status(1, LUNCH);
    rig.callback(1, 0, 2);
    rig.callback(2, 100_000, 2);
    rig.callback(3, 0, 2);
    // The third one has had its first attempt.
    rig.routing.associate(rig.now, contact(3), agent(1)).unwrap();
    rig.drain();
    rig.accept(3);
    rig.routing.unanswered(rig.now, contact(3), contact(4)).unwrap();
    rig.end_all(1, 3);
    rig.wait_ms(10_000);
    let mut rig = restarted(rig, 20_000);
    let counts = rig.routing.queue_contacts(rig.now, queue(1));
    assert_eq!((counts.in_queue, counts.scheduled, counts.oldest_age_ms), (1, 2, 30_000));
    rig.wait_ms(30_000);
    assert_eq!(rig.waiting(), [1, 4]);
    rig.wait_ms(40_000);
    assert_eq!(rig.waiting(), [1, 2, 4]);
    rig.online(1);
    rig.routing.associate(rig.now, contact(4), agent(1)).unwrap();
    rig.drain();
    rig.accept(4);
    assert_eq!(rig.routing.unanswered(rig.now, contact(4), contact(5)), None, "it was the second attempt");
    rig.wait_ms(8 * 86_400_000);
    assert_eq!(rig.waiting(), [0; 0]);
}

#[test]
fn a_callback_that_became_due_while_the_server_was_down_is_due_at_once() {
    let mut rig = Rig::staffed(1);
    rig.callback(1, 60_000, 1);
    let mut rig = restarted(rig, 3_600_000);
    rig.online(1);
    rig.wait_ms(0);
    assert_eq!(rig.offered(), [(1, 1)]);
}

#[test]
fn a_callback_that_an_agent_had_accepted_has_died() {
    let mut rig = Rig::staffed(1);
    rig.callback(1, 0, 3);
    rig.accept(1);
    assert_eq!(rig.routing.state(rig.now).callbacks, []);
}

#[test]
fn what_is_unknown_after_a_restart_is_left_out() {
    let mut rig = Rig::staffed(2);
    rig.callback(1, 60_000, 1);
    rig.put_status(2, LUNCH);
    rig.plan.agents.remove(&agent(1).user);
    rig.plan.statuses.remove(&status(LUNCH));
    rig.plan.queues.clear();
    let rig = restarted(rig, 0);
    assert!(rig.routing.user_data(agent(1)).is_none());
    assert_eq!(rig.user(2).status, Some(status(OFFLINE)));
    let gone = Output::Removed { contact: contact(1), queue: queue(1), why: Removal::QueueDeleted };
    assert!(rig.outputs.contains(&gone), "{:?}", rig.outputs);
}

#[test]
fn smaller_limits_after_a_restart_leave_callbacks_out() {
    let mut rig = Rig::new(plan(1, 0));
    for number in 1..=3 {
        rig.callback(number, 60_000, 1);
    }
    let state = rig.routing.state(rig.now);
    let options = RoutingOptions { contacts_max: 2, ..RoutingOptions::default() };
    let mut rig = Rig::with(plan(1, 0), options);
    rig.routing.restore(rig.now, state);
    rig.drain();
    let gone = Output::Removed { contact: contact(3), queue: queue(1), why: Removal::NoPlace };
    assert_eq!(rig.outputs, [gone]);
}

#[test]
fn what_is_to_be_kept_has_another_revision_after_each_change() {
    let mut rig = Rig::new(plan(1, 1));
    let mut last = rig.routing.revision();
    let mut has_changed =
        |rig: &Rig| std::mem::replace(&mut last, rig.routing.revision()) != rig.routing.revision();
    rig.online(1);
    assert!(has_changed(&rig));
    rig.call(1);
    assert!(!has_changed(&rig), "a call is not kept");
    rig.join(1);
    rig.put_status(1, LUNCH);
    assert!(has_changed(&rig));
    rig.end_all(1, 1);
    assert!(has_changed(&rig));
    rig.callback(2, 60_000, 1);
    assert!(has_changed(&rig));
    rig.wait_ms(60_000);
    assert!(has_changed(&rig));
    rig.leave(2);
    assert!(has_changed(&rig));
}
