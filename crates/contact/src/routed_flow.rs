use std::sync::Arc;
use tympan_flow::{Flow, FlowIdentity};

/// A flow, ready to run.
#[derive(Clone)]
pub struct RoutedFlow {
    /// The parsed flow.
    pub flow: Arc<Flow>,
    /// Its ARN and name, for the flow log.
    pub identity: FlowIdentity,
}
