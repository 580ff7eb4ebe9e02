//! ListIntegrationAssociations: GET /instance/{InstanceId}/integration-associations.

use super::Integration;
use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::described;
use crate::named::{Members, Scene};
use crate::paging;
use crate::target::Context;
use serde_json::Value;
use tympan_aws::Output;

/// Lists the integration associations of an instance, of all types or of one.
pub(crate) struct ListIntegrationAssociations;

impl InstanceView for ListIntegrationAssociations {
    const NAME: &'static str = "ListIntegrationAssociations";
    const QUERY: &'static [&'static str] = &["integrationType", "integrationArn", "nextToken", "maxResults"];

    fn of(cx: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let page = input.page(cx, 100)?;
        let (wanted, arn) = (input.text("integrationType"), input.text("integrationArn"));
        let known = scene.all::<Integration>();
        let known = known.filter(|known| wanted.is_empty() || known.spec.integration_type == wanted);
        let known = known.filter(|known| arn.is_empty() || known.name == arn);
        let items = known.map(|known| {
            let mut shown = described(known, scene);
            shown.remove("Tags");
            (known.name.clone(), Value::Object(shown))
        });
        Ok(paging::list(&page, "IntegrationAssociationSummaryList", items))
    }
}
