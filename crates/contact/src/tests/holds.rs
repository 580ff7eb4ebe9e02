//! Flows of a transfer that hold the customer or the agent, and a queued contact that is routed to an agent.

use super::ends::{
    AGENT_LEG, all_ended, asked, block, bob, ends, flow, hooks, is_joined, on, rings, rings_for, says, talk,
    to_queue,
};
use super::rig::{LEG, Rig};
use crate::{EndedBy, Input, LegEvent, Order, RoutingEvent, RoutingRefusal, RoutingRequest, TransferTarget};
use serde_json::{Value, json};
use tympan_flow::ResourceRef;
use tympan_telephony::words::MediaCommand;
use tympan_types::{ContactId, LegId};

/// In a flow of a transfer: holds so, says who hears it, and ends.
fn holds(state: &str) -> Value {
    let hold = block(
        "UpdatePreviousContactParticipantState",
        json!({ "PreviousContactParticipantState": state }),
        "say",
    );
    flow(vec![("hold", hold), ("say", says("private", "end")), ("no", says("no", "end")), ("end", ends())])
}

fn transferring(state: &'static str) -> Rig {
    let mut flows = hooks();
    flows.push(("AgentHold", flow(vec![("say", says("agent on hold", "end")), ("end", ends())])));
    flows.push(("arn:private", holds(state)));
    let mut rig = Rig::with(&to_queue(), flows);
    rig.leg(LegEvent::Confirmed);
    let contact = rig.live.contact().id;
    rig.handle(Input::Routing(RoutingEvent::Queued { contact }));
    rings(&mut rig, &[AGENT_LEG]);
    is_joined(&mut rig, AGENT_LEG, LEG);
    let flow = Some(ResourceRef::of("arn:private"));
    let to = TransferTarget::Agent { agent: bob(), flow };
    let next = ContactId::from_random([4; 16]);
    rig.handle(Input::Ordered(Order::Transfer { contact, next, to }));
    rig
}

/// The leg on which the last prompt of the flow plays.
fn hears(rig: &mut Rig) -> LegId {
    rig.prompt_begins();
    rig.find(|effect| match effect {
        crate::Effect::Media { leg, command: MediaCommand::Play { .. } } => Some(*leg),
        _ => None,
    })
    .unwrap()
}

#[test]
fn with_the_agent_on_hold_the_customer_alone_hears_the_flow_of_the_transfer() {
    let mut rig = transferring("AgentOnHold");
    assert_eq!(rig.said(), "private");
    assert_eq!((hears(&mut rig), talk(&rig).len()), (LEG, 0));
    rig.wait_ms(1_000);
    rig.prompt_plays_on();
    assert_eq!(talk(&rig), [[LEG, AGENT_LEG]], "the flow is over: they talk again");
    rig.hung_up();
    all_ended(&rig);
}

#[test]
fn with_the_customer_on_hold_the_agent_alone_hears_it_and_without_a_hold_both_talk() {
    let mut rig = transferring("CustomerOnHold");
    assert_eq!((rig.said().as_str(), hears(&mut rig), talk(&rig).len()), ("private", AGENT_LEG, 0));
    let mut rig = transferring("OffHold");
    assert_eq!((rig.said().as_str(), hears(&mut rig)), ("private", LEG));
    assert_eq!(talk(&rig), [[LEG, AGENT_LEG]]);
    rig.hung_up();
    all_ended(&rig);
}

#[test]
fn a_customer_types_keys_into_the_flow_of_a_transfer_that_holds_the_agent() {
    let mut rig = transferring("AgentOnHold");
    rig.press("1");
    on(&mut rig, AGENT_LEG, LegEvent::Ended(EndedBy::Peer));
    assert_eq!(rig.live.contact().id, ContactId::from_random([4; 16]), "the customer goes on in the flow");
    rig.hung_up();
    all_ended(&rig);
}

#[test]
fn a_flow_without_a_former_contact_holds_no_one() {
    let mut rig = Rig::answered(&holds("AgentOnHold"));
    assert_eq!(rig.said(), "no");
    rig.hung_up();
    all_ended(&rig);
}

/// A queue flow that asks for an agent.
fn routed() -> Rig {
    let mut flows = hooks();
    flows.retain(|(name, _)| *name != "CustomerQueue");
    let route = block("RouteContactToAgent", json!({ "AgentId": "arn:bob" }), "done");
    let queue_flow = flow(vec![
        ("route", route),
        ("done", says("done", "end")),
        ("no", says("no", "end")),
        ("end", ends()),
    ]);
    flows.push(("CustomerQueue", queue_flow));
    let mut rig = Rig::with(&to_queue(), flows);
    rig.leg(LegEvent::Confirmed);
    let contact = rig.live.contact().id;
    rig.handle(Input::Routing(RoutingEvent::Queued { contact }));
    rig
}

#[test]
fn a_queued_contact_is_routed_to_the_agent_whom_its_flow_names() {
    let mut rig = routed();
    let contact = rig.live.contact().id;
    if rig.said() == "no" {
        // The instance may know agents by another word of the block.
        panic!("{:?}", rig.reasons());
    }
    assert_eq!(
        asked(&rig),
        RoutingRequest::OfferTo { contact, agent: bob(), ends_after_contact_work: false }
    );
    rings_for(&mut rig, contact, 6, bob(), LegId::new(76));
    assert_eq!(rig.said(), "done");
    let mut rig = routed();
    let refusal = RoutingRefusal::AgentNotAvailable;
    rig.handle(Input::Routing(RoutingEvent::Refused { contact, refusal }));
    assert_eq!(rig.said(), "no");
    assert!(rig.live.contact().queue.as_ref().unwrap().dequeued.is_none(), "it waits on");
    rig.hung_up();
    all_ended(&rig);
}

#[test]
fn a_queue_that_is_gone_ends_the_contact() {
    let mut rig = Rig::with(&to_queue(), hooks());
    rig.leg(LegEvent::Confirmed);
    let contact = rig.live.contact().id;
    rig.handle(Input::Routing(RoutingEvent::Queued { contact }));
    let refusal = RoutingRefusal::NoSuchQueue;
    rig.handle(Input::Routing(RoutingEvent::Refused { contact, refusal }));
    all_ended(&rig);
}
