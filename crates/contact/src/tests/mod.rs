//! Whole calls, replayed: what a server, a store and functions would say is said here by hand.

mod any_order;
mod blocks;
mod bots;
mod centre;
mod ending;
mod flows;
mod functions;
mod history_model;
mod keys_ahead;
mod references;
pub(crate) mod rig;
mod streaming;
mod transitions;
mod whole_calls;
