use super::rig::{Rig, number, stream};
use super::whole_calls::seed;
use crate::DisconnectReason;
use crate::call::{CallInput, CallOutput, CallState, CaptureEvent};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tympan_telephony::Digit;
use tympan_telephony::words::Sound;
use tympan_types::Redacted;
use tympan_types::{CaptureId, InvocationId, PromptId};

/// Something that may happen at any time, likely or not. Ids count back from the last one given out.
#[derive(Debug, Clone)]
enum Anything {
    Answered,
    Capture(u32, u8),
    Digit(u8),
    Prompt(u32, u8),
    Lambda(u32, bool),
    Deadline,
    Wait(u16),
    Drain,
    Attribute,
}

fn anything() -> impl Strategy<Value = Anything> {
    prop_oneof![
        1 => Just(Anything::Answered),
        8 => (0u32..3, 0u8..6).prop_map(|(before_last, event)| Anything::Capture(before_last, event)),
        2 => (0u8..16).prop_map(Anything::Digit),
        8 => (0u32..2, 0u8..3).prop_map(|(before_last, event)| Anything::Prompt(before_last, event)),
        2 => (0u32..2, any::<bool>()).prop_map(|(before_last, ok)| Anything::Lambda(before_last, ok)),
        3 => Just(Anything::Deadline),
        2 => (0u16..4_000).prop_map(Anything::Wait),
        1 => Just(Anything::Drain),
        1 => Just(Anything::Attribute),
    ]
}

impl Rig {
    fn count(&self, pick: impl Fn(&CallOutput) -> bool) -> u32 {
        self.outputs.iter().filter(|output| pick(output)).count() as u32
    }

    fn happens(&mut self, what: Anything, sequence: u64) {
        match what {
            Anything::Answered => self.handle(CallInput::Answered),
            Anything::Capture(before_last, event) => {
                let event = match event {
                    0 | 1 => CaptureEvent::Opened { stream: stream(1) },
                    2 | 3 => CaptureEvent::Acknowledged { number: number(sequence + 1) },
                    4 => CaptureEvent::Failed { reason: "broke".to_owned() },
                    _ => CaptureEvent::Closed,
                };
                let last = self.count(|output| matches!(output, CallOutput::OpenCapture { .. }));
                let capture = CaptureId::new(u64::from(last.saturating_sub(before_last)));
                self.handle(CallInput::Capture { capture, event });
            }
            Anything::Digit(event) => self.handle(CallInput::Digit(Digit::from_event(event).unwrap())),
            Anything::Prompt(before_last, event) => {
                let last = self.count(|output| matches!(output, CallOutput::PreparePrompt { .. }));
                let prompt = PromptId::new(u64::from(last.saturating_sub(before_last)));
                self.handle(match event {
                    0 => CallInput::PromptPrepared { prompt, sound: Sound::silence(100), note: None },
                    1 => CallInput::PromptFinished { prompt },
                    _ => CallInput::PromptFailed { prompt, reason: "no voice".to_owned() },
                });
            }
            Anything::Lambda(before_last, ok) => {
                let last = self.count(|output| matches!(output, CallOutput::InvokeLambda { .. }));
                let invocation = InvocationId::new(u64::from(last.saturating_sub(before_last)));
                self.handle(if ok {
                    CallInput::LambdaReturned { invocation, body: Redacted::new(b"{}".to_vec()) }
                } else {
                    CallInput::LambdaFailed { invocation, reason: "no".to_owned() }
                });
            }
            Anything::Deadline => {
                if let Some(deadline) = self.call.next_deadline() {
                    self.now = self.now.max(deadline);
                    self.handle(CallInput::TimePassed);
                }
            }
            Anything::Wait(ms) => self.wait_ms(ms.into()),
            Anything::Drain => self.handle(CallInput::Drain { until: self.now.plus_ms(60_000) }),
            Anything::Attribute => {
                let _ =
                    self.call.set_attributes(self.now, BTreeMap::from([("k".to_owned(), "v".to_owned())]));
                self.drain();
            }
        }
    }
}

proptest! {
    /// Hangs up after any history: a call that was answered leaves exactly one record with no open capture, every
    /// capture was closed, and no call is left without something to wait for.
    #[test]
    fn no_order_of_events_strands_a_caller_or_leaves_a_capture_open(
        history in prop::collection::vec(anything(), 0..60),
        late in prop::collection::vec(anything(), 0..10),
        by_caller in any::<bool>(),
    ) {
        let mut rig = Rig::answered(&seed());
        for (sequence, what) in history.into_iter().enumerate() {
            rig.happens(what, sequence as u64);
            match rig.call.state() {
                CallState::Over => prop_assert_eq!(rig.call.next_deadline(), None),
                _ => prop_assert!(rig.call.next_deadline().is_some(), "nothing would ever happen again"),
            }
        }
        let reason = DisconnectReason::CustomerDisconnect;
        rig.handle(if by_caller { CallInput::HungUp { reason } } else { CallInput::Stop });
        if rig.call.state() != CallState::Over {
            prop_assert_eq!(rig.call.state(), CallState::Ending);
            rig.wait_for_deadline();
        }
        let contact = rig.ended();
        prop_assert!(contact.disconnect_timestamp.is_some());
        for audio in &contact.captures {
            prop_assert!(audio.stop_timestamp.is_some());
            prop_assert!(audio.stop_fragment_number >= Some(audio.start_fragment_number));
        }
        prop_assert!(rig.hangups().len() <= 1);
        for (sequence, what) in late.into_iter().enumerate() {
            rig.happens(what, 100 + sequence as u64);
        }
        let (mut opened, mut closed) = (Vec::new(), Vec::new());
        for output in &rig.outputs {
            match output {
                CallOutput::OpenCapture { capture, .. } => opened.push(*capture),
                CallOutput::CloseCapture { capture } | CallOutput::AbandonCapture { capture } => closed.push(*capture),
                _ => {}
            }
        }
        prop_assert_eq!(opened, closed);
        rig.ended();
    }
}
