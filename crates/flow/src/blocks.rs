//! The blocks of a flow: one file per block that is performed, and what they have in common.

mod collect_digits;
mod compare;
mod disconnect_participant;
mod end_flow_execution;
mod get_participant_input;
mod invoke_lambda_function;
mod loop_block;
mod message_participant;
mod numbering_plan;
mod prompt;
mod skipped;
mod store_participant_input;
mod touchtone_buffer;
mod transfer_to_flow;
mod unsupported;
mod update_contact_attributes;
mod update_contact_media_streaming_behavior;
mod update_flow_attributes;
mod update_flow_logging_behavior;

use serde_json::Value;

use crate::catalogue;
use crate::effect::Effect;
use crate::interpreter::Input;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};

use compare::Compare;
use get_participant_input::GetParticipantInput;
use invoke_lambda_function::InvokeLambdaFunction;
use loop_block::Loop;
use message_participant::MessageParticipant;
use skipped::Skipped;
use store_participant_input::StoreParticipantInput;
use touchtone_buffer::TouchtoneBuffer;
use transfer_to_flow::TransferToFlow;
use unsupported::Unsupported;
use update_contact_attributes::UpdateContactAttributes;
use update_contact_media_streaming_behavior::UpdateContactMediaStreamingBehavior;
use update_flow_attributes::UpdateFlowAttributes;
use update_flow_logging_behavior::UpdateFlowLoggingBehavior;

/// One block, its parameters understood.
#[derive(Debug)]
pub(crate) enum Block {
    MessageParticipant(MessageParticipant),
    /// A menu: the digits choose a branch.
    GetParticipantInput(GetParticipantInput),
    /// `GetParticipantInput` with `StoreInput`: the digits become `$.StoredCustomerInput`.
    StoreParticipantInput(StoreParticipantInput),
    /// `GetParticipantInput` with `EnableDTMFBuffer`: what becomes of keys that no block asks for.
    TouchtoneBuffer(TouchtoneBuffer),
    UpdateContactMediaStreamingBehavior(UpdateContactMediaStreamingBehavior),
    InvokeLambdaFunction(InvokeLambdaFunction),
    UpdateContactAttributes(UpdateContactAttributes),
    UpdateFlowAttributes(UpdateFlowAttributes),
    Compare(Compare),
    Loop(Loop),
    TransferToFlow(TransferToFlow),
    UpdateFlowLoggingBehavior(UpdateFlowLoggingBehavior),
    DisconnectParticipant,
    EndFlowExecution,
    /// Takes Success without doing anything: what it sets does not exist here and no branch depends on it.
    Skipped(Skipped),
    /// Takes its error branch.
    Unsupported(Unsupported),
}

/// What a block does when the flow comes to it.
pub(crate) struct Entered {
    /// `Parameters` of the block's log entries: one entry for each.
    pub(crate) parameters: Vec<Value>,
    pub(crate) step: Step,
}

/// The block's first move.
pub(crate) enum Step {
    /// Ask the call for something and wait for the answer.
    Perform(Effect),
    /// Ask the call for the last thing; the flow is over.
    Finish(Effect),
    /// Nothing to ask for.
    Leave(Outcome),
}

/// How a block ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Take the next block.
    Success,
    /// Take the next block; something was not as the flow wants it.
    SuccessBut { reason: String },
    /// Take the branch whose condition this result meets; `None` meets none.
    Result(Option<String>),
    /// The caller gave nothing in time.
    TimedOut,
    /// What the caller gave as a phone number is none.
    InvalidPhoneNumber,
    /// Take the error branch.
    Failed { reason: String },
    /// Take the error branch, or the next block where there is none.
    NotPerformed { reason: String },
}

/// What every block can do.
pub(crate) trait Run {
    /// Begins the block.
    fn enter(&self, scene: &mut Scene<'_>) -> Entered;

    /// Takes the answer to the effect that `enter` asked for.
    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Done => Outcome::Success,
            other => failure(other),
        }
    }
}

impl Block {
    /// Understands an action. `Err`: it is one that we perform, but its parameters do not allow it.
    pub(crate) fn read(type_name: &str, parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        Ok(match type_name {
            "MessageParticipant" => Self::MessageParticipant(MessageParticipant::read(parameters)?),
            "GetParticipantInput" if parameters.has("EnableDTMFBuffer") => {
                Self::TouchtoneBuffer(TouchtoneBuffer::read(parameters))
            }
            "GetParticipantInput" if parameters.flag("StoreInput") => {
                Self::StoreParticipantInput(StoreParticipantInput::read(parameters)?)
            }
            "GetParticipantInput" => Self::GetParticipantInput(GetParticipantInput::read(parameters)?),
            "UpdateContactMediaStreamingBehavior" => Self::UpdateContactMediaStreamingBehavior(
                UpdateContactMediaStreamingBehavior::read(parameters)?,
            ),
            "InvokeLambdaFunction" => Self::InvokeLambdaFunction(InvokeLambdaFunction::read(parameters)?),
            "UpdateContactAttributes" => {
                Self::UpdateContactAttributes(UpdateContactAttributes::read(parameters)?)
            }
            "UpdateFlowAttributes" => Self::UpdateFlowAttributes(UpdateFlowAttributes::read(parameters)?),
            "Compare" => Self::Compare(Compare::read(parameters)?),
            "Loop" => Self::Loop(Loop::read(parameters)?),
            "TransferToFlow" => Self::TransferToFlow(TransferToFlow::read(parameters)?),
            "UpdateFlowLoggingBehavior" => {
                Self::UpdateFlowLoggingBehavior(UpdateFlowLoggingBehavior::read(parameters)?)
            }
            "DisconnectParticipant" => Self::DisconnectParticipant,
            "EndFlowExecution" => Self::EndFlowExecution,
            other => match Skipped::read(other) {
                Some(skipped) => Self::Skipped(skipped),
                None => Self::Unsupported(Unsupported::action(other)),
            },
        })
    }

    /// A block that is performed in general, but not with these parameters.
    pub(crate) fn misconfigured(why: Misconfigured) -> Self {
        Self::Unsupported(Unsupported::misconfigured(why))
    }

    fn behaviour(&self) -> &dyn Run {
        match self {
            Self::MessageParticipant(block) => block,
            Self::GetParticipantInput(block) => block,
            Self::StoreParticipantInput(block) => block,
            Self::TouchtoneBuffer(block) => block,
            Self::UpdateContactMediaStreamingBehavior(block) => block,
            Self::InvokeLambdaFunction(block) => block,
            Self::UpdateContactAttributes(block) => block,
            Self::UpdateFlowAttributes(block) => block,
            Self::Compare(block) => block,
            Self::Loop(block) => block,
            Self::TransferToFlow(block) => block,
            Self::UpdateFlowLoggingBehavior(block) => block,
            Self::DisconnectParticipant => &disconnect_participant::DisconnectParticipant,
            Self::EndFlowExecution => &end_flow_execution::EndFlowExecution,
            Self::Skipped(block) => block,
            Self::Unsupported(block) => block,
        }
    }

    pub(crate) fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        self.behaviour().enter(scene)
    }

    pub(crate) fn resume(&self, scene: &mut Scene<'_>, input: Input) -> Outcome {
        self.behaviour().resume(scene, input)
    }

    /// `ContactFlowModuleType` of the flow log, which keeps the older export's names.
    pub(crate) fn module_type<'a>(&self, type_name: &'a str) -> &'a str {
        match self {
            Self::StoreParticipantInput(_) => "StoreUserInput",
            Self::UpdateContactMediaStreamingBehavior(block) => block.module_type(),
            _ => catalogue::module_type(type_name),
        }
    }

    /// Whether the block leads nowhere by its nature.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Self::DisconnectParticipant | Self::EndFlowExecution)
    }

    /// Whether a failing block without an error branch may go on to its next block. Prompts of older flows
    /// have no error branch, and a prompt that cannot be played is no reason to hang up.
    pub(crate) fn may_fail_quietly(&self) -> bool {
        matches!(self, Self::MessageParticipant(_))
    }

    /// Whether the block does what the flow's author meant.
    pub(crate) fn is_supported(&self) -> bool {
        !matches!(self, Self::Skipped(_) | Self::Unsupported(_))
    }
}

impl Entered {
    fn perform(parameters: Value, effect: Effect) -> Self {
        Self { parameters: vec![parameters], step: Step::Perform(effect) }
    }

    fn leave(parameters: Value, outcome: Outcome) -> Self {
        Self { parameters: vec![parameters], step: Step::Leave(outcome) }
    }
}

/// What any input that is no success means to a block.
fn failure(input: Input) -> Outcome {
    let reason = match input {
        Input::Failed { reason } => reason,
        Input::Start | Input::Done | Input::Input(_) | Input::LambdaReturned(_) | Input::Interrupted => {
            "the block was answered with something else than it asked for".to_owned()
        }
    };
    Outcome::Failed { reason }
}
