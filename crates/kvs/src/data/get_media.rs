//! GetMedia: reads a stream from some point on, and follows it while it grows.

use super::media_body::MediaBody;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService, MEDIA_CONTENT_TYPE, constraint};
use serde::Deserialize;
use tympan_aws::{Cx, Operation, Output};
use tympan_store::Start;
use tympan_types::{FragmentNumber, FragmentNumberError, ProducerTime, ServerTime};

#[derive(Debug, Deserialize)]
pub(crate) struct GetMediaRequest {
    #[serde(rename = "StreamName")]
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "StartSelector")]
    start_selector: Option<StartSelector>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StartSelector {
    start_selector_type: Option<String>,
    after_fragment_number: Option<String>,
    start_timestamp: Option<f64>,
    continuation_token: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum SelectorType {
    Now,
    Earliest,
    FragmentNumber,
    ServerTimestamp,
    ProducerTimestamp,
    ContinuationToken,
}

/// Begins to read a stream. What goes wrong later stands within the body.
pub(crate) struct GetMedia;

impl Operation for GetMedia {
    type Service = KvsService;
    type Input = GetMediaRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "GetMedia";

    async fn resolve(cx: &Cx<'_, KvsService>, input: &GetMediaRequest) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: GetMediaRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let service = cx.service;
        let selector = constraint::required(request.start_selector, "startSelector")?;
        let start = selector.start()?;
        let name = target.identity()?.name();
        service.meter_call(cx.caller, crate::Operation::GetMedia, Some(name))?;
        let stream = target.media_stream(cx)?;
        let limit = service.limits().get_media_connections_per_stream;
        let id = stream.id;
        let connection = service.connections().open_reader(cx.caller, stream, limit, cx.now)?;
        let body = MediaBody::follow(service, id, start, connection)?;
        Ok(Output::stream(MEDIA_CONTENT_TYPE, body))
    }
}

impl StartSelector {
    fn start(&self) -> Result<Start, KvsError> {
        let types = [
            ("FRAGMENT_NUMBER", SelectorType::FragmentNumber),
            ("SERVER_TIMESTAMP", SelectorType::ServerTimestamp),
            ("PRODUCER_TIMESTAMP", SelectorType::ProducerTimestamp),
            ("NOW", SelectorType::Now),
            ("EARLIEST", SelectorType::Earliest),
            ("CONTINUATION_TOKEN", SelectorType::ContinuationToken),
        ];
        let member = "startSelector.startSelectorType";
        let kind = constraint::required(self.start_selector_type.as_deref(), member)?;
        Ok(match constraint::one_of(kind, member, &types)? {
            SelectorType::Now => Start::Now,
            SelectorType::Earliest => Start::Earliest,
            SelectorType::FragmentNumber => {
                let member = "startSelector.afterFragmentNumber";
                let number = constraint::required(self.after_fragment_number.as_deref(), member)?;
                after(fragment_number(number, member)?)
            }
            SelectorType::ServerTimestamp => Start::AtServer(ServerTime::from_unix_ms(self.timestamp_ms()?)),
            SelectorType::ProducerTimestamp => {
                Start::AtProducer(ProducerTime::from_unix_ms(self.timestamp_ms()?))
            }
            SelectorType::ContinuationToken => {
                let member = "startSelector.continuationToken";
                let token = constraint::required(self.continuation_token.as_deref(), member)?;
                after(continuation_token(token, member)?)
            }
        })
    }

    fn timestamp_ms(&self) -> Result<i64, KvsError> {
        let member = "startSelector.startTimestamp";
        constraint::timestamp_ms(constraint::required(self.start_timestamp, member)?, member)
    }
}

/// A fragment number as clients may send it; `None` for one of more than 160 bits, which no fragment has.
pub(crate) fn fragment_number(text: &str, member: &str) -> Result<Option<FragmentNumber>, KvsError> {
    constraint::length(text, member, 1, 128)?;
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(FragmentNumberError::TooLarge) => Ok(None),
        Err(FragmentNumberError::NotDigits) => {
            constraint::pattern(text, member, "^[0-9]+$", false)?;
            Ok(None)
        }
    }
}

/// Where to go on after a number: one of more than 160 bits comes after everything.
fn after(number: Option<FragmentNumber>) -> Start {
    Start::After(number.unwrap_or(FragmentNumber::MAX))
}

/// A continuation token is the number of the fragment that carried it.
fn continuation_token(text: &str, member: &str) -> Result<Option<FragmentNumber>, KvsError> {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    constraint::length(text, member, 1, 128)?;
    constraint::pattern(text, member, r"^[a-zA-Z0-9_\.\-]+$", text.bytes().all(is_token_byte))?;
    let number = fragment_number(text, member);
    number.map_err(|_| KvsError::invalid("The specified ContinuationToken is not one of this service's."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KvsErrorCode;

    fn start(selector: &str) -> Result<Start, KvsError> {
        serde_json::from_str::<StartSelector>(selector).unwrap().start()
    }

    #[test]
    fn each_selector_type_has_its_start() {
        let number: FragmentNumber = "91343852333181432392682062607743920146159169392".parse().unwrap();
        for (selector, expected) in [
            (r#"{"StartSelectorType":"NOW"}"#.to_owned(), Start::Now),
            (r#"{"StartSelectorType":"EARLIEST","AfterFragmentNumber":null}"#.to_owned(), Start::Earliest),
            (
                format!(r#"{{"StartSelectorType":"FRAGMENT_NUMBER","AfterFragmentNumber":"{number}"}}"#),
                Start::After(number),
            ),
            (
                format!(r#"{{"StartSelectorType":"CONTINUATION_TOKEN","ContinuationToken":"{number}"}}"#),
                Start::After(number),
            ),
            (
                r#"{"StartSelectorType":"SERVER_TIMESTAMP","StartTimestamp":1704164645.678}"#.to_owned(),
                Start::AtServer(ServerTime::from_unix_ms(1_704_164_645_678)),
            ),
            (
                r#"{"StartSelectorType":"PRODUCER_TIMESTAMP","StartTimestamp":1704164645}"#.to_owned(),
                Start::AtProducer(ProducerTime::from_unix_ms(1_704_164_645_000)),
            ),
        ] {
            assert_eq!(start(&selector).unwrap(), expected, "{selector}");
        }
    }

    #[test]
    fn numbers_beyond_160_bits_come_after_everything() {
        let digits = "9".repeat(128);
        let selector =
            format!(r#"{{"StartSelectorType":"FRAGMENT_NUMBER","AfterFragmentNumber":"{digits}"}}"#);
        assert_eq!(start(&selector).unwrap(), Start::After(FragmentNumber::MAX));
    }

    #[test]
    fn incomplete_and_malformed_selectors_are_refused() {
        for selector in [
            "{}",
            r#"{"StartSelectorType":"LATEST"}"#,
            r#"{"StartSelectorType":"FRAGMENT_NUMBER"}"#,
            r#"{"StartSelectorType":"FRAGMENT_NUMBER","AfterFragmentNumber":"0x1"}"#,
            r#"{"StartSelectorType":"FRAGMENT_NUMBER","AfterFragmentNumber":""}"#,
            r#"{"StartSelectorType":"SERVER_TIMESTAMP"}"#,
            r#"{"StartSelectorType":"SERVER_TIMESTAMP","StartTimestamp":-1}"#,
            r#"{"StartSelectorType":"CONTINUATION_TOKEN","ContinuationToken":"a/b"}"#,
            r#"{"StartSelectorType":"CONTINUATION_TOKEN","ContinuationToken":"abc"}"#,
        ] {
            assert_eq!(start(selector).unwrap_err().code(), KvsErrorCode::InvalidArgument, "{selector}");
        }
    }
}
