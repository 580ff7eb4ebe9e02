//! Functions of flows: what they are sent, how often they are tried, and what they may answer.

mod attempt;

pub use attempt::AttemptError;
