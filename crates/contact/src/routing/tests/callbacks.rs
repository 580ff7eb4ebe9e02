use super::rig::{Rig, agent, call, contact, number, plan, queue, queue_id};
use crate::routing::{Output, QueuePlan, Removal};

const DAY_MS: i64 = 86_400_000;

/// What was reported of callbacks since the last look, without offers.
fn reported(rig: &mut Rig) -> Vec<String> {
    let outputs = std::mem::take(&mut rig.outputs);
    let words = |output: &Output| match output {
        Output::CallbackQueued { contact, .. } => Some(format!("{} queued", number(*contact))),
        Output::Removed { contact, why, .. } => Some(format!("{} {why:?}", number(*contact))),
        Output::Offer { contact, .. } => Some(format!("{} offered", number(*contact))),
        _ => None,
    };
    outputs.iter().filter_map(words).collect()
}

#[test]
fn a_callback_is_scheduled_until_it_is_due_and_waits_from_then_on() {
    let mut rig = Rig::staffed(1);
    rig.callback(1, 99_000, 1);
    let counts = |rig: &Rig| {
        let counts = rig.routing.queue_contacts(rig.now, queue(1));
        (counts.scheduled, counts.in_queue)
    };
    assert_eq!((counts(&rig), reported(&mut rig)), ((1, 0), vec![]));
    rig.wait_ms(98_999);
    assert_eq!((counts(&rig), reported(&mut rig)), ((1, 0), vec![]));
    rig.wait_ms(1);
    assert_eq!((counts(&rig), reported(&mut rig)), ((0, 1), vec!["1 queued".into(), "1 offered".into()]));
}

#[test]
fn a_callback_is_taken_out_of_its_queue_when_the_agent_accepts_it() {
    let mut rig = Rig::staffed(1);
    rig.callback(1, 0, 1);
    assert_eq!((rig.states(1), rig.waiting()), (vec![(1, "INCOMING")], vec![1]));
    rig.accept(1);
    assert_eq!((rig.states(1), rig.waiting()), (vec![(1, "CONNECTING")], vec![]));
    rig.join(1);
    assert_eq!((rig.states(1), rig.routing.queue_of(contact(1))), (vec![(1, "CONNECTED")], None));
}

#[test]
fn a_refused_offer_of_a_callback_is_no_failed_attempt() {
    let mut rig = Rig::staffed(2);
    rig.callback(1, 0, 1);
    rig.miss(1);
    rig.accept(1);
    rig.fail(1);
    assert_eq!(rig.waiting(), [1]);
    rig.dismiss(1, 1);
    rig.accept(1);
    rig.join(1);
    assert_eq!(rig.states(1), [(1, "CONNECTED")]);
}

#[test]
fn a_customer_who_does_not_answer_is_called_again_after_the_delay_until_the_attempts_are_spent() {
    let mut rig = Rig::staffed(1);
    rig.callback(1, 0, 2);
    rig.accept(1);
    rig.wait_ms(30_000);
    let due = rig.routing.unanswered(rig.now, contact(1), contact(2));
    assert_eq!(due, Some(rig.now.wall.plus_ms(60_000)));
    rig.end(1, 1);
    assert_eq!(rig.states(1), [(1, "ENDED")]);
    assert_eq!(rig.routing.queue_of(contact(1)), None);
    rig.outputs.clear();
    rig.wait_ms(59_999);
    assert_eq!(reported(&mut rig), [""; 0]);
    rig.wait_ms(1);
    assert_eq!(reported(&mut rig), ["2 queued", "2 offered"]);
    rig.accept(2);
    // The agent's end may come first.
    rig.end(1, 2);
    assert_eq!(rig.states(1), [(2, "ENDED")]);
    assert_eq!(rig.routing.unanswered(rig.now, contact(2), contact(3)), None);
    assert_eq!((rig.routing.queue_of(contact(2)), rig.routing.queue_of(contact(3))), (None, None));
}

#[test]
fn only_a_callback_whose_customer_was_dialled_can_have_had_no_answer() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.accept(1);
    rig.callback(2, 0, 5);
    rig.callback(3, 1_000, 5);
    for number in [1, 2, 3, 4] {
        assert_eq!(rig.routing.unanswered(rig.now, contact(number), contact(9)), None);
    }
    assert_eq!(rig.routing.counters().late, 4);
    assert_eq!(rig.waiting(), [1, 2]);
}

#[test]
fn a_callback_that_is_cancelled_is_gone_and_its_offer_ends() {
    let mut rig = Rig::staffed(1);
    rig.callback(1, 60_000, 1);
    rig.callback(2, 0, 1);
    rig.leave(1);
    rig.leave(2);
    rig.wait_ms(DAY_MS);
    assert_eq!(rig.states(1), []);
    assert_eq!(rig.routing.queue_contacts(rig.now, queue(1)), Default::default());
    assert_eq!(rig.routing.next_deadline(), None);
}

#[test]
fn a_callback_is_kept_for_seven_days() {
    let mut rig = Rig::new(plan(1, 1));
    rig.callback(1, 0, 1);
    rig.callback(2, 8 * DAY_MS, 1);
    rig.wait_ms(7 * DAY_MS - 1);
    assert_eq!(reported(&mut rig), ["1 queued"]);
    rig.wait_ms(1);
    assert_eq!(reported(&mut rig), ["1 Expired", "2 Expired"]);
    assert_eq!(rig.waiting(), [0; 0]);
}

#[test]
fn a_callback_that_an_agent_has_does_not_expire() {
    let mut rig = Rig::new(plan(1, 1));
    rig.callback(1, 0, 1);
    rig.wait_ms(7 * DAY_MS - 1_000);
    rig.online(1);
    rig.accept(1);
    rig.wait_ms(30_000);
    rig.join(1);
    rig.wait_ms(DAY_MS);
    assert_eq!(rig.states(1), [(1, "CONNECTED")]);
    assert!(!reported(&mut rig).contains(&"1 Expired".to_owned()));
}

#[test]
fn a_callback_whose_agent_gave_it_back_too_late_expires() {
    let mut rig = Rig::new(plan(1, 1));
    rig.callback(1, 0, 1);
    rig.wait_ms(7 * DAY_MS - 1_000);
    rig.online(1);
    rig.wait_ms(90_000);
    assert_eq!(rig.states(1), [(1, "MISSED")]);
    assert_eq!(reported(&mut rig), ["1 queued", "1 offered", "1 Expired"]);
}

#[test]
fn a_callback_that_is_due_finds_place_in_the_buffer_or_waits_for_one() {
    let mut plan = plan(1, 0);
    plan.queues.insert(queue_id(1), QueuePlan { is_enabled: true, max_contacts: Some(5) });
    let mut rig = Rig::new(plan);
    rig.callback(11, 30_000, 1);
    rig.callback(12, 30_000, 1);
    for number in 1..=5 {
        rig.enqueue(call(number, queue(1), rig.now)).unwrap();
    }
    rig.wait_ms(30_000);
    assert_eq!(reported(&mut rig), ["11 queued"]);
    rig.wait_ms(5_000);
    rig.leave(1);
    rig.wait_ms(5_000);
    assert_eq!(reported(&mut rig), ["12 queued"]);
    assert_eq!(rig.routing.queue_of(contact(12)), Some(queue(1)));
}

#[test]
fn a_callback_waits_in_its_agents_own_queue_too() {
    let mut rig = Rig::staffed(2);
    let due_at = rig.now.wall.plus_ms(1_000);
    let plan =
        crate::routing::CallbackPlan { created_at: rig.now.wall, due_at, attempts_max: 1, retry_delay_s: 1 };
    let kind = crate::routing::QueuedKind::Callback(plan);
    let queued = crate::routing::QueuedContact { kind, ..call(1, agent(2).own_queue(), rig.now) };
    rig.enqueue(queued).unwrap();
    rig.wait_ms(1_000);
    assert_eq!(rig.offered(), [(1, 2)]);
}

#[test]
fn the_queue_of_a_callback_may_go_before_the_next_attempt() {
    let mut rig = Rig::staffed(1);
    rig.callback(1, 0, 5);
    rig.callback(2, 60_000, 5);
    rig.accept(1);
    rig.outputs.clear();
    rig.plan.queues.clear();
    rig.configure();
    assert_eq!(reported(&mut rig), [format!("2 {:?}", Removal::QueueDeleted)]);
    assert_eq!(rig.routing.unanswered(rig.now, contact(1), contact(3)), None);
    assert_eq!(rig.routing.queue_of(contact(3)), None);
}
