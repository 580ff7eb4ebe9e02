//! ListRoutingProfileQueues: GET /routing-profiles/{InstanceId}/{RoutingProfileId}/queues.

use super::RoutingProfile;
use crate::error::ConnectError;
use crate::named::{Members, Named, Scene, View};
use crate::paging;
use crate::queues::Queue;
use crate::target::Context;
use serde_json::json;
use tympan_aws::Output;

/// Lists the queues of a routing profile by name.
pub(crate) struct ListRoutingProfileQueues;

impl View for ListRoutingProfileQueues {
    type Spec = RoutingProfile;
    const NAME: &'static str = "ListRoutingProfileQueues";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(
        cx: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        named: &Named<RoutingProfile>,
    ) -> Result<Output, ConnectError> {
        let page = input.page(cx, 100)?;
        let items = named.spec.queues.iter().filter_map(|routed| {
            let queue = scene.get::<Queue>(routed.queue)?;
            let shown = json!({
                "QueueId": queue.id,
                "QueueArn": scene.arn::<Queue>(queue.id),
                "QueueName": queue.name,
                "Priority": routed.priority,
                "Delay": routed.delay_s,
                "Channel": routed.channel,
            });
            Some((format!("{}/{:?}", queue.name, routed.channel), shown))
        });
        Ok(paging::list(&page, "RoutingProfileQueueConfigSummaryList", items))
    }
}
