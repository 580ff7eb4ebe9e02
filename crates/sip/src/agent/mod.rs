//! The user agent.

mod flow;

pub use flow::{ConnId, Flow, ListenerId, Target, Way};
