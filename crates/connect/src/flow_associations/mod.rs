//! Which flows messages to addresses start.

mod associate_flow;
mod batch_get_flow_association;
mod disassociate_flow;
mod flow_association;
mod get_flow_association;
mod list_flow_associations;

pub use flow_association::FlowAssociation;

pub(crate) use associate_flow::AssociateFlow;
pub(crate) use batch_get_flow_association::BatchGetFlowAssociation;
pub(crate) use disassociate_flow::DisassociateFlow;
pub(crate) use get_flow_association::GetFlowAssociation;
pub(crate) use list_flow_associations::ListFlowAssociations;
