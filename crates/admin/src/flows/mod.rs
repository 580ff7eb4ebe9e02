//! Flows: what publishing would say of one, and what its blocks did.

mod activity;
mod check_flow;
mod get_flow_activity;
mod target;

pub(crate) use check_flow::CheckFlow;
pub(crate) use get_flow_activity::GetFlowActivity;
pub(crate) use target::{InstanceTarget, instance};
