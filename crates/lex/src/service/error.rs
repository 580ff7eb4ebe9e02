use serde_json::json;
use std::borrow::Cow;
use std::fmt;
use tympan_aws::{ServiceError, constraint::Breach};

tympan_aws::error_codes! {
    /// The error codes that this service answers with.
    pub enum LexErrorCode {
        /// The caller may not do this.
        AccessDenied = "AccessDeniedException", 403;
        /// The bot is not ready, or what it depends on failed inside.
        BadGateway = "BadGatewayException", 502;
        /// Another request of the session is being answered.
        Conflict = "ConflictException", 409;
        /// What the bot depends on failed: a function, the recogniser of speech.
        DependencyFailed = "DependencyFailedException", 424;
        /// A fault on this side.
        Internal = "InternalServerException", 500;
        /// There is no such bot, alias, locale or session.
        NotFound = "ResourceNotFoundException", 404;
        /// Too much at once.
        Throttling = "ThrottlingException", 429;
        /// A member breaks its rule.
        Validation = "ValidationException", 400;
        /// The service has the operation and this server does not.
        NotOffered = "NotImplementedException", 501;
        /// There is no such operation.
        UnknownOperation = "UnknownOperationException", 404;
    }
}

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LexError {
    code: LexErrorCode,
    message: String,
    cause: Option<String>,
}

impl LexError {
    pub(crate) fn new(code: LexErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), cause: None }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(LexErrorCode::Validation, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(LexErrorCode::NotFound, message)
    }

    pub(crate) fn dependency(message: impl Into<String>) -> Self {
        Self::new(LexErrorCode::DependencyFailed, message)
    }

    pub(crate) fn fault(cause: String) -> Self {
        let message = "The service failed inside.".to_owned();
        Self { code: LexErrorCode::Internal, message, cause: Some(cause) }
    }

    /// Which error this is.
    pub fn error_code(&self) -> LexErrorCode {
        self.code
    }
}

impl From<Breach> for LexError {
    fn from(breach: Breach) -> Self {
        Self::validation(breach.to_string())
    }
}

impl fmt::Display for LexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for LexError {}

impl ServiceError for LexError {
    fn code(&self) -> &'static str {
        self.code.name()
    }

    fn status(&self) -> u16 {
        self.code.status()
    }

    fn message(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.message)
    }

    fn internal_cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The model's member has a small letter.
    fn body(&self) -> Option<Vec<u8>> {
        Some(json!({ "message": self.message }).to_string().into_bytes())
    }
}
