//! The contact-flow language: text, typed graph, validation, interpreter. Sans-IO.
//!
//! A flow is read from either of its two formats, the Flow language of 2019-10-30 or the older designer
//! export ("modules"), into one typed graph ([`Flow`]). An [`Interpreter`] walks the graph for one contact:
//!
//! 1. `handle(now, input, contact)` moves the flow on: first [`Input::Start`], then each effect's answer;
//! 2. `poll()` is drained after every `handle`: [`Output::Effect`] is something for the call to do,
//!    [`Output::Log`] a line of the flow log.
//!
//! Every effect but [`Effect::Disconnect`] and [`Effect::End`] is answered by exactly one input. A flow never
//! strands its caller: whatever fails takes an error branch, and where there is none the call is ended with
//! the reason in the log.
//!
//! Source: "Amazon Connect Flow language" of the Amazon Connect API reference, and the Admin guide's block
//! pages. Not implemented (taken by their error branch, see [`FlowBlock::is_supported`]): queues, agents,
//! Lex, flow modules, `DistributeByPercentage`, `Wait`, event hooks, tasks, cases, profiles.

mod blocks;
mod catalogue;
mod condition;
mod document;
mod drawing;
mod effect;
mod error;
mod graph;
mod interpreter;
mod lambda_response;
mod log;
mod memory;
mod modules;
mod parameters;
mod reference;
pub mod ssml;
mod template;
mod validate;

pub use effect::{CollectSpec, Effect, KeyBuffer, Prompt, ResponseKind};
pub use error::FlowError;
pub use graph::{Exit, Flow, FlowBlock, Format};
pub use interpreter::{CollectedInput, ContactView, FlowIdentity, Input, Interpreter, Output};
pub use lambda_response::LAMBDA_RESPONSE_LIMIT_BYTES;
pub use log::LogEntry;
pub use reference::Reference;
pub use validate::Problem;
