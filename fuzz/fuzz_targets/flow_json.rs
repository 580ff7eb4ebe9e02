//! Any text as a flow: an error, or a flow that validates, draws and runs without panic and without end.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use tympan_flow::{
    BotOutcome, ContactView, Effect, ErrorType, Flow, FlowIdentity, FlowType, Input, Interpreter, Output, Reference,
};
use tympan_types::WallTime;

struct Nothing;

impl ContactView for Nothing {
    fn value(&self, _reference: &Reference) -> Option<String> {
        None
    }
}

fuzz_target!(|content: &str| {
    let Ok(flow) = Flow::parse(content) else { return };
    for problem in flow.problems() {
        assert!(!problem.path.is_empty() && !problem.message.is_empty());
    }
    let _ = (flow.to_dot(), flow.to_mermaid());
    // Each content runs as one type: which one, its length says.
    let kinds = FlowType::ALL;
    let kind = kinds[content.len() % kinds.len()];
    let identity = FlowIdentity { arn: String::new(), name: String::new() };
    let mut interpreter = Interpreter::new(Arc::new(flow), identity).with_flow_type(kind).with_logging(true);
    let mut input = Input::Start;
    for turn in 0..64 {
        interpreter.handle(WallTime::from_unix_ms(turn), input, &Nothing);
        let mut asked = None;
        while let Some(output) = interpreter.poll() {
            if let Output::Effect(effect) = output {
                assert!(asked.replace(effect).is_none(), "one effect at a time");
            }
        }
        assert!(asked.is_some() || interpreter.is_finished() || turn == 0, "the flow strands its caller");
        input = match (asked, turn % 4) {
            (_, 0) => Input::Failed { reason: String::new() },
            (_, 3) => Input::Error { kind: ErrorType::QueueAtCapacity, reason: String::new() },
            (Some(Effect::PlayInLoop(_)), _) => Input::LoopInterrupted,
            (Some(Effect::ConnectBot(spec)), _) => {
                let intent = spec.intents.first().cloned();
                Input::Bot(Box::new(BotOutcome { intent, ..BotOutcome::default() }))
            }
            _ => Input::Done,
        };
    }
});
