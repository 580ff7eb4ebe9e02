//! Any text as a flow: an error, or a flow that validates, draws and runs without panic and without end.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use tympan_flow::{ContactView, Flow, FlowIdentity, Input, Interpreter, Reference};
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
    let identity = FlowIdentity { arn: String::new(), name: String::new() };
    let mut interpreter = Interpreter::new(Arc::new(flow), identity).with_logging(true);
    let mut input = Input::Start;
    for turn in 0..64 {
        interpreter.handle(WallTime::from_unix_ms(turn), input, &Nothing);
        while interpreter.poll().is_some() {}
        input = if turn % 3 == 0 { Input::Failed { reason: String::new() } } else { Input::Done };
    }
});
