//! ListRoutingProfileManualAssignmentQueues: GET /routing-profiles/{InstanceId}/{RoutingProfileId}/manual-assignment-queues.

use super::RoutingProfile;
use crate::error::ConnectError;
use crate::named::{Members, Named, Scene, View};
use crate::paging;
use crate::queues::Queue;
use crate::target::Context;
use serde_json::json;
use tympan_aws::Output;

/// Lists the queues from which users of a routing profile take contacts themselves.
pub(crate) struct ListRoutingProfileManualAssignmentQueues;

impl View for ListRoutingProfileManualAssignmentQueues {
    type Spec = RoutingProfile;
    const NAME: &'static str = "ListRoutingProfileManualAssignmentQueues";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(
        cx: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        named: &Named<RoutingProfile>,
    ) -> Result<Output, ConnectError> {
        let page = input.page(cx, 100)?;
        let items = named.spec.manual_queues.iter().filter_map(|(queue, channel)| {
            let queue = scene.get::<Queue>(*queue)?;
            let shown = json!({
                "QueueId": queue.id,
                "QueueArn": scene.arn::<Queue>(queue.id),
                "QueueName": queue.name,
                "Channel": channel,
            });
            Some((format!("{}/{channel:?}", queue.name), shown))
        });
        Ok(paging::list(&page, "RoutingProfileManualAssignmentQueueConfigSummaryList", items))
    }
}
