//! The corpus of the fuzz target `flow_json`, through the same checks, without a fuzzer.

use std::path::PathBuf;
use std::sync::Arc;

use crate::stage::Contact;
use tympan_flow::{BotOutcome, Effect, ErrorType, Flow, FlowIdentity, FlowType, Input, Interpreter, Output};
use tympan_types::WallTime;

/// What `fuzz/fuzz_targets/flow_json.rs` does with its input.
fn check(bytes: &[u8]) {
    let Ok(content) = std::str::from_utf8(bytes) else { return };
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
        interpreter.handle(WallTime::from_unix_ms(turn), input, &Contact::default());
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
}

#[test]
fn the_fuzz_corpus_does_no_harm() {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    for folder in ["../../fuzz/corpus/flow_json", "../../fixtures/flows", "../../fixtures/flows/shapes"] {
        let mut seen = 0;
        for path in std::fs::read_dir(manifest.join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_file() {
                check(&std::fs::read(path).unwrap());
                seen += 1;
            }
        }
        assert!(seen > 0, "{folder} is empty");
    }
}
