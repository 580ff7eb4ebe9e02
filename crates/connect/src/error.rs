//! The errors of the Connect API: one closed set of codes, each with its HTTP status and body.
//!
//! Source: the Connect API model, errors of the operations offered: the body is `{"Message": ...}`, except that
//! InvalidContactFlowException carries `{"problems": [{"message": ...}]}`.

use serde_json::{Value, json};
use std::fmt;

/// The error codes that this service answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The request as a whole cannot be carried out.
    InvalidRequest,
    /// One parameter has a value that is not allowed.
    InvalidParameter,
    /// The content of a flow cannot be published; the body lists the problems.
    InvalidContactFlow,
    /// The caller may not do this.
    AccessDenied,
    /// The named resource does not exist, or belongs to another account or region.
    ResourceNotFound,
    /// The flow has no published content.
    ContactFlowNotPublished,
    /// A resource of that name exists.
    DuplicateResource,
    /// The association exists.
    ResourceConflict,
    /// The resource is referred to by another one.
    ResourceInUse,
    /// The client token was used before with other parameters.
    Idempotency,
    /// The contact does not exist, or has ended.
    ContactNotFound,
    /// A quota of the instance or account is reached.
    ServiceQuotaExceeded,
    /// A limit of the instance is reached.
    LimitExceeded,
    /// Too much waits at the same place; the same request can succeed later, and SDKs send it again.
    Throttling,
    /// A fault on this side; the cause is in the log, never in the answer.
    InternalService,
    /// An operation of Connect that this server does not have.
    NotImplemented,
    /// No operation of Connect has this method and path.
    UnknownOperation,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 17] = [
        Self::InvalidRequest,
        Self::InvalidParameter,
        Self::InvalidContactFlow,
        Self::AccessDenied,
        Self::ResourceNotFound,
        Self::ContactFlowNotPublished,
        Self::DuplicateResource,
        Self::ResourceConflict,
        Self::ResourceInUse,
        Self::Idempotency,
        Self::ContactNotFound,
        Self::ServiceQuotaExceeded,
        Self::LimitExceeded,
        Self::Throttling,
        Self::InternalService,
        Self::NotImplemented,
        Self::UnknownOperation,
    ];

    /// The name in `x-amzn-errortype`.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.row().1
    }

    fn row(self) -> (&'static str, u16) {
        match self {
            Self::InvalidRequest => ("InvalidRequestException", 400),
            Self::InvalidParameter => ("InvalidParameterException", 400),
            Self::InvalidContactFlow => ("InvalidContactFlowException", 400),
            Self::AccessDenied => ("AccessDeniedException", 403),
            Self::ResourceNotFound => ("ResourceNotFoundException", 404),
            Self::ContactFlowNotPublished => ("ContactFlowNotPublishedException", 404),
            Self::DuplicateResource => ("DuplicateResourceException", 409),
            Self::ResourceConflict => ("ResourceConflictException", 409),
            Self::ResourceInUse => ("ResourceInUseException", 409),
            Self::Idempotency => ("IdempotencyException", 409),
            Self::ContactNotFound => ("ContactNotFoundException", 410),
            Self::ServiceQuotaExceeded => ("ServiceQuotaExceededException", 402),
            Self::LimitExceeded => ("LimitExceededException", 429),
            Self::Throttling => ("ThrottlingException", 429),
            Self::InternalService => ("InternalServiceException", 500),
            Self::NotImplemented => ("NotImplementedException", 501),
            Self::UnknownOperation => ("UnknownOperationException", 404),
        }
    }
}

/// What a refused request is answered with: what is wrong, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectError {
    code: ErrorCode,
    message: String,
    problems: Vec<String>,
}

impl ConnectError {
    /// An error with a message for the caller.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), problems: Vec::new() }
    }

    /// InvalidContactFlowException with at least one problem.
    pub fn invalid_flow(problems: Vec<String>) -> Self {
        let message = problems.join("; ");
        Self { code: ErrorCode::InvalidContactFlow, message, problems }
    }

    /// InternalServiceException: the cause goes to the log, the caller learns only that it was not their fault.
    pub(crate) fn internal(cause: &dyn fmt::Display) -> Self {
        tracing::error!(cause = %cause, "connect request failed inside the server");
        Self::new(ErrorCode::InternalService, "The request failed inside the server; its log says why.")
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceNotFound, message)
    }

    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameter, message)
    }

    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    /// The same refusal under another code: an operation raises only what its model declares.
    pub(crate) fn under(self, code: ErrorCode) -> Self {
        Self { code, ..self }
    }

    /// Which error this is.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    /// The text for the caller.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The problems of a refused flow; empty for every other error.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        if self.code == ErrorCode::InvalidContactFlow {
            let problems: Vec<Value> = self.problems.iter().map(|text| json!({ "message": text })).collect();
            json!({ "problems": problems })
        } else {
            json!({ "Message": self.message })
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for ConnectError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_a_capital_message() {
        let error = ConnectError::not_found("no such instance");
        assert_eq!(error.body().to_string(), r#"{"Message":"no such instance"}"#);
        assert_eq!((error.code().name(), error.status()), ("ResourceNotFoundException", 404));
    }

    #[test]
    fn a_refused_flow_lists_its_problems() {
        let error = ConnectError::invalid_flow(vec!["Actions[0]: Type is missing".into()]);
        assert_eq!(error.body().to_string(), r#"{"problems":[{"message":"Actions[0]: Type is missing"}]}"#);
        assert_eq!(error.status(), 400);
    }

    #[test]
    fn the_odd_statuses_are_those_of_the_model() {
        assert_eq!(ErrorCode::ServiceQuotaExceeded.status(), 402);
        assert_eq!(ErrorCode::ContactNotFound.status(), 410);
        assert_eq!(ErrorCode::LimitExceeded.status(), 429);
    }
}
