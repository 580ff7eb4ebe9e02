//! The errors of the KMS API: code, HTTP status, message.
//!
//! Source: the KMS service model 2014-11-01, which says of each error whose fault it is: a caller's is 400, the
//! service's 500. The body is `{"__type": CODE, "message": TEXT}`.

use tympan_aws::Malformed;
use tympan_aws::constraint::Breach;
use tympan_kms::{KeyringError, KmsError};

tympan_aws::service_error! {
    /// An error answer: the caller sees code and message.
    pub struct KmsApiError(KmsErrorCode) {}
}

impl KmsApiError {
    /// KMSInternalException: the cause is for the log, the caller learns only that it was not their fault.
    pub(crate) fn internal(cause: String) -> Self {
        let message = "The service failed inside; its log says why. Try again.";
        Self::new(KmsErrorCode::KmsInternal, message).caused_by(cause)
    }

    /// A request that is no input of the operation.
    pub(crate) fn malformed(operation: &str, malformed: &Malformed) -> Self {
        // Only the place is printed: the text at it may be plaintext.
        let what = match malformed {
            Malformed::Json(error) => format!(
                "The request body is not what {operation} takes: line {}, column {}.",
                error.line(),
                error.column()
            ),
            Malformed::TooLong { limit_bytes } => {
                format!("The request body is longer than {limit_bytes} bytes.")
            }
            Malformed::NotAnObject | Malformed::Form(_) | Malformed::Parameter(_) => {
                "The request body must be a JSON object.".to_owned()
            }
        };
        Self::new(KmsErrorCode::Serialization, what)
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(KmsErrorCode::Validation, message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(KmsErrorCode::UnsupportedOperation, message)
    }
}

impl From<Breach> for KmsApiError {
    fn from(breach: Breach) -> Self {
        Self::validation(breach.to_string())
    }
}

impl From<KmsError> for KmsApiError {
    fn from(error: KmsError) -> Self {
        let code = match error {
            KmsError::AccessDenied(_) => KmsErrorCode::AccessDenied,
            KmsError::Disabled(_) => KmsErrorCode::Disabled,
            KmsError::Validation(_) => KmsErrorCode::InvalidCiphertext,
            KmsError::Unavailable(cause) => return Self::internal(cause),
            KmsError::InvalidUsage(_) => KmsErrorCode::InvalidKeyUsage,
            KmsError::InvalidState(_) => KmsErrorCode::KmsInvalidState,
            KmsError::NotFound(_) => KmsErrorCode::NotFound,
        };
        Self::new(code, error.to_string())
    }
}

impl From<KeyringError> for KmsApiError {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Key(error) => error.into(),
            KeyringError::BadAlias { .. } => Self::new(KmsErrorCode::InvalidAliasName, error.to_string()),
            KeyringError::Full { .. } => Self::new(
                KmsErrorCode::LimitExceeded,
                "The keyring is full. Delete keys that nothing is encrypted under, or shorten descriptions.",
            ),
            KeyringError::BadWindow { .. } => Self::validation(error.to_string()),
            KeyringError::Exposed { .. } | KeyringError::Malformed { .. } | KeyringError::Io { .. } => {
                Self::internal(error.to_string())
            }
        }
    }
}

tympan_aws::error_codes! {
    /// The error codes that this service answers with.
    pub enum KmsErrorCode {
    /// The caller may not do this to this key, or the ciphertext is of a key that is not there.
    AccessDenied = "AccessDeniedException", 400;
    /// The alias exists.
    AlreadyExists = "AlreadyExistsException", 400;
    /// The key is switched off.
    Disabled = "DisabledException", 400;
    /// The request would have succeeded, and only that was asked.
    DryRunOperation = "DryRunOperationException", 400;
    /// The ciphertext is of another key than the one named.
    IncorrectKey = "IncorrectKeyException", 400;
    /// The alias is none.
    InvalidAliasName = "InvalidAliasNameException", 400;
    /// The ARN is none, or of something else.
    InvalidArn = "InvalidArnException", 400;
    /// The ciphertext is damaged, foreign, or for another encryption context.
    InvalidCiphertext = "InvalidCiphertextException", 400;
    /// There are no grants, so no token is one.
    InvalidGrantToken = "InvalidGrantTokenException", 400;
    /// The key is not for that.
    InvalidKeyUsage = "InvalidKeyUsageException", 400;
    /// The marker was not made by this operation.
    InvalidMarker = "InvalidMarkerException", 400;
    /// A fault on this side.
    KmsInternal = "KMSInternalException", 500;
    /// The key is in no state for that.
    KmsInvalidState = "KMSInvalidStateException", 400;
    /// A quota is reached.
    LimitExceeded = "LimitExceededException", 400;
    /// The policy is not JSON.
    MalformedPolicyDocument = "MalformedPolicyDocumentException", 400;
    /// The name is the service's own.
    NotAuthorized = "NotAuthorizedException", 400;
    /// There is no such key or alias.
    NotFound = "NotFoundException", 400;
    /// The body is not JSON of the right types.
    Serialization = "SerializationException", 400;
    /// The tags are not allowed.
    Tag = "TagException", 400;
    /// No operation has this name.
    UnknownOperation = "UnknownOperationException", 400;
    /// AWS offers it, this server does not; see `docs/kms.md`.
    UnsupportedOperation = "UnsupportedOperationException", 400;
    /// A member breaks its rule.
    Validation = "ValidationException", 400;
}
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_aws::{Protocol, ReplyBody, ServiceError};

    fn body(error: &KmsApiError) -> String {
        let reply = Protocol::Json11 { target: "TrentService" }.error(error, "");
        assert_eq!((reply.status, reply.error_type), (error.status(), Some(error.code().name())));
        let ReplyBody::Whole(body) = reply.body else { panic!("an error is no stream") };
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn the_body_has_the_type_and_a_small_message() {
        let error = KmsApiError::new(KmsErrorCode::NotFound, "no");
        assert_eq!(body(&error), r#"{"__type":"NotFoundException","message":"no"}"#);
    }

    #[test]
    fn a_fault_inside_tells_its_cause_to_the_log_alone() {
        let error = KmsApiError::from(KmsError::Unavailable("cannot open /secret/place".into()));
        assert_eq!((error.code(), error.status()), (KmsErrorCode::KmsInternal, 500));
        assert!(!body(&error).contains("/secret/place"));
        assert_eq!(error.internal_cause(), Some("cannot open /secret/place"));
    }
}
