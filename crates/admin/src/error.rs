//! The errors of the service: one closed set of codes, each with its HTTP status. The body is `{"Message": ...}`.

use crate::contacts::IndexError;
use std::fmt;
use tympan_aws::PageError;
use tympan_aws::constraint::Breach;
use tympan_connect::ConnectError;
use tympan_store::{ErrorKind, StoreError};

tympan_aws::error_codes! {
    /// The error codes that this service answers with.
    pub enum ErrorCode {
        /// A member has a value that is not allowed.
        Validation = "ValidationException", 400;
        /// The key of a stream may not be used.
        KeyAccessDenied = "KMSKeyAccessDeniedException", 400;
        /// The caller may not do this.
        AccessDenied = "AccessDeniedException", 403;
        /// There is no such thing, or it belongs to another account or region.
        NotFound = "ResourceNotFoundException", 404;
        /// No operation has this method and path.
        UnknownOperation = "UnknownOperationException", 404;
        /// The call of the contact is up, or the name is taken.
        Conflict = "ResourceConflictException", 409;
        /// The sound of a prompt cannot be had from where it is.
        SoundUnavailable = "SoundUnavailableException", 409;
        /// The contact has ended, and what is asked for is for calls that are up.
        ContactEnded = "ContactEndedException", 409;
        /// What is asked for is being done already.
        InUse = "ResourceInUseException", 409;
        /// The changes after this revision are no longer kept.
        RevisionGone = "RevisionGoneException", 410;
        /// As many readers of events or listeners are connected as may be, or an instance has as many prompts as it may have.
        LimitExceeded = "LimitExceededException", 429;
        /// A fault on this side; the cause is in the log, never in the answer.
        Internal = "InternalServiceException", 500;
    }
}

tympan_aws::service_error! {
    /// What a refused request is answered with.
    pub struct AdminError(ErrorCode) {}
}

impl AdminError {
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Validation, message)
    }

    pub(crate) fn no_contact() -> Self {
        Self::new(ErrorCode::NotFound, "There is no such contact.")
    }

    pub(crate) fn internal(cause: impl fmt::Display) -> Self {
        let message = "The request failed inside the server; its log says why.";
        Self::new(ErrorCode::Internal, message).caused_by(cause)
    }
}

impl From<Breach> for AdminError {
    fn from(breach: Breach) -> Self {
        Self::validation(breach.to_string())
    }
}

impl From<PageError> for AdminError {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Size { most, .. } => Self::validation(format!("MaxResults must be 1 to {most}.")),
            PageError::Token => {
                Self::validation("NextToken is not one that this operation returned to this request.")
            }
        }
    }
}

impl From<IndexError> for AdminError {
    fn from(error: IndexError) -> Self {
        match error {
            // The log and the doctor name the row; for the caller it is a fault on this side.
            IndexError::Unreadable(why) => {
                let message = "The contact is there and cannot be read; DeleteContact removes it.";
                Self::new(ErrorCode::Internal, message).caused_by(why)
            }
            IndexError::Query(why) => Self::validation(why),
            IndexError::Unavailable(why) => Self::internal(why),
        }
    }
}

impl From<ConnectError> for AdminError {
    fn from(error: ConnectError) -> Self {
        use tympan_connect::ErrorCode as Connect;
        let code = match error.code() {
            Connect::InvalidParameter | Connect::InvalidRequest => ErrorCode::Validation,
            Connect::ResourceNotFound => ErrorCode::NotFound,
            Connect::DuplicateResource => ErrorCode::Conflict,
            Connect::LimitExceeded => ErrorCode::LimitExceeded,
            // What failed is in the log already.
            _ => return Self::internal(error.message()),
        };
        Self::new(code, sentence(error.message()))
    }
}

/// Messages of Connect begin small and have no full stop.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::new(ErrorCode::NotFound, "There is no such stream."),
            ErrorKind::Key(_) => Self::new(ErrorCode::KeyAccessDenied, error.message()),
            _ => Self::internal(error),
        }
    }
}
