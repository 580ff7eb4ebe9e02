//! ListBots: GET /instance/{InstanceId}/bots.

use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::{Members, Scene};
use crate::paging;
use crate::target::Context;
use tympan_aws::Output;

/// Lists the bots of one version.
pub(crate) struct ListBots;

impl InstanceView for ListBots {
    const NAME: &'static str = "ListBots";
    const QUERY: &'static [&'static str] = &["lexVersion", "nextToken", "maxResults"];

    fn of(cx: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let is_v2 = match input.text("lexVersion") {
            "V1" => false,
            "V2" => true,
            _ => return Err(ConnectError::request("lexVersion must be V1 or V2")),
        };
        let page = input.page(cx, 25)?;
        let bots = scene.instance.config.bots.iter().filter(|bot| bot.is_v2() == is_v2);
        Ok(paging::list(&page, "LexBots", bots.map(|bot| bot.shown(false))))
    }
}
