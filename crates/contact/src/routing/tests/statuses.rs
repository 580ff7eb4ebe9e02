use super::rig::{AVAILABLE, LUNCH, OFFLINE, Rig, agent, plan, status};
use crate::routing::{OfferEnd, Output, RoutingOptions, StatusChange, StatusRefusal};

fn put(rig: &mut Rig, number: u8) -> Result<StatusChange, StatusRefusal> {
    let change = rig.routing.put_status(rig.now, agent(1), status(number));
    rig.drain();
    change
}

#[test]
fn an_agent_logs_in_when_his_telephone_registers_and_becomes_available() {
    let mut rig = Rig::new(plan(1, 1));
    assert_eq!((rig.user(1).status, rig.user(1).is_at_telephone), (Some(status(OFFLINE)), false));
    rig.call(1);
    rig.wait_ms(5_000);
    rig.online(1);
    assert_eq!((rig.user(1).status, rig.user(1).status_since), (Some(status(AVAILABLE)), rig.now.wall));
    assert_eq!(rig.offered(), [(1, 1)]);
    // Another device of his changes nothing.
    rig.wait_ms(1_000);
    rig.online(1);
    assert_eq!((rig.offered(), rig.user(1).status_since), (vec![], rig.now.wall.plus_ms(-1_000)));
}

#[test]
fn an_agent_who_logs_in_stays_offline_where_the_options_say_so() {
    let options = RoutingOptions { available_at_login: false, ..RoutingOptions::default() };
    let mut rig = Rig::with(plan(1, 1), options);
    rig.online(1);
    rig.call(1);
    assert_eq!((rig.user(1).status, rig.offered()), (Some(status(OFFLINE)), vec![]));
    rig.put_status(1, AVAILABLE);
    assert_eq!(rig.offered(), [(1, 1)]);
}

#[test]
fn a_status_that_was_chosen_before_the_telephone_came_stays() {
    let mut rig = Rig::new(plan(1, 1));
    rig.put_status(1, LUNCH);
    rig.online(1);
    assert_eq!(rig.user(1).status, Some(status(LUNCH)));
}

#[test]
fn an_agent_without_a_telephone_is_offered_nothing_whatever_his_status() {
    let mut rig = Rig::new(plan(1, 1));
    rig.put_status(1, AVAILABLE);
    rig.call(1);
    assert_eq!((rig.offered(), rig.agents().available), (vec![], 0));
    rig.online(1);
    assert_eq!(rig.offered(), [(1, 1)]);
}

#[test]
fn an_agent_logs_out_when_no_telephone_of_his_is_left() {
    let mut rig = Rig::staffed(1);
    rig.offline(1);
    rig.call(1);
    assert_eq!((rig.user(1).status, rig.offered()), (Some(status(OFFLINE)), vec![]));
}

#[test]
fn an_agent_whose_telephone_goes_while_he_is_on_a_contact_is_offline_after_it() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.join(1);
    rig.offline(1);
    let user = rig.user(1);
    assert_eq!((user.status, user.next_status), (Some(status(AVAILABLE)), Some(status(OFFLINE))));
    assert_eq!(rig.states(1), [(1, "CONNECTED")]);
    rig.outputs.clear();
    rig.end(1, 1);
    // There is no after-contact work without a telephone, and its end is reported.
    assert_eq!((rig.states(1), rig.user(1).status), (vec![], Some(status(OFFLINE))));
    assert!(rig.outputs.iter().any(|output| matches!(
        output,
        Output::AfterContactWorkEnded { began_at, ended_at, .. } if began_at == ended_at
    )));
}

#[test]
fn a_telephone_that_comes_back_during_the_contact_undoes_the_logging_out() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.join(1);
    rig.offline(1);
    rig.online(1);
    assert_eq!(rig.user(1).next_status, None);
    rig.end(1, 1);
    assert_eq!((rig.states(1), rig.user(1).status), (vec![(1, "ENDED")], Some(status(AVAILABLE))));
    // A status that was chosen is not undone.
    rig.dismiss(1, 1);
    rig.call(2);
    rig.join(2);
    rig.put_status(1, LUNCH);
    rig.online(1);
    assert_eq!(rig.user(1).next_status, Some(status(LUNCH)));
}

#[test]
fn an_agent_whose_telephone_goes_while_it_rings_keeps_nothing_of_the_offer() {
    let mut rig = Rig::staffed(2);
    rig.call(1);
    rig.offline(1);
    rig.fail(1);
    assert_eq!(rig.offered(), [(1, 1), (1, 2)]);
    assert_eq!((rig.states(1), rig.user(1).status), (vec![], Some(status(OFFLINE))));
    rig.online(1);
    rig.call(2);
    assert_eq!(rig.offered(), [(2, 1)]);
}

#[test]
fn logging_out_and_in_clears_what_was_missed() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.miss(1);
    rig.offline(1);
    assert_eq!(rig.states(1), []);
    rig.offered();
    rig.online(1);
    assert_eq!(rig.offered(), [(1, 1)]);
}

#[test]
fn a_status_chosen_on_a_contact_is_the_next_one_and_nothing_new_is_routed() {
    let mut plan = plan(1, 1);
    plan.profiles.values_mut().next().unwrap().voice_concurrency = 2;
    let mut rig = Rig::new(plan);
    rig.online(1);
    rig.call(1);
    rig.join(1);
    rig.offered();
    assert_eq!(put(&mut rig, LUNCH), Ok(StatusChange::Next));
    let user = rig.user(1);
    assert_eq!((user.status, user.next_status), (Some(status(AVAILABLE)), Some(status(LUNCH))));
    assert_eq!(user.next_status_since, Some(rig.now.wall));
    rig.call(2);
    assert_eq!(rig.offered(), []);
    rig.end(1, 1);
    assert_eq!(rig.user(1).next_status, Some(status(LUNCH)), "after-contact work has its time");
    rig.wait_ms(10_000);
    let user = rig.user(1);
    assert_eq!((user.status, user.next_status), (Some(status(LUNCH)), None));
    assert_eq!((user.status_since, rig.offered()), (rig.now.wall, vec![]));
}

#[test]
fn choosing_a_status_ends_after_contact_work_and_it_holds_at_once() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.join(1);
    rig.end(1, 1);
    assert_eq!(put(&mut rig, LUNCH), Ok(StatusChange::Now));
    assert_eq!((rig.states(1), rig.user(1).status), (vec![], Some(status(LUNCH))));
}

#[test]
fn choosing_available_takes_the_next_status_back() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    rig.join(1);
    put(&mut rig, OFFLINE).unwrap();
    assert_eq!(put(&mut rig, AVAILABLE), Ok(StatusChange::Now));
    assert_eq!(rig.user(1).next_status, None);
    rig.end_all(1, 1);
    assert_eq!(rig.user(1).status, Some(status(AVAILABLE)));
}

#[test]
fn a_custom_or_offline_status_takes_an_agent_out_of_routing() {
    for number in [LUNCH, OFFLINE] {
        let mut rig = Rig::staffed(1);
        assert_eq!(put(&mut rig, number), Ok(StatusChange::Now));
        rig.call(1);
        assert_eq!(rig.offered(), []);
        put(&mut rig, AVAILABLE).unwrap();
        assert_eq!(rig.offered(), [(1, 1)]);
    }
}

#[test]
fn a_status_chosen_while_it_rings_waits_for_what_becomes_of_the_offer() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    assert_eq!(put(&mut rig, LUNCH), Ok(StatusChange::Next));
    rig.leave(1);
    assert_eq!(rig.offer_ends(), [(1, OfferEnd::ContactGone)]);
    assert_eq!(rig.user(1).status, Some(status(LUNCH)));
}

#[test]
fn a_missed_contact_holds_the_next_status_back_until_it_is_cleared() {
    let mut rig = Rig::staffed(1);
    rig.call(1);
    put(&mut rig, LUNCH).unwrap();
    rig.miss(1);
    assert_eq!((rig.user(1).status, rig.states(1)), (Some(status(AVAILABLE)), vec![(1, "MISSED")]));
    rig.dismiss(1, 1);
    assert_eq!(rig.user(1).status, Some(status(LUNCH)));
}

#[test]
fn an_unknown_agent_and_a_status_that_cannot_be_chosen_are_refused() {
    let mut plan = plan(1, 1);
    plan.statuses.get_mut(&status(LUNCH)).unwrap().is_enabled = false;
    let mut rig = Rig::new(plan);
    assert_eq!(put(&mut rig, LUNCH), Err(StatusRefusal::NoSuchStatus));
    assert_eq!(put(&mut rig, 9), Err(StatusRefusal::NoSuchStatus));
    let refusal = rig.routing.put_status(rig.now, agent(7), status(AVAILABLE));
    assert_eq!(refusal, Err(StatusRefusal::NoSuchAgent));
    let late = rig.routing.counters().late;
    rig.online(7);
    rig.offline(7);
    assert_eq!(rig.routing.counters().late, late + 2);
}

#[test]
fn each_change_of_a_status_is_reported_with_the_next_one() {
    let mut rig = Rig::staffed(1);
    let reported = |rig: &mut Rig| {
        let outputs = std::mem::take(&mut rig.outputs);
        let change = |output: &Output| match output {
            Output::StatusChanged { status, next, .. } => Some((*status, *next)),
            _ => None,
        };
        outputs.iter().filter_map(change).collect::<Vec<_>>()
    };
    put(&mut rig, LUNCH).unwrap();
    put(&mut rig, LUNCH).unwrap();
    put(&mut rig, AVAILABLE).unwrap();
    rig.call(1);
    rig.join(1);
    put(&mut rig, OFFLINE).unwrap();
    rig.end(1, 1);
    rig.wait_ms(10_000);
    let expected = [
        (status(LUNCH), None),
        (status(AVAILABLE), None),
        (status(AVAILABLE), Some(status(OFFLINE))),
        (status(OFFLINE), None),
    ];
    assert_eq!(reported(&mut rig), expected);
}
