//! The contact-flow language: text, typed graph, validation, interpreter. Sans-IO.
//!
//! A flow is read from either of its two formats, the Flow language of 2019-10-30 or the older designer
//! export ("modules"), into one typed graph ([`Flow`]). What an action takes, leads to and is called stands in one
//! table ([`actions`]). An [`Interpreter`] walks the graph for one contact:
//!
//! 1. `handle(now, input, contact)` moves the flow on: first [`Input::Start`], then each effect's answer;
//! 2. `poll()` is drained after every `handle`: [`Output::Effect`] is something for the call to do,
//!    [`Output::Log`] a line of the flow log, [`Output::Trace`] what is needed to run it again.
//!
//! Every effect but [`Effect::Disconnect`], [`Effect::End`] and [`Effect::TransferToAgent`] is answered by exactly
//! one input. A flow never strands its caller: whatever fails takes an error branch, and where there is none the
//! call is ended with the reason in the log, or in a queue, whisper or hold flow the flow alone. A flow has no clock, no randomness and no view of the world but its inputs and what
//! it reads of its contact: [`replay`] runs it again from its trace.
//!
//! Source: "Amazon Connect Flow language" of the Amazon Connect API reference, and the Admin guide's block
//! pages. What is not performed takes an error branch (see [`FlowBlock::is_supported`]).

mod actions;
mod blocks;
mod condition;
mod document;
mod drawing;
mod effect;
mod error;
mod flow_type;
mod graph;
mod input;
mod interpreter;
mod lambda_response;
mod log;
mod memory;
mod modules;
mod pace;
mod parameters;
mod position;
mod reference;
mod resource;
pub mod ssml;
mod template;
mod trace;
mod validate;

pub use actions::{Action, ErrorType, Standing, actions};
pub use effect::{
    AlternateIntent, Answer, BotOutcome, BotRef, BotSpec, CallbackSpec, CollectSpec, ContactChange,
    ContactData, ContactReference, Effect, EventHook, HoldState, KeyBuffer, LoopSpec, Metrics, MetricsOf,
    Prompt, Question, QueueTarget, ResourceRef, ResponseKind, Routing, ThirdPartyCall, Voice,
};
pub use error::FlowError;
pub use flow_type::{FlowType, FlowTypes};
pub use graph::{Exit, Flow, FlowBlock, Format};
pub use input::{CollectedInput, Input};
pub use interpreter::{ContactView, FlowIdentity, Interpreter, Output, RoutedFlow};
pub use lambda_response::LAMBDA_RESPONSE_LIMIT_BYTES;
pub use log::LogEntry;
pub use memory::CallMemory;
pub use position::{Position, positions};
pub use reference::Reference;
pub use resource::{NamedResource, ResourceKind};
pub use trace::{ReplayError, TraceEntry, replay};
pub use validate::Problem;
