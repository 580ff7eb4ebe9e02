//! The errors of the service: code, HTTP status, message.
//!
//! Source: the botocore models of `kinesisvideo`, `kinesis-video-media` and `kinesis-video-archived-media`
//! (2017-09-30). The body is one member, `Message`; the code travels in the header `x-amzn-ErrorType`.

use tympan_aws::constraint::Breach;
use tympan_store::{ErrorKind, StoreError};

tympan_aws::service_error! {
    /// An error answer: the caller sees the code, whose name goes into `x-amzn-ErrorType`, and the message, nothing else.
    pub struct KvsError(KvsErrorCode) {}
}

impl KvsError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(KvsErrorCode::InvalidArgument, message)
    }

    pub(crate) fn stream_not_found() -> Self {
        Self::new(KvsErrorCode::ResourceNotFound, "The requested stream is not found or not active.")
    }

    pub(crate) fn throttled(operation: &str) -> Self {
        Self::new(
            KvsErrorCode::ClientLimitExceeded,
            format!("Limit exceeded on number of requests for {operation} API"),
        )
    }

    /// The JSON body: `{"Message":"..."}`.
    pub fn body(&self) -> Vec<u8> {
        serde_json::json!({ "Message": self.message }).to_string().into_bytes()
    }
}

impl From<Breach> for KvsError {
    fn from(breach: Breach) -> Self {
        Self::invalid(breach.to_string())
    }
}

impl From<StoreError> for KvsError {
    /// Maps what the store says to what a caller is told; the cause of a failure inside goes to the log only.
    fn from(error: StoreError) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotActive => Self::stream_not_found(),
            ErrorKind::Exists => Self::new(KvsErrorCode::ResourceInUse, "The stream already exists."),
            ErrorKind::QuotaReached => Self::new(
                KvsErrorCode::AccountStreamLimitExceeded,
                "The number of streams created for the account has reached its limit. Delete streams that are no \
                 longer needed, or raise the limit.",
            ),
            ErrorKind::VersionMismatch => Self::new(
                KvsErrorCode::VersionMismatch,
                "The stream version that you specified is not the latest version. Call DescribeStream for the \
                 latest one.",
            ),
            // Trying again may help, which no client does after an InvalidArgumentException.
            ErrorKind::Key(cause) if cause.kvs_code() == 4503 => {
                tracing::error!(%error, "key provider is away");
                Self::new(KvsErrorCode::ServiceUnavailable, "The KMS cannot be asked now. Try again later.")
            }
            ErrorKind::Key(cause) => Self::invalid(format!("The KMS key cannot be used: {cause}")),
            ErrorKind::Full => {
                tracing::error!(%error, "store is full");
                Self::new(KvsErrorCode::ServiceUnavailable, "The service has no space left. Try again later.")
            }
            _ => {
                tracing::error!(%error, "store failed");
                Self::new(KvsErrorCode::InternalFailure, "The service failed inside. Try again.")
            }
        }
    }
}

tympan_aws::error_codes! {
    /// The closed list of error codes.
    pub enum KvsErrorCode {
    /// The stream does not exist (or not any more).
    ResourceNotFound = "ResourceNotFoundException", 404;
    /// The caller may not do this to this stream.
    NotAuthorized = "NotAuthorizedException", 401;
    /// The caller may not do this.
    AccessDenied = "AccessDeniedException", 401;
    /// A member of the request breaks its rule.
    InvalidArgument = "InvalidArgumentException", 400;
    /// Too many calls or connections.
    ClientLimitExceeded = "ClientLimitExceededException", 400;
    /// Too many connections to one stream.
    ConnectionLimitExceeded = "ConnectionLimitExceededException", 400;
    /// The stream has no edge configuration.
    StreamEdgeConfigurationNotFound = "StreamEdgeConfigurationNotFoundException", 404;
    /// The name is taken, or the stream is being changed.
    ResourceInUse = "ResourceInUseException", 400;
    /// `CurrentVersion` is stale.
    VersionMismatch = "VersionMismatchException", 400;
    /// The account has as many streams as it may have.
    AccountStreamLimitExceeded = "AccountStreamLimitExceededException", 400;
    /// More than 50 tags.
    TagsPerResourceExceededLimit = "TagsPerResourceExceededLimitException", 400;
    /// The call was sent to an endpoint of another operation.
    InvalidEndpoint = "InvalidEndpointException", 400;
    /// An ARN of a tag call is malformed.
    InvalidResourceFormat = "InvalidResourceFormatException", 400;
    /// Archived media was asked of a stream that keeps none.
    NoDataRetention = "NoDataRetentionException", 400;
    /// The stream's media cannot be played that way.
    UnsupportedStreamMediaType = "UnsupportedStreamMediaTypeException", 400;
    /// A track has no codec private data.
    MissingCodecPrivateData = "MissingCodecPrivateDataException", 400;
    /// A track's codec private data is not its codec's.
    InvalidCodecPrivateData = "InvalidCodecPrivateDataException", 400;
    /// A frame is not its codec's.
    InvalidMediaFrame = "InvalidMediaFrameException", 400;
    /// The body is not JSON of the right types.
    Serialization = "SerializationException", 400;
    /// No operation has this path.
    UnknownOperation = "UnknownOperationException", 404;
    /// The operation exists at AWS and is not offered here; see `docs/kvs-compat.md`.
    NotImplemented = "NotImplementedException", 501;
    /// The key that a request names could not be looked up.
    InternalService = "InternalServiceException", 500;
    /// Something failed inside.
    InternalFailure = "InternalFailure", 500;
    /// The service cannot take this now.
    ServiceUnavailable = "ServiceUnavailable", 503;
}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_the_model() {
        for code in KvsErrorCode::ALL {
            let expected = match code.name() {
                "ResourceNotFoundException"
                | "StreamEdgeConfigurationNotFoundException"
                | "UnknownOperationException" => 404,
                "NotAuthorizedException" | "AccessDeniedException" => 401,
                "NotImplementedException" => 501,
                "InternalFailure" | "InternalServiceException" => 500,
                "ServiceUnavailable" => 503,
                _ => 400,
            };
            assert_eq!(code.status(), expected, "{}", code.name());
        }
    }

    #[test]
    fn the_body_is_one_member_with_a_capital_m() {
        let error = KvsError::new(KvsErrorCode::InvalidArgument, "a \"b\"");
        assert_eq!(error.body(), br#"{"Message":"a \"b\""}"#);
    }
}
