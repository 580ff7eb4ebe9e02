//! The other ends of conversations with agents: telephones, the routing and numbers outside, played by hand.

use super::rig::{LEG, OFFER, Rig, local};
use crate::{
    AgentRef, AgentReport, Contact, DialRequest, DialTarget, DialledLeg, Effect, Input, Leg, LegEvent,
    LegSpec, QueueRef, RoutingEvent, RoutingRequest, Stage, TransferTarget,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tympan_flow::ResourceRef;
use tympan_telephony::digit_source::DigitSource;
use tympan_telephony::words::MediaCommand;
use tympan_types::{BridgeId, ContactId, DialId, ExchangeId, LegId, OfferId, Redacted, ReferId, ResourceId};

pub(super) const AGENT_LEG: LegId = LegId::new(70);
pub(super) const SECOND_LEG: LegId = LegId::new(71);
pub(super) const OFFER_ID: OfferId = OfferId::new(5);

pub(crate) fn ada() -> AgentRef {
    AgentRef {
        id: ResourceId::from_random([9; 16]),
        arn: "arn:agent".to_owned(),
        user_name: "ada".to_owned(),
        first_name: "Ada".to_owned(),
        last_name: "L".to_owned(),
        routing_profile_arn: "arn:profile".to_owned(),
        routing_profile_name: "Basic Routing Profile".to_owned(),
    }
}

pub(super) fn says(text: &str, next: &str) -> Value {
    json!({ "Type": "MessageParticipant", "Parameters": { "Text": text },
        "Transitions": { "NextAction": next, "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": next }] } })
}

pub(super) fn flow(mut actions: Vec<(&str, Value)>) -> Value {
    let start = actions[0].0.to_owned();
    let actions: Vec<Value> = actions
        .drain(..)
        .map(|(id, mut action)| {
            action["Identifier"] = id.into();
            action
        })
        .collect();
    json!({ "Version": "2019-10-30", "StartAction": start, "Actions": actions })
}

/// Into the basic queue; says "full" where it is full, and "no" where the routing will not have the contact.
pub(super) fn to_queue() -> Value {
    let branches = |next: &str| json!({ "NextAction": next, "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "no" }] });
    let mut transfer = branches("bye");
    transfer["Errors"] = json!([
        { "ErrorType": "QueueAtCapacity", "NextAction": "full" },
        { "ErrorType": "NoMatchingError", "NextAction": "no" },
    ]);
    flow(vec![
        (
            "set",
            json!({ "Type": "UpdateContactTargetQueue", "Parameters": { "QueueId": "arn:queue" }, "Transitions": branches("go") }),
        ),
        ("go", json!({ "Type": "TransferContactToQueue", "Parameters": {}, "Transitions": transfer })),
        ("full", says("full", "bye")),
        ("no", says("no", "bye")),
        ("bye", json!({ "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} })),
    ])
}

pub(super) fn hooks() -> Vec<(&'static str, Value)> {
    let ends = || json!({ "Type": "EndFlowExecution", "Parameters": {}, "Transitions": {} });
    let whisper = |text: &str| flow(vec![("say", says(text, "end")), ("end", ends())]);
    vec![
        ("CustomerQueue", whisper("you are in the queue")),
        ("AgentWhisper", whisper("a call for you")),
        ("CustomerWhisper", whisper("here is an agent")),
        ("CustomerHold", whisper("you are on hold")),
    ]
}

/// A customer in the queue, who hears the queue flow.
pub(super) fn queued() -> Rig {
    let mut rig = Rig::with(&to_queue(), hooks());
    rig.leg(LegEvent::Confirmed);
    let contact = rig.live.contact().id;
    rig.handle(Input::Routing(RoutingEvent::Queued { contact }));
    assert_eq!(rig.said(), "you are in the queue");
    rig
}

pub(super) fn offer(rig: &mut Rig) -> DialId {
    let contact = rig.live.contact().id;
    rig.handle(Input::Routing(RoutingEvent::Offered {
        contact,
        offer: OFFER_ID,
        agent: ada(),
        ring_limit_ms: 20_000,
        accepts_by_itself: false,
    }));
    rig.find(|effect| match effect {
        Effect::Dial { dial, .. } => Some(*dial),
        _ => None,
    })
    .expect("the agent is dialled")
}

pub(super) fn rings(rig: &mut Rig, legs: &[LegId]) {
    let dial = offer(rig);
    let legs =
        legs.iter().map(|id| DialledLeg { id: *id, local: local(), digits: DigitSource::Both }).collect();
    rig.handle(Input::DialReady { dial, legs });
}

pub(super) fn on(rig: &mut Rig, leg: LegId, event: LegEvent) {
    rig.handle(Input::Leg { leg, event });
}

pub(super) fn answers(rig: &mut Rig, leg: LegId) {
    on(rig, leg, LegEvent::Answered { exchange: ExchangeId::new(1), sdp: OFFER.to_owned() });
    on(rig, leg, LegEvent::Confirmed);
}

/// What plays on a leg is heard to its end.
pub(super) fn heard(rig: &mut Rig, leg: LegId) {
    let prompt = rig.prompt_begins();
    rig.wait_ms(1_000);
    rig.handle(Input::Media { leg, event: tympan_telephony::words::MediaEvent::PromptFinished(prompt) });
}

/// Customer and agent talk.
pub(super) fn talking() -> Rig {
    let mut rig = queued();
    rings(&mut rig, &[AGENT_LEG]);
    answers(&mut rig, AGENT_LEG);
    assert_eq!(rig.said(), "a call for you");
    heard(&mut rig, AGENT_LEG);
    assert_eq!(rig.said(), "here is an agent");
    heard(&mut rig, LEG);
    assert_eq!(bridged(&rig), [(LEG, true), (AGENT_LEG, true)]);
    rig
}

/// Who joined or left the bridge, in order.
pub(super) fn bridged(rig: &Rig) -> Vec<(LegId, bool)> {
    let moves = rig.effects.iter().filter_map(|effect| match effect {
        Effect::Media { leg, command: MediaCommand::Join { .. } } => Some((*leg, true)),
        Effect::Media { leg, command: MediaCommand::Leave } => Some((*leg, false)),
        _ => None,
    });
    moves.collect()
}

pub(super) fn reports(rig: &Rig) -> Vec<AgentReport> {
    let reports = rig.effects.iter().filter_map(|effect| match effect {
        Effect::Routing(RoutingRequest::Report { offer: OFFER_ID, report }) => Some(*report),
        _ => None,
    });
    reports.collect()
}

pub(super) fn left(rig: &Rig) -> usize {
    rig.count(|effect| matches!(effect, Effect::Routing(RoutingRequest::Leave { .. })))
}

pub(super) fn hung_up(rig: &Rig, which: LegId) -> bool {
    rig.count(|effect| matches!(effect, Effect::Hangup { leg, .. } if *leg == which)) == 1
}

/// The last state of each contact that has ended.
pub(super) fn ended(rig: &Rig) -> Vec<Contact> {
    let states = rig.states().into_iter().filter(|(stage, _)| *stage == Stage::Ended);
    states.map(|(_, contact)| contact).collect()
}

/// Another agent, whose extension is 201.
pub(super) fn bob() -> AgentRef {
    AgentRef {
        id: ResourceId::from_random([8; 16]),
        arn: "arn:bob".to_owned(),
        user_name: "bob".to_owned(),
        ..ada()
    }
}

/// A supervisor.
pub(super) fn eve() -> AgentRef {
    AgentRef {
        id: ResourceId::from_random([7; 16]),
        arn: "arn:eve".to_owned(),
        user_name: "eve".to_owned(),
        ..ada()
    }
}

/// What an agent may dial.
pub(super) fn dialled() -> BTreeMap<&'static str, TransferTarget> {
    let queue = QueueRef {
        arn: "arn:queue".to_owned(),
        name: "BasicQueue".to_owned(),
        hours_arn: None,
        outbound_caller_id: Some("+18005550111".to_owned()),
        is_agents: false,
    };
    BTreeMap::from([
        ("201", TransferTarget::Agent { agent: bob(), flow: None }),
        ("300", TransferTarget::Queue { queue, flow: None }),
        ("400", TransferTarget::Flow(ResourceRef::of("arn:goodbye"))),
        ("401", TransferTarget::Flow(ResourceRef::of("arn:none"))),
        ("+15550009", TransferTarget::Number(Redacted::new("+15550009".to_owned()))),
    ])
}

pub(super) fn ends() -> Value {
    json!({ "Type": "EndFlowExecution", "Parameters": {}, "Transitions": {} })
}

pub(super) fn disconnects() -> Value {
    json!({ "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} })
}

/// A block with one way on.
pub(super) fn block(kind: &str, parameters: Value, next: &str) -> Value {
    json!({ "Type": kind, "Parameters": parameters,
        "Transitions": { "NextAction": next, "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "no" }] } })
}

/// A leg whose telephone calls us.
pub(super) fn invited(id: LegId) -> Box<Leg> {
    let spec = LegSpec { id, local: local(), offer: Some(OFFER.to_owned()), digits: DigitSource::Both };
    Box::new(Leg::invited(spec).unwrap())
}

/// The call that was placed last, and whom it is for.
pub(super) fn last_dial(rig: &Rig) -> (DialId, DialRequest) {
    rig.find(|effect| match effect {
        Effect::Dial { dial, request } => Some((*dial, request.as_ref().clone())),
        _ => None,
    })
    .expect("a call is placed")
}

pub(super) fn dials(rig: &Rig) -> usize {
    rig.count(|effect| matches!(effect, Effect::Dial { .. }))
}

/// The telephone of the call that was placed last rings.
pub(super) fn telephone_rings(rig: &mut Rig, leg: LegId) {
    let (dial, _) = last_dial(rig);
    let legs = vec![DialledLeg { id: leg, local: local(), digits: DigitSource::Both }];
    rig.handle(Input::DialReady { dial, legs });
    on(rig, leg, LegEvent::Ringing { status: 180, sdp: None });
}

/// An agent is offered a contact, and the telephone rings.
pub(super) fn rings_for(rig: &mut Rig, contact: ContactId, offer: u64, agent: AgentRef, leg: LegId) {
    let before = dials(rig);
    rig.handle(Input::Routing(RoutingEvent::Offered {
        contact,
        offer: OfferId::new(offer),
        agent: agent.clone(),
        ring_limit_ms: 20_000,
        accepts_by_itself: false,
    }));
    assert_eq!(dials(rig), before + 1, "the agent is dialled");
    assert_eq!(last_dial(rig).1.target, DialTarget::Agent(agent));
    telephone_rings(rig, leg);
}

/// The agent takes the offer, and both whispers are heard.
pub(super) fn is_joined(rig: &mut Rig, leg: LegId, caller: LegId) {
    answers(rig, leg);
    heard(rig, leg);
    heard(rig, caller);
}

/// What was last asked of the routing about a contact.
pub(super) fn asked(rig: &Rig) -> RoutingRequest {
    rig.find(|effect| match effect {
        Effect::Routing(RoutingRequest::Report { .. }) => None,
        Effect::Routing(request) => Some(request.clone()),
        _ => None,
    })
    .expect("something is asked of the routing")
}

/// The reports on an offer.
pub(super) fn reports_on(rig: &Rig, which: u64) -> Vec<AgentReport> {
    let reports = rig.effects.iter().filter_map(|effect| match effect {
        Effect::Routing(RoutingRequest::Report { offer, report }) if offer.number() == which => Some(*report),
        _ => None,
    });
    reports.collect()
}

/// What a REFER was answered and told.
pub(super) fn told(rig: &Rig) -> Vec<u16> {
    let told = rig.effects.iter().filter_map(|effect| match effect {
        Effect::ReplyRefer { status, .. } | Effect::NotifyRefer { status, .. } => Some(*status),
        _ => None,
    });
    told.collect()
}

pub(super) fn refers(rig: &mut Rig, leg: LegId, target: &str, replaces: Option<LegId>) {
    let target = Redacted::new(target.to_owned());
    on(rig, leg, LegEvent::Referred { refer: ReferId::new(1), target, replaces });
}

/// The legs of each bridge as they are now, and whether each is heard.
pub(super) fn bridges(rig: &Rig) -> BTreeMap<BridgeId, BTreeMap<LegId, bool>> {
    let mut of: BTreeMap<LegId, (BridgeId, bool)> = BTreeMap::new();
    for effect in &rig.effects {
        match effect {
            Effect::Media { leg, command: MediaCommand::Join { bridge } } => {
                of.insert(*leg, (*bridge, true));
            }
            Effect::Media { leg, command: MediaCommand::Monitor { bridge } } => {
                of.insert(*leg, (*bridge, false));
            }
            Effect::Media { leg, command: MediaCommand::Leave } | Effect::CloseMedia { leg } => {
                of.remove(leg);
            }
            _ => {}
        }
    }
    let mut bridges: BTreeMap<BridgeId, BTreeMap<LegId, bool>> = BTreeMap::new();
    for (leg, (bridge, is_heard)) in of {
        bridges.entry(bridge).or_default().insert(leg, is_heard);
    }
    bridges
}

/// Who hears whom: the legs of each bridge that has more than one.
pub(super) fn talk(rig: &Rig) -> Vec<Vec<LegId>> {
    let bridges = bridges(rig).into_values().map(|legs| legs.into_keys().collect::<Vec<_>>());
    bridges.filter(|legs| legs.len() > 1).collect()
}

/// The newest state of each contact that was written, in the order of their opening.
pub(super) fn contacts(rig: &Rig) -> Vec<Contact> {
    let mut newest: Vec<Contact> = Vec::new();
    for (_, contact) in rig.states() {
        match newest.iter_mut().find(|known| known.id == contact.id) {
            Some(known) => *known = contact,
            None => newest.push(contact),
        }
    }
    newest
}

/// Every contact that was opened has ended, once.
pub(super) fn all_ended(rig: &Rig) {
    assert!(rig.live.is_over());
    for contact in contacts(rig) {
        let count = |wanted| {
            let states = rig.states();
            states.iter().filter(|(stage, one)| *stage == wanted && one.id == contact.id).count()
        };
        assert_eq!((count(Stage::Opened), count(Stage::Ended)), (1, 1), "{:?}", contact.initiation_method);
        assert!(contact.disconnect_reason.is_some());
    }
}
