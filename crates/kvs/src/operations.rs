//! The service in the kit: its list, and how it words what the kit finds wrong.

use crate::archived::{GetMediaForFragmentList, ListFragments, PlaybackCall};
use crate::control::*;
use crate::data::{GetMedia, PutMedia};
use crate::target::Named;
use crate::{KvsError, KvsErrorCode, KvsService, Operation};
use std::sync::LazyLock;
use tympan_auth::Refusal;
use tympan_aws::{Cx, KeysAway, Malformed, Operations, Service, Unknown, register, register_as};
use tympan_types::StreamName;

/// The operations of the service. The body of [`tympan_aws::Output::stream`] is a [`MediaBody`](crate::MediaBody), or of
/// PutMedia a [`PutMediaSession`](crate::PutMediaSession), which takes the body of the request.
pub fn operations() -> Operations<KvsService> {
    Operations::rest_json("kinesisvideo", &Operation::catalogue())
        .with(register::<CreateStream>())
        .with(register::<DescribeStream>())
        .with(register::<ListStreams>())
        .with(register::<DeleteStream>())
        .with(register::<UpdateStream>())
        .with(register::<UpdateDataRetention>())
        .with(register::<TagStream>())
        .with(register::<UntagStream>())
        .with(register::<ListTagsForStream>())
        .with(register::<DescribeStreamStorageConfiguration>())
        .with(register::<UpdateStreamStorageConfiguration>())
        .with(register::<DescribeMappedResourceConfiguration>())
        .with(register::<TagResource>())
        .with(register::<UntagResource>())
        .with(register::<ListTagsForResource>())
        .with(register::<GetDataEndpoint>())
        .with(register::<PutMedia>())
        .with(register::<GetMedia>())
        .with(register::<ListFragments>())
        .with(register::<GetMediaForFragmentList>())
        .with(register_as::<PlaybackCall>("GetHLSStreamingSessionURL"))
        .with(register_as::<PlaybackCall>("GetDASHStreamingSessionURL"))
        .with(register_as::<PlaybackCall>("GetClip"))
        .with(register_as::<PlaybackCall>("GetImages"))
        .otherwise(register::<NotOffered>())
        .names(register::<Named>())
        .for_pages()
}

/// The same for callers within the process.
pub(crate) static OPERATIONS: LazyLock<Operations<KvsService>> = LazyLock::new(operations);

impl Service for KvsService {
    type Error = KvsError;

    fn malformed(_: &'static str, malformed: &Malformed) -> KvsError {
        let message = match malformed {
            Malformed::TooLong { limit_bytes } => {
                format!("The request body is longer than {limit_bytes} bytes.")
            }
            Malformed::NotAnObject => "The request body must be a JSON object.".to_owned(),
            other => format!("The request body cannot be read: {other}."),
        };
        KvsError::new(KvsErrorCode::Serialization, message)
    }

    fn denied(operation: &'static str, refusal: &Refusal) -> KvsError {
        let code = Operation::from_name(operation).map_or(KvsErrorCode::NotAuthorized, Operation::denial);
        KvsError::new(code, refusal.to_string())
    }

    fn not_offered(operation: &'static str, _: &'static str) -> KvsError {
        let message = format!("{operation} is not offered by this service.");
        KvsError::new(KvsErrorCode::NotImplemented, message)
    }

    fn unknown(_: Unknown<'_>) -> KvsError {
        KvsError::new(KvsErrorCode::UnknownOperation, "No operation has this path.")
    }

    fn fault(cause: String) -> KvsError {
        tracing::error!(cause, "an answer cannot be written");
        KvsError::new(KvsErrorCode::InternalFailure, "The service failed inside. Try again.")
    }

    fn admit(cx: &Cx<'_, Self>, subject: Option<&str>) -> Result<(), KvsError> {
        match Operation::from_name(cx.operation) {
            // They count when the members of the request are found in order.
            Some(
                Operation::PutMedia
                | Operation::GetMedia
                | Operation::GetMediaForFragmentList
                | Operation::Refused(_),
            )
            | None => Ok(()),
            Some(operation) => {
                let stream = subject.and_then(|name| StreamName::parse(name).ok());
                cx.service.meter_call(cx.caller, operation, stream.as_ref())
            }
        }
    }
}

impl From<KeysAway> for KvsError {
    fn from(away: KeysAway) -> Self {
        tracing::error!(cause = away.0, "the key of a request cannot be looked up");
        Self::new(
            KvsErrorCode::InternalService,
            "The key that the request names cannot be looked up. Try again.",
        )
    }
}
