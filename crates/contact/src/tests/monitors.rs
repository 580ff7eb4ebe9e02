//! Supervisors who listen.

use super::ends::{
    AGENT_LEG, ada, all_ended, answers, bridges, contacts, eve, hung_up, last_dial, on, talking,
    telephone_rings,
};
use super::rig::{LEG, Rig};
use crate::{DialTarget, EndedBy, InitiationMethod, Input, LegEvent, Order, Phase};
use tympan_types::{BridgeId, ContactId, LegId};

const EARS: LegId = LegId::new(85);

fn orders(rig: &mut Rig, may_barge: bool) {
    let contact = rig.live.contact().id;
    let monitor = ContactId::from_random([6; 16]);
    rig.handle(Input::Ordered(Order::Monitor { contact, monitor, supervisor: eve(), may_barge }));
}

fn listening() -> Rig {
    let mut rig = talking();
    orders(&mut rig, true);
    assert_eq!(last_dial(&rig).1.target, DialTarget::Agent(eve()));
    telephone_rings(&mut rig, EARS);
    answers(&mut rig, EARS);
    rig
}

fn in_bridge(rig: &Rig) -> Vec<(LegId, bool)> {
    let bridges = bridges(rig);
    bridges
        .get(&BridgeId::new(LEG.number()))
        .into_iter()
        .flatten()
        .map(|(leg, heard)| (*leg, *heard))
        .collect()
}

#[test]
fn a_supervisor_hears_customer_and_agent_unheard_in_a_contact_of_its_own() {
    let mut rig = listening();
    assert_eq!(in_bridge(&rig), [(LEG, true), (AGENT_LEG, true), (EARS, false)]);
    let monitor = contacts(&rig).pop().unwrap();
    assert_eq!(monitor.id, ContactId::from_random([6; 16]));
    assert_eq!(monitor.initiation_method, InitiationMethod::Monitor);
    assert_eq!(monitor.previous_contact_id, Some(rig.live.contact().id));
    assert_eq!(monitor.agent.unwrap().agent, eve());
    rig.wait_ms(2_000);
    on(&mut rig, EARS, LegEvent::Ended(EndedBy::Peer));
    assert_eq!((rig.live.phase(), in_bridge(&rig).len()), (Phase::Live, 2), "the conversation goes on");
    let monitor = contacts(&rig).pop().unwrap();
    let state = &monitor.monitoring[0];
    assert_eq!((state.state.as_str(), state.to.unwrap().ms_since(state.from)), ("SILENT_MONITOR", 2_000));
    rig.hung_up();
    all_ended(&rig);
}

#[test]
fn one_more_order_makes_the_supervisor_heard_and_another_one_unheard_again() {
    let mut rig = listening();
    orders(&mut rig, true);
    assert_eq!(in_bridge(&rig)[2], (EARS, true));
    orders(&mut rig, true);
    assert_eq!(in_bridge(&rig)[2], (EARS, false));
    let states: Vec<String> =
        contacts(&rig).pop().unwrap().monitoring.into_iter().map(|state| state.state).collect();
    assert_eq!(states, ["SILENT_MONITOR", "BARGE", "SILENT_MONITOR"]);
}

#[test]
fn a_supervisor_who_may_only_listen_is_never_heard() {
    let mut rig = talking();
    orders(&mut rig, false);
    telephone_rings(&mut rig, EARS);
    answers(&mut rig, EARS);
    orders(&mut rig, false);
    assert_eq!(in_bridge(&rig)[2], (EARS, false));
}

#[test]
fn a_supervisor_is_let_go_with_the_agents_conversation() {
    let mut rig = listening();
    on(&mut rig, AGENT_LEG, LegEvent::Ended(EndedBy::Peer));
    assert!(hung_up(&rig, EARS));
    all_ended(&rig);
    let mut rig = talking();
    orders(&mut rig, false);
    telephone_rings(&mut rig, EARS);
    rig.hung_up();
    assert!(hung_up(&rig, EARS));
    all_ended(&rig);
}

#[test]
fn a_telephone_of_a_supervisor_that_is_not_answered_is_let_go_and_disturbs_no_one() {
    let mut rig = talking();
    orders(&mut rig, false);
    telephone_rings(&mut rig, EARS);
    rig.wait_ms(20_000);
    rig.handle(Input::TimePassed);
    assert!(hung_up(&rig, EARS));
    assert_eq!((rig.live.phase(), in_bridge(&rig).len()), (Phase::Live, 2));
}

#[test]
fn who_takes_part_and_who_is_one_too_many_does_not_listen() {
    let mut rig = talking();
    let contact = rig.live.contact().id;
    let monitor = ContactId::from_random([6; 16]);
    rig.handle(Input::Ordered(Order::Monitor { contact, monitor, supervisor: ada(), may_barge: true }));
    let before = super::ends::dials(&rig);
    for number in 20..30 {
        let supervisor = crate::AgentRef { id: tympan_types::ResourceId::from_random([number; 16]), ..eve() };
        let monitor = ContactId::from_random([number; 16]);
        rig.handle(Input::Ordered(Order::Monitor { contact, monitor, supervisor, may_barge: true }));
    }
    assert_eq!(super::ends::dials(&rig) - before, 4);
    assert_eq!(before, 1, "an agent does not listen to itself");
    rig.hung_up();
    all_ended(&rig);
}
