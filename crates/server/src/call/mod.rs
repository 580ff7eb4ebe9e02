//! Calls: from an invitation to a record. What a call does is decided in `tympan_contact`; here it is done.

mod admission;
mod captured;
mod dialling;
mod effects;
mod flow_log;
mod joining;
mod leg_media;
mod legs;
mod placing;
mod registry;
mod task;
#[cfg(test)]
mod tests;

pub(crate) use admission::{Admission, AdmissionOptions};
pub(crate) use dialling::Dialling;
pub(crate) use flow_log::FlowLog;
pub(crate) use registry::CallRegistry;
