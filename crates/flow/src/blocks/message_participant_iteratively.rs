//! `MessageParticipantIteratively` ("Loop prompts"): plays prompts one after the other, and again from the first.
//!
//! Shape: `Messages[{Text | SSML | PromptId | Media}]`; `InterruptFrequencySeconds`, whole seconds, at which the flow takes the branch
//! `MessagesInterrupted`; `ContinueMessagingDuringInterrupt` "true" plays on meanwhile. The flow comes back by `EndFlowExecution`, or by
//! leading to this block.

use serde_json::{Value, json};

use super::prompt::{self, PromptTemplate};
use super::{Entered, Outcome, Run, failure};
use crate::effect::{Effect, LoopSpec};
use crate::input::Input;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};

/// What a loop is interrupted with.
pub(crate) const MESSAGES_INTERRUPTED: &str = "MessagesInterrupted";

/// Plays prompts in a loop.
#[derive(Debug)]
pub(crate) struct MessageParticipantIteratively {
    messages: Vec<PromptTemplate>,
    interrupt_every_s: Option<u32>,
    continues: bool,
}

impl MessageParticipantIteratively {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let count = parameters.list("Messages").len();
        if count == 0 {
            return Err(parameters.refuse("Messages", "have no prompt"));
        }
        let mut messages = Vec::new();
        for index in 0..count {
            let place = format!("Messages[{index}]");
            match PromptTemplate::read_at(parameters, &place)? {
                Some(message) => messages.push(message),
                None => {
                    return Err(parameters.refuse(&place, "has none of PromptId, Text, SSML and Media"));
                }
            }
        }
        let is_interrupted = parameters.has("InterruptFrequencySeconds");
        let every_s =
            parameters.number("InterruptFrequencySeconds", DEFAULT_INTERRUPT_S, 1..=INTERRUPT_MAX_S);
        let has_branch = !parameters.transitions().conditions.is_empty();
        if has_branch && !is_interrupted {
            parameters.note("InterruptFrequencySeconds", "is missing: the block has a branch for it");
        }
        Ok(Self {
            messages,
            // An interruption that leads nowhere is none.
            interrupt_every_s: (is_interrupted && has_branch).then_some(every_s),
            continues: parameters.flag("ContinueMessagingDuringInterrupt"),
        })
    }
}

impl Run for MessageParticipantIteratively {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let messages: Vec<_> = self.messages.iter().map(|message| message.resolve(scene)).collect();
        let mut log =
            json!({ "Messages": messages.iter().map(prompt::log_parameters).collect::<Vec<Value>>() });
        if let Some(every_s) = self.interrupt_every_s {
            log["InterruptSeconds"] = every_s.to_string().into();
        }
        if let Some(reason) = messages.iter().find_map(|message| message.fault()) {
            return Entered::failed(log, reason);
        }
        let spec = LoopSpec {
            messages,
            interrupt_every_ms: self.interrupt_every_s.map(|every_s| every_s.saturating_mul(1_000)),
            continues: self.continues,
            is_resumed: scene.is_resumed,
        };
        Entered::perform(log, Effect::PlayInLoop(spec))
    }

    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::LoopInterrupted => Outcome::LoopInterrupted,
            other => failure(other),
        }
    }
}

const DEFAULT_INTERRUPT_S: u32 = 30;
const INTERRUPT_MAX_S: u32 = 604_800;
