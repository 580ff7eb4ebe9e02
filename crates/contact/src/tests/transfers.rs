//! Transfers by an agent: at once, and after a consultation.

use super::ends::{
    AGENT_LEG, ada, all_ended, answers, asked, block, bob, contacts, disconnects, flow, heard, hooks,
    hung_up, invited, is_joined, last_dial, on, refers, reports_on, rings, rings_for, says, talk,
    telephone_rings, to_queue, told,
};
use super::rig::{LEG, OFFER, Rig};
use crate::{
    AgentReport, Contact, DialTarget, DisconnectReason, EndedBy, InitiationMethod, Input, LegEvent, Order,
    Phase, RoutingEvent, RoutingRefusal, RoutingRequest, TransferTarget,
};
use serde_json::{Value, json};
use tympan_types::{ContactId, ExchangeId, LegId, Redacted};

/// The second leg of the agent who transfers.
const CONSULTS: LegId = LegId::new(75);
/// The agent who is to take the customer.
const OTHER: LegId = LegId::new(76);
const PARTY: LegId = LegId::new(80);
const ADAS: u64 = 5;
const BOBS: u64 = 6;

fn flows() -> Vec<(&'static str, Value)> {
    let to_agent = json!({ "Type": "TransferContactToAgent", "Parameters": {}, "Transitions": {} });
    let mut flows = hooks();
    flows.push(("AgentTransfer", flow(vec![("say", says("transferring now", "go")), ("go", to_agent)])));
    flows.push(("QueueTransfer", to_queue()));
    flows.push(("arn:goodbye", flow(vec![("say", says("goodbye", "end")), ("end", disconnects())])));
    flows.push(("arn:remaining", flow(vec![("say", says("how was it?", "end")), ("end", disconnects())])));
    flows
}

/// Customer and agent talk; a flow is set for a customer who remains, where that is wanted.
fn talking_with(remains: bool) -> Rig {
    let mut document = to_queue();
    if remains {
        let hook = block(
            "UpdateContactEventHooks",
            json!({ "EventHooks": { "CustomerRemaining": "arn:remaining" } }),
            "set",
        );
        let actions = document["Actions"].as_array_mut().unwrap();
        actions.push(hook);
        actions.last_mut().unwrap()["Identifier"] = "hook".into();
        document["StartAction"] = "hook".into();
    }
    let mut rig = Rig::with(&document, flows());
    rig.leg(LegEvent::Confirmed);
    let contact = rig.live.contact().id;
    rig.handle(Input::Routing(RoutingEvent::Queued { contact }));
    rings(&mut rig, &[AGENT_LEG]);
    is_joined(&mut rig, AGENT_LEG, LEG);
    assert_eq!(talk(&rig), [[LEG, AGENT_LEG]]);
    rig
}

fn talking() -> Rig {
    talking_with(false)
}

/// The contact that follows the first one.
fn next(rig: &Rig) -> Contact {
    contacts(rig).into_iter().nth(1).expect("a contact follows")
}

/// The agent's telephone calls, and is answered.
fn consults(rig: &mut Rig, called: &str) {
    let called = Redacted::new(called.to_owned());
    rig.handle(Input::Called { leg: invited(CONSULTS), agent: ada(), called });
    on(rig, CONSULTS, LegEvent::Confirmed);
}

/// The agent who is consulted is offered the next contact, and takes it.
fn consulted() -> Rig {
    let mut rig = talking();
    consults(&mut rig, "201");
    assert_eq!(rig.said(), "transferring now");
    heard(&mut rig, CONSULTS);
    let contact = next(&rig).id;
    assert_eq!(asked(&rig), RoutingRequest::OfferTo { contact, agent: bob(), ends_after_contact_work: true });
    rings_for(&mut rig, contact, BOBS, bob(), OTHER);
    is_joined(&mut rig, OTHER, CONSULTS);
    assert_eq!(talk(&rig), [[CONSULTS, OTHER]]);
    rig
}

/// The customer talks with the second agent; the first is gone and works after the contact.
fn has_passed_on(rig: &mut Rig) {
    assert_eq!(talk(rig), [[LEG, OTHER]]);
    assert!(hung_up(rig, AGENT_LEG) || rig.live.phase() == Phase::Live);
    assert_eq!(reports_on(rig, ADAS).last(), Some(&AgentReport::Ended));
    assert_eq!(reports_on(rig, BOBS).last(), Some(&AgentReport::Joined));
    let [first, second] = contacts(rig).try_into().unwrap();
    assert_eq!(first.disconnect_reason, Some(DisconnectReason::AgentDisconnect));
    assert_eq!((first.next_contact_id, second.previous_contact_id), (Some(second.id), Some(first.id)));
    assert_eq!(second.initial_contact_id, Some(first.id));
    assert_eq!(second.initiation_method, InitiationMethod::Transfer);
    let part = first.agent.unwrap();
    assert!(part.left.is_some() && part.after_contact_work_began.is_some());
    assert_eq!(second.agent.unwrap().agent, bob());
    assert_eq!(rig.live.contact().id, second.id);
    rig.hung_up();
    assert_eq!(reports_on(rig, BOBS).last(), Some(&AgentReport::Ended));
    all_ended(rig);
}

/// The customer is with the first agent as before.
fn is_with_the_agent(rig: &mut Rig) {
    assert_eq!(talk(rig), [[LEG, AGENT_LEG]]);
    assert_eq!(rig.live.contact().id, contacts(rig)[0].id);
    assert_eq!(reports_on(rig, ADAS).last(), Some(&AgentReport::OffHold));
    rig.hung_up();
    assert_eq!(reports_on(rig, ADAS).last(), Some(&AgentReport::Ended));
    all_ended(rig);
}

#[test]
fn in_a_consultation_the_agent_hears_what_a_caller_hears_and_the_customer_the_hold_flow() {
    let mut rig = talking();
    rig.take();
    let called = Redacted::new("201".to_owned());
    rig.handle(Input::Called { leg: invited(CONSULTS), agent: ada(), called });
    assert_eq!(rig.states().len(), 0, "nothing begins before the leg is up");
    on(&mut rig, CONSULTS, LegEvent::Confirmed);
    let said: Vec<String> = rig
        .effects
        .iter()
        .filter_map(|effect| match effect {
            crate::Effect::Prepare { content: tympan_flow::Prompt::Text(text), .. } => Some(text.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(said, ["you are on hold", "transferring now"]);
    assert!(talk(&rig).is_empty());
    assert_eq!(reports_on(&rig, ADAS), [AgentReport::OnHold]);
    let opened =
        rig.states().into_iter().map(|(_, contact)| contact).find(|one| one.id != rig.live.contact().id);
    assert_eq!(opened.unwrap().previous_contact_id, Some(rig.live.contact().id));
}

#[test]
fn a_refer_that_replaces_the_consultation_joins_customer_and_second_agent() {
    for (asks, replaces) in [(AGENT_LEG, CONSULTS), (CONSULTS, AGENT_LEG)] {
        let mut rig = consulted();
        refers(&mut rig, asks, "sip:201@here", Some(replaces));
        assert_eq!(told(&rig), [202, 200]);
        assert!(hung_up(&rig, AGENT_LEG) && hung_up(&rig, CONSULTS));
        assert_eq!(next(&rig).transfer_completed_timestamp, None, "not of a consultation");
        has_passed_on(&mut rig);
    }
}

#[test]
fn an_agent_who_hangs_up_either_leg_of_a_consultation_joins_customer_and_second_agent() {
    for leg in [AGENT_LEG, CONSULTS] {
        let mut rig = consulted();
        on(&mut rig, leg, LegEvent::Ended(EndedBy::Peer));
        has_passed_on(&mut rig);
    }
}

#[test]
fn an_agent_who_takes_the_customer_back_and_then_hangs_up_the_consultation_keeps_the_customer() {
    let mut rig = consulted();
    let held = OFFER.replace("a=rtpmap", "a=sendonly\r\na=rtpmap");
    on(&mut rig, AGENT_LEG, LegEvent::Offered { exchange: ExchangeId::new(2), sdp: held });
    on(&mut rig, AGENT_LEG, LegEvent::Offered { exchange: ExchangeId::new(3), sdp: OFFER.to_owned() });
    assert_eq!(talk(&rig), [[LEG, AGENT_LEG], [CONSULTS, OTHER]]);
    on(&mut rig, CONSULTS, LegEvent::Ended(EndedBy::Peer));
    assert!(hung_up(&rig, OTHER));
    assert_eq!(reports_on(&rig, BOBS).last(), Some(&AgentReport::Ended));
    is_with_the_agent(&mut rig);
}

#[test]
fn a_second_agent_who_hangs_up_leaves_the_customer_with_the_first() {
    let mut rig = consulted();
    on(&mut rig, OTHER, LegEvent::Ended(EndedBy::Peer));
    assert!(hung_up(&rig, CONSULTS));
    assert_eq!(reports_on(&rig, BOBS).last(), Some(&AgentReport::Ended));
    is_with_the_agent(&mut rig);
}

#[test]
fn a_second_agent_who_does_not_answer_leaves_the_customer_with_the_first() {
    for event in [Some(LegEvent::Ended(EndedBy::Refused(486))), None] {
        let mut rig = talking();
        consults(&mut rig, "201");
        heard(&mut rig, CONSULTS);
        let contact = next(&rig).id;
        rings_for(&mut rig, contact, BOBS, bob(), OTHER);
        match event {
            Some(event) => on(&mut rig, OTHER, event),
            None => {
                rig.wait_ms(20_000);
                rig.handle(Input::TimePassed);
            }
        }
        assert_eq!(reports_on(&rig, BOBS), [AgentReport::Missed]);
        is_with_the_agent(&mut rig);
    }
}

#[test]
fn a_customer_who_hangs_up_during_a_consultation_ends_all_of_it() {
    let mut rig = consulted();
    rig.hung_up();
    for leg in [AGENT_LEG, CONSULTS, OTHER] {
        assert!(hung_up(&rig, leg), "{leg}");
    }
    assert_eq!(reports_on(&rig, ADAS).last(), Some(&AgentReport::Ended));
    assert_eq!(reports_on(&rig, BOBS).last(), Some(&AgentReport::Ended));
    all_ended(&rig);
}

#[test]
fn an_agent_who_leaves_while_the_second_one_rings_leaves_the_customer_to_that_one() {
    let mut rig = talking();
    consults(&mut rig, "201");
    heard(&mut rig, CONSULTS);
    let contact = next(&rig).id;
    rings_for(&mut rig, contact, BOBS, bob(), OTHER);
    on(&mut rig, AGENT_LEG, LegEvent::Ended(EndedBy::Peer));
    assert!(hung_up(&rig, CONSULTS) && !hung_up(&rig, OTHER));
    assert!(contacts(&rig)[0].transfer_completed_timestamp.is_some(), "it was left before anyone was asked");
    is_joined(&mut rig, OTHER, LEG);
    has_passed_on(&mut rig);
}

#[test]
fn a_customer_whom_no_second_agent_takes_after_the_first_has_left_goes_on_in_the_flow_for_that() {
    for remains in [true, false] {
        let mut rig = talking_with(remains);
        consults(&mut rig, "201");
        heard(&mut rig, CONSULTS);
        let contact = next(&rig).id;
        rings_for(&mut rig, contact, BOBS, bob(), OTHER);
        on(&mut rig, AGENT_LEG, LegEvent::Ended(EndedBy::Peer));
        on(&mut rig, OTHER, LegEvent::Ended(EndedBy::Refused(603)));
        if remains {
            assert_eq!((rig.said().as_str(), rig.live.phase()), ("how was it?", Phase::Live));
            assert_eq!(rig.live.contact().initiation_method, InitiationMethod::Disconnect);
            heard(&mut rig, LEG);
        }
        all_ended(&rig);
    }
}

#[test]
fn a_refer_to_an_agent_is_told_how_far_it_is_and_completed_with_the_whisper() {
    let mut rig = talking();
    refers(&mut rig, AGENT_LEG, "sip:201@centre.test", None);
    assert_eq!(rig.said(), "transferring now");
    heard(&mut rig, AGENT_LEG);
    let contact = next(&rig).id;
    rings_for(&mut rig, contact, BOBS, bob(), OTHER);
    assert_eq!(told(&rig), [202, 100, 180]);
    answers(&mut rig, OTHER);
    heard(&mut rig, OTHER);
    assert_eq!(told(&rig), [202, 100, 180, 200]);
    assert!(hung_up(&rig, AGENT_LEG));
    assert_eq!(rig.said(), "here is an agent");
    assert!(contacts(&rig)[0].transfer_completed_timestamp.is_some());
    heard(&mut rig, LEG);
    has_passed_on(&mut rig);
}

#[test]
fn a_refer_that_reaches_no_one_leaves_the_customer_with_the_agent() {
    let mut rig = talking();
    refers(&mut rig, AGENT_LEG, "sip:201@centre.test", None);
    heard(&mut rig, AGENT_LEG);
    let contact = next(&rig).id;
    let refusal = RoutingRefusal::AgentNotAvailable;
    rig.handle(Input::Routing(RoutingEvent::Refused { contact, refusal }));
    assert_eq!(told(&rig), [202, 100, 480]);
    is_with_the_agent(&mut rig);
}

#[test]
fn a_refer_to_a_queue_is_completed_when_the_queue_has_taken_the_contact() {
    let mut rig = talking();
    refers(&mut rig, AGENT_LEG, "sip:300@centre.test", None);
    let contact = next(&rig).id;
    let RoutingRequest::Enqueue { contact: enqueued, is_transfer, .. } = asked(&rig) else {
        panic!("it is put into the queue")
    };
    assert_eq!((enqueued, is_transfer), (contact, true));
    rig.handle(Input::Routing(RoutingEvent::Queued { contact }));
    assert_eq!(told(&rig), [202, 100, 200]);
    assert_eq!(rig.said(), "you are in the queue");
    assert_eq!(reports_on(&rig, ADAS).last(), Some(&AgentReport::Ended));
    let second = next(&rig);
    assert!(second.queue.is_some_and(|stay| stay.dequeued.is_none()));
    rings_for(&mut rig, contact, BOBS, bob(), OTHER);
    is_joined(&mut rig, OTHER, LEG);
    has_passed_on(&mut rig);
}

#[test]
fn a_queue_that_is_full_leaves_the_customer_with_the_agent() {
    let mut rig = talking();
    refers(&mut rig, AGENT_LEG, "sip:300@centre.test", None);
    let contact = next(&rig).id;
    let refusal = RoutingRefusal::AtCapacity;
    rig.handle(Input::Routing(RoutingEvent::Refused { contact, refusal }));
    assert_eq!(rig.said(), "full");
    heard(&mut rig, AGENT_LEG);
    assert_eq!(told(&rig), [202, 100, 480]);
    is_with_the_agent(&mut rig);
}

#[test]
fn a_refer_to_a_flow_is_completed_at_once_and_the_customer_hears_it() {
    let mut rig = talking();
    refers(&mut rig, AGENT_LEG, "sip:400@centre.test", None);
    assert_eq!(told(&rig), [202, 100, 200]);
    assert_eq!(rig.said(), "goodbye");
    assert_eq!(rig.live.contact().initiation_method, InitiationMethod::Transfer);
    heard(&mut rig, LEG);
    all_ended(&rig);
    let mut rig = talking();
    refers(&mut rig, AGENT_LEG, "sip:401@centre.test", None);
    assert_eq!(told(&rig), [202, 100, 404], "there is no such flow");
    is_with_the_agent(&mut rig);
}

#[test]
fn a_refer_to_a_number_joins_customer_and_third_party_in_the_customers_contact() {
    let mut rig = talking();
    let first = rig.live.contact().id;
    refers(&mut rig, AGENT_LEG, "sip:+15550009@centre.test", None);
    let (_, request) = last_dial(&rig);
    assert_eq!(request.target, DialTarget::Number(Redacted::new("+15550009".to_owned())));
    assert_eq!(request.caller.number.unwrap().expose(), "+18005550111", "the caller id of the queue");
    telephone_rings(&mut rig, PARTY);
    answers(&mut rig, PARTY);
    assert_eq!(told(&rig), [202, 100, 180, 200]);
    assert_eq!(talk(&rig), [[LEG, PARTY]]);
    assert_eq!(rig.live.contact().id, first);
    assert_eq!(reports_on(&rig, ADAS).last(), Some(&AgentReport::Ended));
    let [giving, outside] = contacts(&rig).try_into().unwrap();
    assert_eq!(outside.initiation_method, InitiationMethod::ExternalOutbound);
    assert_eq!(giving.transferred_to, outside.customer_endpoint);
    assert!(giving.transfer_completed_timestamp.is_some());
    on(&mut rig, PARTY, LegEvent::Ended(EndedBy::Peer));
    all_ended(&rig);
    assert_eq!(contacts(&rig)[0].disconnect_reason, Some(DisconnectReason::ThirdPartyDisconnect));
}

#[test]
fn what_no_one_knows_is_called_as_the_rules_of_the_trunk_allow_and_else_the_customer_stays() {
    let mut rig = talking();
    refers(&mut rig, AGENT_LEG, "sip:900@elsewhere.test", None);
    let (dial, request) = last_dial(&rig);
    assert_eq!(
        request.target,
        DialTarget::Referred { uri: Redacted::new("sip:900@elsewhere.test".to_owned()), by: AGENT_LEG }
    );
    rig.handle(Input::DialFailed { dial, reason: "not on the list".to_owned() });
    assert_eq!(told(&rig), [202, 100, 403]);
    is_with_the_agent(&mut rig);
}

#[test]
fn a_number_is_consulted_like_an_agent() {
    let mut rig = talking();
    consults(&mut rig, "+15550009");
    telephone_rings(&mut rig, PARTY);
    answers(&mut rig, PARTY);
    assert_eq!(talk(&rig), [[CONSULTS, PARTY]]);
    refers(&mut rig, AGENT_LEG, "sip:+15550009@here", Some(CONSULTS));
    assert_eq!((talk(&rig), told(&rig)), (vec![vec![LEG, PARTY]], vec![202, 200]));
    assert!(contacts(&rig)[0].transferred_to.is_some());
    rig.hung_up();
    assert!(hung_up(&rig, PARTY));
    all_ended(&rig);

    let mut rig = talking();
    consults(&mut rig, "+15550009");
    telephone_rings(&mut rig, PARTY);
    on(&mut rig, PARTY, LegEvent::Ended(EndedBy::Refused(404)));
    assert!(hung_up(&rig, CONSULTS));
    is_with_the_agent(&mut rig);
}

#[test]
fn an_agent_who_leaves_while_a_number_rings_leaves_the_customer_to_that_number() {
    let mut rig = talking();
    refers(&mut rig, AGENT_LEG, "sip:+15550009@centre.test", None);
    telephone_rings(&mut rig, PARTY);
    on(&mut rig, AGENT_LEG, LegEvent::Ended(EndedBy::Peer));
    assert_eq!(told(&rig), [202, 100, 180, 200]);
    answers(&mut rig, PARTY);
    assert_eq!(talk(&rig), [[LEG, PARTY]]);
    rig.hung_up();
    all_ended(&rig);
}

#[test]
fn the_api_passes_a_contact_on_under_the_id_that_it_names() {
    let mut rig = talking();
    let (contact, next_id) = (rig.live.contact().id, ContactId::from_random([4; 16]));
    let to = TransferTarget::Agent { agent: bob(), flow: None };
    rig.handle(Input::Ordered(Order::Transfer { contact, next: next_id, to }));
    assert_eq!((rig.said().as_str(), next(&rig).id), ("transferring now", next_id));
    heard(&mut rig, AGENT_LEG);
    rings_for(&mut rig, next_id, BOBS, bob(), OTHER);
    is_joined(&mut rig, OTHER, LEG);
    assert_eq!(told(&rig), Vec::<u16>::new());
    has_passed_on(&mut rig);
}

#[test]
fn a_refer_of_the_customer_or_during_another_transfer_is_refused() {
    let mut rig = talking();
    refers(&mut rig, LEG, "sip:201@centre.test", None);
    assert_eq!(told(&rig), [603]);
    refers(&mut rig, AGENT_LEG, "sip:201@centre.test", None);
    refers(&mut rig, AGENT_LEG, "sip:300@centre.test", None);
    assert_eq!(told(&rig), [603, 202, 100, 603]);
    refers(&mut rig, AGENT_LEG, "sip:300@centre.test", Some(LegId::new(999)));
    assert_eq!(told(&rig).last(), Some(&481));
    rig.hung_up();
    assert_eq!(told(&rig).last(), Some(&487));
    all_ended(&rig);
}

#[test]
fn a_call_of_an_agent_that_means_nothing_or_is_one_too_many_is_refused() {
    let mut rig = talking();
    let calls = |rig: &mut Rig, leg: u64, agent, called: &str| {
        let (leg, called) = (invited(LegId::new(leg)), Redacted::new(called.to_owned()));
        rig.handle(Input::Called { leg, agent, called });
        let leg = LegId::new(rig.hangups().len() as u64);
        leg.number()
    };
    assert_eq!(calls(&mut rig, 90, ada(), "nothing"), 1);
    assert_eq!(calls(&mut rig, 91, bob(), "201"), 2, "who takes no part");
    consults(&mut rig, "201");
    assert_eq!(calls(&mut rig, 92, ada(), "300"), 3);
    assert_eq!(
        rig.hangups(),
        [
            DisconnectReason::TelecomNumberInvalid,
            DisconnectReason::TelecomBusy,
            DisconnectReason::TelecomBusy
        ]
    );
    rig.hung_up();
    all_ended(&rig);
}

#[test]
fn a_leg_that_takes_the_place_of_an_agents_leg_is_joined_in_its_stead() {
    let mut rig = talking();
    rig.handle(Input::Replaced { leg: AGENT_LEG, by: invited(OTHER) });
    assert_eq!(talk(&rig), [[LEG, AGENT_LEG]], "until the new one is up");
    on(&mut rig, OTHER, LegEvent::Confirmed);
    assert!(hung_up(&rig, AGENT_LEG));
    assert_eq!((talk(&rig), rig.live.phase()), (vec![vec![LEG, OTHER]], Phase::Live));
    rig.handle(Input::Replaced { leg: LEG, by: invited(LegId::new(91)) });
    assert!(hung_up(&rig, LegId::new(91)), "the customer's leg is not replaced");
    on(&mut rig, OTHER, LegEvent::Ended(EndedBy::Peer));
    all_ended(&rig);
}

#[test]
fn a_leg_that_was_to_take_the_place_of_another_and_does_not_changes_nothing() {
    let mut rig = talking();
    rig.handle(Input::Replaced { leg: AGENT_LEG, by: invited(OTHER) });
    on(&mut rig, OTHER, LegEvent::Ended(EndedBy::Cancelled));
    assert_eq!((talk(&rig), rig.live.phase()), (vec![vec![LEG, AGENT_LEG]], Phase::Live));
}

#[test]
fn what_the_second_agent_holds_is_the_consultation() {
    let mut rig = consulted();
    let held = OFFER.replace("a=rtpmap", "a=sendonly\r\na=rtpmap");
    on(&mut rig, OTHER, LegEvent::Offered { exchange: ExchangeId::new(2), sdp: held });
    assert_eq!(reports_on(&rig, BOBS).last(), Some(&AgentReport::OnHold));
    assert!(talk(&rig).is_empty());
    on(&mut rig, AGENT_LEG, LegEvent::Ended(EndedBy::Peer));
    assert_eq!(rig.live.phase(), Phase::Live, "the customer is on hold with the second agent");
    on(&mut rig, OTHER, LegEvent::Offered { exchange: ExchangeId::new(3), sdp: OFFER.to_owned() });
    has_passed_on_after_hold(&mut rig);
}

fn has_passed_on_after_hold(rig: &mut Rig) {
    assert_eq!(talk(rig), [[LEG, OTHER]]);
    assert_eq!(reports_on(rig, BOBS).last(), Some(&AgentReport::OffHold));
    rig.hung_up();
    all_ended(rig);
}
