//! GetMediaForFragmentList: the fragments of a list of numbers, in the order of the list.

use crate::connections::ConnectionKind;
use crate::data::{MediaBody, Wanted, fragment_number};
use crate::meter::Points;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService, MEDIA_CONTENT_TYPE, constraint};
use serde::Deserialize;
use std::collections::VecDeque;
use tympan_aws::{Cx, Operation, Output};

/// The most numbers of one call.
const MOST_FRAGMENTS: usize = 1000;

#[derive(Debug, Deserialize)]
pub(crate) struct GetMediaForFragmentListRequest {
    #[serde(rename = "StreamName")]
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "Fragments")]
    fragments: Option<Vec<String>>,
}

/// Begins to deliver the fragments of a list.
///
/// Shape: as GetMedia, without the second service tags. A fragment that is not there has a document with
/// `AWS_KINESISVIDEO_ERROR_CODE` in its place.
pub(crate) struct GetMediaForFragmentList;

impl Operation for GetMediaForFragmentList {
    type Service = KvsService;
    type Input = GetMediaForFragmentListRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "GetMediaForFragmentList";

    async fn resolve(
        cx: &Cx<'_, KvsService>,
        input: &GetMediaForFragmentListRequest,
    ) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: GetMediaForFragmentListRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let (service, caller) = (cx.service, cx.caller);
        let fragments = constraint::required(request.fragments, "fragments")?;
        if !(1..=MOST_FRAGMENTS).contains(&fragments.len()) {
            return Err(KvsError::invalid(format!("Fragments must have 1 to {MOST_FRAGMENTS} numbers.")));
        }
        let wanted = |text: String| {
            let number = fragment_number(&text, "fragments")?;
            Ok(Wanted { text, number })
        };
        let numbers: VecDeque<Wanted> = fragments.into_iter().map(wanted).collect::<Result<_, KvsError>>()?;
        let identity = target.identity()?.clone();
        service.meter_call(caller, crate::Operation::GetMediaForFragmentList, Some(identity.name()))?;
        let stream = target.media_stream(cx)?;
        if stream.retention_hours == 0 {
            return Err(KvsError::invalid("The stream has no data retention: only GetMedia can read it."));
        }
        service.meter_points(caller, Points::Reading, &identity, numbers.len())?;
        let limit = service.limits().fragment_list_connections_per_stream;
        let connection = service.connections().open(stream.id, ConnectionKind::FragmentList, limit)?;
        let body = MediaBody::list(service, stream.id, numbers, connection);
        Ok(Output::stream(MEDIA_CONTENT_TYPE, body))
    }
}
