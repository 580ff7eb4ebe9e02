//! ListUseCases: GET /instance/{InstanceId}/integration-associations/{IntegrationAssociationId}/use-cases.

use super::Integration;
use crate::error::ConnectError;
use crate::named::{Members, Named, Scene, View};
use crate::paging;
use crate::target::Context;
use serde_json::json;
use tympan_aws::Output;

/// Lists the use cases of an integration association.
pub(crate) struct ListUseCases;

impl View for ListUseCases {
    type Spec = Integration;
    const NAME: &'static str = "ListUseCases";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    fn of(
        cx: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        named: &Named<Integration>,
    ) -> Result<Output, ConnectError> {
        let page = input.page(cx, 100)?;
        let items = named.spec.use_cases.iter().map(|known| {
            let arn = format!("{}/use-case/{}", scene.arn::<Integration>(named.id), known.id);
            let shown =
                json!({ "UseCaseId": known.id, "UseCaseArn": arn, "UseCaseType": known.use_case_type });
            (known.use_case_type.clone(), shown)
        });
        Ok(paging::list(&page, "UseCaseSummaryList", items))
    }
}
