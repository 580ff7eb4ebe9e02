//! The blocks of a flow: one file per block that is performed, and what they have in common. Which action is which block says the table
//! of actions.

mod check_hours_of_operation;
mod check_metric_data;
mod collect_digits;
mod compare;
mod complete_outbound_call;
mod connect_participant_with_lex_bot;
mod create_callback_contact;
mod disconnect_participant;
mod distribute_by_percentage;
mod end_flow_execution;
mod end_flow_module_execution;
mod get_metric_data;
mod get_participant_input;
mod invoke_flow_module;
mod invoke_lambda_function;
mod loop_block;
mod message_participant;
mod message_participant_iteratively;
mod numbering_plan;
mod prompt;
mod queue_target;
mod route_contact_to_agent;
mod store_participant_input;
mod tag_contact;
mod takes_error;
mod touchtone_buffer;
mod transfer_contact_to_agent;
mod transfer_contact_to_queue;
mod transfer_participant_to_third_party;
mod transfer_to_flow;
mod update_contact_attributes;
mod update_contact_callback_number;
mod update_contact_data;
mod update_contact_event_hooks;
mod update_contact_media_streaming_behavior;
mod update_contact_recording_behavior;
mod update_contact_routing;
mod update_contact_target_queue;
mod update_contact_text_to_speech_voice;
mod update_flow_attributes;
mod update_flow_logging_behavior;
mod update_previous_contact_participant_state;
mod wait;

pub(crate) use check_hours_of_operation::CheckHoursOfOperation;
pub(crate) use check_metric_data::{CheckMetricData, METRIC_TYPES};
pub(crate) use compare::Compare;
pub(crate) use complete_outbound_call::CompleteOutboundCall;
pub(crate) use connect_participant_with_lex_bot::ConnectParticipantWithLexBot;
pub(crate) use create_callback_contact::CreateCallbackContact;
pub(crate) use disconnect_participant::DisconnectParticipant;
pub(crate) use distribute_by_percentage::DistributeByPercentage;
pub(crate) use end_flow_execution::EndFlowExecution;
pub(crate) use end_flow_module_execution::EndFlowModuleExecution;
pub(crate) use get_metric_data::GetMetricData;
pub(crate) use get_participant_input::GetParticipantInput;
pub(crate) use invoke_flow_module::InvokeFlowModule;
pub(crate) use invoke_lambda_function::InvokeLambdaFunction;
pub(crate) use loop_block::Loop;
pub(crate) use message_participant::MessageParticipant;
pub(crate) use message_participant_iteratively::{MESSAGES_INTERRUPTED, MessageParticipantIteratively};
pub(crate) use route_contact_to_agent::RouteContactToAgent;
pub(crate) use store_participant_input::StoreParticipantInput;
pub(crate) use tag_contact::{TagContact, UntagContact};
pub(crate) use takes_error::TakesError;
pub(crate) use touchtone_buffer::TouchtoneBuffer;
pub(crate) use transfer_contact_to_agent::TransferContactToAgent;
pub(crate) use transfer_contact_to_queue::{DequeueContactAndTransferToQueue, TransferContactToQueue};
pub(crate) use transfer_participant_to_third_party::TransferParticipantToThirdParty;
pub(crate) use transfer_to_flow::TransferToFlow;
pub(crate) use update_contact_attributes::UpdateContactAttributes;
pub(crate) use update_contact_callback_number::UpdateContactCallbackNumber;
pub(crate) use update_contact_data::UpdateContactData;
pub(crate) use update_contact_event_hooks::UpdateContactEventHooks;
pub(crate) use update_contact_media_streaming_behavior::UpdateContactMediaStreamingBehavior;
pub(crate) use update_contact_recording_behavior::UpdateContactRecordingBehavior;
pub(crate) use update_contact_routing::{UpdateContactRoutingBehavior, UpdateContactRoutingCriteria};
pub(crate) use update_contact_target_queue::UpdateContactTargetQueue;
pub(crate) use update_contact_text_to_speech_voice::UpdateContactTextToSpeechVoice;
pub(crate) use update_flow_attributes::UpdateFlowAttributes;
pub(crate) use update_flow_logging_behavior::UpdateFlowLoggingBehavior;
pub(crate) use update_previous_contact_participant_state::UpdatePreviousContactParticipantState;
pub(crate) use wait::Wait;

use std::fmt;

use serde_json::Value;

use crate::actions::ErrorType;
use crate::effect::{ContactChange, Effect};
use crate::input::Input;
use crate::interpreter::RoutedFlow;
use crate::memory::Scene;

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
    /// The module is over: the block that invoked it goes on with this.
    Return(ModuleResult),
}

/// How a block ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Take the next block.
    Success,
    /// Take the branch whose condition this result meets; `None` meets none.
    Result(Option<String>),
    /// Take the branch of an error; the reason is for the flow log, where there is one.
    Error(ErrorType, Option<String>),
    /// Go on in another flow, and do not come back.
    GoTo(RoutedFlow),
    /// Run a module on this input, and come back.
    Call(RoutedFlow, Value),
    /// A loop of prompts gives its flow a turn, and waits for it to come back.
    LoopInterrupted,
    /// The flow is over, wherever the block leads; the reason is of a failure.
    Over(Option<String>),
}

/// What a module gives to the block that invoked it.
#[derive(Debug, Default)]
pub(crate) struct ModuleResult {
    /// The branch that it names.
    pub(crate) branch: Option<String>,
    /// Its data, an object.
    pub(crate) data: Value,
}

/// What every block can do.
pub(crate) trait Run: fmt::Debug + Send + Sync {
    /// Begins the block.
    fn enter(&self, scene: &mut Scene<'_>) -> Entered;

    /// Takes the answer to the effect that `enter` asked for.
    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Done => Outcome::Success,
            other => failure(other),
        }
    }

    /// Takes what the module returned that the block invoked.
    fn returned(&self, _scene: &mut Scene<'_>, _result: ModuleResult) -> Outcome {
        Outcome::Success
    }
}

impl Outcome {
    /// The error that is everyone's.
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::Error(ErrorType::NoMatchingError, Some(reason.into()))
    }
}

impl Entered {
    fn perform(parameters: Value, effect: Effect) -> Self {
        Self { parameters: vec![parameters], step: Step::Perform(effect) }
    }

    fn change(parameters: Value, change: ContactChange) -> Self {
        Self::perform(parameters, Effect::Change(change))
    }

    fn leave(parameters: Value, outcome: Outcome) -> Self {
        Self { parameters: vec![parameters], step: Step::Leave(outcome) }
    }

    fn failed(parameters: Value, reason: impl Into<String>) -> Self {
        Self::leave(parameters, Outcome::failed(reason))
    }
}

/// What any input that is no success means to a block.
fn failure(input: Input) -> Outcome {
    Outcome::failed(match input {
        Input::Error { kind, reason } => return Outcome::Error(kind, Some(reason)),
        Input::Failed { reason } => reason,
        _ => "the block was answered with something else than it asked for".to_owned(),
    })
}

/// How a row of the table says which block it is.
macro_rules! boxed {
    (=$block:ident) => {
        Behaviour::Performed(|_| Ok(Box::new(blocks::$block)))
    };
    ($block:ident) => {
        Behaviour::Performed(|parameters| Ok(Box::new(blocks::$block::read(parameters)?)))
    };
}
pub(crate) use boxed;
