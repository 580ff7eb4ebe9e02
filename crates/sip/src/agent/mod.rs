//! The user agent: bytes, commands and time in; bytes and events out.

mod admission;
#[allow(clippy::module_inception, reason = "the agent's own file")]
mod agent;
mod asked;
mod command;
mod config;
mod connections;
mod core;
mod dial;
mod early;
mod event;
mod flow;
mod ids;
mod in_dialog;
mod leg;
mod offers;
mod outside;
mod path;
mod phones;
mod policy;
mod refer;
mod register;
mod registrar;
mod remote;
mod replaces;
mod replies;
mod sent;
mod uac;
mod uas;

pub use agent::{Agent, Input, Output};
pub use command::{Body, Command, Credentials, OfferBy, Refusal};
pub use config::{Config, Limits};
pub use event::{Counter, Ended, EndedBy, Event, Peer};
pub use flow::{ConnId, Flow, ListenerId, Target, Way};
pub use phones::{Phone, PhoneError, PhoneSecret, Phones};
pub use policy::{
    DialPlace, DialRule, DialRules, DigitSource, Identity, NumberRules, Presentation, Trunk, TrunkError,
    TrunkId, TrunkMatch, Trunks,
};

pub use registrar::{Binding, BindingEvent, BindingId, Unbound};

#[cfg(test)]
mod tests;
