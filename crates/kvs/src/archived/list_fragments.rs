//! ListFragments: what a stream keeps, by the times at which fragments begin.

use crate::meter::Points;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService, constraint, paging};
use serde::{Deserialize, Serialize};
use tympan_aws::{Cx, Operation, Output};
use tympan_store::{FragmentMeta, Stream, TimeAxis};
use tympan_types::{FragmentNumber, PageToken, WallTime};

/// Bounds of `MaxResults`; the default is the larger.
const PAGE: (i64, i64) = (1, 1000);
/// The longest `NextToken` of archived media.
const TOKEN_CHARS: usize = 4096;
const HOUR_MS: i64 = 3_600_000;

#[derive(Debug, Deserialize)]
pub(crate) struct ListFragmentsRequest {
    #[serde(rename = "StreamName")]
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "MaxResults")]
    max_results: Option<i64>,
    #[serde(rename = "NextToken")]
    next_token: Option<String>,
    #[serde(rename = "FragmentSelector")]
    fragment_selector: Option<FragmentSelector>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FragmentSelector {
    fragment_selector_type: Option<String>,
    timestamp_range: Option<TimestampRange>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimestampRange {
    start_timestamp: Option<f64>,
    end_timestamp: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListFragmentsResponse {
    fragments: Vec<ListedFragment>,
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListedFragment {
    fragment_number: FragmentNumber,
    fragment_size_in_bytes: u64,
    producer_timestamp: f64,
    server_timestamp: f64,
    fragment_length_in_milliseconds: u32,
}

/// Which fragments are listed: those that begin within the range, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    axis: TimeAxis,
    from_ms: i64,
    to_ms: i64,
}

/// Lists fragments in ascending order of their numbers.
pub(crate) struct ListFragments;

impl Operation for ListFragments {
    type Service = KvsService;
    type Input = ListFragmentsRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "ListFragments";

    async fn resolve(
        cx: &Cx<'_, KvsService>,
        input: &ListFragmentsRequest,
    ) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: ListFragmentsRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let (service, caller) = (cx.service, cx.caller);
        let limit = constraint::range(request.max_results.unwrap_or(PAGE.1), "maxResults", PAGE.0, PAGE.1)?;
        let limit = usize::try_from(limit).unwrap_or(1);
        let selected = request.fragment_selector.as_ref().map(FragmentSelector::range).transpose()?;
        match &request.next_token {
            Some(token) => constraint::next_token(token, TOKEN_CHARS)?,
            None => constraint::required(selected, "fragmentSelector").map(drop)?,
        }
        let identity = target.identity()?.clone();
        service.meter_points(caller, Points::Listing, &identity, limit)?;
        let stream = target.media_stream(cx)?;
        let tokens = PageToken::of(["ListFragments", &stream.arn.to_string()]);
        // A token says everything that a selector does, and where to go on; a selector beside it has to say the same.
        let (range, after) = match &request.next_token {
            None => (constraint::required(selected, "fragmentSelector")?, None),
            Some(token) => {
                let (range, after) = read_token(tokens, token)?;
                if selected.is_some_and(|selected| selected != range) {
                    return Err(paging::invalid());
                }
                (range, Some(after))
            }
        };
        within_retention(&stream, range, cx.now)?;

        let Range { axis, from_ms, to_ms } = range;
        let mut found =
            service.store().list_fragments(stream.id, axis, from_ms, to_ms, after, limit + 1).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        Ok(Output::json(&ListFragmentsResponse {
            next_token: last.map(|last| write_token(tokens, range, last.number)),
            fragments: found.into_iter().map(ListedFragment::from).collect(),
        }))
    }
}

impl FragmentSelector {
    fn range(&self) -> Result<Range, KvsError> {
        let member = "fragmentSelector.fragmentSelectorType";
        let axes = [("PRODUCER_TIMESTAMP", TimeAxis::Producer), ("SERVER_TIMESTAMP", TimeAxis::Server)];
        let kind = constraint::required(self.fragment_selector_type.as_deref(), member)?;
        let axis = constraint::one_of(kind, member, &axes)?;
        let range = constraint::required(self.timestamp_range.as_ref(), "fragmentSelector.timestampRange")?;
        let ms = |timestamp: Option<f64>, member: &str| {
            constraint::timestamp_ms(constraint::required(timestamp, member)?, member)
        };
        let from_ms = ms(range.start_timestamp, "fragmentSelector.timestampRange.startTimestamp")?;
        let to_ms = ms(range.end_timestamp, "fragmentSelector.timestampRange.endTimestamp")?;
        if from_ms > to_ms {
            return Err(KvsError::invalid("StartTimestamp must not be after EndTimestamp."));
        }
        Ok(Range { axis, from_ms, to_ms })
    }
}

/// Refuses a range of server times that ended before everything that is kept, and any range of a stream that keeps
/// nothing. Producer times may be anything, also long ago.
fn within_retention(stream: &Stream, range: Range, now: WallTime) -> Result<(), KvsError> {
    let oldest_ms = now.unix_ms() - i64::from(stream.retention_hours) * HOUR_MS;
    if stream.retention_hours == 0 || (range.axis == TimeAxis::Server && range.to_ms < oldest_ms) {
        let end_ms = range.to_ms;
        return Err(KvsError::invalid(format!(
            "End timestamp {end_ms} is outside of the stream retention period."
        )));
    }
    Ok(())
}

fn write_token(tokens: PageToken, range: Range, after: FragmentNumber) -> String {
    let axis = match range.axis {
        TimeAxis::Producer => "producer",
        TimeAxis::Server => "server",
    };
    paging::encode(tokens, &format!("{axis} {} {} {after}", range.from_ms, range.to_ms))
}

fn read_token(tokens: PageToken, token: &str) -> Result<(Range, FragmentNumber), KvsError> {
    let text = paging::decode(tokens, token, TOKEN_CHARS)?;
    let parts: Vec<&str> = text.split(' ').collect();
    let [axis, from_ms, to_ms, after] = parts[..] else { return Err(paging::invalid()) };
    let axis = match axis {
        "producer" => TimeAxis::Producer,
        "server" => TimeAxis::Server,
        _ => return Err(paging::invalid()),
    };
    let ms = |text: &str| text.parse().map_err(|_| paging::invalid());
    let range = Range { axis, from_ms: ms(from_ms)?, to_ms: ms(to_ms)? };
    Ok((range, after.parse().map_err(|_| paging::invalid())?))
}

impl From<FragmentMeta> for ListedFragment {
    fn from(meta: FragmentMeta) -> Self {
        Self {
            fragment_number: meta.number,
            fragment_size_in_bytes: meta.size_bytes(),
            producer_timestamp: meta.producer.unix_ms() as f64 / 1000.0,
            server_timestamp: meta.server.unix_ms() as f64 / 1000.0,
            fragment_length_in_milliseconds: meta.duration_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_what_the_selector_said_and_where_to_go_on() {
        let range = Range { axis: TimeAxis::Server, from_ms: 0, to_ms: 1_704_164_645_678 };
        let tokens = PageToken::of(["ListFragments", "one"]);
        let token = write_token(tokens, range, FragmentNumber::MAX);
        assert!(read_token(PageToken::of(["ListFragments", "other"]), &token).is_err());
        assert_eq!(read_token(tokens, &token).unwrap(), (range, FragmentNumber::MAX));
        for text in ["", "server 1 2", "server 1 2 3 4", "other 1 2 3", "server x 2 3", "server 1 2 -3"] {
            assert!(read_token(tokens, &paging::encode(tokens, text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_selector_needs_a_type_and_a_range_in_order() {
        let range = |text: &str| serde_json::from_str::<FragmentSelector>(text).unwrap().range();
        let selector = |kind: &str, from: f64, to: f64| {
            format!(
                r#"{{"FragmentSelectorType":"{kind}","TimestampRange":{{"StartTimestamp":{from},"EndTimestamp":{to}}}}}"#
            )
        };
        let expected = Range { axis: TimeAxis::Producer, from_ms: 1_500, to_ms: 1_500 };
        assert_eq!(range(&selector("PRODUCER_TIMESTAMP", 1.5, 1.5)).unwrap(), expected);
        assert!(range(&selector("PRODUCER_TIMESTAMP", 2.0, 1.0)).is_err());
        assert!(range(&selector("NOW", 1.0, 2.0)).is_err());
        assert!(range("{}").is_err());
        assert!(range(r#"{"FragmentSelectorType":"SERVER_TIMESTAMP"}"#).is_err());
    }
}
