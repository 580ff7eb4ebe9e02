//! Contact flows.

mod aliases;
mod contact_flow;
mod create_contact_flow;
mod delete_contact_flow;
mod describe_contact_flow;
mod list_contact_flows;
mod search_contact_flows;
mod update_contact_flow_content;
mod update_contact_flow_metadata;
mod update_contact_flow_name;

pub use contact_flow::{
    ContactFlow, FlowReference, FlowState, FlowStatus, FlowType, MAX_CONTENT_CHARS, NewFlow, content_sha256,
};

pub(crate) use aliases::{
    CreateContactFlowAlias, DeleteContactFlowAlias, DescribeContactFlowAlias, ListContactFlowAliases,
    UpdateContactFlowAlias,
};
pub(crate) use create_contact_flow::{CreateContactFlow, check_name};
pub(crate) use delete_contact_flow::DeleteContactFlow;
pub(crate) use describe_contact_flow::DescribeContactFlow;
pub(crate) use list_contact_flows::ListContactFlows;
pub(crate) use search_contact_flows::SearchContactFlows;
pub(crate) use update_contact_flow_content::UpdateContactFlowContent;
pub(crate) use update_contact_flow_metadata::UpdateContactFlowMetadata;
pub(crate) use update_contact_flow_name::UpdateContactFlowName;
