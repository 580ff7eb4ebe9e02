//! A contact whose other ends are played by hand.

use super::ends;
use crate::fixtures::contact;
use crate::{
    AgentRef, CaptureEvent, Contact, ContactOptions, ContactSetup, CustomerAudio, DisconnectReason, Effect,
    EndedBy, HistoryError, Input, InstanceSettings, Leg, LegEvent, LegSpec, LiveContact, Now, Phase,
    PromptEvent, QueueRef, Reply, RoutedFlow, Stage, TransferTarget,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tympan_flow::{ContactChange, Flow, FlowIdentity, FlowType, Prompt, ResourceRef};
use tympan_telephony::Digit;
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_telephony::digit_source::DigitSource;
use tympan_telephony::rtp::ledger::Cause;
use tympan_telephony::sdp::LocalMedia;
use tympan_telephony::words::{MediaCommand, MediaEvent, Sound};
use tympan_types::{
    CaptureId, ContactId, FragmentNumber, InstanceId, InvocationId, LegId, Mono, PromptId, Redacted,
    RequestId, ServerTime, StreamArn, StreamSettings, WallTime, WriteId,
};

pub(super) const T0: i64 = 1_706_238_461_500;
pub(crate) const LEG: LegId = LegId::new(7);

/// What a telephone offers.
pub(crate) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

pub(crate) fn began() -> Now {
    Now { mono: Mono::from_millis(5_000), wall: WallTime::from_unix_ms(T0) }
}

pub(crate) fn local() -> LocalMedia {
    LocalMedia::new(SocketAddr::from(([198, 51, 100, 1], 20_000)), 9)
}

/// The settings of the instance, changeable in mid-call.
pub(crate) struct Settings {
    pub(super) streaming: Mutex<Option<StreamSettings>>,
    pub(super) functions: AtomicBool,
    pub(super) flows: BTreeMap<&'static str, Value>,
    /// What agents mean who dial this.
    pub(super) dialled: BTreeMap<&'static str, TransferTarget>,
    pub(super) agents: Vec<AgentRef>,
}

impl InstanceSettings for Settings {
    fn media_streaming(&self, _: InstanceId) -> Option<StreamSettings> {
        self.streaming.lock().unwrap().clone()
    }

    fn may_invoke(&self, _: InstanceId, _: &str) -> bool {
        self.functions.load(Ordering::Relaxed)
    }

    fn flow(&self, _: InstanceId, flow: &ResourceRef) -> Option<RoutedFlow> {
        self.flows.get(flow.id.as_str()).map(|document| routed(&flow.id, document))
    }

    fn module(&self, instance: InstanceId, module: &ResourceRef) -> Option<RoutedFlow> {
        let module = self.flow(instance, module)?;
        Some(RoutedFlow { flow_type: FlowType::Module, ..module })
    }

    fn queue(&self, _: InstanceId, queue: &ResourceRef) -> Option<QueueRef> {
        let is_known = queue.id == "arn:queue" || queue.name.as_deref() == Some("BasicQueue");
        is_known.then(|| QueueRef {
            arn: "arn:queue".to_owned(),
            name: "BasicQueue".to_owned(),
            hours_arn: Some("arn:hours".to_owned()),
            outbound_caller_id: Some("+18005550111".to_owned()),
            is_agents: false,
        })
    }

    fn default_flow(&self, instance: InstanceId, event: &str) -> Option<RoutedFlow> {
        self.flow(instance, &ResourceRef::of(event))
    }

    fn agent_queue(&self, instance: InstanceId, agent: &ResourceRef) -> Option<QueueRef> {
        let agent = self.agent(instance, agent)?;
        let (arn, name) = (agent.arn, String::new());
        Some(QueueRef { arn, name, hours_arn: None, outbound_caller_id: None, is_agents: true })
    }

    fn agent(&self, _: InstanceId, agent: &ResourceRef) -> Option<AgentRef> {
        self.agents.iter().find(|one| one.arn == agent.id || one.user_name == agent.id).cloned()
    }

    fn dialled(&self, _: InstanceId, _: &AgentRef, dialled: &str) -> Option<TransferTarget> {
        self.dialled.get(dialled).cloned()
    }

    fn are_open(&self, _: InstanceId, hours: &ResourceRef, now: WallTime) -> Option<bool> {
        (hours.id == "arn:hours").then(|| now.unix_ms() >= T0 + 60_000)
    }
}

/// An instance in which nothing is enabled.
pub(crate) fn no_settings() -> Arc<dyn InstanceSettings> {
    Arc::new(Settings {
        streaming: Mutex::new(None),
        functions: AtomicBool::new(false),
        flows: BTreeMap::new(),
        dialled: BTreeMap::new(),
        agents: Vec::new(),
    })
}

pub(super) fn routed(name: &str, document: &Value) -> RoutedFlow {
    let flow = Flow::parse(&document.to_string()).unwrap();
    RoutedFlow {
        flow: Arc::new(flow),
        flow_type: FlowType::ContactFlow,
        identity: FlowIdentity { arn: format!("arn:{name}"), name: name.to_owned() },
    }
}

/// A contact whose effects are taken down. Its states are written at once, unless they are held.
pub(crate) struct Rig {
    pub(super) live: LiveContact,
    pub(super) now: Now,
    pub(super) effects: Vec<Effect>,
    pub(super) settings: Arc<Settings>,
    /// Writes wait in here while they are held.
    pub(super) held: Option<Vec<WriteId>>,
    last_request: u64,
}

impl Rig {
    pub(super) fn new(document: &Value) -> Self {
        Self::with(document, Vec::new())
    }

    pub(super) fn with(document: &Value, flows: Vec<(&'static str, Value)>) -> Self {
        Self::of(document, flows, Some(OFFER), ContactOptions::default())
    }

    pub(super) fn of(
        document: &Value,
        flows: Vec<(&'static str, Value)>,
        offer: Option<&str>,
        options: ContactOptions,
    ) -> Self {
        let settings = Self::settings(flows);
        let flow = routed("first", document);
        let offer = offer.map(str::to_owned);
        let leg = LegSpec { id: LEG, local: local(), offer, digits: DigitSource::Both };
        let leg = Leg::invited(leg).unwrap();
        let setup = ContactSetup { contact: contact(), flow, leg, instance: settings.clone(), options };
        Self::around(LiveContact::new(began(), setup), settings)
    }

    /// An instance with these flows.
    pub(crate) fn settings(flows: Vec<(&'static str, Value)>) -> Arc<Settings> {
        let streaming = StreamSettings {
            name_prefix: "demo-connect-demo-contact-".to_owned(),
            retention_hours: 24,
            key_id: "alias/aws/kinesisvideo".to_owned(),
        };
        Arc::new(Settings {
            streaming: Mutex::new(Some(streaming)),
            functions: AtomicBool::new(true),
            flows: flows.into_iter().collect(),
            dialled: ends::dialled(),
            agents: vec![ends::ada(), ends::bob(), ends::eve()],
        })
    }

    /// A conversation that has just begun.
    pub(super) fn around(live: LiveContact, settings: Arc<Settings>) -> Self {
        let mut rig = Self { live, now: began(), effects: Vec::new(), settings, held: None, last_request: 0 };
        rig.drain();
        rig
    }

    /// A contact whose call was answered.
    pub(super) fn answered(document: &Value) -> Self {
        let mut rig = Self::new(document);
        rig.leg(LegEvent::Confirmed);
        rig
    }

    pub(super) fn handle(&mut self, input: Input) {
        self.live.handle(self.now, input);
        self.drain();
    }

    pub(super) fn leg(&mut self, event: LegEvent) {
        self.handle(Input::Leg { leg: LEG, event });
    }

    pub(super) fn media(&mut self, event: MediaEvent) {
        self.handle(Input::Media { leg: LEG, event });
    }

    pub(super) fn prompt(&mut self, prompt: PromptId, event: PromptEvent) {
        self.handle(Input::Prompt { prompt, event });
    }

    /// The caller hangs up.
    pub(super) fn hung_up(&mut self) {
        self.leg(LegEvent::Ended(EndedBy::Peer));
    }

    pub(super) fn drain(&mut self) {
        while let Some(effect) = self.live.poll() {
            let write = match &effect {
                Effect::Persist { write, .. } => Some(*write),
                _ => None,
            };
            self.effects.push(effect);
            match (write, &mut self.held) {
                (Some(write), Some(held)) => held.push(write),
                (Some(write), None) => self.live.handle(self.now, Input::Written { write, result: Ok(()) }),
                (None, _) => {}
            }
        }
    }

    /// The write that is under way ends so.
    pub(super) fn written(&mut self, result: Result<(), HistoryError>) {
        let write = self.held.as_mut().and_then(Vec::pop).expect("a write is under way");
        self.handle(Input::Written { write, result });
    }

    pub(super) fn set_attributes(&mut self, key: &str, value: &str) -> RequestId {
        self.last_request += 1;
        let request = RequestId::new(self.last_request);
        let changes = Redacted::new(BTreeMap::from([(key.to_owned(), value.to_owned())]));
        self.handle(Input::SetAttributes { request, changes });
        request
    }

    pub(super) fn change(&mut self, contact: ContactId, change: ContactChange) -> RequestId {
        self.last_request += 1;
        let request = RequestId::new(self.last_request);
        self.handle(Input::Change { request, contact, change: Box::new(change) });
        request
    }

    /// How many requests were made.
    pub(super) fn requests(&self) -> u64 {
        self.last_request
    }

    pub(super) fn reply(&self, which: RequestId) -> Option<Reply> {
        let mut replies = self.effects.iter().filter_map(|effect| match effect {
            Effect::Reply { request, reply } if *request == which => Some(reply.clone()),
            _ => None,
        });
        let reply = replies.next();
        assert_eq!(replies.next(), None, "one reply to a request");
        reply
    }

    pub(super) fn wait_ms(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
    }

    /// Milliseconds to the next deadline.
    pub(super) fn deadline_ms(&self) -> Option<i64> {
        Some(self.live.next_deadline()?.ms_since(self.now.mono))
    }

    /// Lets time pass up to the next deadline.
    pub(super) fn wait_for_deadline(&mut self) {
        self.wait_ms(self.deadline_ms().expect("a deadline"));
        self.handle(Input::TimePassed);
    }

    pub(super) fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub(super) fn find<T>(&self, pick: impl Fn(&Effect) -> Option<T>) -> Option<T> {
        self.effects.iter().rev().find_map(pick)
    }

    pub(super) fn count(&self, pick: impl Fn(&Effect) -> bool) -> usize {
        self.effects.iter().filter(|effect| pick(effect)).count()
    }

    pub(super) fn last_capture(&self) -> CaptureId {
        self.find(|effect| match effect {
            Effect::OpenCapture { capture, .. } => Some(*capture),
            _ => None,
        })
        .expect("a capture was asked for")
    }

    pub(super) fn last_prompt(&self) -> PromptId {
        self.find(|effect| match effect {
            Effect::Prepare { prompt, .. } => Some(*prompt),
            _ => None,
        })
        .expect("a prompt was asked for")
    }

    pub(super) fn capture(&mut self, event: CaptureEvent) {
        self.capture_late(self.last_capture().number(), event);
    }

    /// News of an earlier capture. With the end of its session comes what it cut.
    pub(super) fn capture_late(&mut self, capture: u64, event: CaptureEvent) {
        let (capture, is_over) = (CaptureId::new(capture), event == CaptureEvent::Closed);
        self.handle(Input::Capture { capture, event });
        if is_over {
            self.handle(Input::Capture { capture, event: CaptureEvent::Finished { ledger: ledger(8_000) } });
        }
    }

    /// A stream is leased and the lead-in acknowledged.
    pub(super) fn capture_runs(&mut self) {
        self.capture(CaptureEvent::Opened { stream: stream(1) });
        self.capture(CaptureEvent::Acknowledged { number: number(1) });
    }

    /// The prompt that was asked for begins to play.
    pub(super) fn prompt_begins(&mut self) -> PromptId {
        let prompt = self.last_prompt();
        self.prompt(prompt, PromptEvent::Prepared { sound: Sound::silence(1_000), note: None });
        prompt
    }

    /// The prompt that was asked for is prepared and heard to its end.
    pub(super) fn prompt_plays(&mut self) {
        let prompt = self.prompt_begins();
        self.wait_ms(1_000);
        self.media(MediaEvent::PromptFinished(prompt));
    }

    /// The prompt that plays is heard to its end, also where its beginning was taken down before.
    pub(super) fn prompt_plays_on(&mut self) {
        for prompt in (1..20).map(PromptId::new) {
            self.media(MediaEvent::PromptFinished(prompt));
        }
    }

    pub(super) fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            self.media(MediaEvent::Digit(Digit::from_char(key).unwrap()));
        }
    }

    /// The last attempt that was made, and what it sends.
    pub(super) fn attempt(&self) -> (InvocationId, u32, Value) {
        self.find(|effect| match effect {
            Effect::Invoke { invocation, attempt, event, .. } => {
                Some((*invocation, *attempt, serde_json::from_slice(event.expose()).unwrap()))
            }
            _ => None,
        })
        .expect("a function was invoked")
    }

    pub(super) fn lambda_returns(&mut self, answer: &str) {
        let (invocation, attempt, _) = self.attempt();
        let result = Ok(Redacted::new(answer.as_bytes().to_vec()));
        self.handle(Input::Attempt { invocation, attempt, result });
    }

    /// What the customer was last told.
    pub(super) fn said(&self) -> String {
        self.find(|effect| match effect {
            Effect::Prepare { content: Prompt::Text(text), .. } => Some(text.clone()),
            _ => None,
        })
        .unwrap_or_default()
    }

    pub(super) fn reasons(&self) -> Vec<String> {
        let entries = self.effects.iter().filter_map(|effect| match effect {
            Effect::Log(entry) => entry.get("Reason")?.as_str().map(str::to_owned),
            _ => None,
        });
        entries.collect()
    }

    pub(super) fn hangups(&self) -> Vec<DisconnectReason> {
        let hangups = self.effects.iter().filter_map(|effect| match effect {
            Effect::Hangup { reason, .. } => Some(*reason),
            _ => None,
        });
        hangups.collect()
    }

    /// The states that were written, oldest first.
    pub(super) fn states(&self) -> Vec<(Stage, Contact)> {
        let states = self.effects.iter().filter_map(|effect| match effect {
            Effect::Persist { stage, contact, .. } => Some((*stage, contact.as_ref().clone())),
            _ => None,
        });
        states.collect()
    }

    pub(super) fn ended(&self) -> Contact {
        assert_eq!(self.live.phase(), Phase::Over);
        let mut ended: Vec<Contact> = self
            .states()
            .into_iter()
            .filter(|(stage, _)| *stage == Stage::Ended)
            .map(|(_, contact)| contact)
            .collect();
        assert_eq!(ended.len(), 1, "a contact ends once");
        ended.remove(0)
    }

    pub(super) fn audio(&self) -> Option<&CustomerAudio> {
        self.live.contact().customer_audio()
    }

    pub(super) fn stopped_prompt(&self, which: PromptId) -> bool {
        self.count(|effect| {
            matches!(effect, Effect::Media { command: MediaCommand::Stop { prompt }, .. } if *prompt == which)
        }) > 0
    }
}

pub(super) fn number(sequence: u64) -> FragmentNumber {
    FragmentNumber::new(sequence, ServerTime::from_unix_ms(T0 + 1_000 * sequence as i64), 7)
}

pub(super) fn stream(nth: u8) -> StreamArn {
    let name = format!("demo-connect-demo-contact-{nth}b9f2d3c-7c39-4d4e-9f0a-2b1c3d4e5f60");
    StreamArn::parse(&format!("arn:aws:kinesisvideo:us-west-2:111122223333:stream/{name}/1706150000000"))
        .unwrap()
}

/// Of a capture of so many samples, of which the first 160 were not received.
pub(super) fn ledger(samples: u64) -> CaptureLedger {
    let mut ledger = CaptureLedger::default();
    ledger.silence(160, Cause::Start);
    ledger.received(samples - 160);
    ledger
}
