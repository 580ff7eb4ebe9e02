//! Callbacks: those that flows create, and those that agents take.

use super::ends::{
    AGENT_LEG, OFFER_ID, ada, answers, block, disconnects, ends, flow, heard, hooks, hung_up, last_dial, on,
    reports, rings_for, says, talk, telephone_rings,
};
use super::rig::{LEG, Rig, began};
use crate::{
    AgentReport, CallbackRequest, CallbackSetup, ContactOptions, DialTarget, DisconnectReason, Effect,
    EndedBy, InitiationMethod, Input, LegEvent, LiveContact, Phase, QueueStay, RoutingEvent, RoutingRefusal,
    RoutingRequest, Stage,
};
use serde_json::{Value, json};
use tympan_types::Redacted;

fn creates(attempts: u32) -> Value {
    let set = block("UpdateContactTargetQueue", json!({ "QueueId": "arn:queue" }), "create");
    let create = block(
        "CreateCallbackContact",
        json!({ "QueueId": "arn:queue", "InitialCallDelaySeconds": "99", "MaximumConnectionAttempts": attempts.to_string(),
            "RetryDelaySeconds": "600", "CallerId": "+18005550133" }),
        "done",
    );
    flow(vec![
        ("set", set),
        ("create", create),
        ("done", says("we will call", "bye")),
        ("no", says("no", "bye")),
        ("bye", disconnects()),
    ])
}

/// A flow asks for a callback.
fn asked_for(attempts: u32) -> (Rig, CallbackRequest) {
    let rig = Rig::answered(&creates(attempts));
    let request = rig.find(|effect| match effect {
        Effect::Routing(RoutingRequest::Callback(request)) => Some(request.as_ref().clone()),
        _ => None,
    });
    (rig, request.expect("a callback is asked for"))
}

#[test]
fn a_flow_creates_a_callback_that_is_linked_and_due_after_its_delay() {
    let (mut rig, request) = asked_for(3);
    assert_eq!(rig.said(), "", "the block waits for the routing");
    let first = rig.live.contact().id;
    assert_eq!(request.due, rig.now.wall.plus_ms(99_000));
    assert_eq!((request.retry_delay_s, request.attempts, request.queue.arn.as_str()), (600, 3, "arn:queue"));
    let callback = &request.contact;
    assert_eq!(callback.initiation_method, InitiationMethod::Callback);
    assert_eq!((callback.previous_contact_id, callback.initial_contact_id), (Some(first), Some(first)));
    assert_eq!(callback.system_endpoint, None);
    assert_eq!(callback.customer_endpoint.as_ref().unwrap().address.expose(), "+15555550123");
    assert_eq!(callback.scheduled_timestamp, Some(request.due));
    rig.handle(Input::Routing(RoutingEvent::Queued { contact: callback.id }));
    assert_eq!(rig.said(), "we will call");
    assert_eq!(rig.live.contact().next_contact_id, Some(callback.id));
    heard(&mut rig, LEG);
    assert_eq!(rig.ended().next_contact_id, Some(callback.id));
}

#[test]
fn a_callback_that_the_routing_refuses_takes_the_error_branch() {
    let (mut rig, request) = asked_for(1);
    let (contact, refusal) = (request.contact.id, RoutingRefusal::AtCapacity);
    rig.handle(Input::Routing(RoutingEvent::Refused { contact, refusal }));
    assert_eq!(rig.said(), "no");
}

#[test]
fn a_callback_is_kept_though_its_customer_hangs_up_before_the_routing_has_answered() {
    let (mut rig, request) = asked_for(1);
    rig.hung_up();
    rig.handle(Input::Routing(RoutingEvent::Queued { contact: request.contact.id }));
    assert_eq!(rig.count(|effect| matches!(effect, Effect::Routing(RoutingRequest::Leave { .. }))), 0);
}

/// A callback that is due, as the server begins it.
fn due(attempts: u32) -> Rig {
    let (_, request) = asked_for(attempts);
    let mut flows = hooks();
    flows
        .push(("OutboundWhisper", flow(vec![("say", says("you asked for a call", "end")), ("end", ends())])));
    let settings = Rig::settings(flows);
    let mut contact = request.contact;
    contact.queue = Some(QueueStay { queue: request.queue, enqueued: began().wall, dequeued: None });
    let setup = CallbackSetup { contact, instance: settings.clone(), options: ContactOptions::default() };
    Rig::around(LiveContact::callback(began(), setup), settings)
}

fn taken(attempts: u32) -> Rig {
    let mut rig = due(attempts);
    let contact = rig.live.contact().id;
    rings_for(&mut rig, contact, OFFER_ID.number(), ada(), AGENT_LEG);
    rig.wait_ms(21_000 - 2_000);
    answers(&mut rig, AGENT_LEG);
    assert_eq!(rig.said(), "a call for you");
    assert_eq!(
        rig.live.contact().queue.as_ref().unwrap().dequeued,
        Some(rig.now.wall),
        "with the acceptance"
    );
    heard(&mut rig, AGENT_LEG);
    let (_, request) = last_dial(&rig);
    assert_eq!(request.target, DialTarget::Number(Redacted::new("+15555550123".to_owned())));
    assert_eq!(request.caller.number.unwrap().expose(), "+18005550133");
    telephone_rings(&mut rig, LEG);
    rig
}

#[test]
fn an_agent_takes_a_callback_then_the_customer_is_called_and_hears_the_outbound_whisper() {
    let mut rig = taken(1);
    rig.wait_ms(5_000);
    answers(&mut rig, LEG);
    assert_eq!(rig.live.contact().connected_to_system_timestamp, Some(rig.now.wall));
    assert_eq!(rig.said(), "you asked for a call");
    heard(&mut rig, LEG);
    assert_eq!(talk(&rig), [[LEG, AGENT_LEG]]);
    assert_eq!(rig.live.contact().agent.as_ref().unwrap().connected, Some(rig.now.wall));
    assert_eq!(reports(&rig), [AgentReport::Accepted, AgentReport::Dequeued, AgentReport::Joined]);
    rig.hung_up();
    let contact = rig.ended();
    assert_eq!(contact.disconnect_reason, Some(DisconnectReason::CustomerDisconnect));
    assert_eq!(reports(&rig).last(), Some(&AgentReport::Ended));
}

#[test]
fn an_agent_who_does_not_take_a_callback_costs_it_nothing() {
    let mut rig = due(1);
    let contact = rig.live.contact().id;
    rings_for(&mut rig, contact, OFFER_ID.number(), ada(), AGENT_LEG);
    on(&mut rig, AGENT_LEG, LegEvent::Ended(EndedBy::Refused(486)));
    assert_eq!(reports(&rig), [AgentReport::Missed]);
    assert!(rig.live.is_over());
    assert!(rig.states().iter().all(|(stage, _)| *stage == Stage::Changed), "the contact has not ended");
    assert_eq!(rig.live.contact().agent_connection_attempts, 1);
    assert_eq!(rig.live.contact().queue.as_ref().unwrap().dequeued, None);
    assert_eq!(rig.count(|effect| matches!(effect, Effect::Routing(RoutingRequest::Leave { .. }))), 0);
}

#[test]
fn a_callback_whose_offer_does_not_come_is_given_up() {
    let mut rig = due(1);
    rig.wait_for_deadline();
    assert_eq!((rig.live.phase(), rig.live.contact().disconnect_timestamp), (Phase::Over, None));
}

#[test]
fn a_customer_who_does_not_answer_a_callback_is_called_again_as_another_contact() {
    for (attempts, calls_again) in [(2, true), (1, false)] {
        let mut rig = taken(attempts);
        on(&mut rig, LEG, LegEvent::Ended(EndedBy::Refused(480)));
        assert!(hung_up(&rig, AGENT_LEG));
        let next = rig.find(|effect| match effect {
            Effect::Routing(RoutingRequest::CallAgain { contact, next }) => {
                Some((*contact, next.as_ref().clone()))
            }
            _ => None,
        });
        let contact = rig.ended();
        assert_eq!(contact.disconnect_reason, Some(DisconnectReason::TelecomUnanswered));
        assert_eq!(next.is_some(), calls_again);
        assert_eq!(contact.next_contact_id, next.as_ref().map(|(_, next)| next.id));
        if let Some((former, next)) = next {
            assert_eq!((former, next.previous_contact_id), (contact.id, Some(contact.id)));
            assert_eq!(next.details.callback.unwrap().attempts_left, 1);
            assert_eq!(next.customer_endpoint, contact.customer_endpoint);
        }
        let left = rig.count(|effect| matches!(effect, Effect::Routing(RoutingRequest::Leave { .. })));
        assert_eq!(left, usize::from(!calls_again), "one that is over leaves its queue");
        assert_eq!(reports(&rig).last(), Some(&AgentReport::Ended), "the agent works after it");
        let place = |pick: fn(&RoutingRequest) -> bool| {
            rig.effects.iter().position(|effect| matches!(effect, Effect::Routing(request) if pick(request)))
        };
        let ended =
            place(|request| matches!(request, RoutingRequest::Report { report: AgentReport::Ended, .. }));
        let left = place(|request| matches!(request, RoutingRequest::Leave { .. }));
        assert!(left.is_none_or(|left| Some(left) > ended), "the agent is reported first");
    }
}

#[test]
fn a_customer_who_refuses_a_callback_is_not_called_again() {
    let mut rig = taken(3);
    on(&mut rig, LEG, LegEvent::Ended(EndedBy::Refused(603)));
    assert_eq!(rig.count(|effect| matches!(effect, Effect::Routing(RoutingRequest::CallAgain { .. }))), 0);
    assert_eq!(rig.ended().disconnect_reason, Some(DisconnectReason::TelecomPotentialBlocking));
}

#[test]
fn stop_contact_takes_a_callback_out_of_its_queue_while_an_agent_rings() {
    let mut rig = due(1);
    let contact = rig.live.contact().id;
    rings_for(&mut rig, contact, OFFER_ID.number(), ada(), AGENT_LEG);
    rig.handle(Input::Stop);
    assert_eq!(rig.count(|effect| matches!(effect, Effect::Routing(RoutingRequest::Leave { .. }))), 1);
    assert_eq!(reports(&rig), [AgentReport::Abandoned]);
    assert!(hung_up(&rig, AGENT_LEG));
    assert_eq!(rig.ended().disconnect_reason, Some(DisconnectReason::Other));
}
