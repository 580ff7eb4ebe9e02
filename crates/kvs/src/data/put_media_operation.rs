//! PutMedia as an operation: it is authorised by its head, and its body goes to the session that it answers with.

use super::put_media::PutMediaRequest;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService};
use serde::Deserialize;
use tympan_aws::{Asks, BodyRule, Cx, Operation, Output, Target};

/// Begins an upload: the answer's stream is a [`PutMediaSession`](crate::PutMediaSession).
pub(crate) struct PutMedia;

/// What the headers say.
#[derive(Debug, Deserialize)]
pub(crate) struct PutMediaHead {
    stream_name: Option<String>,
    stream_arn: Option<String>,
    timecode_type: Option<String>,
    start: Option<String>,
    acks: Option<String>,
}

const STREAM_NAME: &str = "x-amzn-stream-name";
const STREAM_ARN: &str = "x-amzn-stream-arn";
const TIMECODE_TYPE: &str = "x-amzn-fragment-timecode-type";
const START: &str = "x-amzn-producer-start-timestamp";
const ACKS: &str = "x-amzn-fragment-acknowledgment-required";

/// A request in good order, and its stream.
pub(crate) struct Upload {
    request: PutMediaRequest,
    stream: StreamTarget,
}

impl Target for Upload {
    fn asks(&self, asks: &mut Asks) {
        self.stream.asks(asks);
    }

    fn subject(&self) -> Option<&str> {
        self.stream.subject()
    }
}

impl Operation for PutMedia {
    type Service = KvsService;
    type Input = PutMediaHead;
    type Target = Upload;
    const NAME: &'static str = "PutMedia";
    const HEADERS: &'static [(&'static str, &'static str)] = &[
        (STREAM_NAME, "stream_name"),
        (STREAM_ARN, "stream_arn"),
        (TIMECODE_TYPE, "timecode_type"),
        (START, "start"),
        (ACKS, "acks"),
    ];
    const BODY: BodyRule = BodyRule::Streamed;

    async fn resolve(cx: &Cx<'_, KvsService>, input: &PutMediaHead) -> Result<Upload, KvsError> {
        let request = PutMediaRequest::parse(&|name| match name {
            STREAM_NAME => input.stream_name.as_deref(),
            STREAM_ARN => input.stream_arn.as_deref(),
            TIMECODE_TYPE => input.timecode_type.as_deref(),
            START => input.start.as_deref(),
            ACKS => input.acks.as_deref(),
            _ => None,
        })?;
        let stream = StreamTarget::of_identity(cx, &request.stream).await;
        Ok(Upload { request, stream })
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        _: PutMediaHead,
        Upload { request, stream }: Upload,
    ) -> Result<Output, KvsError> {
        cx.service.meter_call(cx.caller, crate::Operation::PutMedia, Some(request.stream.name()))?;
        let session = cx.service.open_upload(request, stream.media_stream(cx)?).await?;
        Ok(Output::stream("application/json", session))
    }
}
