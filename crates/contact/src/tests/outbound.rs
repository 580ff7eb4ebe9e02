//! Calls to customers: by the API, and by an agent's hand.

use super::ends::{
    AGENT_LEG, OFFER_ID, ada, all_ended, answers, block, contacts, dials, ends, flow, heard, hooks, hung_up,
    invited, last_dial, on, reports, says, talk, telephone_rings, to_queue,
};
use super::rig::{LEG, Rig, began, routed};
use crate::fixtures::contact;
use crate::{
    AgentCallSetup, AgentReport, CallerId, Contact, ContactOptions, DialTarget, DisconnectReason, EndedBy,
    InitiationMethod, Input, LegEvent, LiveContact, OutboundSetup, Phase, RoutingEvent, RoutingRequest,
    Stage,
};
use serde_json::{Value, json};
use tympan_types::Redacted;

fn outbound_contact(method: InitiationMethod) -> Contact {
    Contact { initiation_method: method, ..contact() }
}

fn called_by_api(document: &Value) -> Rig {
    let settings = Rig::settings(hooks());
    let setup = OutboundSetup {
        contact: outbound_contact(InitiationMethod::Api),
        flow: routed("first", document),
        caller: CallerId { number: Some(Redacted::new("+18005550100".to_owned())), name: None },
        ring_limit_ms: 15_000,
        instance: settings.clone(),
        options: ContactOptions::default(),
    };
    Rig::around(LiveContact::outbound(began(), setup), settings)
}

fn hello() -> Value {
    flow(vec![("say", says("hello", "end")), ("end", ends())])
}

#[test]
fn the_api_opens_a_contact_at_once_and_its_flow_begins_when_the_customer_answers() {
    let mut rig = called_by_api(&hello());
    assert_eq!(rig.states().len(), 1);
    assert_eq!(rig.states()[0].0, Stage::Opened);
    let (_, request) = last_dial(&rig);
    assert_eq!(request.target, DialTarget::Number(Redacted::new("+15555550123".to_owned())));
    assert_eq!(request.caller.number.unwrap().expose(), "+18005550100");
    telephone_rings(&mut rig, LEG);
    assert_eq!((rig.said().as_str(), rig.live.contact().connected_to_system_timestamp), ("", None));
    rig.wait_ms(3_000);
    answers(&mut rig, LEG);
    assert_eq!(rig.said(), "hello");
    assert_eq!(rig.live.contact().connected_to_system_timestamp, Some(rig.now.wall));
    heard(&mut rig, LEG);
    assert!(hung_up(&rig, LEG));
    all_ended(&rig);
}

#[test]
fn a_customer_who_is_not_reached_ends_the_contact_with_the_reason_of_the_network_and_no_flow_runs() {
    for (event, reason) in [
        (Some(LegEvent::Ended(EndedBy::Refused(486))), DisconnectReason::TelecomBusy),
        (Some(LegEvent::Ended(EndedBy::Refused(404))), DisconnectReason::TelecomNumberInvalid),
        (Some(LegEvent::Ended(EndedBy::Refused(480))), DisconnectReason::TelecomUnanswered),
        (Some(LegEvent::Ended(EndedBy::Refused(603))), DisconnectReason::TelecomPotentialBlocking),
        (Some(LegEvent::Ended(EndedBy::Failure)), DisconnectReason::TelecomProblem),
        (None, DisconnectReason::TelecomTimeout),
    ] {
        let mut rig = called_by_api(&hello());
        telephone_rings(&mut rig, LEG);
        match event {
            Some(event) => on(&mut rig, LEG, event),
            None => {
                assert_eq!(rig.deadline_ms(), Some(15_000));
                rig.wait_for_deadline();
                assert!(hung_up(&rig, LEG));
            }
        }
        all_ended(&rig);
        let contact = rig.ended();
        assert_eq!((contact.disconnect_reason, contact.connected_to_system_timestamp), (Some(reason), None));
        assert_eq!(rig.said(), "");
    }
    let mut rig = called_by_api(&hello());
    let (dial, _) = last_dial(&rig);
    rig.handle(Input::DialFailed { dial, reason: "no trunk".to_owned() });
    all_ended(&rig);
    assert_eq!(rig.ended().disconnect_reason, Some(DisconnectReason::TelecomProblem));
}

#[test]
fn a_customer_whom_the_api_has_called_waits_in_a_queue_like_one_who_called() {
    let mut rig = called_by_api(&to_queue());
    telephone_rings(&mut rig, LEG);
    answers(&mut rig, LEG);
    let contact = rig.live.contact().id;
    rig.handle(Input::Routing(RoutingEvent::Queued { contact }));
    super::ends::rings(&mut rig, &[AGENT_LEG]);
    super::ends::is_joined(&mut rig, AGENT_LEG, LEG);
    assert_eq!(talk(&rig), [[LEG, AGENT_LEG]]);
    rig.hung_up();
    all_ended(&rig);
}

#[test]
fn stop_contact_ends_a_call_that_rings() {
    let mut rig = called_by_api(&hello());
    telephone_rings(&mut rig, LEG);
    rig.handle(Input::Stop);
    assert!(hung_up(&rig, LEG));
    all_ended(&rig);
}

fn agent_calls(whisper: Option<Value>) -> Rig {
    let mut flows = hooks();
    flows.extend(whisper.map(|whisper| ("OutboundWhisper", whisper)));
    let settings = Rig::settings(flows);
    let mut contact = outbound_contact(InitiationMethod::Outbound);
    contact.details.target_queue = crate::InstanceSettings::queue(
        &*settings,
        contact.instance.id,
        &tympan_flow::ResourceRef::of("arn:queue"),
    );
    let setup = AgentCallSetup {
        contact,
        agent: ada(),
        leg: *invited(AGENT_LEG),
        instance: settings.clone(),
        options: ContactOptions::default(),
    };
    let mut rig = Rig::around(LiveContact::called_by_agent(began(), setup), settings);
    let contact = rig.live.contact().id;
    assert_eq!(
        rig.count(|effect| matches!(effect, crate::Effect::Routing(RoutingRequest::Occupy { .. }))),
        1
    );
    let (offer, agent) = (OFFER_ID, ada());
    rig.handle(Input::Routing(RoutingEvent::Offered {
        contact,
        offer,
        agent,
        ring_limit_ms: 0,
        accepts_by_itself: false,
    }));
    assert_eq!(dials(&rig), 0);
    on(&mut rig, AGENT_LEG, LegEvent::Confirmed);
    rig
}

#[test]
fn an_agent_who_dials_is_on_the_contact_from_the_start_and_talks_after_the_outbound_whisper() {
    let mut rig = agent_calls(Some(hello()));
    let (_, request) = last_dial(&rig);
    assert_eq!(request.target, DialTarget::Number(Redacted::new("+15555550123".to_owned())));
    assert_eq!(request.caller.number.unwrap().expose(), "+18005550111", "the number of the queue");
    let part = rig.live.contact().agent.clone().unwrap();
    assert_eq!(part.connected, Some(began().wall));
    telephone_rings(&mut rig, LEG);
    rig.wait_ms(4_000);
    answers(&mut rig, LEG);
    assert_eq!(rig.said(), "hello");
    heard(&mut rig, LEG);
    assert_eq!(talk(&rig), [[LEG, AGENT_LEG]]);
    assert_eq!(reports(&rig), [AgentReport::Accepted, AgentReport::Joined]);
    rig.hung_up();
    all_ended(&rig);
    let contact = contacts(&rig).remove(0);
    assert_eq!(contact.agent.unwrap().connected, Some(began().wall), "ringing counts");
    assert_eq!(contact.queue, None);
    assert_eq!(contact.system_endpoint.unwrap().address.expose(), "+18005550111");
    assert_eq!(reports(&rig).last(), Some(&AgentReport::Ended));
}

#[test]
fn a_whisper_that_calls_the_customer_itself_goes_on_when_the_customer_answers() {
    let mut call = block("CompleteOutboundCall", json!({ "CallerId": { "Number": "+18005550122" } }), "say");
    call["Transitions"]["Errors"] = json!([]);
    let whisper = flow(vec![("call", call), ("say", says("hello", "end")), ("end", ends())]);
    let mut rig = agent_calls(Some(whisper));
    assert_eq!(last_dial(&rig).1.caller.number.unwrap().expose(), "+18005550122");
    telephone_rings(&mut rig, LEG);
    assert_eq!(rig.said(), "");
    answers(&mut rig, LEG);
    assert_eq!(rig.said(), "hello");
    heard(&mut rig, LEG);
    assert_eq!(talk(&rig), [[LEG, AGENT_LEG]]);
    assert_eq!(dials(&rig), 1);
    rig.hung_up();
    all_ended(&rig);
}

#[test]
fn a_customer_who_does_not_answer_an_agent_ends_the_contact_and_the_agent_works_after_it() {
    let mut rig = agent_calls(None);
    telephone_rings(&mut rig, LEG);
    on(&mut rig, LEG, LegEvent::Ended(EndedBy::Refused(486)));
    assert!(hung_up(&rig, AGENT_LEG));
    all_ended(&rig);
    let contact = rig.ended();
    assert_eq!(contact.disconnect_reason, Some(DisconnectReason::TelecomBusy));
    assert!(contact.agent.unwrap().after_contact_work_began.is_some());
    assert_eq!(reports(&rig).last(), Some(&AgentReport::Ended));
}

#[test]
fn an_agent_who_hangs_up_while_the_customer_rings_ends_the_contact() {
    let mut rig = agent_calls(None);
    telephone_rings(&mut rig, LEG);
    on(&mut rig, AGENT_LEG, LegEvent::Ended(EndedBy::Peer));
    assert!(hung_up(&rig, LEG));
    assert_eq!(rig.live.phase(), Phase::Over);
    all_ended(&rig);
    assert_eq!(rig.ended().disconnect_reason, Some(DisconnectReason::AgentDisconnect));
}
