//! Queues, agents and holds, with the other ends played by hand.

use super::ends::{
    AGENT_LEG, SECOND_LEG, ada, answers, bridged, ended, flow, heard, hooks, hung_up, left, offer, on,
    queued, reports, rings, says, talking, to_queue,
};
use super::rig::{LEG, OFFER, Rig, local};
use crate::{
    AgentReport, DialledLeg, DisconnectReason, Effect, EndedBy, InitiationMethod, Input, LegEvent, Phase,
    RoutingEvent, RoutingRefusal,
};
use serde_json::json;
use tympan_telephony::digit_source::DigitSource;
use tympan_types::{ContactId, ExchangeId};

#[test]
fn a_contact_waits_in_its_queue_until_an_agent_takes_it_and_whispers_run_one_after_the_other() {
    let mut rig = talking();
    assert_eq!(reports(&rig), [AgentReport::Accepted, AgentReport::Dequeued, AgentReport::Joined]);
    rig.wait_ms(10_000);
    rig.hung_up();
    assert!(hung_up(&rig, AGENT_LEG));
    assert_eq!(reports(&rig).last(), Some(&AgentReport::Ended));
    let contact = rig.ended();
    let stay = contact.queue.unwrap();
    let part = contact.agent.unwrap();
    assert!(stay.enqueued < stay.dequeued.unwrap() && stay.dequeued.unwrap() < part.connected.unwrap());
    assert_eq!((part.agent, contact.agent_connection_attempts), (ada(), 1));
    assert_eq!(part.left, contact.disconnect_timestamp);
    assert_eq!(contact.disconnect_reason, Some(DisconnectReason::CustomerDisconnect));
}

#[test]
fn while_the_agent_whisper_runs_the_customer_hears_the_queue_flow() {
    let mut rig = queued();
    let queue_prompt = rig.prompt_begins();
    rings(&mut rig, &[AGENT_LEG]);
    answers(&mut rig, AGENT_LEG);
    assert!(!rig.stopped_prompt(queue_prompt));
    heard(&mut rig, AGENT_LEG);
    assert!(rig.stopped_prompt(queue_prompt), "the queue is left with the agent whisper's end");
}

#[test]
fn a_contact_keeps_its_place_when_an_agent_does_not_answer_refuses_or_cannot_be_reached() {
    let mut rig = queued();
    rings(&mut rig, &[AGENT_LEG]);
    rig.wait_ms(19_999);
    rig.handle(Input::TimePassed);
    assert_eq!(reports(&rig), []);
    rig.wait_ms(1);
    rig.handle(Input::TimePassed);
    assert_eq!(reports(&rig), [AgentReport::Missed]);
    assert!(hung_up(&rig, AGENT_LEG));
    for (event, report) in [
        (LegEvent::Ended(EndedBy::Refused(486)), AgentReport::Missed),
        (LegEvent::Ended(EndedBy::Refused(404)), AgentReport::Failed),
        (LegEvent::Ended(EndedBy::Failure), AgentReport::Failed),
    ] {
        rings(&mut rig, &[SECOND_LEG]);
        on(&mut rig, SECOND_LEG, event);
        assert_eq!(reports(&rig).last(), Some(&report));
    }
    let dial = offer(&mut rig);
    rig.handle(Input::DialFailed { dial, reason: "no telephone".to_owned() });
    assert_eq!(reports(&rig).last(), Some(&AgentReport::Failed));
    assert_eq!(
        (rig.live.phase(), left(&rig), rig.live.contact().agent_connection_attempts),
        (Phase::Live, 0, 5)
    );
    rings(&mut rig, &[AGENT_LEG]);
    answers(&mut rig, AGENT_LEG);
    assert_eq!(reports(&rig).last(), Some(&AgentReport::Accepted));
}

#[test]
fn an_agent_who_leaves_in_the_agent_whisper_costs_the_customer_nothing() {
    let mut rig = queued();
    rings(&mut rig, &[AGENT_LEG]);
    answers(&mut rig, AGENT_LEG);
    on(&mut rig, AGENT_LEG, LegEvent::Ended(EndedBy::Peer));
    assert_eq!(reports(&rig), [AgentReport::Accepted, AgentReport::Failed]);
    assert_eq!((rig.live.phase(), rig.live.contact().agent.clone()), (Phase::Live, None));
}

#[test]
fn a_whisper_that_takes_longer_than_two_minutes_is_cut_off() {
    let mut rig = queued();
    rings(&mut rig, &[AGENT_LEG]);
    answers(&mut rig, AGENT_LEG);
    rig.prompt_begins();
    for _ in 0..40 {
        if rig.deadline_ms().is_some() && reports(&rig).len() < 2 {
            rig.wait_for_deadline();
        }
    }
    assert_eq!(
        reports(&rig)[..2],
        [AgentReport::Accepted, AgentReport::Dequeued],
        "a prompt without an end is over"
    );
}

#[test]
fn the_first_telephone_of_an_agent_that_answers_has_the_call() {
    let mut rig = queued();
    rings(&mut rig, &[AGENT_LEG, SECOND_LEG]);
    on(&mut rig, SECOND_LEG, LegEvent::Answered { exchange: ExchangeId::new(1), sdp: OFFER.to_owned() });
    on(&mut rig, SECOND_LEG, LegEvent::Confirmed);
    assert!(hung_up(&rig, AGENT_LEG) && !hung_up(&rig, SECOND_LEG));
    answers(&mut rig, AGENT_LEG);
    assert_eq!(reports(&rig), [AgentReport::Accepted]);
}

#[test]
fn one_telephone_that_refuses_leaves_the_others_ringing() {
    let mut rig = queued();
    rings(&mut rig, &[AGENT_LEG, SECOND_LEG]);
    on(&mut rig, SECOND_LEG, LegEvent::Ended(EndedBy::Refused(486)));
    assert_eq!(reports(&rig), []);
    answers(&mut rig, AGENT_LEG);
    assert_eq!(reports(&rig), [AgentReport::Accepted]);
}

#[test]
fn a_customer_who_leaves_the_queue_is_abandoned_and_a_ringing_agent_is_let_go() {
    let mut rig = queued();
    rig.hung_up();
    assert_eq!(left(&rig), 1);
    let contact = rig.ended();
    assert!(contact.agent.is_none() && contact.queue.unwrap().dequeued == contact.disconnect_timestamp);
    let mut rig = queued();
    rings(&mut rig, &[AGENT_LEG]);
    rig.hung_up();
    assert_eq!((reports(&rig), left(&rig)), (vec![AgentReport::Abandoned], 1));
    assert!(hung_up(&rig, AGENT_LEG));
}

#[test]
fn an_offer_that_comes_after_the_customer_has_gone_is_given_back_and_late_legs_are_closed() {
    let mut rig = queued();
    let dial = offer(&mut rig);
    rig.hung_up();
    assert_eq!(rig.count(|effect| matches!(effect, Effect::DropDial { .. })), 1);
    let legs = vec![DialledLeg { id: AGENT_LEG, local: local(), digits: DigitSource::Both }];
    rig.handle(Input::DialReady { dial, legs });
    assert!(hung_up(&rig, AGENT_LEG));
    offer(&mut rig);
    assert_eq!(reports(&rig), [AgentReport::Abandoned, AgentReport::Abandoned]);
}

#[test]
fn a_full_queue_takes_its_own_branch_and_any_other_refusal_the_error_branch() {
    for (refusal, said) in [(RoutingRefusal::AtCapacity, "full"), (RoutingRefusal::Disabled, "no")] {
        let mut rig = Rig::with(&to_queue(), hooks());
        rig.leg(LegEvent::Confirmed);
        let contact = rig.live.contact().id;
        rig.handle(Input::Routing(RoutingEvent::Refused { contact, refusal }));
        assert_eq!(rig.said(), said);
        assert!(rig.live.contact().queue.is_none());
    }
}

#[test]
fn hold_by_the_agents_telephone_plays_the_hold_flow_to_the_customer_alone() {
    let mut rig = talking();
    rig.take();
    let held = OFFER.replace("a=rtpmap", "a=sendonly\r\na=rtpmap");
    on(&mut rig, AGENT_LEG, LegEvent::Offered { exchange: ExchangeId::new(2), sdp: held });
    assert_eq!(rig.said(), "you are on hold");
    assert_eq!(bridged(&rig), [(LEG, false), (AGENT_LEG, false)]);
    let prompt = rig.prompt_begins();
    rig.wait_ms(7_000);
    on(&mut rig, AGENT_LEG, LegEvent::Offered { exchange: ExchangeId::new(3), sdp: OFFER.to_owned() });
    assert!(rig.stopped_prompt(prompt));
    assert_eq!(bridged(&rig)[2..], [(LEG, true), (AGENT_LEG, true)]);
    assert_eq!(reports(&rig), [AgentReport::OnHold, AgentReport::OffHold]);
    let holds = &rig.live.contact().agent.as_ref().unwrap().holds;
    assert_eq!((holds.len(), holds[0].to.unwrap().ms_since(holds[0].from)), (1, 7_000));
}

#[test]
fn an_agent_who_leaves_first_ends_the_contact_where_no_flow_is_set_for_who_remains() {
    let mut rig = talking();
    on(&mut rig, AGENT_LEG, LegEvent::Ended(EndedBy::Peer));
    assert_eq!(reports(&rig).last(), Some(&AgentReport::Ended));
    assert_eq!(rig.ended().disconnect_reason, Some(DisconnectReason::AgentDisconnect));
    assert!(hung_up(&rig, LEG));
}

#[test]
fn a_customer_who_remains_goes_on_in_a_contact_of_its_own() {
    let mut document = to_queue();
    let hook = json!({ "Identifier": "hook", "Type": "UpdateContactEventHooks",
        "Parameters": { "EventHooks": { "CustomerRemaining": "arn:remaining" } },
        "Transitions": { "NextAction": "set", "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "no" }] } });
    document["Actions"].as_array_mut().unwrap().push(hook);
    document["StartAction"] = "hook".into();
    let mut flows = hooks();
    let remaining = flow(vec![
        ("say", says("how was it?", "bye")),
        ("bye", json!({ "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} })),
    ]);
    flows.push(("arn:remaining", remaining));
    let mut rig = Rig::with(&document, flows);
    rig.leg(LegEvent::Confirmed);
    let first: ContactId = rig.live.contact().id;
    rig.handle(Input::Routing(RoutingEvent::Queued { contact: first }));
    rings(&mut rig, &[AGENT_LEG]);
    answers(&mut rig, AGENT_LEG);
    heard(&mut rig, AGENT_LEG);
    heard(&mut rig, LEG);
    on(&mut rig, AGENT_LEG, LegEvent::Ended(EndedBy::Peer));
    assert_eq!(rig.said(), "how was it?");
    heard(&mut rig, LEG);
    let contacts = ended(&rig);
    assert_eq!(contacts.len(), 2);
    assert_eq!((contacts[0].id, contacts[0].next_contact_id), (first, Some(contacts[1].id)));
    assert_eq!(contacts[0].disconnect_reason, Some(DisconnectReason::AgentDisconnect));
    assert_eq!(contacts[1].previous_contact_id, Some(first));
    assert_eq!(contacts[1].initial_contact_id, Some(first));
    assert_eq!(contacts[1].initiation_method, InitiationMethod::Disconnect);
    assert!(rig.live.is_over());
}
