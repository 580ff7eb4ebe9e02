//! Security profiles: what users may do.

mod create_security_profile;
mod list_security_profile_ai_agents;
mod list_security_profile_applications;
mod list_security_profile_flow_modules;
mod list_security_profile_permissions;
mod security_profile;
mod update_security_profile;

pub use security_profile::SecurityProfile;

pub(crate) use create_security_profile::CreateSecurityProfile;
pub(crate) use list_security_profile_ai_agents::ListSecurityProfileAIAgents;
pub(crate) use list_security_profile_applications::ListSecurityProfileApplications;
pub(crate) use list_security_profile_flow_modules::ListSecurityProfileFlowModules;
pub(crate) use list_security_profile_permissions::ListSecurityProfilePermissions;
pub(crate) use update_security_profile::UpdateSecurityProfile;
