use super::AmzDate;
use tympan_types::WallTime;

/// Why a request was not let in. Each has the error type that the SDKs know; all travel with status 403.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The request is not signed at all.
    #[error(
        "Missing Authentication Token: the request carries neither an Authorization header nor a presigned query"
    )]
    NotSigned,
    /// The head says something about a signature that cannot be read.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// No access key has this id.
    #[error("The security token included in the request is invalid: this server has no access key {0:?}.")]
    UnknownAccessKey(String),
    /// A temporary key came without its token, or with another one.
    #[error(
        "The security token included in the request is invalid: access key {0:?} is temporary and needs its own session token."
    )]
    WrongSessionToken(String),
    /// The access key has ended.
    #[error("The security token included in the request is expired")]
    ExpiredAccessKey,
    /// The signature is too old.
    #[error(
        "Signature expired: {signed_at} is now earlier than {} ({} - {}.)",
        AmzDate::from_wall_time(now.plus_ms(-within_ms)), AmzDate::from_wall_time(*now), shown_span(*within_ms)
    )]
    SignatureExpired {
        /// When the client signed, by its clock.
        signed_at: AmzDate,
        /// The server's clock.
        now: WallTime,
        /// For so long a signature is good.
        within_ms: i64,
    },
    /// The signature is from the future.
    #[error(
        "Signature not yet current: {signed_at} is still later than {} ({} + {}.)",
        AmzDate::from_wall_time(now.plus_ms(*ahead_ms)), AmzDate::from_wall_time(*now), shown_span(*ahead_ms)
    )]
    SignatureNotYetCurrent {
        /// When the client signed, by its clock.
        signed_at: AmzDate,
        /// The server's clock.
        now: WallTime,
        /// So far the client's clock may be ahead.
        ahead_ms: i64,
    },
    /// The scope is for another day than the request.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from the request's date: {scope_day:?} is not {request_day:?}."
    )]
    ScopeDay {
        /// The day of the credential scope.
        scope_day: String,
        /// The day of `X-Amz-Date`.
        request_day: String,
    },
    /// A header that must be signed is not.
    #[error("{0:?} must be among the SignedHeaders of the signature.")]
    UnsignedHeader(String),
    /// A header was signed and is not there.
    #[error("The signed header {0:?} did not arrive; a proxy between client and server may have removed it.")]
    MissingSignedHeader(String),
    /// `x-amz-content-sha256` says something that this operation does not take.
    #[error("x-amz-content-sha256 is {value:?}; {expected}.")]
    PayloadHash {
        /// What the header says.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// The body is not the one whose hash was signed.
    #[error(
        "The provided x-amz-content-sha256 header does not match what was computed: the body was altered on its way."
    )]
    BodyAltered,
    /// The signature is another one than the access key makes for this request.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details."
    )]
    SignatureMismatch,
}

impl Rejection {
    /// The exception's name, for `x-amzn-ErrorType`.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::NotSigned => "MissingAuthenticationTokenException",
            Self::Head(_) => "IncompleteSignatureException",
            Self::UnknownAccessKey(_) | Self::WrongSessionToken(_) => "UnrecognizedClientException",
            Self::ExpiredAccessKey => "ExpiredTokenException",
            Self::SignatureExpired { .. }
            | Self::SignatureNotYetCurrent { .. }
            | Self::ScopeDay { .. }
            | Self::UnsignedHeader(_)
            | Self::MissingSignedHeader(_)
            | Self::PayloadHash { .. }
            | Self::BodyAltered
            | Self::SignatureMismatch => "InvalidSignatureException",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        403
    }
}

/// What is wrong with the text of a signature; values are shown cut to 80 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// There is an Authorization header and a presigned query, or one of them twice.
    #[error("the request is signed twice: use one Authorization header or one presigned query")]
    SignedTwice,
    /// The Authorization header is longer than any signature, or not text.
    #[error("the Authorization header is not text of at most {0} bytes")]
    Unreadable(usize),
    /// Another algorithm, or something else than a signature.
    #[error("Unsupported AWS 'algorithm': {0:?}; only AWS4-HMAC-SHA256 is supported")]
    Algorithm(String),
    /// A part of the Authorization header is not `key=value` of a known key.
    #[error(
        "{0:?} is not a valid key=value pair in the Authorization header; it has Credential, SignedHeaders and Signature, each once"
    )]
    Pair(String),
    /// A part is missing.
    #[error("the signature lacks {0:?}")]
    Missing(&'static str),
    /// A query parameter of a presigned request stands there twice.
    #[error("the presigned query has {0:?} twice")]
    Repeated(&'static str),
    /// Not a credential scope.
    #[error("{0:?} is not a Credential: it reads KEY/YYYYMMDD/REGION/SERVICE/aws4_request")]
    Credential(String),
    /// Not a list of header names.
    #[error("{0:?} is not a list of at most 128 lower-case header names with ';' between")]
    SignedHeaders(String),
    /// Not a signature.
    #[error("the Signature is not 64 lower-case hex digits")]
    Signature,
    /// No single readable `X-Amz-Date`.
    #[error("the signature needs exactly one X-Amz-Date header")]
    NoDate,
    /// Not a date.
    #[error("{0:?} is not a date: it reads YYYYMMDDTHHMMSSZ, in UTC")]
    Date(String),
    /// Not a lifetime.
    #[error("X-Amz-Expires is {0:?}: it is a number of seconds from 1 to 604800")]
    Expires(String),
}

/// Minutes where they are whole, as AWS writes it.
fn shown_span(ms: i64) -> String {
    match ms / 1_000 {
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

/// A hostile value cut to a length that fits an error text.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
