//! Calls: from an invitation to a record. What a call decides is decided in `tympan_contact::call`; here it is done.

mod captured;
mod desk;
mod flow_log;
mod journal;
mod registry;
mod task;
#[cfg(test)]
mod tests;

pub(crate) use desk::{Desk, DeskOptions};
pub(crate) use flow_log::FlowLog;
pub(crate) use registry::CallRegistry;
