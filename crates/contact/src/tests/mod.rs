//! Whole calls, replayed: what a server, a store and functions would say is said here by hand.

mod any_order;
mod any_parties;
mod blocks;
mod bots;
mod callbacks;
mod centre;
mod changes;
mod ending;
pub(crate) mod ends;
mod flows;
mod functions;
mod history_model;
mod holds;
mod keys_ahead;
mod monitors;
mod outbound;
mod references;
pub(crate) mod rig;
mod streaming;
mod third_party;
mod transfers;
mod transitions;
mod whole_calls;
