use super::{Instance, Parties};
use crate::sim::Random;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use tympan_contact::invoke::AttemptError;
use tympan_contact::{
    CaptureEvent, Contact, ContactOptions, ContactSetup, Effect, EndedBy, InitiationMethod, Input,
    InstanceRef, Leg, LegEvent, LegSpec, LiveContact, NewContact, Now, Phase, PromptEvent, RoutedFlow,
};
use tympan_flow::ssml::Piece;
use tympan_flow::{Prompt, TraceEntry, replay};
use tympan_telephony::Digit;
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_telephony::digit_source::DigitSource;
use tympan_telephony::sdp::LocalMedia;
use tympan_telephony::words::{MediaCommand, MediaEvent, Sound};
use tympan_types::{
    AccountId, CaptureId, ContactId, FragmentNumber, InstanceId, InvocationId, LegId, Mono, PromptId,
    Redacted, Region, ServerTime, StreamArn, WallTime,
};

pub(super) const LEG: LegId = LegId::new(3);
pub(super) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\n\
     a=rtpmap:101 telephone-event/8000\r\n";
/// 2026-01-05T10:00:00Z, a Monday.
const BEGAN_MS: i64 = 1_767_607_200_000;
/// A word takes so long to speak.
const WORD_MS: u32 = 300;
/// What a flow may log while its caller hears nothing: a block more than it may run, each with a few entries.
const SILENT_ENTRIES_MAX: usize = 3_000;
/// A wait of so long begins the count anew.
const WAITED_MS: i64 = 1_000;
/// Of a run that broke a promise, so many of its last lines are told.
const LINES_TOLD: usize = 30;
/// Prompts that a loop has at most, where the text names it once.
const LOOP_MAX: usize = 8;
/// Things that happen in one run.
const STEPS_MAX: usize = 200_000;

/// How the far ends behave.
#[derive(Clone, Default)]
pub struct Caller {
    /// What is typed each time that the flow waits for keys alone; then nothing.
    pub keys: VecDeque<String>,
    /// What functions return, by the last part of their ARN; the others fail.
    pub functions: BTreeMap<String, Value>,
    /// The caller hangs up after so long.
    pub patience_ms: Option<u64>,
    /// The routing, agents and third parties.
    pub parties: Parties,
    /// Chance in everything that is not said; without it all goes well.
    pub random: Option<Random>,
}

/// What came of a run.
pub struct Outcome {
    /// What the caller heard and did, and what each block did, line by line.
    pub lines: Vec<String>,
    /// The flow log.
    pub log: Vec<Value>,
    /// The contact at its end.
    pub contact: Arc<Contact>,
    /// The trace of the flow.
    pub trace: Vec<TraceEntry>,
    /// How long the call was.
    pub duration_ms: i64,
}

/// A call that a flow answers.
pub struct Run {
    live: LiveContact,
    now: Now,
    instance: Arc<Instance>,
    pub(super) caller: Caller,
    /// What will happen, by time and order.
    due: BTreeMap<(Mono, u64), Event>,
    order: u64,
    prompts: BTreeSet<PromptId>,
    pub(super) third_parties: BTreeSet<LegId>,
    pub(super) offers: u64,
    pub(super) dialled: u64,
    pub(super) lines: Vec<String>,
    log: Vec<Value>,
    trace: Vec<TraceEntry>,
    pub(super) silent_entries: usize,
    fragments: u64,
    broken: Option<String>,
    /// When an input began, or another telephone was dialled: the flow waits.
    waits_since: Option<WallTime>,
}

pub(super) enum Event {
    Input(Box<Input>),
    /// Only where it still plays.
    Heard(LegId, PromptId),
    HangsUp,
}

impl Run {
    /// Calls a flow, lets the call go to its end and repeats it from its trace.
    ///
    /// Errors: a promise that the run broke.
    pub fn call(instance: Instance, flow: RoutedFlow, caller: Caller) -> Result<Outcome, String> {
        let mut run = Self::new(instance, flow, caller);
        run.run_to_the_end()?;
        let outcome = Outcome {
            lines: run.lines,
            log: run.log,
            contact: run.live.contact().clone(),
            trace: run.trace,
            duration_ms: run.now.wall.ms_since(WallTime::from_unix_ms(BEGAN_MS)),
        };
        let instance = run.instance;
        replay(&outcome.trace, |_, sha256| instance.flow_of(sha256)).map_err(|error| error.to_string())?;
        Ok(outcome)
    }

    fn new(instance: Instance, flow: RoutedFlow, mut caller: Caller) -> Self {
        let now = Now { mono: Mono::from_millis(1_000), wall: WallTime::from_unix_ms(BEGAN_MS) };
        let id = caller.random.as_mut().map_or([7; 16], |random| {
            let (a, b) = (random.bits().to_be_bytes(), random.bits().to_be_bytes());
            std::array::from_fn(|index| if index < 8 { a[index] } else { b[index - 8] })
        });
        let instance = Arc::new(instance);
        let setup = ContactSetup {
            contact: contact(now.wall, ContactId::from_random(id)),
            flow,
            leg: Leg::invited(LegSpec {
                id: LEG,
                local: LocalMedia::new(SocketAddr::from(([198, 51, 100, 1], 20_000)), 9),
                offer: Some(OFFER.to_owned()),
                digits: DigitSource::Both,
            })
            .expect("the offer is a usable one"),
            instance: instance.clone(),
            options: ContactOptions { flow_traces: true, flow_log_values: true, ..ContactOptions::default() },
        };
        let mut run = Self {
            live: LiveContact::new(now, setup),
            now,
            instance,
            due: BTreeMap::new(),
            order: 0,
            prompts: BTreeSet::new(),
            third_parties: BTreeSet::new(),
            offers: 0,
            dialled: 0,
            lines: Vec::new(),
            log: Vec::new(),
            trace: Vec::new(),
            silent_entries: 0,
            waits_since: None,
            fragments: 0,
            broken: None,
            caller,
        };
        if let Some(ms) = run.caller.patience_ms {
            run.after(ms, Event::HangsUp);
        }
        run.input_after(0, Input::Leg { leg: LEG, event: LegEvent::Confirmed });
        run.drain();
        run
    }

    fn run_to_the_end(&mut self) -> Result<(), String> {
        for _ in 0..STEPS_MAX {
            if let Some(broken) = self.broken.take() {
                let runs = self.lines.chunk_by(|one, next| one == next);
                let told: Vec<String> = runs
                    .map(|run| format!("{} x {}", run.len(), run.first().map_or("", |line| line)))
                    .collect();
                let last = told.len().saturating_sub(LINES_TOLD);
                return Err(format!("{broken}; {}", told.get(last..).unwrap_or_default().join("; ")));
            }
            if self.live.is_over() {
                return Ok(());
            }
            let deadline = self.live.next_deadline();
            let next = self.due.keys().next().copied();
            let only_patience = self.due.len() <= 1 && self.due.values().all(|e| matches!(e, Event::HangsUp));
            match (next, deadline) {
                // The block waits for keys and nothing else is under way: the caller types.
                (_, Some(_)) if only_patience && self.live.phase() == Phase::Live && self.types() => {}
                (Some((at, _)), Some(deadline)) if deadline <= at => self.time_passes(deadline),
                (Some(key), _) => {
                    self.time_is(key.0);
                    if let Some(event) = self.due.remove(&key) {
                        self.happens(event);
                    }
                }
                (None, Some(deadline)) => self.time_passes(deadline),
                (None, None) => {
                    return Err("the call is stranded: nothing is due and it is not over".to_owned());
                }
            }
        }
        Err(format!("the call is not over after {STEPS_MAX} things that happened"))
    }

    fn time_is(&mut self, at: Mono) {
        let ms = at.ms_since(self.now.mono).max(0);
        self.now = self.now.plus_ms(ms);
    }

    fn time_passes(&mut self, deadline: Mono) {
        self.time_is(deadline);
        self.handle(Input::TimePassed);
    }

    pub(super) fn after(&mut self, ms: u64, event: Event) {
        self.order += 1;
        let at = self.now.mono.plus_ms(i64::try_from(ms).unwrap_or(i64::MAX));
        self.due.insert((at, self.order), event);
    }

    pub(super) fn input_after(&mut self, ms: u64, input: Input) {
        self.after(ms, Event::Input(Box::new(input)));
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Input(input) => self.handle(*input),
            Event::Heard(leg, prompt) if self.prompts.remove(&prompt) => {
                self.handle(Input::Media { leg, event: MediaEvent::PromptFinished(prompt) });
            }
            Event::Heard(..) => {}
            Event::HangsUp => {
                self.lines.push("the caller hangs up".to_owned());
                self.handle(Input::Leg { leg: LEG, event: LegEvent::Ended(EndedBy::Peer) });
            }
        }
    }

    /// Types the next keys; `false` where there are none.
    fn types(&mut self) -> bool {
        let by_chance = self.caller.random.as_mut().and_then(|random| {
            if !random.percent(70) {
                return None;
            }
            let length = random.between(1, 6);
            Some((0..length).map(|_| random.pick(&['0', '1', '2', '3', '9', '*', '#'])).collect::<String>())
        });
        let Some(keys) = self.caller.keys.pop_front().or(by_chance).filter(|keys| !keys.is_empty()) else {
            return false;
        };
        self.lines.push(format!("keys {keys}"));
        self.silent_entries = 0;
        for digit in keys.chars().filter_map(Digit::from_char) {
            self.now = self.now.plus_ms(100);
            self.handle(Input::Media { leg: LEG, event: MediaEvent::Digit(digit) });
        }
        true
    }

    fn handle(&mut self, input: Input) {
        self.live.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(effect) = self.live.poll() {
            self.perform(effect);
        }
    }

    /// True where chance lets something go wrong.
    pub(super) fn goes_wrong(&mut self, percent: u32) -> bool {
        self.caller.random.as_mut().is_some_and(|random| random.percent(percent))
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Prepare { prompt, content, .. } => self.prepare(prompt, &content),
            Effect::Media { leg, command: MediaCommand::Play { prompt, sound } } => {
                self.prompts.insert(prompt);
                self.after(u64::try_from(sound.duration_ms()).unwrap_or(0), Event::Heard(leg, prompt));
            }
            Effect::Media { leg, command: MediaCommand::Join { .. } } => {
                self.lines.push(joined(leg, "joins"))
            }
            Effect::Media { leg, command: MediaCommand::Leave } => self.lines.push(joined(leg, "leaves")),
            Effect::Media { leg, command: MediaCommand::Listen { listen, .. } } => {
                self.waits_since = Some(self.now.wall);
                self.listen(leg, listen);
            }
            Effect::Recognize { invocation, .. } => self.recognize(invocation),
            Effect::Routing(request) => self.route(request),
            Effect::Dial { dial, request } => {
                self.waits_since = Some(self.now.wall);
                self.dial(dial, &request);
            }
            Effect::Invite { leg, .. } => self.invite(leg),
            Effect::Media { command: MediaCommand::Stop { prompt }, .. } => {
                self.prompts.remove(&prompt);
            }
            Effect::Invoke { invocation, attempt, function_arn, limit_ms, .. } => {
                self.invoke(invocation, attempt, &function_arn, limit_ms);
            }
            Effect::OpenCapture { capture, .. } => self.open_capture(capture),
            Effect::CloseCapture { capture, .. } | Effect::AbandonCapture { capture, .. } => {
                self.lines.push("capture ends".to_owned());
                let ledger = CaptureLedger::default();
                self.input_after(5, Input::Capture { capture, event: CaptureEvent::Finished { ledger } });
                self.input_after(10, Input::Capture { capture, event: CaptureEvent::Closed });
            }
            Effect::Persist { write, .. } => {
                self.input_after(1, Input::Written { write, result: Ok(()) });
            }
            Effect::Hangup { leg, reason } => {
                if leg == LEG {
                    self.lines.push(format!("hang up: {reason}"));
                }
                let event = LegEvent::Ended(EndedBy::Us);
                self.input_after(1, Input::Leg { leg, event });
            }
            Effect::Log(entry) => {
                // A flow that waits does not turn.
                let waited_ms = self.waits_since.take().map_or(0, |since| self.now.wall.ms_since(since));
                self.silent_entries = if waited_ms >= WAITED_MS { 1 } else { self.silent_entries + 1 };
                if self.silent_entries > SILENT_ENTRIES_MAX {
                    self.broken = Some("the flow turns without end and its caller hears nothing".to_owned());
                }
                self.lines.push(line(&entry));
                self.log.push(entry);
            }
            Effect::Trace(entry) => self.trace.extend(TraceEntry::from_json(entry.expose())),
            _ => {}
        }
    }

    fn prepare(&mut self, prompt: PromptId, content: &Prompt) {
        let (line, ms) = heard(content);
        // The text names once what a loop of prompts plays again.
        let since = self.lines.iter().rev().take_while(|line| is_heard(line));
        if !since.take(LOOP_MAX).any(|told| *told == line) {
            self.lines.push(line);
        }
        self.silent_entries = 0;
        let event = if self.goes_wrong(5) {
            PromptEvent::Failed { reason: "simulated".to_owned() }
        } else {
            PromptEvent::Prepared { sound: Sound::silence(ms), note: None }
        };
        self.input_after(2, Input::Prompt { prompt, event });
    }

    fn invoke(&mut self, invocation: InvocationId, attempt: u32, function_arn: &str, limit_ms: u32) {
        let name = function_arn.rsplit(':').next().unwrap_or_default();
        self.lines.push(format!("calls {name}"));
        let mut ms = 50;
        let result = match self.caller.functions.get(name).cloned() {
            Some(Value::Null) => {
                ms = limit_ms.into();
                Err(AttemptError::TimedOut { limit_ms })
            }
            Some(answer) => Ok(Redacted::new(answer.to_string().into_bytes())),
            None if self.caller.random.is_some() && !self.goes_wrong(30) => {
                let answer = match self.caller.random.as_mut().map_or(0, |random| random.below(5)) {
                    0 => r#"{"a":{"b":[1,2.5,true]}}"#,
                    1 => "[]",
                    2 => "not json",
                    3 => r#"{"a":"1","b":2}"#,
                    _ => r#"{"a":"$.External.a","text":"<speak>&"}"#,
                };
                Ok(Redacted::new(answer.as_bytes().to_vec()))
            }
            None => Err(AttemptError::Refused { reason: "no such function".to_owned() }),
        };
        self.input_after(ms, Input::Attempt { invocation, attempt, result });
    }

    fn open_capture(&mut self, capture: CaptureId) {
        self.lines.push("capture begins".to_owned());
        if self.goes_wrong(10) {
            let event = CaptureEvent::Failed { reason: "simulated".to_owned() };
            return self.input_after(3, Input::Capture { capture, event });
        }
        let stream =
            "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-connect-demo-contact-x/1700000000000";
        let stream = StreamArn::parse(stream).expect("the ARN of a stream");
        self.input_after(3, Input::Capture { capture, event: CaptureEvent::Opened { stream } });
        self.fragments += 1;
        let at = ServerTime::from_unix_ms(self.now.wall.unix_ms());
        let number = FragmentNumber::new(self.fragments * 1_000 + 1, at, 7);
        self.input_after(6, Input::Capture { capture, event: CaptureEvent::Acknowledged { number } });
    }
}

fn is_heard(line: &str) -> bool {
    line.starts_with("says ") || line.starts_with("plays ")
}

/// What a prompt sounds like, in a line, and how long it takes.
pub(super) fn heard(content: &Prompt) -> (String, u32) {
    let line = match content {
        Prompt::Text(text) | Prompt::Ssml(text) => format!("says {text}"),
        Prompt::Audio { id, name } => format!("plays {}", name.as_ref().unwrap_or(id)),
    };
    let pieces = content.pieces().and_then(Result::ok).unwrap_or_default();
    let ms = pieces.iter().map(|piece| match piece {
        Piece::Silence { ms } | Piece::Bleep { ms } => *ms,
        Piece::Speech(text) => {
            WORD_MS.saturating_mul(u32::try_from(text.split_whitespace().count()).unwrap_or(1))
        }
    });
    (line, ms.fold(0, u32::saturating_add).max(WORD_MS))
}

fn joined(leg: LegId, what: &str) -> String {
    let who = if leg == LEG { "the caller" } else { "the other party" };
    format!("{who} {what} the bridge")
}

/// What a block did, in a line.
pub(super) fn line(entry: &Value) -> String {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let module = entry.get("ModuleExecutionStack").map_or("", |_| "  ");
    let (kind, block) = (text("ContactFlowModuleType"), text("Identifier").unwrap_or("-"));
    let mut line = format!("{module}{} [{block}]", kind.unwrap_or("-"));
    if let Some(results) = text("Results") {
        line.push_str(&format!(" -> {results}"));
    }
    if let (Some(key), Some(value)) =
        (entry["Parameters"]["Key"].as_str(), entry["Parameters"]["Value"].as_str())
    {
        line.push_str(&format!(" ({key}={value})"));
    }
    if let Some(reason) = text("Reason") {
        line.push_str(&format!(": {reason}"));
    }
    line
}

fn contact(now: WallTime, id: ContactId) -> Contact {
    Contact::new(
        now,
        NewContact {
            id,
            instance: InstanceRef {
                id: InstanceId::parse("11111111-2222-4333-8444-555555555555").expect("an id"),
                alias: "demo".to_owned(),
                account: AccountId::parse("111122223333").expect("an account"),
                region: Region::parse("us-west-2").expect("a region"),
            },
            initiation_method: InitiationMethod::Inbound,
            customer_number: Some(Redacted::new("+15555550123".to_owned())),
            system_number: Some(Redacted::new("+18005550100".to_owned())),
            sip_headers: BTreeMap::new(),
        },
    )
}
