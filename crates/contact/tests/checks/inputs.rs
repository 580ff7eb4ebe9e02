//! A contact takes anything that its other ends may say, in any order, and none of it strands a caller.
//!
//! Shape of an input: a byte that chooses the flow, one of options, and then steps: a byte that chooses what happens and its arguments.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tympan_contact::invoke::AttemptError;
use tympan_contact::{
    CaptureEvent, Contact, ContactOptions, ContactSetup, Effect, EndedBy, HistoryError, InitiationMethod,
    Input, InstanceRef, InstanceSettings, Leg, LegEvent, LegSpec, LiveContact, NewContact, Now, Phase,
    PromptEvent, REQUESTS_MAX, Reply, RoutedFlow, Stage,
};
use tympan_flow::{Flow, FlowIdentity, FlowType, ResourceRef};
use tympan_telephony::Digit;
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_telephony::digit_source::DigitSource;
use tympan_telephony::sdp::LocalMedia;
use tympan_telephony::words::{MediaCommand, MediaEvent, Sound};
use tympan_types::{
    AccountId, CaptureId, ContactId, ExchangeId, FragmentNumber, InstanceId, InvocationId, LegId, ListenId,
    Mono, PromptId, Redacted, Region, RequestId, ServerTime, StreamArn, StreamSettings, WallTime, WriteId,
};

const LEG: LegId = LegId::new(3);
/// Steps of one input: further ones tell nothing new.
const STEPS_MAX: usize = 400;
/// Effects of one input. A flow that runs in circles is ended by the interpreter after 1,000 blocks, with an effect or two each.
const EFFECTS_MAX: usize = 4_000;

const OFFERS: [&str; 5] = [
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\n\
     a=rtpmap:101 telephone-event/8000\r\n",
    "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\na=sendonly\r\n",
    "v=0\r\no=- 1 3 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 40002 RTP/AVP 0\r\n",
    "v=0\r\no=- 1 4 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=video 40004 RTP/AVP 31\r\n",
    "nonsense",
];

/// Runs a whole contact.
pub(crate) fn check(input: &[u8]) {
    let mut bytes = input.iter().copied();
    let mut next = || bytes.next().unwrap_or(0);
    let (flow, options) = (next(), next());
    let mut run = Run::new(flow, options);
    for _ in 0..STEPS_MAX {
        let Some(step) = bytes.next() else { break };
        let mut arguments = || bytes.next().unwrap_or(0);
        run.step(step, &mut arguments);
    }
    run.finish();
}

/// What an instance answers: everything is enabled, one function is not.
struct Settings;

impl InstanceSettings for Settings {
    fn media_streaming(&self, _: InstanceId) -> Option<StreamSettings> {
        Some(StreamSettings { name_prefix: "p".into(), retention_hours: 24, key_id: "k".into() })
    }

    fn may_invoke(&self, _: InstanceId, function_arn: &str) -> bool {
        !function_arn.ends_with("forbidden")
    }

    fn flow(&self, _: InstanceId, flow: &ResourceRef) -> Option<RoutedFlow> {
        Some(routed(flow.id.parse().ok()?))
    }
}

/// How many flows there are.
const FLOWS: usize = 5;

fn routed(number: u8) -> RoutedFlow {
    static FLOW: [OnceLock<Arc<Flow>>; FLOWS] = [const { OnceLock::new() }; FLOWS];
    let number = usize::from(number) % FLOWS;
    let parse = || Arc::new(Flow::parse(&document(number).to_string()).expect("a flow of the check"));
    let identity = FlowIdentity { arn: format!("arn:{number}"), name: number.to_string() };
    RoutedFlow { flow: FLOW[number].get_or_init(parse).clone(), identity, flow_type: FlowType::ContactFlow }
}

fn action(id: &str, kind: &str, parameters: Value, next: &str) -> Value {
    let mut errors = vec![json!({ "ErrorType": "NoMatchingError", "NextAction": next })];
    if kind == "GetParticipantInput" && parameters["StoreInput"] == "False" {
        errors.extend(
            ["NoMatchingCondition", "InputTimeLimitExceeded"]
                .map(|kind| json!({ "ErrorType": kind, "NextAction": next })),
        );
    }
    json!({
        "Identifier": id, "Type": kind, "Parameters": parameters,
        "Transitions": { "NextAction": next, "Errors": errors, "Conditions": [] },
    })
}

fn say(id: &str, next: &str) -> Value {
    action(id, "MessageParticipant", json!({ "Text": id }), next)
}

fn streaming(id: &str, state: &str, directions: &[&str], next: &str) -> Value {
    let customer = json!([{ "ParticipantType": "Customer", "MediaDirections": directions }]);
    let parameters =
        json!({ "MediaStreamingState": state, "MediaStreamType": "Audio", "Participants": customer });
    action(id, "UpdateContactMediaStreamingBehavior", parameters, next)
}

fn invoke(id: &str, function: &str, next: &str) -> Value {
    let function = format!("arn:aws:lambda:us-west-2:111122223333:function:{function}");
    let parameters = json!({ "LambdaFunctionARN": function, "InvocationTimeLimitSeconds": "3" });
    action(id, "InvokeLambdaFunction", parameters, next)
}

fn menu(id: &str, next: &str) -> Value {
    let parameters = json!({ "Text": id, "InputTimeLimitSeconds": "5", "StoreInput": "False" });
    action(id, "GetParticipantInput", parameters, next)
}

fn ask(id: &str, next: &str) -> Value {
    let parameters = json!({
        "Text": id, "InputTimeLimitSeconds": "5", "StoreInput": "True",
        "InputValidation": { "CustomValidation": { "MaximumLength": "4" } },
        "DTMFConfiguration": { "InputTerminationSequence": "#", "InterdigitTimeLimitSeconds": "2" },
    });
    action(id, "GetParticipantInput", parameters, next)
}

fn document(number: usize) -> Value {
    let set = action(
        "set",
        "UpdateContactAttributes",
        json!({ "Attributes": { "a": "$.StoredCustomerInput" } }),
        "menu",
    );
    let go = |to: &str| action("go", "TransferToFlow", json!({ "ContactFlowId": to }), "end");
    let blocks = match number {
        0 => vec![
            say("hello", "start"),
            streaming("start", "Enabled", &["From"], "tell"),
            invoke("tell", "f", "menu"),
            menu("menu", "stop"),
            streaming("stop", "Disabled", &["From"], "end"),
        ],
        1 => vec![ask("ask", "set"), set, menu("menu", "go"), go("0")],
        2 => vec![
            streaming("start", "Enabled", &["From", "To"], "half"),
            streaming("half", "Disabled", &["To"], "again"),
            streaming("again", "Enabled", &["From"], "talk"),
            say("talk", "off"),
            streaming("off", "Disabled", &["From"], "start"),
        ],
        3 => vec![invoke("f", "forbidden", "g"), invoke("g", "g", "f")],
        _ => vec![set, menu("menu", "set")],
    };
    let end =
        json!({ "Identifier": "end", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} });
    let blocks: Vec<Value> = blocks.into_iter().chain([end]).collect();
    json!({ "Version": "2019-10-30", "StartAction": blocks[0]["Identifier"], "Actions": blocks, "Metadata": {} })
}

struct Run {
    live: LiveContact,
    now: Now,
    has_left: bool,
    sequence: u64,
    media: Media,
    captures: BTreeMap<CaptureId, Capture>,
    prompts: BTreeSet<PromptId>,
    attempt: Option<(InvocationId, u32)>,
    under_way: Option<WriteId>,
    last_written: Option<(Stage, Arc<Contact>)>,
    stages: Vec<Stage>,
    exchanges: BTreeSet<ExchangeId>,
    requests: BTreeSet<RequestId>,
    hangups: usize,
}

#[derive(PartialEq)]
enum Media {
    Reserved,
    Open,
    Closed,
}

#[derive(Default)]
struct Capture {
    opened: usize,
    attached: usize,
    closed: bool,
}

impl Run {
    fn new(flow: u8, options: u8) -> Self {
        let now = Now { mono: Mono::from_millis(1_000), wall: WallTime::from_unix_ms(1_706_238_461_500) };
        let contact = Contact::new(
            now.wall,
            NewContact {
                id: ContactId::from_random([1; 16]),
                instance: InstanceRef {
                    id: InstanceId::from_random([2; 16]),
                    alias: "demo".into(),
                    account: AccountId::parse("111122223333").expect("an account"),
                    region: Region::parse("us-west-2").expect("a region"),
                },
                initiation_method: InitiationMethod::Inbound,
                customer_number: None,
                system_number: None,
                sip_headers: BTreeMap::new(),
            },
        );
        let digits = match options >> 2 & 3 {
            0 | 1 => DigitSource::Both,
            2 => DigitSource::Rtp,
            _ => DigitSource::Info,
        };
        let leg = Leg::invited(LegSpec {
            id: LEG,
            local: LocalMedia::new(SocketAddr::from(([198, 51, 100, 1], 20_000)), 9),
            offer: (options & 1 == 0).then(|| OFFERS[0].to_owned()),
            digits,
        });
        let setup = ContactSetup {
            contact,
            flow: routed(flow),
            leg: leg.expect("a usable offer"),
            instance: Arc::new(Settings),
            options: ContactOptions { keys_ahead: options & 2 == 0, ..ContactOptions::default() },
        };
        let mut run = Self {
            live: LiveContact::new(now, setup),
            now,
            has_left: false,
            sequence: 0,
            media: Media::Reserved,
            captures: BTreeMap::new(),
            prompts: BTreeSet::new(),
            attempt: None,
            under_way: None,
            last_written: None,
            stages: Vec::new(),
            exchanges: BTreeSet::new(),
            requests: BTreeSet::new(),
            hangups: 0,
        };
        run.drain();
        run
    }

    fn step(&mut self, step: u8, next: &mut impl FnMut() -> u8) {
        self.sequence += 1;
        let exchange = ExchangeId::new(self.sequence + 1);
        let reason = || "it broke".to_owned();
        match step % 16 {
            0 => self.leg(LegEvent::Confirmed),
            1 => {
                self.exchanges.insert(exchange);
                let sdp = OFFERS[usize::from(next()) % OFFERS.len()].to_owned();
                self.leg(LegEvent::Offered { exchange, sdp });
            }
            2 => {
                self.exchanges.insert(exchange);
                self.leg(LegEvent::OfferWanted { exchange });
            }
            3 => {
                let sdp = OFFERS[usize::from(next()) % OFFERS.len()].to_owned();
                self.leg(LegEvent::Answered { exchange, sdp });
            }
            4 => self.leg(LegEvent::OfferFailed),
            5 => {
                let argument = next();
                let digit = Digit::from_event(argument & 15).expect("a key");
                if argument & 16 == 0 {
                    self.media(MediaEvent::Digit(digit));
                } else {
                    self.leg(LegEvent::Info(digit));
                }
            }
            6 => {
                let prompt = PromptId::new(
                    self.prompts.len() as u64 - u64::from(next() & 1).min(self.prompts.len() as u64),
                );
                match next() % 3 {
                    0 => self.prompt(
                        prompt,
                        PromptEvent::Prepared { sound: Sound::silence(100), note: Some(reason()) },
                    ),
                    1 => self.prompt(prompt, PromptEvent::Failed { reason: reason() }),
                    _ => self.media(MediaEvent::PromptFinished(prompt)),
                }
            }
            7 => {
                let Some((invocation, attempt)) = self.attempt else { return };
                let (which, what) = (next(), next());
                let attempt = attempt.saturating_sub(u32::from(which & 1));
                let result = match what % 5 {
                    0 => Ok(Redacted::new(b"{\"a\":\"b\"}".to_vec())),
                    1 => Ok(Redacted::new(vec![b'['; usize::from(what) * 200])),
                    2 => Err(AttemptError::Transient { reason: reason() }),
                    3 => Err(AttemptError::TimedOut { limit_ms: 3_000 }),
                    _ => Err(AttemptError::Refused { reason: reason() }),
                };
                self.handle(Input::Attempt { invocation, attempt, result });
            }
            8 | 9 => {
                let (which, what) = (next(), next());
                let capture =
                    CaptureId::new((self.captures.len() as u64).saturating_sub(u64::from(which & 3)));
                self.capture(capture, what);
            }
            10 => {
                if let Some(write) = self.under_way {
                    let result =
                        if next() & 1 == 0 { Ok(()) } else { Err(HistoryError { message: reason() }) };
                    self.under_way = None;
                    self.handle(Input::Written { write, result });
                }
            }
            11 => {
                let request = RequestId::new(self.sequence);
                self.requests.insert(request);
                let value = "x".repeat(usize::from(next()) * 150);
                let changes = Redacted::new(BTreeMap::from([("k".to_owned(), value)]));
                self.handle(Input::SetAttributes { request, changes });
                assert!(self.requests.len() <= REQUESTS_MAX);
            }
            12 => {
                self.now = self.now.plus_ms(i64::from(next()) * 50);
                if next() & 1 == 0 {
                    self.handle(Input::TimePassed);
                }
            }
            13 => {
                if let Some(deadline) = self.live.next_deadline() {
                    self.time_passes(deadline);
                }
            }
            14 => {
                let listen = ListenId::new(1);
                let heard = MediaEvent::Heard { listen, utterance: Sound::silence(20), cut: false };
                let event = [MediaEvent::SpeechBegan { listen }, heard, MediaEvent::MediaTimedOut];
                // The end of everything is the rarest.
                match next() {
                    0 => self.media(event[2].clone()),
                    1 => self.leg(LegEvent::MediaLost),
                    2 => self.handle(Input::Stop),
                    3 => self.handle(Input::Drain { until: self.now.mono.plus_ms(i64::from(next()) * 100) }),
                    by @ 4..10 => self.leave(match by {
                        4 => EndedBy::Cancelled,
                        5 => EndedBy::Failure,
                        6 => EndedBy::Peer,
                        7 => EndedBy::SessionExpired,
                        8 => EndedBy::TooLong,
                        _ => EndedBy::Us,
                    }),
                    other => self.media(event[usize::from(other & 1)].clone()),
                }
            }
            _ => {
                // Nothing of another leg, prompt, invocation or writing is this contact's.
                let leg = LegId::new(LEG.number() + 1);
                self.handle(Input::Leg { leg, event: LegEvent::Ended(EndedBy::Peer) });
                self.handle(Input::Media { leg, event: MediaEvent::MediaTimedOut });
                self.handle(Input::Written { write: WriteId::new(u64::MAX), result: Ok(()) });
                self.prompt(PromptId::new(u64::MAX), PromptEvent::Failed { reason: reason() });
            }
        }
    }

    fn capture(&mut self, capture: CaptureId, what: u8) {
        let stream = format!("arn:aws:kinesisvideo:us-west-2:111122223333:stream/s{}/1", what >> 6);
        let number = |sequence| FragmentNumber::new(sequence, ServerTime::from_unix_ms(1_706_238_461_500), 7);
        let event = match what % 8 {
            0 | 1 => {
                if let Some(capture) = self.captures.get_mut(&capture) {
                    capture.opened += 1;
                }
                CaptureEvent::Opened { stream: StreamArn::parse(&stream).expect("a stream") }
            }
            2..5 => CaptureEvent::Acknowledged { number: number(self.sequence) },
            5 => CaptureEvent::Failed { reason: "it broke".to_owned() },
            6 => CaptureEvent::Closed,
            _ => CaptureEvent::Finished { ledger: CaptureLedger::default() },
        };
        self.handle(Input::Capture { capture, event });
    }

    fn leg(&mut self, event: LegEvent) {
        self.handle(Input::Leg { leg: LEG, event });
    }

    fn leave(&mut self, by: EndedBy) {
        self.has_left = true;
        self.leg(LegEvent::Ended(by));
    }

    fn media(&mut self, event: MediaEvent) {
        self.handle(Input::Media { leg: LEG, event });
    }

    fn prompt(&mut self, prompt: PromptId, event: PromptEvent) {
        self.handle(Input::Prompt { prompt, event });
    }

    fn handle(&mut self, input: Input) {
        self.live.handle(self.now, input);
        self.drain();
        match self.live.phase() {
            Phase::Over => assert_eq!(self.live.next_deadline(), None),
            _ => assert!(self.live.next_deadline().is_some(), "nothing would ever happen again"),
        }
    }

    /// Time passes up to a deadline, and is then not asked for again and again.
    fn time_passes(&mut self, deadline: Mono) {
        self.now = self.now.plus_ms(deadline.ms_since(self.now.mono).saturating_add(1));
        for _ in 0..20 {
            self.handle(Input::TimePassed);
            if self.live.next_deadline().is_none_or(|deadline| deadline > self.now.mono) {
                return;
            }
        }
        panic!("a deadline that stays in the past");
    }

    fn drain(&mut self) {
        for count in 0.. {
            assert!(count < EFFECTS_MAX, "an input has no end of effects");
            let Some(effect) = self.live.poll() else { return };
            self.done(effect);
        }
    }

    fn done(&mut self, effect: Effect) {
        match effect {
            Effect::Answer { leg: LEG, sdp } => assert!(sdp.starts_with("v=0")),
            Effect::OpenMedia { leg: LEG, .. } => {
                assert!(self.media == Media::Reserved);
                self.media = Media::Open;
            }
            Effect::CloseMedia { leg: LEG } => {
                assert!(self.media != Media::Closed);
                self.media = Media::Closed;
            }
            Effect::Media { leg: LEG, command } => {
                assert!(self.media == Media::Open, "a command for no media");
                if let MediaCommand::Play { prompt, .. } | MediaCommand::Stop { prompt } = command {
                    assert!(self.prompts.contains(&prompt));
                }
            }
            Effect::Hangup { leg: LEG, .. } => {
                assert!(!self.has_left, "the caller is gone already");
                self.hangups += 1;
            }
            Effect::ReplyOffer { leg: LEG, exchange, .. } | Effect::RefuseOffer { leg: LEG, exchange } => {
                assert!(self.exchanges.remove(&exchange), "an offer is answered once");
            }
            Effect::OpenCapture { leg: LEG, capture, .. } => {
                assert!(self.media == Media::Open);
                assert!(self.captures.insert(capture, Capture::default()).is_none());
            }
            Effect::CloseCapture { leg: LEG, capture } | Effect::AbandonCapture { leg: LEG, capture } => {
                let capture = self.captures.get_mut(&capture).expect("a capture");
                assert!(!std::mem::replace(&mut capture.closed, true), "a capture ends once");
            }
            Effect::AttachUpload { leg: LEG, capture } => {
                let capture = self.captures.get_mut(&capture).expect("a capture");
                capture.attached += 1;
                assert!(capture.attached == 1 && capture.opened > 0);
            }
            Effect::CaptureOnly { leg: LEG, capture, .. } => {
                assert!(self.captures.get(&capture).is_some_and(|capture| !capture.closed));
            }
            Effect::Prepare { prompt, .. } => {
                assert!(self.prompts.insert(prompt), "a prompt is asked for once")
            }
            Effect::Invoke { invocation, attempt, limit_ms, .. } => {
                assert!((1..=3).contains(&attempt) && (1..=8_000).contains(&limit_ms));
                self.attempt = Some((invocation, attempt));
            }
            Effect::Persist { write, stage, contact } => {
                assert!(self.under_way.replace(write).is_none(), "one write at a time");
                self.stages.push(stage);
                self.last_written = Some((stage, contact));
            }
            Effect::Reply { request, reply } => {
                assert!(self.requests.remove(&request), "a request is answered once");
                assert!(reply != Reply::Over || self.live.phase() == Phase::Over);
            }
            Effect::DropUpload { .. }
            | Effect::RejectAnswer { leg: LEG, .. }
            | Effect::Log(_)
            | Effect::Trace(_) => {}
            other => panic!("it names another leg: {other:?}"),
        }
    }

    /// The caller hangs up, time passes, and all that is under way comes to its end.
    fn finish(mut self) {
        if !self.has_left {
            self.leave(EndedBy::Peer);
        }
        for _ in 0..20 {
            let Some(deadline) = self.live.next_deadline() else { break };
            self.time_passes(deadline);
        }
        while let Some(write) = self.under_way.take() {
            self.handle(Input::Written { write, result: Ok(()) });
        }
        assert!(self.live.is_over() && self.media == Media::Closed && self.hangups <= 1);
        assert!(self.exchanges.is_empty() && self.requests.is_empty());
        assert!(self.captures.values().all(|capture| capture.closed));
        let contact = self.live.contact();
        for audio in &contact.captures {
            assert!(audio.stop_timestamp.is_some());
            assert!(audio.stop_fragment_number >= Some(audio.start_fragment_number));
        }
        let Some((_, last)) = self.last_written else {
            return assert!(contact.connected_to_system_timestamp.is_none());
        };
        assert_eq!(&last, contact, "the history has the last state");
        assert!(self.stages.contains(&Stage::Ended));
    }
}
