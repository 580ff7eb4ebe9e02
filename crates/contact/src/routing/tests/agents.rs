use super::rig::{LUNCH, Rig, agent, contact, number, plan, queue};
use crate::routing::{Activity, DismissRefusal, OfferRefusal, Output, RoutingOptions};

/// The after-contact work that has ended: contact and how long it took.
fn work(rig: &mut Rig) -> Vec<(u32, i64)> {
    let outputs = std::mem::take(&mut rig.outputs);
    let work = |output: &Output| match output {
        Output::AfterContactWorkEnded { contact, began_at, ended_at, .. } => {
            Some((number(*contact), ended_at.ms_since(*began_at)))
        }
        _ => None,
    };
    outputs.iter().filter_map(work).collect()
}

#[test]
fn after_contact_work_ends_by_its_limit() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.join(1);
    rig.end(1, 1);
    rig.call(2);
    rig.wait_ms(9_999);
    assert_eq!((rig.states(1), rig.user(1).activity), (vec![(1, "ENDED")], Activity::AfterContactWork));
    rig.wait_ms(1);
    assert_eq!(rig.states(1), [(2, "CONNECTING")]);
    assert_eq!(work(&mut rig), [(1, 10_000)]);
}

#[test]
fn after_contact_work_without_a_limit_lasts_until_the_agent_ends_it() {
    let mut plan = plan(1, 1);
    plan.agents.get_mut(&agent(1).user).unwrap().after_contact_work_s = 0;
    let mut rig = Rig::new(plan);
    rig.online(1);
    rig.call(1);
    rig.join(1);
    rig.end(1, 1);
    rig.wait_ms(86_400_000);
    assert_eq!(rig.states(1), [(1, "ENDED")]);
    rig.dismiss(1, 1);
    assert_eq!((rig.states(1), work(&mut rig)), (vec![], vec![(1, 86_400_000)]));
}

#[test]
fn after_contact_work_without_a_limit_ends_by_itself_where_the_options_say_so() {
    let mut plan = plan(1, 1);
    plan.agents.get_mut(&agent(1).user).unwrap().after_contact_work_s = 0;
    let options = RoutingOptions { after_contact_work_limit_ms: Some(30_000), ..RoutingOptions::default() };
    let mut rig = Rig::with(plan, options);
    rig.online(1);
    rig.call(1);
    rig.join(1);
    rig.end(1, 1);
    rig.wait_ms(29_999);
    assert_eq!(rig.states(1), [(1, "ENDED")]);
    rig.wait_ms(1);
    assert_eq!((rig.states(1), work(&mut rig)), (vec![], vec![(1, 30_000)]));
}

#[test]
fn only_a_contact_that_is_over_can_be_dismissed() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    let dismiss = |rig: &mut Rig, of, number| rig.routing.dismiss(rig.now, agent(of), contact(number));
    assert_eq!(dismiss(&mut rig, 1, 1), Err(DismissRefusal::StillHandled));
    rig.join(1);
    assert_eq!(dismiss(&mut rig, 1, 1), Err(DismissRefusal::StillHandled));
    assert_eq!(dismiss(&mut rig, 1, 2), Err(DismissRefusal::NoSuchContact));
    assert_eq!(dismiss(&mut rig, 2, 1), Err(DismissRefusal::NoSuchAgent));
}

#[test]
fn a_contact_on_hold_keeps_the_stamp_of_when_it_was_connected() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.wait_ms(3_000);
    rig.join(1);
    let connected_at = rig.now.wall;
    rig.wait_ms(7_000);
    rig.routing.held(rig.now, agent(1), contact(1), true);
    assert_eq!(rig.states(1), [(1, "CONNECTED_ONHOLD")]);
    let held = &rig.user(1).contacts[0];
    assert_eq!((held.state_since, held.connected_at), (connected_at, Some(connected_at)));
    assert_eq!(held.queued_at, Some(connected_at.plus_ms(-3_000)));
    assert_eq!(rig.user(1).activity, Activity::OnContact);
    rig.routing.held(rig.now, agent(1), contact(1), false);
    assert_eq!(rig.states(1), [(1, "CONNECTED")]);
    rig.routing.held(rig.now, agent(1), contact(1), true);
    rig.end(1, 1);
    assert_eq!(rig.states(1), [(1, "ENDED")]);
}

#[test]
fn an_agent_who_dials_is_on_a_contact_at_once_in_any_status() {
    let mut rig = Rig::staffed(2);
    rig.put_status(2, LUNCH);
    rig.offline(1);
    for number in [1, 2] {
        rig.routing.dialled(rig.now, agent(number), contact(number)).unwrap();
        assert_eq!(rig.states(number), [(number, "CONNECTING")]);
        assert_eq!(rig.user(number).activity, Activity::OnContact);
    }
    assert_eq!((rig.agents().on_contact, rig.agents().non_productive), (2, 2));
    rig.routing.answered(rig.now, agent(2), contact(2));
    assert_eq!(rig.states(2), [(2, "CONNECTED")]);
    assert!(rig.user(2).contacts[0].is_outbound);
    rig.end(2, 2);
    assert_eq!(rig.states(2), [(2, "ENDED")]);
}

#[test]
fn an_agent_who_dials_is_offered_nothing() {
    let mut rig = Rig::staffed(1);
    rig.routing.dialled(rig.now, agent(1), contact(1)).unwrap();
    rig.call(2);
    assert_eq!(rig.offered(), []);
    rig.end_all(1, 1);
    assert_eq!(rig.offered(), [(2, 1)]);
}

#[test]
fn an_agent_dials_no_contact_twice_and_no_more_than_the_limit() {
    let options = RoutingOptions { agent_contacts_max: 3, ..RoutingOptions::default() };
    let mut rig = Rig::with(plan(1, 1), options);
    rig.online(1);
    for number in 1..=3 {
        rig.routing.dialled(rig.now, agent(1), contact(number)).unwrap();
    }
    let mut dial = |number, of| rig.routing.dialled(rig.now, agent(of), contact(number));
    assert_eq!(dial(3, 1), Err(OfferRefusal::AlreadyOffered));
    assert_eq!(dial(4, 1), Err(OfferRefusal::TooManyContacts));
    assert_eq!(dial(4, 2), Err(OfferRefusal::NoSuchAgent));
    rig.call(5);
    let refusal = rig.routing.associate(rig.now, contact(5), agent(1));
    assert_eq!(refusal, Err(OfferRefusal::TooManyContacts));
}

#[test]
fn a_contact_that_is_closed_has_ended_for_each_agent_on_it() {
    let mut rig = Rig::staffed(3);
    rig.call(1);
    rig.join(1);
    // The second one was called to it.
    rig.routing.dialled(rig.now, agent(2), contact(1)).unwrap();
    rig.routing.offer_directly(rig.now, contact(1), agent(3)).unwrap();
    rig.drain();
    rig.routing.closed(rig.now, contact(1));
    rig.drain();
    assert_eq!((rig.states(1), rig.states(2)), (vec![(1, "ENDED")], vec![(1, "ENDED")]));
    assert_eq!(rig.states(3), []);
    rig.routing.closed(rig.now, contact(1));
    rig.drain();
    assert_eq!(rig.states(1), [(1, "ENDED")]);
}

#[test]
fn the_first_rule_that_holds_says_what_an_agent_does() {
    let mut rig = Rig::staffed(1);
    assert_eq!(rig.user(1).activity, Activity::Status);
    rig.call(1);
    assert_eq!(rig.user(1).activity, Activity::Incoming);
    rig.join(1);
    assert_eq!(rig.user(1).activity, Activity::OnContact);
    rig.end(1, 1);
    assert_eq!(rig.user(1).activity, Activity::AfterContactWork);
    rig.call(2);
    rig.routing.associate(rig.now, contact(2), agent(1)).unwrap();
    rig.drain();
    assert_eq!(rig.user(1).activity, Activity::AfterContactWork);
    rig.miss(2);
    assert_eq!(rig.user(1).activity, Activity::Missed);
    rig.call(3);
    rig.routing.associate(rig.now, contact(3), agent(1)).unwrap();
    rig.drain();
    rig.fail(3);
    assert_eq!(rig.user(1).activity, Activity::Error);
    assert_eq!(rig.states(1), [(1, "ENDED"), (2, "MISSED"), (3, "ERROR")]);
    assert_eq!(rig.routing.queue_agents(queue(1)).error, 1);
}
