use crate::service::StreamMembers;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService, constraint, paging};
use serde::{Deserialize, Serialize};
use tympan_aws::{Cx, Operation, Output};

/// Bounds of `MaxResults`.
const PAGE: (i64, i64) = (1, 1);
/// The longest `NextToken` of the control plane.
const TOKEN_CHARS: usize = 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeMappedResourceConfigurationRequest {
    #[serde(flatten)]
    stream: StreamMembers,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeMappedResourceConfigurationResponse {
    mapped_resource_configuration_list: [(); 0],
    next_token: Option<String>,
}

/// Lists the signaling channels that store their media in a stream. There are no channels, so none does.
pub(crate) struct DescribeMappedResourceConfiguration;

impl Operation for DescribeMappedResourceConfiguration {
    type Service = KvsService;
    type Input = DescribeMappedResourceConfigurationRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "DescribeMappedResourceConfiguration";

    async fn resolve(
        cx: &Cx<'_, KvsService>,
        input: &DescribeMappedResourceConfigurationRequest,
    ) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of_members(cx, &input.stream).await)
    }

    async fn call(
        _: &Cx<'_, KvsService>,
        request: DescribeMappedResourceConfigurationRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        constraint::range(request.max_results.unwrap_or(PAGE.0), "maxResults", PAGE.0, PAGE.1)?;
        // No page has ever had a token.
        if let Some(token) = request.next_token.as_deref().filter(|token| !token.is_empty()) {
            constraint::next_token(token, TOKEN_CHARS)?;
            return Err(paging::invalid());
        }
        target.stream()?;
        Ok(Output::json(&DescribeMappedResourceConfigurationResponse {
            mapped_resource_configuration_list: [],
            next_token: None,
        }))
    }
}
