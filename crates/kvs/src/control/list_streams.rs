use super::stream_info::StreamInfo;
use crate::{KvsError, KvsService, constraint, paging};
use serde::{Deserialize, Serialize};
use tympan_aws::{Cx, Operation, Output};
use tympan_types::{PageToken, StreamName};

/// Bounds of `MaxResults`, the larger one being the default too.
const PAGE: (i64, i64) = (1, 10_000);
/// The longest `NextToken` of the control plane.
const TOKEN_CHARS: usize = 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListStreamsRequest {
    max_results: Option<i64>,
    next_token: Option<String>,
    stream_name_condition: Option<StreamNameCondition>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamNameCondition {
    comparison_operator: Option<String>,
    comparison_value: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListStreamsResponse {
    next_token: Option<String>,
    stream_info_list: Vec<StreamInfo>,
}

/// Lists the account's streams in the order of their names. The token is the last name of the page before.
pub(crate) struct ListStreams;

impl Operation for ListStreams {
    type Service = KvsService;
    type Input = ListStreamsRequest;
    type Target = ();
    const NAME: &'static str = "ListStreams";

    async fn resolve(_: &Cx<'_, KvsService>, _: &ListStreamsRequest) -> Result<(), KvsError> {
        Ok(())
    }

    async fn call(cx: &Cx<'_, KvsService>, request: ListStreamsRequest, (): ()) -> Result<Output, KvsError> {
        let (service, caller) = (cx.service, cx.caller);
        let limit = constraint::range(request.max_results.unwrap_or(PAGE.1), "maxResults", PAGE.0, PAGE.1)?;
        let limit = usize::try_from(limit).unwrap_or(1);
        let prefix = request.stream_name_condition.as_ref().map(prefix).transpose()?.flatten();
        // An empty token is what some clients send for none.
        let token = request.next_token.as_deref().filter(|token| !token.is_empty());
        let (account, region) = (&caller.account, &caller.region);
        let prefix = prefix.as_ref().map(StreamName::as_str);
        let tokens =
            PageToken::of(["ListStreams", account.as_str(), region.as_str(), prefix.unwrap_or_default()]);
        let after = token.map(|token| after(tokens, token)).transpose()?;
        let mut streams =
            service.store().list_streams(account, region, prefix, after.as_ref(), limit + 1).await?;
        // Streams that are being deleted are in no store and still listed.
        streams.extend(service.deleting_streams(caller, |stream| {
            let name = stream.arn.name();
            prefix.is_none_or(|prefix| name.as_str().starts_with(prefix))
                && after.as_ref().is_none_or(|after| name > after)
        }));
        streams.sort_by(|one, other| one.arn.name().cmp(other.arn.name()));
        let more = streams.len() > limit;
        streams.truncate(limit);
        let last = streams.last().filter(|_| more);
        Ok(Output::json(&ListStreamsResponse {
            next_token: last.map(|last| paging::encode(tokens, last.arn.name().as_str())),
            stream_info_list: streams
                .into_iter()
                .map(|stream| {
                    let status = service.status(&stream);
                    StreamInfo::new(stream, status)
                })
                .collect(),
        }))
    }
}

fn prefix(condition: &StreamNameCondition) -> Result<Option<StreamName>, KvsError> {
    if let Some(operator) = &condition.comparison_operator {
        let member = "streamNameCondition.comparisonOperator";
        constraint::one_of(operator, member, &[("BEGINS_WITH", ())])?;
    }
    let value = condition.comparison_value.as_deref();
    value.map(|value| constraint::stream_name(value, "streamNameCondition.comparisonValue")).transpose()
}

fn after(tokens: PageToken, token: &str) -> Result<StreamName, KvsError> {
    StreamName::parse(&paging::decode(tokens, token, TOKEN_CHARS)?).map_err(|_| paging::invalid())
}
