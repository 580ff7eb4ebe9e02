//! ListContactFlowVersions: GET /contact-flows/{InstanceId}/{ContactFlowId}/versions.

use super::version::list;
use crate::error::ConnectError;
use crate::named::{Members, Scene};
use crate::paging;
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget};
use tympan_aws::{Operation, Output};

/// Lists the versions of a flow.
pub(crate) struct ListContactFlowVersions;

impl Operation for ListContactFlowVersions {
    type Service = ConnectService;
    type Input = Members;
    type Target = FlowTarget;
    const NAME: &'static str = "ListContactFlowVersions";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, input.instance(), input.text("ContactFlowId")))
    }

    async fn call(cx: &Context<'_>, input: Members, target: FlowTarget) -> Result<Output, ConnectError> {
        let page = input.page(cx, 1000)?;
        let found = target.found?;
        let (directory, instance) = (cx.service.directory(), &found.instance);
        let scene = Scene { service: cx.service, directory: &directory, instance, now: cx.now };
        let (of, arn) = (found.flow.resource_id(), instance.flow_arn(found.flow.id));
        Ok(list(&page, "ContactFlowVersionSummaryList", &scene, of, &arn, true))
    }
}
