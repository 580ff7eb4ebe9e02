use super::rig::{AVAILABLE, LUNCH, Rig, agent, call, contact, plan, queue};
use crate::routing::{OfferEnd, OfferKind, OfferRefusal, Output, RoutingOptions};

#[test]
fn a_contact_keeps_its_place_when_an_agent_does_not_answer_and_goes_to_the_next_one() {
    let mut rig = Rig::staffed(2);
    for number in 1..=4 {
        rig.call(number);
        rig.wait_ms(10);
    }
    rig.join(2);
    assert_eq!(rig.offered(), [(1, 1), (2, 2)]);
    // It rings for 20 s from the offer on.
    rig.wait_ms(20_000 - 41);
    assert_eq!(rig.states(1), [(1, "CONNECTING")]);
    rig.wait_ms(1);
    assert_eq!(rig.states(1), [(1, "MISSED")]);
    assert_eq!(rig.offer_ends(), [(1, OfferEnd::NotAnswered)]);
    assert_eq!(rig.waiting(), [1, 3, 4]);
    rig.end_all(2, 2);
    assert_eq!(rig.offered(), [(1, 2)]);
    assert_eq!(rig.routing.attempts(contact(1)), Some(2));
    assert_eq!(rig.routing.counters().missed, 1);
}

#[test]
fn the_agent_who_missed_a_contact_may_be_offered_it_again() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.miss(1);
    rig.offered();
    rig.dismiss(1, 1);
    assert_eq!(rig.offered(), [(1, 1)]);
    assert_eq!(rig.states(1), [(1, "CONNECTING")]);
}

#[test]
fn a_contact_that_no_agent_can_take_after_a_missed_offer_waits_for_the_next_one() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.wait_ms(3_600_000);
    assert_eq!(rig.offered(), [(1, 1)]);
    assert_eq!((rig.states(1), rig.waiting()), (vec![(1, "MISSED")], vec![1]));
}

#[test]
fn a_failure_at_the_agents_side_is_an_error_and_the_contact_goes_to_the_next() {
    let mut rig = Rig::staffed(2);
    rig.call(1);
    rig.fail(1);
    assert_eq!(rig.offered(), [(1, 1), (1, 2)]);
    assert_eq!(rig.states(1), [(1, "ERROR")]);
    assert_eq!((rig.routing.counters().failed, rig.routing.counters().missed), (1, 0));
}

#[test]
fn a_missed_contact_sticks_until_it_is_cleared_or_a_status_is_chosen() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.miss(1);
    rig.leave(1);
    rig.call(2);
    rig.offered();
    rig.wait_ms(3_600_000);
    assert_eq!(rig.offered(), []);
    rig.put_status(1, AVAILABLE);
    assert_eq!(rig.offered(), [(2, 1)]);
    rig.fail(2);
    rig.dismiss(1, 2);
    assert_eq!(rig.offered(), [(2, 1)]);
}

#[test]
fn a_missed_contact_is_cleared_by_itself_where_the_options_say_so() {
    let options = RoutingOptions { clear_missed_after_ms: Some(5_000), ..RoutingOptions::default() };
    let mut rig = Rig::with(plan(1, 1), options);
    rig.online(1);
    rig.call(1);
    rig.miss(1);
    rig.offered();
    rig.wait_ms(4_999);
    assert_eq!(rig.offered(), []);
    rig.wait_ms(1);
    assert_eq!(rig.offered(), [(1, 1)]);
}

#[test]
fn an_accepted_contact_is_still_queued_until_they_are_joined() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.accept(1);
    assert_eq!(rig.waiting(), [1]);
    assert!(rig.routing.is_being_joined(contact(1)));
    assert_eq!(rig.states(1), [(1, "CONNECTING")]);
    // The ring time is over; the whisper goes on.
    rig.wait_ms(60_000);
    assert_eq!(rig.states(1), [(1, "CONNECTING")]);
    rig.join(1);
    assert_eq!(rig.states(1), [(1, "CONNECTED")]);
    assert_eq!((rig.waiting(), rig.routing.queue_of(contact(1))), (vec![], None));
}

#[test]
fn a_contact_leaves_its_queue_when_the_agent_whisper_is_over() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    let offer = rig.offer(1);
    assert!(!rig.routing.dequeued(rig.now, offer), "it was not accepted");
    rig.accept(1);
    assert!(rig.routing.dequeued(rig.now, offer));
    assert_eq!((rig.waiting(), rig.states(1)), (vec![], vec![(1, "CONNECTING")]));
    rig.join(1);
    assert_eq!(rig.states(1), [(1, "CONNECTED")]);
    assert_eq!(rig.user(1).contacts[0].queue, Some(queue(1)));
}

#[test]
fn an_agent_who_leaves_in_the_customer_whisper_has_work_and_the_contact_is_not_queued_again() {
    let mut rig = Rig::staffed(2);
    rig.call(1);
    rig.accept(1);
    rig.routing.dequeued(rig.now, rig.offer(1));
    rig.end(1, 1);
    assert_eq!((rig.states(1), rig.waiting()), (vec![(1, "ENDED")], vec![]));
    assert_eq!(rig.offered(), [(1, 1)]);
}

#[test]
fn an_agent_who_hangs_up_in_the_whisper_has_missed_the_contact_and_it_goes_to_the_next() {
    let mut rig = Rig::staffed(2);
    rig.call(1);
    rig.accept(1);
    rig.end(1, 1);
    assert_eq!(rig.offered(), [(1, 1), (1, 2)]);
    assert_eq!(rig.states(1), [(1, "MISSED")]);
}

#[test]
fn a_customer_who_leaves_while_it_rings_leaves_the_agent_free_in_his_place() {
    let mut rig = Rig::staffed(2);
    rig.call(1);
    rig.wait_ms(5_000);
    rig.leave(1);
    assert_eq!(rig.offer_ends(), [(1, OfferEnd::ContactGone)]);
    assert_eq!(rig.states(1), []);
    assert_eq!(rig.routing.counters().missed, 1);
    rig.call(2);
    assert_eq!(rig.offered(), [(2, 1)]);
}

#[test]
fn a_customer_who_leaves_in_the_whisper_leaves_the_agent_free() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.accept(1);
    rig.routing.closed(rig.now, contact(1));
    rig.drain();
    assert_eq!(rig.offer_ends(), [(1, OfferEnd::ContactGone)]);
    assert_eq!((rig.states(1), rig.routing.counters().missed), (vec![], 0));
    rig.call(2);
    assert_eq!(rig.offered(), [(2, 1)]);
}

#[test]
fn an_accepted_offer_of_which_nothing_is_heard_ends_and_the_contact_is_offered_to_the_next() {
    let mut rig = Rig::staffed(2);
    rig.call(1);
    rig.accept(1);
    rig.wait_ms(299_999);
    assert_eq!(rig.offered(), [(1, 1)]);
    rig.wait_ms(1);
    assert_eq!(rig.states(1), [(1, "ERROR")]);
    assert_eq!(rig.offered(), [(1, 2)]);
}

#[test]
fn reports_on_an_offer_that_is_over_change_nothing_and_are_counted() {
    let mut rig = Rig::staffed(2);
    rig.call(1);
    let offer = rig.offer(1);
    rig.wait_ms(20_000);
    rig.outputs.clear();
    assert!(!rig.routing.accepted(rig.now, offer));
    assert!(!rig.routing.joined(rig.now, offer));
    rig.routing.missed(rig.now, offer);
    rig.routing.failed(rig.now, offer);
    rig.routing.answered(rig.now, agent(1), contact(1));
    rig.routing.held(rig.now, agent(1), contact(1), true);
    rig.routing.ended(rig.now, agent(1), contact(1));
    rig.drain();
    assert_eq!(rig.outputs, []);
    assert_eq!((rig.states(1), rig.states(2)), (vec![(1, "MISSED")], vec![(1, "CONNECTING")]));
    assert_eq!(rig.routing.counters().late, 7);
}

#[test]
fn an_offer_says_how_long_it_rings_and_whether_the_telephone_is_to_answer_by_itself() {
    let mut plan = plan(1, 1);
    plan.agents.get_mut(&agent(1).user).unwrap().auto_accept = true;
    let mut rig = Rig::new(plan);
    rig.online(1);
    rig.outputs.clear();
    rig.call(1);
    let offer = rig.offer(1);
    let expected = Output::Offer {
        offer,
        contact: contact(1),
        agent: agent(1),
        queue: Some(queue(1)),
        kind: OfferKind::Call,
        ring_limit_ms: 20_000,
        auto_accept: true,
    };
    assert_eq!(rig.outputs, [expected]);
    rig.leave(1);
    rig.outputs.clear();
    rig.callback(2, 0, 1);
    let offers = rig.outputs.iter().filter_map(|output| match output {
        Output::Offer { kind, auto_accept, .. } => Some((*kind, *auto_accept)),
        _ => None,
    });
    assert_eq!(offers.collect::<Vec<_>>(), [(OfferKind::Callback, false)]);
    assert_eq!(rig.states(1), [(2, "INCOMING")]);
}

#[test]
fn a_contact_is_associated_with_an_agent_whatever_his_status_and_his_slots() {
    let mut rig = Rig::staffed(2);
    rig.put_status(2, LUNCH);
    rig.call(1);
    rig.join(1);
    rig.call(2);
    rig.call(3);
    rig.routing.associate(rig.now, contact(2), agent(2)).unwrap();
    rig.routing.associate(rig.now, contact(3), agent(1)).unwrap();
    rig.drain();
    assert_eq!(rig.offered(), [(1, 1), (2, 2), (3, 1)]);
    rig.join(3);
    assert_eq!(rig.states(1), [(1, "CONNECTED"), (3, "CONNECTED")]);
    assert_eq!(rig.user(1).slots.active, 2);
    // The one that is missed waits as before.
    rig.miss(2);
    assert_eq!((rig.waiting(), rig.states(2)), (vec![2], vec![(2, "MISSED")]));
}

#[test]
fn what_cannot_be_associated_is_refused() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.callback(2, 60_000, 1);
    let mut associate = |number, of| rig.routing.associate(rig.now, contact(number), agent(of));
    assert_eq!(associate(1, 1), Err(OfferRefusal::AlreadyOffered));
    assert_eq!(associate(2, 1), Err(OfferRefusal::NotQueued));
    assert_eq!(associate(3, 1), Err(OfferRefusal::NotQueued));
    assert_eq!(associate(3, 9), Err(OfferRefusal::NotQueued));
    rig.call(4);
    assert_eq!(rig.routing.associate(rig.now, contact(4), agent(9)), Err(OfferRefusal::NoSuchAgent));
}

#[test]
fn a_direct_offer_needs_an_available_agent_and_cuts_his_after_contact_work() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.join(1);
    let direct = |rig: &mut Rig, number| {
        let result = rig.routing.offer_directly(rig.now, contact(number), agent(1));
        rig.drain();
        result
    };
    assert_eq!(direct(&mut rig, 9), Err(OfferRefusal::Busy));
    rig.end(1, 1);
    rig.outputs.clear();
    direct(&mut rig, 9).unwrap();
    assert!(matches!(rig.outputs[0], Output::AfterContactWorkEnded { .. }), "{:?}", rig.outputs);
    assert!(matches!(rig.outputs[1], Output::Offer { kind: OfferKind::Direct, queue: None, .. }));
    rig.join(9);
    assert_eq!(rig.states(1), [(9, "CONNECTED")]);
    rig.end_all(1, 9);
    rig.put_status(1, LUNCH);
    assert_eq!(direct(&mut rig, 10), Err(OfferRefusal::NotAvailable));
    assert_eq!(rig.routing.offer_directly(rig.now, contact(10), agent(5)), Err(OfferRefusal::NoSuchAgent));
    rig.call(11);
    assert_eq!(direct(&mut rig, 11), Err(OfferRefusal::AlreadyOffered));
}

#[test]
fn a_direct_offer_that_is_missed_goes_into_no_queue() {
    let mut rig = Rig::staffed(2);
    rig.routing.offer_directly(rig.now, contact(1), agent(1)).unwrap();
    rig.drain();
    rig.wait_ms(20_000);
    assert_eq!(rig.states(1), [(1, "MISSED")]);
    assert_eq!((rig.waiting(), rig.states(2)), (vec![], vec![]));
}

#[test]
fn a_contact_in_one_queue_is_not_put_into_another() {
    let mut rig = Rig::new(plan(2, 0));
    rig.call(1);
    let refusal = rig.enqueue(call(1, queue(2), rig.now)).unwrap_err();
    assert_eq!(refusal.to_string(), "the contact is queued already");
}

#[test]
fn a_customer_who_leaves_before_a_direct_offer_is_taken_or_in_his_own_whisper_leaves_the_agent_free() {
    let mut rig = Rig::staffed(2);
    rig.routing.offer_directly(rig.now, contact(1), agent(1)).unwrap();
    rig.call(2);
    rig.accept(2);
    rig.routing.dequeued(rig.now, rig.offer(2));
    rig.leave(1);
    rig.leave(2);
    assert_eq!(rig.offer_ends(), [(1, OfferEnd::ContactGone), (2, OfferEnd::ContactGone)]);
    assert_eq!((rig.states(1), rig.states(2)), (vec![], vec![]));
}
