//! The other parties of a simulated call: the routing, agents' telephones and third parties, played by a script.

use super::Instance;
use super::run::{Event, LEG, OFFER, Run};
use serde_json::json;
use std::collections::VecDeque;
use std::net::SocketAddr;
use tympan_contact::{
    AgentRef, DialRequest, DialTarget, DialledLeg, EndedBy, Input, LegEvent, RoutingEvent, RoutingRefusal,
    RoutingRequest,
};
use tympan_lex::turn::{RecognizeError, Reply};
use tympan_telephony::digit_source::DigitSource;
use tympan_telephony::sdp::LocalMedia;
use tympan_telephony::words::{MediaEvent, Sound};
use tympan_types::{ContactId, DialId, ExchangeId, InvocationId, LegId, ListenId, OfferId, ResourceId};

/// How the other parties behave.
#[derive(Debug, Clone, Default)]
pub struct Parties {
    /// The queue is full.
    pub is_full: bool,
    /// After so long in its queue the contact is offered to an agent, who answers.
    pub agent_after_ms: Option<u64>,
    /// The caller speaks to a bot, which understands these intents, one after the other; then the caller is silent.
    pub intents: VecDeque<String>,
}

/// A caller without a patience of its own waits, and talks, as long as this.
const STAYS_MS: u64 = 60_000;
const RINGS_MS: u64 = 2_000;
const SPEAKS_AFTER_MS: u64 = 500;
const SPEAKS_MS: u32 = 700;
/// How long a third party talks.
const TALKS_MS: u64 = 20_000;

/// The agent of simulated calls.
pub(super) fn ada() -> AgentRef {
    AgentRef {
        id: ResourceId::from_random([9; 16]),
        arn: format!("{}/agent/ada", Instance::ARN),
        user_name: "ada".to_owned(),
        first_name: "Ada".to_owned(),
        last_name: "Lovelace".to_owned(),
        routing_profile_arn: format!("{}/routing-profile/basic", Instance::ARN),
        routing_profile_name: "Basic Routing Profile".to_owned(),
    }
}

impl Run {
    pub(super) fn route(&mut self, request: RoutingRequest) {
        match request {
            RoutingRequest::Enqueue { contact, .. } => self.enqueue(contact),
            RoutingRequest::OfferTo { contact, .. } | RoutingRequest::Occupy { contact, .. } => {
                if self.goes_wrong(20) {
                    let refusal = RoutingRefusal::AgentNotAvailable;
                    return self.news_after(5, RoutingEvent::Refused { contact, refusal });
                }
                self.offer_after(5, contact);
            }
            RoutingRequest::Report { report, .. } => self.lines.push(format!("agent: {report:?}")),
            RoutingRequest::Leave { .. } => self.lines.push("leaves the queue".to_owned()),
            RoutingRequest::Callback(request) => {
                self.lines.push(format!("callback to {}, {} attempts", request.queue.name, request.attempts))
            }
            RoutingRequest::Update { .. } => {}
            // A callback is made in a conversation of its own.
            RoutingRequest::CallAgain { .. } => {}
        }
    }

    fn enqueue(&mut self, contact: ContactId) {
        if self.caller.parties.is_full || self.goes_wrong(20) {
            let refusal = RoutingRefusal::AtCapacity;
            return self.news_after(5, RoutingEvent::Refused { contact, refusal });
        }
        self.lines.push("waits in the queue".to_owned());
        self.news_after(5, RoutingEvent::Queued { contact });
        let by_chance = self
            .caller
            .random
            .as_mut()
            .and_then(|random| random.percent(60).then(|| random.between(1, 60_000)));
        match self.caller.parties.agent_after_ms.or(by_chance) {
            Some(ms) => self.offer_after(ms, contact),
            None => self.stays(),
        }
    }

    fn offer_after(&mut self, ms: u64, contact: ContactId) {
        self.offers += 1;
        let offer = OfferId::new(self.offers);
        let agent = ada();
        let (ring_limit_ms, accepts_by_itself) = (20_000, false);
        self.news_after(
            ms,
            RoutingEvent::Offered { contact, offer, agent, ring_limit_ms, accepts_by_itself },
        );
        self.stays();
    }

    /// Every call comes to an end.
    fn stays(&mut self) {
        let waits_ms = self.caller.parties.agent_after_ms.unwrap_or(0);
        if self.caller.patience_ms.is_none() {
            self.after(waits_ms.saturating_add(STAYS_MS), Event::HangsUp);
        }
    }

    fn news_after(&mut self, ms: u64, event: RoutingEvent) {
        self.input_after(ms, Input::Routing(event));
    }

    pub(super) fn dial(&mut self, dial: DialId, request: &DialRequest) {
        let whom = match &request.target {
            DialTarget::Agent(agent) => format!("rings agent {}", agent.user_name),
            DialTarget::Number(number) => format!("rings {}", number.expose()),
            DialTarget::Referred { .. } => "rings the target of a REFER".to_owned(),
        };
        self.lines.push(whom);
        if self.goes_wrong(10) {
            return self.input_after(2, Input::DialFailed { dial, reason: "simulated".to_owned() });
        }
        self.dialled += 1;
        let id = LegId::new(self.dialled + 100);
        if !matches!(request.target, DialTarget::Agent(_)) {
            self.third_parties.insert(id);
        }
        let port = u16::try_from(20_000 + self.dialled % 10_000 * 2).unwrap_or(20_000);
        let local = LocalMedia::new(SocketAddr::from(([198, 51, 100, 1], port)), self.dialled);
        let legs = vec![DialledLeg { id, local, digits: DigitSource::Both }];
        self.input_after(2, Input::DialReady { dial, legs });
    }

    pub(super) fn invite(&mut self, leg: LegId) {
        let on = |event: LegEvent| Input::Leg { leg, event };
        self.input_after(10, on(LegEvent::Ringing { status: 180, sdp: None }));
        if self.goes_wrong(15) {
            return self.input_after(RINGS_MS, on(LegEvent::Ended(EndedBy::Refused(486))));
        }
        let answer = LegEvent::Answered { exchange: ExchangeId::new(1), sdp: OFFER.to_owned() };
        self.input_after(RINGS_MS, on(answer));
        self.input_after(RINGS_MS + 1, on(LegEvent::Confirmed));
        if self.third_parties.contains(&leg) || self.goes_wrong(30) {
            self.input_after(RINGS_MS + TALKS_MS, on(LegEvent::Ended(EndedBy::Peer)));
        }
        self.silent_entries = 0;
    }

    /// The caller speaks, where the script or chance has something to say.
    pub(super) fn listen(&mut self, leg: LegId, listen: ListenId) {
        let speaks = !self.caller.parties.intents.is_empty() || self.goes_wrong(70);
        if leg != LEG || !speaks {
            return;
        }
        self.lines.push("the caller speaks".to_owned());
        self.silent_entries = 0;
        let on = |event: MediaEvent| Input::Media { leg, event };
        self.input_after(SPEAKS_AFTER_MS, on(MediaEvent::SpeechBegan { listen }));
        let utterance = Sound::silence(SPEAKS_MS);
        let heard = MediaEvent::Heard { listen, utterance, cut: false };
        self.input_after(SPEAKS_AFTER_MS + u64::from(SPEAKS_MS), on(heard));
    }

    pub(super) fn recognize(&mut self, invocation: InvocationId) {
        let by_chance = |run: &mut Self| {
            let random = run.caller.random.as_mut()?;
            random.percent(70).then(|| random.pick(&["Order", "Cancel", "1"]).to_owned())
        };
        let result = match self.caller.parties.intents.pop_front().or_else(|| by_chance(self)) {
            Some(intent) => {
                let session = json!({
                    "dialogAction": { "type": "Close" },
                    "intent": { "name": intent, "state": "ReadyForFulfillment", "slots": {} },
                });
                let session_state = serde_json::from_value(session).unwrap_or_default();
                Ok(Box::new(Reply { session_state, ..Reply::default() }))
            }
            None => Err(RecognizeError::Unreachable("simulated".to_owned())),
        };
        let answer = match &result {
            Ok(_) => "the bot answers",
            Err(_) => "the bot is away",
        };
        self.lines.push(answer.to_owned());
        self.input_after(300, Input::Recognized { invocation, result });
    }
}
