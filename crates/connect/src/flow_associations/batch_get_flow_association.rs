//! BatchGetFlowAssociation: POST /flow-associations-batch/{InstanceId}.

use super::flow_association::all;
use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::{Members, Scene};
use crate::target::Context;
use crate::target::missing;
use serde_json::{Value, json};
use tympan_aws::Output;

/// Tells which flows some addresses start.
pub(crate) struct BatchGetFlowAssociation;

impl InstanceView for BatchGetFlowAssociation {
    const NAME: &'static str = "BatchGetFlowAssociation";

    fn of(cx: &Context<'_>, mut input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let resources: Vec<String> =
            input.take(cx, "ResourceIds")?.ok_or_else(|| missing(cx, "ResourceIds"))?;
        if resources.len() > 100 {
            return Err(ConnectError::parameter("ResourceIds has at most 100 entries"));
        }
        let wanted = input.text("ResourceType");
        let mut items: Vec<Value> = all(scene).into_iter().map(|(_, item)| item).collect();
        items.retain(|item| wanted.is_empty() || item["ResourceType"] == wanted);
        items.retain(|item| resources.iter().any(|resource| item["ResourceId"] == resource.as_str()));
        Ok(Output::json(&json!({ "FlowAssociationSummaryList": items })))
    }
}
