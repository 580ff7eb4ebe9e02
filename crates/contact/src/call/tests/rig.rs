//! A call whose other ends are played by hand.

use crate::RoutedFlow;
use crate::call::CaptureEvent;
use crate::call::{Call, CallInput, CallOptions, CallOutput, CallSetup, CallState, InstanceSettings};
use crate::contact::tests::contact;
use crate::{Contact, CustomerAudio, DisconnectReason};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tympan_flow::{Flow, FlowIdentity, Prompt};
use tympan_telephony::Digit;
use tympan_telephony::words::Sound;
use tympan_types::StreamSettings;
use tympan_types::{
    CaptureId, FragmentNumber, InstanceId, InvocationId, PromptId, Redacted, ServerTime, StreamArn, WallTime,
};

pub(super) const T0: i64 = 1_706_238_461_500;

/// The settings of the instance, changeable in mid-call.
pub(super) struct Settings {
    pub(super) streaming: Mutex<Option<StreamSettings>>,
    pub(super) functions: AtomicBool,
    pub(super) flows: BTreeMap<&'static str, Value>,
}

impl InstanceSettings for Settings {
    fn media_streaming(&self, _: InstanceId) -> Option<StreamSettings> {
        self.streaming.lock().unwrap().clone()
    }

    fn may_invoke(&self, _: InstanceId, _: &str) -> bool {
        self.functions.load(Ordering::Relaxed)
    }

    fn flow(&self, _: InstanceId, id_or_arn: &str) -> Option<RoutedFlow> {
        self.flows.get(id_or_arn).map(|document| routed(id_or_arn, document))
    }
}

pub(super) fn routed(name: &str, document: &Value) -> RoutedFlow {
    let flow = Flow::parse(&document.to_string()).unwrap();
    RoutedFlow {
        flow: Arc::new(flow),
        identity: FlowIdentity { arn: format!("arn:{name}"), name: name.to_owned() },
    }
}

/// A call whose outputs are taken down.
pub(super) struct Rig {
    pub(super) call: Call,
    pub(super) now: WallTime,
    pub(super) outputs: Vec<CallOutput>,
    pub(super) settings: Arc<Settings>,
}

impl Rig {
    pub(super) fn new(document: &Value) -> Self {
        Self::with(document, Vec::new())
    }

    pub(super) fn with(document: &Value, flows: Vec<(&'static str, Value)>) -> Self {
        let streaming = StreamSettings {
            name_prefix: "demo-connect-demo-contact-".to_owned(),
            retention_hours: 24,
            key_id: "alias/aws/kinesisvideo".to_owned(),
        };
        let settings = Arc::new(Settings {
            streaming: Mutex::new(Some(streaming)),
            functions: AtomicBool::new(true),
            flows: flows.into_iter().collect(),
        });
        let now = WallTime::from_unix_ms(T0);
        let flow = routed("first", document);
        let instance = settings.clone();
        let setup = CallSetup { contact: contact(), flow, instance, options: CallOptions::default() };
        let mut rig = Self { call: Call::new(now, setup), now, outputs: Vec::new(), settings };
        rig.drain();
        rig
    }

    /// A call that was answered.
    pub(super) fn answered(document: &Value) -> Self {
        let mut rig = Self::new(document);
        rig.handle(CallInput::Answered);
        rig
    }

    pub(super) fn handle(&mut self, input: CallInput) {
        self.call.handle(self.now, input);
        self.drain();
    }

    pub(super) fn drain(&mut self) {
        while let Some(output) = self.call.poll() {
            self.outputs.push(output);
        }
    }

    pub(super) fn wait_ms(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
    }

    /// Lets time pass up to the next deadline.
    pub(super) fn wait_for_deadline(&mut self) {
        self.now = self.call.next_deadline().expect("a deadline");
        self.handle(CallInput::TimePassed);
    }

    pub(super) fn take(&mut self) -> Vec<CallOutput> {
        std::mem::take(&mut self.outputs)
    }

    pub(super) fn find<T>(&self, pick: impl Fn(&CallOutput) -> Option<T>) -> Option<T> {
        self.outputs.iter().rev().find_map(pick)
    }

    pub(super) fn last_capture(&self) -> CaptureId {
        self.find(|output| match output {
            CallOutput::OpenCapture { capture, .. } => Some(*capture),
            _ => None,
        })
        .expect("a capture was asked for")
    }

    pub(super) fn last_prompt(&self) -> PromptId {
        self.find(|output| match output {
            CallOutput::PreparePrompt { prompt, .. } => Some(*prompt),
            _ => None,
        })
        .expect("a prompt was asked for")
    }

    pub(super) fn capture(&mut self, event: CaptureEvent) {
        let capture = self.last_capture();
        self.handle(CallInput::Capture { capture, event });
    }

    pub(super) fn capture_late(&mut self, capture: u64, event: CaptureEvent) {
        self.handle(CallInput::Capture { capture: CaptureId::new(capture), event });
    }

    /// A stream is leased and the lead-in acknowledged.
    pub(super) fn capture_runs(&mut self) {
        self.capture(CaptureEvent::Opened { stream: stream(1) });
        self.capture(CaptureEvent::Acknowledged { number: number(1) });
    }

    /// The prompt that was asked for is prepared and heard to its end.
    pub(super) fn prompt_plays(&mut self) {
        let prompt = self.last_prompt();
        self.handle(CallInput::PromptPrepared { prompt, sound: Sound::silence(1_000), note: None });
        self.wait_ms(1_000);
        self.handle(CallInput::PromptFinished { prompt });
    }

    pub(super) fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            self.handle(CallInput::Digit(Digit::from_char(key).unwrap()));
        }
    }

    pub(super) fn lambda(&self) -> (InvocationId, Value) {
        self.find(|output| match output {
            CallOutput::InvokeLambda { invocation, event, .. } => Some((*invocation, event.expose().clone())),
            _ => None,
        })
        .expect("a function was invoked")
    }

    pub(super) fn lambda_returns(&mut self, answer: &str) {
        let (invocation, _) = self.lambda();
        let body = Redacted::new(answer.as_bytes().to_vec());
        self.handle(CallInput::LambdaReturned { invocation, body });
    }

    /// What the customer was last told.
    pub(super) fn said(&self) -> String {
        self.find(|output| match output {
            CallOutput::PreparePrompt { content: Prompt::Text(text), .. } => Some(text.clone()),
            _ => None,
        })
        .unwrap_or_default()
    }

    pub(super) fn reasons(&self) -> Vec<String> {
        let entries = self.outputs.iter().filter_map(|output| match output {
            CallOutput::FlowLog(entry) => entry.get("Reason")?.as_str().map(str::to_owned),
            _ => None,
        });
        entries.collect()
    }

    pub(super) fn hangups(&self) -> Vec<DisconnectReason> {
        let hangups = self.outputs.iter().filter_map(|output| match output {
            CallOutput::Hangup { reason } => Some(*reason),
            _ => None,
        });
        hangups.collect()
    }

    pub(super) fn ended(&self) -> Contact {
        assert_eq!(self.call.state(), CallState::Over);
        let ended: Vec<&Contact> = self
            .outputs
            .iter()
            .filter_map(|output| match output {
                CallOutput::ContactEnded(contact) => Some(contact.as_ref()),
                _ => None,
            })
            .collect();
        assert_eq!(ended.len(), 1, "a contact ends once");
        ended[0].clone()
    }

    pub(super) fn audio(&self) -> Option<&CustomerAudio> {
        self.call.contact().customer_audio()
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
