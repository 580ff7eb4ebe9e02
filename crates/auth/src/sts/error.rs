use super::NAMESPACE;
use super::xml::{self, Element};
use crate::Rejection;

/// An error answer of the query protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsError {
    code: &'static str,
    status: u16,
    message: String,
}

impl StsError {
    fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into() }
    }

    pub(super) fn no_action() -> Self {
        Self::new("MissingAction", 400, "The request names no operation: it needs the parameter Action.")
    }

    pub(super) fn unknown_action(name: &str) -> Self {
        let name: String = name.chars().take(80).collect();
        let message = format!(
            "{name} is not offered by this server: it has AssumeRole, GetCallerIdentity and GetSessionToken."
        );
        Self::new("InvalidAction", 400, message)
    }

    pub(super) fn unknown_version(action: &str, version: &str) -> Self {
        let short = |text: &str| text.chars().take(80).collect::<String>();
        let message = format!("Could not find operation {} for version {}", short(action), short(version));
        Self::new("InvalidAction", 400, message)
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationError", 400, message)
    }

    pub(super) fn access_denied(message: impl Into<String>) -> Self {
        Self::new("AccessDenied", 403, message)
    }

    pub(super) fn malformed_policy(message: impl Into<String>) -> Self {
        Self::new("MalformedPolicyDocument", 400, message)
    }

    pub(super) fn policy_too_large(message: impl Into<String>) -> Self {
        Self::new("PackedPolicyTooLarge", 400, message)
    }

    /// A request that was not let in, in the words of this protocol.
    pub fn rejected(rejection: &Rejection, message: String) -> Self {
        let code = match rejection.error_type() {
            "MissingAuthenticationTokenException" => "MissingAuthenticationToken",
            "IncompleteSignatureException" => "IncompleteSignature",
            "UnrecognizedClientException" => "InvalidClientTokenId",
            "ExpiredTokenException" => "ExpiredToken",
            _ => "SignatureDoesNotMatch",
        };
        Self::new(code, rejection.status(), message)
    }

    /// A request that could not be read.
    pub fn unreadable(status: u16, message: String) -> Self {
        Self::new("InvalidRequest", status, message)
    }

    /// The code, as clients see it.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// What is wrong, and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The answer's body.
    pub fn body(&self, request_id: &str) -> String {
        let error = Element::list(
            "Error",
            vec![
                Element::text("Type", "Sender"),
                Element::text("Code", self.code),
                Element::text("Message", &self.message),
            ],
        );
        xml::document("ErrorResponse", NAMESPACE, &[error, Element::text("RequestId", request_id)])
    }
}
