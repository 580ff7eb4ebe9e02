//! Flow modules: parts that flows have in common.

mod create_contact_flow_module;
mod create_contact_flow_module_alias;
mod delete_contact_flow_module_alias;
mod describe_contact_flow_module_alias;
mod list_contact_flow_module_aliases;
mod module;
mod update_contact_flow_module_alias;
mod update_contact_flow_module_content;
mod update_contact_flow_module_metadata;

pub use module::{MadeBy, Module};

pub(crate) use create_contact_flow_module::CreateContactFlowModule;
pub(crate) use create_contact_flow_module_alias::CreateContactFlowModuleAlias;
pub(crate) use delete_contact_flow_module_alias::DeleteContactFlowModuleAlias;
pub(crate) use describe_contact_flow_module_alias::DescribeContactFlowModuleAlias;
pub(crate) use list_contact_flow_module_aliases::ListContactFlowModuleAliases;
pub(crate) use update_contact_flow_module_alias::UpdateContactFlowModuleAlias;
pub(crate) use update_contact_flow_module_content::UpdateContactFlowModuleContent;
pub(crate) use update_contact_flow_module_metadata::UpdateContactFlowModuleMetadata;
