//! Flows on a simulated call: a real contact whose other ends are played, without SIP, sound or a clock.
//!
//! A [`Run`] drives one contact: prompts take as long as their words, functions answer, streams are leased, keys are typed when a block
//! waits for nothing else. It takes down what the caller hears and what each block did, and repeats the run from its trace.
//! [`random`] draws flows that can be published and damages them.

mod chain;
mod instance;
mod parties;
pub mod random;
mod run;

pub use chain::{Bot, Chain, Script, ThirdParty};
pub use instance::Instance;
pub use parties::Parties;
pub use run::{Caller, Outcome, Run};
