use super::rig::{AVAILABLE, LUNCH, Rig, agent, call, contact, number, queue};
use crate::routing::{
    CallbackPlan, EnqueueRefusal, Output, QueuedContact, QueuedKind, QueuedRefusal, RoutingCriteria,
    RoutingStep, RoutingUpdate, STEP_AGENTS_MAX, STEPS_MAX, StepStatus,
};

fn criteria(steps: &[(&[u32], Option<u32>)]) -> RoutingCriteria {
    let step = |(agents, expires_after_s): &(&[u32], Option<u32>)| RoutingStep {
        agents: agents.iter().map(|number| agent(*number)).collect(),
        expires_after_s: *expires_after_s,
    };
    RoutingCriteria { steps: steps.iter().map(step).collect() }
}

fn preferring(rig: &Rig, number: u32, steps: &[(&[u32], Option<u32>)]) -> QueuedContact {
    QueuedContact { criteria: criteria(steps), ..call(number, queue(1), rig.now) }
}

fn expired(rig: &mut Rig) -> Vec<(u32, usize)> {
    let step = |output: &Output| match output {
        Output::StepExpired { contact, step } => Some((number(*contact), *step)),
        _ => None,
    };
    rig.outputs.iter().filter_map(step).collect()
}

#[test]
fn a_contact_is_offered_to_the_preferred_agents_step_by_step_and_then_to_any() {
    let mut rig = Rig::staffed(4);
    for number in [2, 3] {
        rig.put_status(number, LUNCH);
    }
    rig.enqueue(preferring(&rig, 1, &[(&[2], Some(30)), (&[3], Some(10))])).unwrap();
    assert_eq!(rig.routing.steps(contact(1)), [StepStatus::Active, StepStatus::Inactive]);
    rig.wait_ms(29_999);
    assert_eq!((expired(&mut rig), rig.ringing.len()), (vec![], 0));
    rig.wait_ms(1);
    assert_eq!((expired(&mut rig), rig.ringing.len()), (vec![(1, 0)], 0));
    assert_eq!(rig.routing.steps(contact(1)), [StepStatus::Expired, StepStatus::Active]);
    rig.wait_ms(10_000);
    assert_eq!(expired(&mut rig), [(1, 0), (1, 1)]);
    assert_eq!(rig.offered(), [(1, 1)]);
    assert_eq!(rig.routing.steps(contact(1)), [StepStatus::Expired, StepStatus::Expired]);
}

#[test]
fn a_preferred_agent_is_offered_the_contact_though_others_are_idle_for_longer() {
    let mut rig = Rig::staffed(3);
    rig.enqueue(preferring(&rig, 1, &[(&[3, 2], Some(30))])).unwrap();
    assert_eq!(rig.offered(), [(1, 2)]);
    rig.accept(1);
    assert_eq!(rig.routing.steps(contact(1)), [StepStatus::Joined]);
}

#[test]
fn a_step_without_expiry_lasts_until_a_preferred_agent_takes_the_contact() {
    let mut rig = Rig::staffed(2);
    rig.put_status(2, LUNCH);
    rig.enqueue(preferring(&rig, 1, &[(&[2], None)])).unwrap();
    rig.wait_ms(3_600_000);
    assert_eq!(rig.offered(), []);
    rig.put_status(2, AVAILABLE);
    assert_eq!(rig.offered(), [(1, 2)]);
}

#[test]
fn a_preferred_contact_waits_in_the_same_order_as_the_others() {
    let mut rig = Rig::staffed(1);
    rig.put_status(1, LUNCH);
    rig.call(1);
    rig.wait_ms(1_000);
    rig.enqueue(preferring(&rig, 2, &[(&[1], None)])).unwrap();
    rig.wait_ms(1_000);
    rig.enqueue(QueuedContact { priority: 1, ..preferring(&rig, 3, &[(&[1], None)]) }).unwrap();
    let mut order = Vec::new();
    for _ in 0..3 {
        rig.put_status(1, AVAILABLE);
        let offered = rig.offered();
        order.extend(offered.iter().map(|(contact, _)| *contact));
        rig.join(offered[0].0);
        rig.put_status(1, LUNCH);
        rig.end_all(1, offered[0].0);
    }
    assert_eq!(order, [3, 1, 2]);
}

#[test]
fn a_preferred_agent_must_have_the_queue_in_his_profile() {
    let mut rig = Rig::staffed(1);
    rig.plan.profiles.values_mut().next().unwrap().queues.clear();
    rig.configure();
    rig.enqueue(preferring(&rig, 1, &[(&[1], None)])).unwrap();
    assert_eq!(rig.offered(), []);
}

#[test]
fn criteria_are_not_applied_in_an_agents_own_queue() {
    let mut rig = Rig::staffed(2);
    let queued =
        QueuedContact { criteria: criteria(&[(&[2], None)]), ..call(1, agent(1).own_queue(), rig.now) };
    rig.enqueue(queued).unwrap();
    assert_eq!(rig.offered(), [(1, 1)]);
}

#[test]
fn a_step_that_expires_while_it_rings_holds_for_the_next_offer() {
    let mut rig = Rig::staffed(3);
    rig.enqueue(preferring(&rig, 1, &[(&[2], Some(5))])).unwrap();
    rig.wait_ms(20_000);
    assert_eq!(rig.offered(), [(1, 2), (1, 1)]);
}

#[test]
fn a_step_has_its_time_anew_when_a_callback_is_tried_again() {
    let mut rig = Rig::staffed(2);
    let plan =
        CallbackPlan { created_at: rig.now.wall, due_at: rig.now.wall, attempts_max: 2, retry_delay_s: 60 };
    let queued = preferring(&rig, 1, &[(&[2], Some(10))]);
    rig.enqueue(QueuedContact { kind: QueuedKind::Callback(plan), ..queued }).unwrap();
    rig.accept(1);
    rig.wait_ms(30_000);
    rig.routing.unanswered(rig.now, contact(1), contact(2)).unwrap();
    rig.end(2, 1);
    rig.put_status(2, LUNCH);
    rig.offered();
    rig.wait_ms(69_999);
    assert_eq!(rig.offered(), []);
    rig.wait_ms(1);
    assert_eq!(rig.offered(), [(2, 1)]);
}

#[test]
fn other_criteria_begin_with_their_first_step() {
    let mut rig = Rig::staffed(2);
    rig.put_status(1, LUNCH);
    rig.enqueue(preferring(&rig, 1, &[(&[1], Some(10))])).unwrap();
    rig.wait_ms(9_000);
    let update = RoutingUpdate::Criteria(criteria(&[(&[1], Some(10))]));
    rig.routing.update(rig.now, contact(1), update).unwrap();
    rig.wait_ms(9_000);
    assert_eq!(rig.offered(), []);
    let update = RoutingUpdate::Criteria(criteria(&[(&[2], None)]));
    rig.routing.update(rig.now, contact(1), update).unwrap();
    rig.drain();
    assert_eq!(rig.offered(), [(1, 2)]);
    rig.accept(1);
    let update = RoutingUpdate::Priority(1);
    assert_eq!(rig.routing.update(rig.now, contact(1), update.clone()), Err(QueuedRefusal::BeingJoined));
    assert_eq!(rig.routing.update(rig.now, contact(2), update), Err(QueuedRefusal::NotQueued));
}

#[test]
fn criteria_beyond_their_limits_are_refused() {
    let mut rig = Rig::staffed(1);
    let many: Vec<u32> = (1..=u32::try_from(STEP_AGENTS_MAX).unwrap() + 1).collect();
    let steps = vec![(&many[..1], None); STEPS_MAX + 1];
    assert_eq!(rig.enqueue(preferring(&rig, 1, &steps)), Err(EnqueueRefusal::TooManySteps));
    assert_eq!(rig.enqueue(preferring(&rig, 1, &[(&many, None)])), Err(EnqueueRefusal::TooManySteps));
    rig.enqueue(preferring(&rig, 1, &[(&many[..STEP_AGENTS_MAX], None)])).unwrap();
    let update = RoutingUpdate::Criteria(criteria(&[(&many, None)]));
    assert_eq!(rig.routing.update(rig.now, contact(1), update), Err(QueuedRefusal::TooManySteps));
}
