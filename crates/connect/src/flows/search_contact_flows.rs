//! SearchContactFlows: POST /search-contact-flows.

use super::describe_contact_flow::described;
use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::{Item, Wanted};
use crate::named::{Members, Scene};
use crate::target::Context;
use serde_json::Value;
use tympan_aws::Output;

/// Searches the flows of an instance.
pub(crate) struct SearchContactFlows;

impl InstanceView for SearchContactFlows {
    const NAME: &'static str = "SearchContactFlows";

    fn of(cx: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let wanted = Wanted::of(cx, input, 100)?;
        let mut found = Vec::new();
        for flow in scene.directory.flows_of(scene.instance.id) {
            let shown = described(scene.instance, flow);
            let item = Item { name: &flow.name, shown, tags: &flow.tags };
            if wanted.fits(&item, &|_, _| None)? {
                found.push((flow.name.clone(), Value::Object(item.shown)));
            }
        }
        Ok(wanted.answer("ContactFlows", found))
    }
}
