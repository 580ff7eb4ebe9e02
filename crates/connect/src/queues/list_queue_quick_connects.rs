//! ListQueueQuickConnects: GET /queues/{InstanceId}/{QueueId}/quick-connects.

use super::Queue;
use crate::error::ConnectError;
use crate::named::summary;
use crate::named::{Members, Named, Scene, View};
use crate::paging;
use crate::quick_connects::QuickConnect;
use crate::target::Context;
use tympan_aws::Output;

/// Lists the quick connects of a queue by name.
pub(crate) struct ListQueueQuickConnects;

impl View for ListQueueQuickConnects {
    type Spec = Queue;
    const NAME: &'static str = "ListQueueQuickConnects";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(
        cx: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        named: &Named<Queue>,
    ) -> Result<Output, ConnectError> {
        let page = input.page(cx, 100)?;
        let known = named.spec.quick_connects.iter().filter_map(|id| scene.get::<QuickConnect>(*id));
        let items = known.map(|known| (known.name.clone(), summary(known, scene)));
        Ok(paging::list(&page, "QuickConnectSummaryList", items))
    }
}
