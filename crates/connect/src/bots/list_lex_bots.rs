//! ListLexBots: GET /instance/{InstanceId}/lex-bots.

use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::{Members, Scene};
use crate::paging;
use crate::target::Context;
use tympan_aws::Output;

/// Lists the bots of the first version.
pub(crate) struct ListLexBots;

impl InstanceView for ListLexBots {
    const NAME: &'static str = "ListLexBots";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(cx: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let page = input.page(cx, 25)?;
        let bots = scene.instance.config.bots.iter().filter(|bot| !bot.is_v2());
        Ok(paging::list(&page, "LexBots", bots.map(|bot| bot.shown(true))))
    }
}
