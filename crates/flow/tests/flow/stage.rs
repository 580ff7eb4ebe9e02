//! A scripted call: gives a flow its inputs, keeps its effects and its log.

use std::collections::BTreeMap;
use std::sync::Arc;

use tympan_flow::{
    Answer, CallMemory, CollectedInput, ContactView, Effect, Flow, FlowIdentity, FlowType, Input,
    Interpreter, LogEntry, Output, Prompt, Reference, RoutedFlow, TraceEntry, replay,
};
use tympan_types::WallTime;

/// What the contact knows, by canonical path: `$.Attributes.name`.
#[derive(Default, Clone)]
pub(crate) struct Contact(pub(crate) BTreeMap<String, String>);

impl ContactView for Contact {
    fn value(&self, reference: &Reference) -> Option<String> {
        self.0.get(&reference.to_string()).cloned()
    }
}

impl Contact {
    pub(crate) fn set(&mut self, path: &str, value: &str) {
        self.0.insert(path.to_owned(), value.to_owned());
    }
}

pub(crate) struct Stage {
    pub(crate) interpreter: Interpreter,
    pub(crate) contact: Contact,
    pub(crate) log: Vec<LogEntry>,
    trace: Vec<TraceEntry>,
    /// Every flow that ran, for the replay.
    flows: Vec<Arc<Flow>>,
    now: WallTime,
}

impl Stage {
    pub(crate) fn new(flow: Flow) -> Self {
        let identity = FlowIdentity { arn: "arn:flow".into(), name: "test".into() };
        let flow = Arc::new(flow);
        Self {
            interpreter: Interpreter::new(flow.clone(), identity).with_logging(true).with_trace(),
            contact: Contact::default(),
            log: Vec::new(),
            trace: Vec::new(),
            flows: vec![flow],
            now: WallTime::from_unix_ms(1_700_000_000_000),
        }
    }

    /// A stage for a flow of `fixtures/flows`.
    pub(crate) fn of(name: &str) -> Self {
        Self::new(fixture(name))
    }

    /// The same as a flow of this type.
    pub(crate) fn of_type(self, flow_type: FlowType) -> Self {
        self.changed(|interpreter| interpreter.with_flow_type(flow_type))
    }

    /// The same in a call in which a flow ran before.
    pub(crate) fn after(self, memory: CallMemory) -> Self {
        self.changed(|interpreter| interpreter.with_call_memory(memory))
    }

    fn changed(mut self, change: impl FnOnce(Interpreter) -> Interpreter) -> Self {
        let identity = self.interpreter.identity().clone();
        let placeholder = Interpreter::new(self.flows[0].clone(), identity);
        self.interpreter = change(std::mem::replace(&mut self.interpreter, placeholder));
        self
    }

    pub(crate) fn knowing(mut self, path: &str, value: &str) -> Self {
        self.contact.set(path, value);
        self
    }

    /// Gives an input two seconds later; the effect that follows.
    pub(crate) fn give(&mut self, input: Input) -> Option<Effect> {
        if let Input::Flow(flow) = &input {
            self.flows.push(flow.flow.clone());
        }
        self.now = self.now.plus_ms(2000);
        self.interpreter.handle(self.now, input, &self.contact);
        self.drain()
    }

    pub(crate) fn transfer(&mut self, flow: Flow) -> Option<Effect> {
        let identity = FlowIdentity { arn: "arn:next".into(), name: "next".into() };
        let flow_type = FlowType::ContactFlow;
        self.give(Input::Flow(RoutedFlow { flow: Arc::new(flow), identity, flow_type }))
    }

    pub(crate) fn start(&mut self) -> Option<Effect> {
        self.give(Input::Start)
    }

    pub(crate) fn done(&mut self) -> Option<Effect> {
        self.give(Input::Done)
    }

    pub(crate) fn fail(&mut self) -> Option<Effect> {
        self.give(Input::Failed { reason: "it broke".into() })
    }

    pub(crate) fn press(&mut self, digits: &str) -> Option<Effect> {
        self.give(Input::Input(CollectedInput::Digits(digits.into())))
    }

    pub(crate) fn wait(&mut self) -> Option<Effect> {
        self.give(Input::Input(CollectedInput::TimedOut))
    }

    fn drain(&mut self) -> Option<Effect> {
        let mut effect = None;
        while let Some(output) = self.interpreter.poll() {
            match output {
                Output::Effect(new) => assert!(effect.replace(new).is_none(), "two effects for one input"),
                Output::Log(entry) => self.log.push(entry),
                Output::Trace(entry) => self.trace.push(entry),
            }
        }
        effect
    }

    /// The answer to a module that was asked for.
    pub(crate) fn module(&mut self, name: &str, module: Flow) -> Option<Effect> {
        let identity = FlowIdentity { arn: format!("arn:{name}"), name: name.into() };
        let flow_type = FlowType::Module;
        self.give(Input::Flow(RoutedFlow { flow: Arc::new(module), identity, flow_type }))
    }

    pub(crate) fn answer(&mut self, answer: Answer) -> Option<Effect> {
        self.give(Input::Answer(answer))
    }

    /// The last entry's block, branch and reason.
    pub(crate) fn last_log(&self) -> (&str, Option<&str>, Option<&str>) {
        let entry = self.log.last().expect("something was logged");
        (entry.identifier.as_str(), entry.results.as_deref(), entry.reason.as_deref())
    }
}

/// Every run of a test can be repeated from its trace.
impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() || self.trace.is_empty() {
            return;
        }
        let flows = &self.flows;
        let flow_of = |_: &str, sha256: &str| flows.iter().find(|flow| flow.sha256() == sha256).cloned();
        let read = self.trace.iter().map(|entry| {
            let text = entry.to_json().to_string();
            TraceEntry::from_json(&serde_json::from_str(&text).expect("JSON")).expect("an entry")
        });
        assert_eq!(replay(&read.collect::<Vec<_>>(), flow_of), Ok(()));
    }
}

pub(crate) fn fixture_text(name: &str) -> String {
    let path = format!("{}/../../fixtures/flows/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn fixture(name: &str) -> Flow {
    Flow::parse(&fixture_text(name)).expect("a fixture is a flow")
}

/// A flow of 2019-10-30 with these actions, beginning with the first.
pub(crate) fn flow(actions: serde_json::Value) -> Flow {
    let start = actions[0]["Identifier"].clone();
    let document = serde_json::json!({ "Version": "2019-10-30", "StartAction": start, "Actions": actions });
    Flow::parse(&document.to_string()).expect("actions make a flow")
}

pub(crate) fn say(text: &str) -> Option<Effect> {
    Some(Effect::Play(Prompt::Text(text.into())))
}
