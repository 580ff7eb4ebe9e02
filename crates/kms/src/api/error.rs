//! The errors of the KMS API: code, HTTP status, message.
//!
//! Source: the KMS service model 2014-11-01, which says of each error whose fault it is: a caller's is 400, the
//! service's 500. The body is `{"__type": CODE, "message": TEXT}`.

use crate::{KeyringError, KmsError};
use serde_json::json;
use std::fmt;

/// An error answer: the caller sees code and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsApiError {
    code: KmsErrorCode,
    message: String,
    cause: Option<String>,
}

impl KmsApiError {
    /// Makes an error.
    pub fn new(code: KmsErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), cause: None }
    }

    /// KMSInternalException: the cause is for the log, the caller learns only that it was not their fault.
    fn internal(cause: String) -> Self {
        let message = "The service failed inside; its log says why. Try again.";
        Self { cause: Some(cause), ..Self::new(KmsErrorCode::KmsInternal, message) }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(KmsErrorCode::Validation, message)
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(KmsErrorCode::UnsupportedOperation, message)
    }

    /// Which error this is.
    pub fn code(&self) -> KmsErrorCode {
        self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    /// What went wrong and what to do about it.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What only the log is to know.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The JSON body.
    pub fn body(&self) -> Vec<u8> {
        json!({ "__type": self.code.name(), "message": self.message }).to_string().into_bytes()
    }
}

impl fmt::Display for KmsApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for KmsApiError {}

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

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal, $status:literal;)*) => {
        /// The error codes that this service answers with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum KmsErrorCode {
            $($(#[$doc])* $code,)*
        }

        impl KmsErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The name that SDKs match on.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self {
                    $(Self::$code => $status,)*
                }
            }
        }
    };
}

codes! {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_the_type_and_a_small_message() {
        let error = KmsApiError::new(KmsErrorCode::NotFound, "no");
        assert_eq!(error.body(), br#"{"__type":"NotFoundException","message":"no"}"#);
    }

    #[test]
    fn a_fault_inside_tells_its_cause_to_the_log_alone() {
        let error = KmsApiError::from(KmsError::Unavailable("cannot open /secret/place".into()));
        assert_eq!((error.code(), error.status()), (KmsErrorCode::KmsInternal, 500));
        assert!(!String::from_utf8(error.body()).unwrap().contains("/secret/place"));
        assert_eq!(error.cause(), Some("cannot open /secret/place"));
    }
}
