//! ListFlowAssociations: GET /flow-associations-summary/{InstanceId}.

use super::flow_association::all;
use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::{Members, Scene};
use crate::paging;
use crate::target::Context;
use tympan_aws::Output;

/// Lists which flows addresses start, numbers among them, of all types or of one.
pub(crate) struct ListFlowAssociations;

impl InstanceView for ListFlowAssociations {
    const NAME: &'static str = "ListFlowAssociations";
    const QUERY: &'static [&'static str] = &["ResourceType", "nextToken", "maxResults"];

    fn of(cx: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let page = input.page(cx, 1000)?;
        let wanted = input.text("ResourceType");
        let items =
            all(scene).into_iter().filter(|(_, item)| wanted.is_empty() || item["ResourceType"] == wanted);
        Ok(paging::list(&page, "FlowAssociationSummaryList", items))
    }
}
