//! Random orders of everything that may happen to conversations with queues, agents, transfers, third parties and supervisors.

use super::ends::{
    ada, block, bob, bridges, contacts, disconnects, ends, eve, flow, hooks, invited, says, to_queue,
};
use super::rig::{LEG, OFFER, Rig, began, local, number, routed, stream};
use crate::fixtures::contact;
use crate::{
    AgentCallSetup, AgentRef, AgentReport, CallbackDetails, CallbackSetup, CallerId, CaptureEvent, Contact,
    ContactOptions, DialledLeg, DisconnectReason, Effect, EndedBy, InitiationMethod, Input, InstanceSettings,
    LegEvent, LiveContact, Order, OutboundSetup, Phase, PromptEvent, QueueStay, RoutingEvent, RoutingRefusal,
    RoutingRequest, Stage, TransferTarget,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tympan_flow::ResourceRef;
use tympan_telephony::Digit;
use tympan_telephony::digit_source::DigitSource;
use tympan_telephony::words::{MediaCommand, MediaEvent, Sound};
use tympan_types::{CaptureId, ContactId, DialId, ExchangeId, LegId, OfferId, Redacted, ReferId};

/// Something that may happen. Numbers pick among what there is.
#[derive(Debug, Clone)]
enum Any {
    /// What comes next where all goes well.
    Goes,
    /// The routing answers what was asked of it first.
    Routing(u8),
    /// It offers a contact to an agent.
    Offer(u8, u8),
    Withdraw(u8),
    /// A call is made ready, with so many telephones, or cannot be placed.
    Dial(u8, u8),
    Up(u8),
    Over(u8, u8),
    Rings(u8),
    Held(u8, bool),
    Refer(u8, u8, u8),
    Called(u8, u8),
    Replaced(u8),
    Monitor(u8, bool),
    Transfer(u8),
    Hold(u8, bool),
    Prompt(u8),
    Digit(u8),
    Capture(u8),
    Deadline,
    Wait(u16),
    Attributes,
    Late(u8),
}

fn any_thing() -> impl Strategy<Value = Any> {
    prop_oneof![
        60 => Just(Any::Goes),
        6 => (0u8..8).prop_map(Any::Routing),
        4 => (any::<u8>(), any::<u8>()).prop_map(|(contact, agent)| Any::Offer(contact, agent)),
        1 => any::<u8>().prop_map(Any::Withdraw),
        8 => (any::<u8>(), 0u8..6).prop_map(|(dial, legs)| Any::Dial(dial, legs)),
        8 => any::<u8>().prop_map(Any::Up),
        4 => (any::<u8>(), 0u8..5).prop_map(|(leg, how)| Any::Over(leg, how)),
        1 => any::<u8>().prop_map(Any::Rings),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(leg, is_on)| Any::Held(leg, is_on)),
        4 => (any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(leg, to, replaces)| Any::Refer(leg, to, replaces)),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(agent, to)| Any::Called(agent, to)),
        1 => any::<u8>().prop_map(Any::Replaced),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(contact, barge)| Any::Monitor(contact, barge)),
        2 => any::<u8>().prop_map(Any::Transfer),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(contact, is_on)| Any::Hold(contact, is_on)),
        14 => (0u8..10).prop_map(Any::Prompt),
        3 => (0u8..12).prop_map(Any::Digit),
        2 => (0u8..4).prop_map(Any::Capture),
        4 => Just(Any::Deadline),
        2 => (0u16..9_000).prop_map(Any::Wait),
        1 => Just(Any::Attributes),
        1 => any::<u8>().prop_map(Any::Late),
    ]
}

const DIALLED: [&str; 6] = ["201", "300", "400", "401", "+15550009", "999"];

/// Begins with a menu: 1 into the queue, 2 to a third party and back, 3 to one for good, else a callback; what is said is captured.
fn menu() -> Value {
    let set = block("UpdateContactTargetQueue", json!({ "QueueId": "arn:queue" }), "hook");
    let hook = block(
        "UpdateContactEventHooks",
        json!({ "EventHooks": { "CustomerRemaining": "arn:remaining" } }),
        "capture",
    );
    let mut capture = block(
        "UpdateContactMediaStreamingBehavior",
        json!({ "MediaStreamingState": "Enabled", "MediaStreamType": "Audio",
            "Participants": [{ "ParticipantType": "Customer", "MediaDirections": ["From"] }] }),
        "menu",
    );
    capture["Transitions"]["Errors"][0]["NextAction"] = "menu".into();
    let condition = |key: &str, next: &str| json!({ "NextAction": next, "Condition": { "Operator": "Equals", "Operands": [key] } });
    let menu = json!({ "Type": "GetParticipantInput",
        "Parameters": { "StoreInput": "False", "InputTimeLimitSeconds": "5", "Text": "press a key" },
        "Transitions": { "NextAction": "callback",
            "Conditions": [condition("1", "queue"), condition("2", "party"), condition("3", "party for good")],
            "Errors": [{ "ErrorType": "InputTimeLimitExceeded", "NextAction": "queue" },
                { "ErrorType": "NoMatchingCondition", "NextAction": "callback" },
                { "ErrorType": "NoMatchingError", "NextAction": "no" }] } });
    let party = |continues: &str| {
        block(
            "TransferParticipantToThirdParty",
            json!({ "ThirdPartyPhoneNumber": "+15550009", "ThirdPartyConnectionTimeLimitSeconds": "30",
                "ContinueFlowExecution": continues, "ThirdPartyDTMFDigits": "1,2" }),
            "queue",
        )
    };
    let callback = block(
        "CreateCallbackContact",
        json!({ "QueueId": "arn:queue", "InitialCallDelaySeconds": "9", "MaximumConnectionAttempts": "2",
            "RetryDelaySeconds": "60" }),
        "menu",
    );
    let queue = json!({ "Type": "TransferContactToQueue", "Parameters": {},
        "Transitions": { "NextAction": "bye", "Errors": [
            { "ErrorType": "QueueAtCapacity", "NextAction": "menu" }, { "ErrorType": "NoMatchingError", "NextAction": "no" }] } });
    flow(vec![
        ("set", set),
        ("hook", hook),
        ("capture", capture),
        ("menu", menu),
        ("party", party("True")),
        ("party for good", party("False")),
        ("callback", callback),
        ("queue", queue),
        ("no", says("no", "bye")),
        ("bye", disconnects()),
    ])
}

fn flows(kind: u8) -> Vec<(&'static str, Value)> {
    let mut flows = hooks();
    let to_agent = json!({ "Type": "TransferContactToAgent", "Parameters": {}, "Transitions": {} });
    let hold = |state: &str, next: &str| {
        block(
            "UpdatePreviousContactParticipantState",
            json!({ "PreviousContactParticipantState": state }),
            next,
        )
    };
    let transfer = match kind % 3 {
        0 => flow(vec![("say", says("transferring", "go")), ("go", to_agent)]),
        1 => flow(vec![
            ("hold", hold("AgentOnHold", "say")),
            ("say", says("private", "off")),
            ("off", hold("OffHold", "more")),
            ("more", says("together", "on")),
            ("on", hold("CustomerOnHold", "last")),
            ("last", says("agent alone", "go")),
            ("no", says("no", "go")),
            ("go", to_agent),
        ]),
        _ => flow(vec![("go", to_agent)]),
    };
    let queue_flow = match kind % 5 {
        0 => flow(vec![
            ("say", says("one moment", "route")),
            ("route", block("RouteContactToAgent", json!({ "AgentId": "arn:bob" }), "end")),
            ("no", says("no", "end")),
            ("end", ends()),
        ]),
        2 => flow(vec![
            ("say", says("one moment", "other")),
            ("other", block("DequeueContactAndTransferToQueue", json!({ "QueueId": "arn:queue" }), "end")),
            ("no", says("no", "end")),
            ("end", ends()),
        ]),
        1 => flow(vec![
            (
                "party",
                block(
                    "TransferParticipantToThirdParty",
                    json!({ "ThirdPartyPhoneNumber": "+15550009", "ThirdPartyConnectionTimeLimitSeconds": "10",
                        "ContinueFlowExecution": "True" }),
                    "end",
                ),
            ),
            ("no", says("no", "end")),
            ("end", ends()),
        ]),
        _ => flow(vec![("say", says("you are in the queue", "end")), ("end", ends())]),
    };
    flows.retain(|(name, _)| *name != "CustomerQueue" && (kind % 5 != 4 || !name.ends_with("Whisper")));
    flows.push(("CustomerQueue", queue_flow));
    flows.push(("AgentTransfer", transfer));
    flows.push(("QueueTransfer", to_queue()));
    flows.push(("AgentHold", flow(vec![("say", says("held", "end")), ("end", ends())])));
    flows.push(("arn:goodbye", flow(vec![("say", says("goodbye", "end")), ("end", disconnects())])));
    flows.push(("arn:remaining", menu()));
    if kind.is_multiple_of(2) {
        let call = block("CompleteOutboundCall", json!({}), "say");
        flows.push((
            "OutboundWhisper",
            flow(vec![("call", call), ("say", says("hello", "end")), ("no", ends()), ("end", ends())]),
        ));
    }
    flows
}

/// The other ends, as far as they can be known from what the conversation wants.
struct World {
    rig: Rig,
    /// How many effects were looked at.
    seen: usize,
    asked: Vec<RoutingRequest>,
    dials: BTreeSet<DialId>,
    all_dials: BTreeMap<DialId, u32>,
    /// Legs that are not over, and whether each is up.
    legs: BTreeMap<LegId, bool>,
    /// Every leg that there was.
    all_legs: BTreeSet<LegId>,
    offers: Vec<OfferId>,
    last_leg: u64,
    last_exchange: u64,
}

fn pick<T: Clone>(from: impl IntoIterator<Item = T>, which: u8) -> Option<T> {
    let all: Vec<T> = from.into_iter().collect();
    all.get(usize::from(which).checked_rem(all.len())?).cloned()
}

fn person(which: u8) -> AgentRef {
    [ada(), bob(), eve()][usize::from(which % 3)].clone()
}

impl World {
    fn new(begins: u8, kind: u8) -> Self {
        let rig = match begins % 4 {
            0 => {
                let mut rig = Rig::with(&menu(), flows(kind));
                rig.leg(LegEvent::Confirmed);
                rig
            }
            other => {
                let settings = Rig::settings(flows(kind));
                let (instance, options) = (settings.clone(), ContactOptions::default());
                let mut contact = Contact { ..contact() };
                contact.details.target_queue =
                    settings.queue(contact.instance.id, &ResourceRef::of("arn:queue"));
                let live = match other {
                    1 => {
                        contact.initiation_method = InitiationMethod::Api;
                        let (flow, caller) = (routed("first", &menu()), CallerId::default());
                        let ring_limit_ms = 20_000;
                        let setup = OutboundSetup { contact, flow, caller, ring_limit_ms, instance, options };
                        LiveContact::outbound(began(), setup)
                    }
                    2 => {
                        contact.initiation_method = InitiationMethod::Outbound;
                        let leg = *invited(LegId::new(50));
                        let setup = AgentCallSetup { contact, agent: ada(), leg, instance, options };
                        LiveContact::called_by_agent(began(), setup)
                    }
                    _ => {
                        contact.initiation_method = InitiationMethod::Callback;
                        let queue = contact.details.target_queue.clone().expect("the instance has it");
                        contact.queue = Some(QueueStay { queue, enqueued: began().wall, dequeued: None });
                        contact.details.callback =
                            Some(CallbackDetails { caller_id: None, attempts_left: 2 });
                        LiveContact::callback(began(), CallbackSetup { contact, instance, options })
                    }
                };
                Rig::around(live, settings)
            }
        };
        let mut world = Self {
            rig,
            seen: 0,
            asked: Vec::new(),
            dials: BTreeSet::new(),
            all_dials: BTreeMap::new(),
            legs: BTreeMap::new(),
            all_legs: BTreeSet::new(),
            offers: Vec::new(),
            last_leg: 100,
            last_exchange: 10,
        };
        match begins % 4 {
            0 => world.leg(LEG, true),
            2 => world.leg(LegId::new(50), false),
            _ => {}
        }
        world.looks();
        world
    }

    fn leg(&mut self, leg: LegId, is_up: bool) {
        self.legs.insert(leg, is_up);
        self.all_legs.insert(leg);
    }

    /// Takes in what the conversation wants.
    fn looks(&mut self) {
        for effect in &self.rig.effects[self.seen..] {
            match effect {
                Effect::Routing(RoutingRequest::Leave { contact }) => self.asked.retain(|asked| {
                    !matches!(asked, RoutingRequest::Enqueue { contact: one, .. } | RoutingRequest::OfferTo { contact: one, .. } if one == contact)
                }),
                Effect::Routing(
                    request @ (RoutingRequest::Enqueue { .. }
                    | RoutingRequest::OfferTo { .. }
                    | RoutingRequest::Callback(_)
                    | RoutingRequest::Occupy { .. }),
                ) => self.asked.push(request.clone()),
                Effect::Dial { dial, .. } => {
                    self.dials.insert(*dial);
                    self.all_dials.insert(*dial, 0);
                }
                Effect::DropDial { dial } => {
                    assert!(self.dials.remove(dial), "dropped once, and only what waits");
                    *self.all_dials.get_mut(dial).unwrap() += 1;
                }
                Effect::Hangup { leg, .. } => {
                    assert!(self.legs.remove(leg).is_some(), "{leg} is hung up once, and only where it is not over");
                }
                _ => {}
            }
        }
        self.seen = self.rig.effects.len();
    }

    fn input(&mut self, input: Input) {
        self.rig.handle(input);
        self.looks();
    }

    fn on(&mut self, leg: LegId, event: LegEvent) {
        self.input(Input::Leg { leg, event });
    }

    fn exchange(&mut self) -> ExchangeId {
        self.last_exchange += 1;
        ExchangeId::new(self.last_exchange)
    }

    fn offer(&mut self, contact: ContactId, agent: AgentRef) {
        let offer = OfferId::new(self.offers.len() as u64 + 1);
        self.offers.push(offer);
        self.input(Input::Routing(RoutingEvent::Offered {
            contact,
            offer,
            agent,
            ring_limit_ms: 20_000,
            accepts_by_itself: false,
        }));
    }

    fn routing_answers(&mut self, how: u8) {
        if self.asked.is_empty() {
            return;
        }
        let refusal =
            [RoutingRefusal::AtCapacity, RoutingRefusal::Disabled, RoutingRefusal::AgentNotAvailable]
                [usize::from(how % 3)];
        let is_refused = how < 3;
        let event = match self.asked.remove(0) {
            RoutingRequest::Enqueue { contact, .. } if is_refused => {
                RoutingEvent::Refused { contact, refusal }
            }
            RoutingRequest::OfferTo { contact, .. } if is_refused => {
                RoutingEvent::Refused { contact, refusal }
            }
            RoutingRequest::Occupy { contact, .. } if is_refused => {
                RoutingEvent::Refused { contact, refusal }
            }
            RoutingRequest::Callback(request) if is_refused => {
                RoutingEvent::Refused { contact: request.contact.id, refusal }
            }
            RoutingRequest::Enqueue { contact, .. } => RoutingEvent::Queued { contact },
            RoutingRequest::Callback(request) => RoutingEvent::Queued { contact: request.contact.id },
            RoutingRequest::OfferTo { contact, agent, .. } | RoutingRequest::Occupy { contact, agent } => {
                return self.offer(contact, agent);
            }
            _ => return,
        };
        self.input(Input::Routing(event));
    }

    fn all_contacts(&self) -> Vec<ContactId> {
        self.rig.live.contacts().map(|contact| contact.id).collect()
    }

    fn goes(&mut self) {
        let waits_for_agent =
            |effect: &Effect| matches!(effect, Effect::Routing(RoutingRequest::Enqueue { .. }));
        if !self.asked.is_empty() {
            self.routing_answers(7);
        } else if !self.dials.is_empty() {
            self.happens(Any::Dial(0, 4));
        } else if self.legs.values().any(|is_up| !is_up) {
            self.happens(Any::Up(0));
        } else if self.rig.count(waits_for_agent) > self.offers.len() {
            let contact = self.rig.find(|effect| match effect {
                Effect::Routing(RoutingRequest::Enqueue { contact, .. }) => Some(*contact),
                _ => None,
            });
            let agent = person(u8::from(!self.offers.is_empty()));
            if let Some(contact) = contact {
                self.offer(contact, agent);
            }
        } else {
            self.happens(Any::Prompt(1));
        }
    }

    fn happens(&mut self, what: Any) {
        match what {
            Any::Goes => self.goes(),
            Any::Routing(how) => self.routing_answers(how),
            Any::Offer(which, agent) => {
                if let Some(contact) = pick(self.all_contacts(), which) {
                    self.offer(contact, person(agent));
                }
            }
            Any::Withdraw(which) => {
                if let Some(offer) = pick(self.offers.clone(), which) {
                    self.input(Input::Routing(RoutingEvent::Withdrawn { offer }));
                }
            }
            Any::Dial(which, legs) => {
                let Some(dial) = pick(self.dials.clone(), which) else { return };
                self.dials.remove(&dial);
                *self.all_dials.get_mut(&dial).unwrap() += 1;
                if legs == 0 {
                    return self.input(Input::DialFailed { dial, reason: "no".to_owned() });
                }
                let mut ready = Vec::new();
                for _ in 0..legs.saturating_sub(3).max(1) {
                    self.last_leg += 1;
                    let id = LegId::new(self.last_leg);
                    self.leg(id, false);
                    ready.push(DialledLeg { id, local: local(), digits: DigitSource::Both });
                }
                self.input(Input::DialReady { dial, legs: ready });
            }
            Any::Rings(which) => {
                if let Some((leg, false)) = pick(self.legs.clone(), which) {
                    self.on(leg, LegEvent::Ringing { status: 180, sdp: None });
                }
            }
            Any::Up(which) => {
                let waiting = self.legs.clone().into_iter().filter(|(_, is_up)| !is_up);
                let Some((leg, _)) = pick(waiting, which) else { return };
                self.legs.insert(leg, true);
                let exchange = self.exchange();
                self.on(leg, LegEvent::Answered { exchange, sdp: OFFER.to_owned() });
                self.on(leg, LegEvent::Confirmed);
            }
            Any::Over(which, how) => {
                let Some((leg, is_up)) = pick(self.legs.clone(), which) else { return };
                // The customer does not leave so soon every time.
                if leg == LEG && how != 0 {
                    return;
                }
                self.legs.remove(&leg);
                let by = match how {
                    0 | 1 if is_up => EndedBy::Peer,
                    2 if !is_up => EndedBy::Refused(480),
                    3 if !is_up => EndedBy::Refused(404),
                    _ => EndedBy::Failure,
                };
                self.on(leg, LegEvent::Ended(by));
            }
            Any::Held(which, is_on) => {
                let Some((leg, true)) = pick(self.legs.clone(), which) else { return };
                let exchange = self.exchange();
                let held = OFFER.replace("a=rtpmap", "a=sendonly\r\na=rtpmap");
                let sdp = if is_on { held } else { OFFER.to_owned() };
                self.on(leg, LegEvent::Offered { exchange, sdp });
            }
            Any::Refer(which, to, replaces) => {
                let Some((leg, _)) = pick(self.legs.clone(), which) else { return };
                let refer = ReferId::new(self.rig.effects.len() as u64);
                let target = pick(DIALLED, to).unwrap();
                let target = Redacted::new(format!("sip:{target}@here"));
                let replaces = pick(self.all_legs.clone(), replaces).filter(|_| replaces % 2 == 0);
                self.on(leg, LegEvent::Referred { refer, target, replaces });
            }
            Any::Called(agent, to) => {
                self.last_leg += 1;
                let id = LegId::new(self.last_leg);
                self.leg(id, false);
                let called = Redacted::new(pick(DIALLED, to).unwrap().to_owned());
                self.input(Input::Called { leg: invited(id), agent: person(agent), called });
            }
            Any::Replaced(which) => {
                let Some((leg, _)) = pick(self.legs.clone(), which) else { return };
                self.last_leg += 1;
                let id = LegId::new(self.last_leg);
                self.leg(id, false);
                self.input(Input::Replaced { leg, by: invited(id) });
            }
            Any::Monitor(which, may_barge) => {
                let Some(contact) = pick(self.all_contacts(), which) else { return };
                let monitor = ContactId::from_random([which | 1; 16]);
                let supervisor = person(which);
                self.input(Input::Ordered(Order::Monitor { contact, monitor, supervisor, may_barge }));
            }
            Any::Transfer(which) => {
                let contact = self.rig.live.contact().id;
                let next = ContactId::from_random([which; 16]);
                let to = super::ends::dialled();
                let to: TransferTarget = pick(to.into_values(), which).unwrap();
                self.input(Input::Ordered(Order::Transfer { contact, next, to }));
            }
            Any::Hold(which, is_on) => {
                if let Some(contact) = pick(self.all_contacts(), which) {
                    self.input(Input::Ordered(Order::Hold { contact, is_on }));
                }
            }
            Any::Prompt(how) => {
                let prompts = self.rig.effects.iter().rev().filter_map(|effect| match effect {
                    Effect::Prepare { prompt, .. } => Some(*prompt),
                    _ => None,
                });
                let recent: Vec<_> = prompts.take(3).collect();
                let Some(prompt) = pick(recent, how / 3) else { return };
                let plays = self.rig.effects.iter().rev().find_map(|effect| match effect {
                    Effect::Media { leg, command: MediaCommand::Play { prompt: one, .. } }
                        if *one == prompt =>
                    {
                        Some(*leg)
                    }
                    _ => None,
                });
                match (how % 3, plays) {
                    (0, None) => {
                        let event = PromptEvent::Failed { reason: "no voice".to_owned() };
                        self.input(Input::Prompt { prompt, event });
                    }
                    (_, None) => {
                        let event = PromptEvent::Prepared { sound: Sound::silence(500), note: None };
                        self.input(Input::Prompt { prompt, event });
                    }
                    (_, Some(leg)) => {
                        self.input(Input::Media { leg, event: MediaEvent::PromptFinished(prompt) });
                    }
                }
            }
            Any::Digit(event) => {
                let digit = Digit::from_event(event % 4).unwrap();
                if let Some((leg, true)) = pick(self.legs.clone(), event / 4) {
                    self.input(Input::Media { leg, event: MediaEvent::Digit(digit) });
                }
            }
            Any::Capture(how) => {
                let last = self.rig.count(|effect| matches!(effect, Effect::OpenCapture { .. }));
                let capture = CaptureId::new(last as u64);
                let event = match how {
                    0 => CaptureEvent::Failed { reason: "broke".to_owned() },
                    1 => CaptureEvent::Opened { stream: stream(1) },
                    _ => CaptureEvent::Acknowledged { number: number(self.last_exchange + 1) },
                };
                self.last_exchange += 1;
                if last > 0 {
                    self.input(Input::Capture { capture, event });
                }
            }
            Any::Deadline => {
                if let Some(ms) = self.rig.deadline_ms() {
                    self.rig.wait_ms(ms.max(0));
                    self.input(Input::TimePassed);
                }
            }
            Any::Wait(ms) => {
                self.rig.wait_ms(ms.into());
                self.input(Input::TimePassed);
            }
            Any::Attributes => {
                self.rig.set_attributes("k", "v");
                self.looks();
            }
            Any::Late(which) => {
                // What is over says something more.
                let over = self.all_legs.iter().filter(|leg| !self.legs.contains_key(leg)).copied();
                if let Some(leg) = pick(over, which) {
                    self.on(leg, LegEvent::Ended(EndedBy::Us));
                    self.on(leg, LegEvent::Confirmed);
                    self.input(Input::Media { leg, event: MediaEvent::MediaTimedOut });
                }
            }
        }
    }

    fn check(&self) {
        let live = &self.rig.live;
        live.assert_consistent();
        if live.phase() == Phase::Live {
            let something = !self.legs.is_empty() || !self.dials.is_empty();
            assert!(something || live.next_deadline().is_some(), "nothing would ever happen again");
            let talks = live.talks();
            if talks.is_changing {
                return;
            }
            let bridges = bridges(&self.rig);
            let mut expected: BTreeSet<(LegId, bool)> = BTreeSet::new();
            for (caller, other) in &talks.pairs {
                let together =
                    bridges.values().filter(|legs| legs.contains_key(caller) && legs.contains_key(other));
                assert_eq!(together.count(), 1, "{caller} and {other} hear each other: {bridges:?}");
                expected.extend([(*caller, true), (*other, true)]);
            }
            expected.extend(talks.supervisors.iter().copied());
            let actual: BTreeSet<(LegId, bool)> =
                bridges.values().flatten().map(|(leg, is_heard)| (*leg, *is_heard)).collect();
            assert_eq!(actual, expected, "who is in bridges: {talks:?}");
        }
    }

    fn check_end(&self) {
        let rig = &self.rig;
        assert!(rig.live.is_over());
        assert!(self.legs.is_empty(), "every leg is ended: {:?}", self.legs);
        assert!(self.all_dials.values().all(|count| *count == 1), "every call is answered or dropped, once");
        for leg in &self.all_legs {
            let closed = rig.count(|effect| matches!(effect, Effect::CloseMedia { leg: one } if one == leg));
            assert_eq!(closed, 1, "the media of {leg} is given up once");
        }
        let is_final = |report: &AgentReport| {
            matches!(
                report,
                AgentReport::Ended | AgentReport::Missed | AgentReport::Failed | AgentReport::Abandoned
            )
        };
        for offer in &self.offers {
            let reports: Vec<AgentReport> = super::ends::reports_on(rig, offer.number());
            let finals = reports.iter().filter(|report| is_final(report)).count();
            assert_eq!(finals, 1, "{offer} ends once: {reports:?}");
            assert!(reports.last().is_some_and(is_final), "{offer} is over with its end: {reports:?}");
        }
        let first = contacts(rig).first().map(|contact| contact.id);
        for contact in contacts(rig) {
            let count = |wanted: Stage| {
                let states = rig.states();
                states.iter().filter(|(stage, one)| *stage == wanted && one.id == contact.id).count()
            };
            // A callback is open before, and is in its queue again where no agent has taken it.
            let is_callback =
                contact.initiation_method == InitiationMethod::Callback && first == Some(contact.id);
            assert_eq!(count(Stage::Opened), usize::from(!is_callback), "{:?}", contact.initiation_method);
            let is_back = is_callback && contact.disconnect_timestamp.is_none();
            assert_eq!(count(Stage::Ended), usize::from(!is_back), "{:?}", contact.initiation_method);
            if let Some(part) = contact.agent.filter(|_| !is_back) {
                assert!(part.holds.iter().all(|hold| hold.to.is_some()), "every hold ends");
                assert!(part.left.is_some(), "every agent leaves");
            }
            if let Some(stay) = contact.queue.filter(|_| !is_back) {
                assert!(stay.dequeued.is_some(), "every stay in a queue ends");
            }
            assert!(contact.monitoring.iter().all(|state| state.to.is_some()));
            assert!(contact.captures.iter().all(|audio| audio.stop_timestamp.is_some()));
        }
        let opened = rig.count(|effect| matches!(effect, Effect::OpenCapture { .. }));
        let closed =
            rig.count(|effect| matches!(effect, Effect::CloseCapture { .. } | Effect::AbandonCapture { .. }));
        assert_eq!(opened, closed, "every capture ends once");
        let open: BTreeSet<ReferId> = rig.effects.iter().fold(BTreeSet::new(), |mut open, effect| {
            match effect {
                Effect::ReplyRefer { refer, status: 202, .. } => assert!(open.insert(*refer)),
                Effect::NotifyRefer { refer, status, .. } => {
                    assert!(open.contains(refer), "told of one that was taken");
                    if *status >= 200 {
                        open.remove(refer);
                    }
                }
                _ => {}
            }
            open
        });
        assert!(open.is_empty(), "every REFER that was taken hears its end");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// No order of events strands a caller, loses a leg, leaves a contact or a capture open, or an agent unreported.
    #[test]
    fn no_order_of_events_strands_a_party_or_leaves_a_contact_open(
        begins in any::<u8>(),
        kind in any::<u8>(),
        history in prop::collection::vec(any_thing(), 0..140),
        by_caller in any::<bool>(),
        late in prop::collection::vec(any_thing(), 0..10),
    ) {
        let mut world = World::new(begins, kind);
        world.check();
        for what in history {
            world.happens(what);
            world.check();
        }
        if by_caller && world.legs.remove(&LEG).is_some() {
            world.on(LEG, LegEvent::Ended(EndedBy::Peer));
        } else {
            world.input(Input::Stop);
        }
        for _ in 0..3 {
            if world.rig.live.phase() != Phase::Over {
                world.happens(Any::Deadline);
            }
        }
        prop_assert_eq!(world.rig.live.phase(), Phase::Over);
        for what in late {
            world.happens(what);
        }
        // Calls that were made ready too late are closed.
        world.check_end();
    }
}

#[test]
fn what_is_random_reaches_talks_transfers_third_parties_and_supervisors() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..200 {
        let history = (any::<u8>(), any::<u8>(), prop::collection::vec(any_thing(), 100..140));
        let (begins, kind, history) = history.new_tree(&mut runner).unwrap().current();
        let mut world = World::new(begins, kind);
        for what in history {
            world.happens(what);
        }
        let rig = &world.rig;
        let mut count = |what, is_so: bool| *reached.entry(what).or_default() += usize::from(is_so);
        let states = contacts(rig);
        let has = |method| states.iter().any(|contact| contact.initiation_method == method);
        count(
            "talks",
            states.iter().any(|one| one.agent.as_ref().is_some_and(|part| part.connected.is_some())),
        );
        count(
            "holds",
            states.iter().any(|one| one.agent.as_ref().is_some_and(|part| !part.holds.is_empty())),
        );
        count("transfers", has(InitiationMethod::Transfer));
        count("third parties", has(InitiationMethod::ExternalOutbound));
        count("third parties joined", states.iter().any(|one| one.transferred_to.is_some()));
        count("supervisors", states.iter().any(|one| !one.monitoring.is_empty()));
        count(
            "completed",
            states.iter().any(|one| {
                one.disconnect_reason == Some(DisconnectReason::AgentDisconnect)
                    && one.next_contact_id.is_some()
            }),
        );
        count("queue to queue", has(InitiationMethod::QueueTransfer));
        count("remains", has(InitiationMethod::Disconnect));
    }
    println!("{reached:?}");
    assert!(reached.values().all(|count| *count >= 2), "{reached:?}");
}
