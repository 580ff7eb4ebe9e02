//! ListContactFlowAliases: GET /contact-flows/{InstanceId}/{ContactFlowId}/aliases.

use crate::error::ConnectError;
use crate::named::Members;
use crate::paging;
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget};
use tympan_aws::{Operation, Output};

/// Lists the aliases of a flow by name.
///
/// Errors: InvalidParameter (paging), ResourceNotFound.
pub(crate) struct ListContactFlowAliases;

impl Operation for ListContactFlowAliases {
    type Service = ConnectService;
    type Input = Members;
    type Target = FlowTarget;
    const NAME: &'static str = "ListContactFlowAliases";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, input.instance(), input.text("ContactFlowId")))
    }

    async fn call(cx: &Context<'_>, input: Members, target: FlowTarget) -> Result<Output, ConnectError> {
        let page = input.page(cx, 1000)?;
        let found = target.found?;
        let region = found.instance.region.to_string();
        let of = found.flow.aliased(&found.instance);
        let items = of.summaries().map(|(name, mut shown)| {
            shown["LastModifiedRegion"] = region.as_str().into();
            (name, shown)
        });
        Ok(paging::list(&page, "ContactFlowAliasSummaryList", items))
    }
}
