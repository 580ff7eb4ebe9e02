use crate::call::CallError;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tympan_types::FragmentNumber;

/// Why something that was asked for did not happen. `Display` says what and why, [`ClientError::advice`] what to do.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// What was asked for makes no sense, or something that is needed to ask is not set.
    #[error("{0}")]
    Usage(String),
    /// The service answered with an error.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The service told of an error within the body of GetMedia.
    #[error("the stream broke off with {code} ({id}) at fragment {number}")]
    InStream {
        /// Such as `KMS_KEY_DISABLED`.
        code: String,
        /// Such as 4501.
        id: u32,
        /// The fragment that could not be delivered, as the service names it.
        number: String,
    },
    /// The service took an upload back.
    #[error("the service refused fragment {} with {code} ({id})", number.map_or("0".to_owned(), |n| n.to_string()))]
    Ingest {
        /// Such as `FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS`.
        code: String,
        /// Such as 4004.
        id: u32,
        /// The fragment, when the service named it.
        number: Option<FragmentNumber>,
    },
    /// No connection.
    #[error("cannot reach {endpoint}: {reason}")]
    Unreachable {
        /// The endpoint's URL.
        endpoint: String,
        /// What the system says.
        reason: String,
    },
    /// A connection that broke, or an answer that makes no sense.
    #[error("{what}: {reason}")]
    Broken {
        /// What was going on.
        what: String,
        /// What went wrong.
        reason: String,
    },
    /// No answer in time.
    #[error("no answer to {what} within {} s", after.as_secs())]
    TimedOut {
        /// The request.
        what: String,
        /// How long was waited.
        after: Duration,
    },
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// The media is not what the request needs.
    #[error("{0}")]
    Media(String),
    /// A file could not be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(std::io::Error),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl ClientError {
    /// What to do about it, where there is something to say.
    pub fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Service(error) => return error.advice().map(str::to_owned),
            Self::Unreachable { endpoint, .. } => format!(
                "is the server up at {endpoint}? start one with `tympan serve --dev`, or name another with --endpoint \
                 or AWS_ENDPOINT_URL"
            ),
            Self::TimedOut { .. } => {
                "the server is overloaded, or something between swallows packets".to_owned()
            }
            Self::InStream { id: 4500..=4506, .. } => {
                "the stream's key is not usable; see `tympan keys ls`, or KmsKeyId in `tympan streams show`"
                    .to_owned()
            }
            Self::Call(error) => return error.advice(),
            _ => return None,
        })
    }

    /// The exit code of a program that fails with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Service(error) => error.exit(),
            Self::NotFound(_) => Exit::NotFound,
            Self::Unreachable { .. } | Self::TimedOut { .. } => Exit::Unavailable,
            Self::InStream { id, .. } | Self::Ingest { id, .. } => match id {
                4500 => Exit::Denied,
                4000 | 4506 | 4507 => Exit::NotFound,
                4503 => Exit::Unavailable,
                _ => Exit::Failed,
            },
            Self::Call(error) => error.exit(),
            Self::Broken { .. } | Self::Media(_) | Self::File { .. } | Self::Output(_) => Exit::Failed,
        }
    }

    /// Standard output was closed by whoever read it: an end, not an error.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

/// An error answer of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// The operation, such as `GetMedia`.
    pub operation: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The exception, such as `ResourceNotFoundException`; empty when the answer names none.
    pub error_type: String,
    /// The service's own words.
    pub message: String,
}

impl std::error::Error for ServiceError {}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, status, error_type, message } = self;
        // The message comes last: that of a development server goes on for many lines.
        match error_type.as_str() {
            "" => write!(f, "{operation} failed (HTTP {status})")?,
            _ => write!(f, "{operation} failed ({error_type}, HTTP {status})")?,
        }
        if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
    }
}

impl ServiceError {
    /// The exception's name without its ending, the form that is compared here.
    fn kind(&self) -> &str {
        self.error_type.strip_suffix("Exception").unwrap_or(&self.error_type)
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match self.kind() {
            "ResourceNotFound" if self.operation == "ContactRecord" => {
                "`tympan contacts ls` shows what there is"
            }
            "ResourceNotFound" if self.operation == "SimulatePolicy" => {
                "[[credentials]] of the server's configuration lists access keys and their users"
            }
            "ContactEnded" => "what was captured of it: `tympan contacts audio CONTACT -o call.wav`",
            "LimitExceeded" if self.operation == "ListenContact" => {
                "as many listen as may: end another listener, and try again"
            }
            "KMSKeyAccessDenied" => {
                "the key of its stream may not be used: `tympan keys ls` shows the state of keys"
            }
            "NotFound" => "`tympan keys ls` shows what there is; keys and aliases are per account and region",
            "Disabled" => "`tympan keys enable` switches the key on again",
            "KMSInvalidState" => {
                "`tympan keys show` tells the key's state; `tympan keys cancel-deletion` calls a deletion off"
            }
            "ResourceNotFound" => "`tympan streams ls` shows what there is; names are per account and region",
            "UnrecognizedClient" | "InvalidClientTokenId" | "MissingAuthenticationToken" => {
                "set AWS_ACCESS_KEY_ID to a key that the server knows; `tympan serve --dev` knows TYMPANDEV"
            }
            "SignatureDoesNotMatch" | "InvalidSignature" => {
                "check AWS_SECRET_ACCESS_KEY (TYMPANDEV's is tympandevsecret) and this machine's clock"
            }
            "ExpiredToken" => "the session token has run out: get fresh credentials",
            "AccessDenied" | "NotAuthorized" => {
                "this access key may not do that: use another, or extend its policy"
            }
            "AccountStreamLimitExceeded" => {
                "delete streams that are no longer needed, or raise kvs.streams_per_account"
            }
            "ConnectionLimitExceeded" => {
                "another client reads or writes the stream: let it finish, then try again"
            }
            "NoDataRetention" => {
                "the stream keeps nothing (retention 0): only GetMedia works, while media comes in"
            }
            _ => return None,
        })
    }

    fn exit(&self) -> Exit {
        match self.kind() {
            "ResourceNotFound" | "NotFound" => Exit::NotFound,
            "AccessDenied" | "NotAuthorized" => Exit::Denied,
            "ResourceInUse" | "ResourceConflict" | "VersionMismatch" => Exit::Conflict,
            "AlreadyExists" | "Disabled" | "KMSInvalidState" => Exit::Conflict,
            kind if kind.ends_with("LimitExceeded") || kind == "TooManyRequests" || kind == "Throttling" => {
                Exit::Conflict
            }
            _ => match self.status {
                401 | 403 => Exit::Denied,
                404 => Exit::NotFound,
                409 | 410 | 429 => Exit::Conflict,
                408 | 502..=504 => Exit::Unavailable,
                _ => Exit::Failed,
            },
        }
    }
}

/// What a program ends with. The numbers are a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Ok = 0,
    /// It failed.
    Failed = 1,
    /// It was asked wrongly.
    Usage = 2,
    /// What was asked for is not there.
    NotFound = 3,
    /// It may not.
    Denied = 4,
    /// Something else is in the way: a name taken, a version gone, a quota reached, a busy line.
    Conflict = 5,
    /// Nobody answered, or not in time.
    Unavailable = 6,
    /// Ctrl-C; what there was until then is in order.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(status: u16, error_type: &str) -> ClientError {
        let (error_type, message) = (error_type.to_owned(), "The words.".to_owned());
        ServiceError { operation: "DescribeStream", status, error_type, message }.into()
    }

    #[test]
    fn each_kind_of_error_has_its_exit_code() {
        for (error, exit) in [
            (service(404, "ResourceNotFoundException"), 3),
            (service(401, "NotAuthorizedException"), 4),
            (service(403, "InvalidSignatureException"), 4),
            (service(400, "AccountStreamLimitExceededException"), 5),
            (service(400, "ResourceInUseException"), 5),
            (service(400, "VersionMismatchException"), 5),
            (service(400, "InvalidArgumentException"), 1),
            (service(503, ""), 6),
            (service(500, ""), 1),
            (ClientError::Usage("no".into()), 2),
            (ClientError::Unreachable { endpoint: "http://x".into(), reason: "refused".into() }, 6),
            (ClientError::TimedOut { what: "GetMedia".into(), after: Duration::from_secs(3) }, 6),
            (ClientError::InStream { code: "KMS_KEY_ACCESS_DENIED".into(), id: 4500, number: "1".into() }, 4),
        ] {
            assert_eq!(error.exit() as u8, exit, "{error}");
        }
    }

    #[test]
    fn says_what_why_and_what_to_do() {
        let error = service(404, "ResourceNotFoundException");
        assert_eq!(
            error.to_string(),
            "DescribeStream failed (ResourceNotFoundException, HTTP 404): The words."
        );
        assert!(error.advice().unwrap().contains("tympan streams ls"));
        assert_eq!(service(500, "").to_string(), "DescribeStream failed (HTTP 500): The words.");
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        assert!(ClientError::Output(std::io::ErrorKind::BrokenPipe.into()).is_broken_pipe());
        assert!(!ClientError::Output(std::io::ErrorKind::StorageFull.into()).is_broken_pipe());
    }
}
