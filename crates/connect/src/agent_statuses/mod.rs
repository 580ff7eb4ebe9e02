//! Agent statuses: whether an agent can be given contacts, and what else he does.

mod agent_status;
mod create_agent_status;
mod update_agent_status;

pub use agent_status::{AgentStatus, AgentStatusState, AgentStatusType};

pub(crate) use create_agent_status::CreateAgentStatus;
pub(crate) use update_agent_status::UpdateAgentStatus;
