//! Versions of flows and of flow modules: contents that never change.

mod alias;
mod create_contact_flow_module_version;
mod create_contact_flow_version;
mod delete_contact_flow_module_version;
mod delete_contact_flow_version;
mod list_contact_flow_module_versions;
mod list_contact_flow_versions;
mod version;

pub use alias::Alias;
pub use version::Version;

pub(crate) use alias::{AliasChange, Aliased, NewAlias};
pub(crate) use create_contact_flow_module_version::CreateContactFlowModuleVersion;
pub(crate) use create_contact_flow_version::CreateContactFlowVersion;
pub(crate) use delete_contact_flow_module_version::DeleteContactFlowModuleVersion;
pub(crate) use delete_contact_flow_version::DeleteContactFlowVersion;
pub(crate) use list_contact_flow_module_versions::ListContactFlowModuleVersions;
pub(crate) use list_contact_flow_versions::ListContactFlowVersions;
pub(crate) use version::{get, remove_all};
