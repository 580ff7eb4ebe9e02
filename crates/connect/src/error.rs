//! The errors of the Connect API: one closed set of codes, each with its HTTP status and body.
//!
//! Source: the Connect API model, errors of the operations offered: the body is `{"Message": ...}`, except that
//! InvalidContactFlowException carries `{"problems": [{"message": ...}]}`.

use serde_json::{Value, json};
use std::fmt;
use tympan_aws::{KeysAway, PageError};
use tympan_types::{AccountId, InstanceId, Region};

tympan_aws::error_codes! {
    /// The error codes that this service answers with.
    pub enum ErrorCode {
    /// The request as a whole cannot be carried out.
    InvalidRequest = "InvalidRequestException", 400;
    /// One parameter has a value that is not allowed.
    InvalidParameter = "InvalidParameterException", 400;
    /// The content of a flow cannot be published; the body lists the problems.
    InvalidContactFlow = "InvalidContactFlowException", 400;
    /// The content of a flow module cannot be published; the body lists the problems.
    InvalidContactFlowModule = "InvalidContactFlowModuleException", 400;
    /// The caller may not do this.
    AccessDenied = "AccessDeniedException", 403;
    /// Calls to this number are not allowed.
    DestinationNotAllowed = "DestinationNotAllowedException", 403;
    /// The instance places no calls.
    OutboundContactNotPermitted = "OutboundContactNotPermittedException", 403;
    /// The named resource does not exist, or belongs to another account or region.
    ResourceNotFound = "ResourceNotFoundException", 404;
    /// The flow has no published content.
    ContactFlowNotPublished = "ContactFlowNotPublishedException", 404;
    /// A resource of that name exists.
    DuplicateResource = "DuplicateResourceException", 409;
    /// The association exists.
    ResourceConflict = "ResourceConflictException", 409;
    /// The resource is referred to by another one.
    ResourceInUse = "ResourceInUseException", 409;
    /// The client token was used before with other parameters.
    Idempotency = "IdempotencyException", 409;
    /// The contact does not exist, or has ended.
    ContactNotFound = "ContactNotFoundException", 410;
    /// A quota of the instance or account is reached.
    ServiceQuotaExceeded = "ServiceQuotaExceededException", 402;
    /// A limit of the instance is reached.
    LimitExceeded = "LimitExceededException", 429;
    /// Too much waits at the same place; the same request can succeed later, and SDKs send it again.
    Throttling = "ThrottlingException", 429;
    /// A fault on this side; the cause is in the log, never in the answer.
    InternalService = "InternalServiceException", 500;
    /// An operation of Connect that this server does not have.
    NotImplemented = "NotImplementedException", 501;
    /// No operation of Connect has this method and path.
    UnknownOperation = "UnknownOperationException", 404;
    }
}

tympan_aws::service_error! {
    /// What a refused request is answered with: what is wrong, why, and what to do.
    pub struct ConnectError(ErrorCode) {
        problems: Vec<String>,
    }

    fn body(&self) -> Option<Vec<u8>> {
        let has_its_own = !self.problems.is_empty();
        has_its_own.then(|| Self::body(self).to_string().into_bytes())
    }
}

impl ConnectError {
    /// InvalidContactFlowException with at least one problem.
    pub fn invalid_flow(problems: Vec<String>) -> Self {
        let told = Self::new(ErrorCode::InvalidContactFlow, problems.join("; "));
        Self { problems, ..told }
    }

    /// InvalidContactFlowModuleException with at least one problem.
    pub(crate) fn invalid_module(problems: Vec<String>) -> Self {
        Self { code: ErrorCode::InvalidContactFlowModule, ..Self::invalid_flow(problems) }
    }

    /// InternalServiceException: the cause goes to the log, the caller learns only that it was not their fault.
    pub(crate) fn internal(cause: &dyn fmt::Display) -> Self {
        tracing::error!(cause = %cause, "connect request failed inside the server");
        Self::new(ErrorCode::InternalService, "The request failed inside the server; its log says why.")
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceNotFound, message)
    }

    pub(crate) fn no_instance(named: &dyn fmt::Display, account: &AccountId, region: &Region) -> Self {
        Self::not_found(format!("there is no instance {named} in account {account}, region {region}"))
    }

    pub(crate) fn no_flow(named: &dyn fmt::Display, instance: InstanceId) -> Self {
        Self::not_found(format!("there is no flow {named} in instance {instance}"))
    }

    pub(crate) fn no_phone_number(named: &dyn fmt::Display) -> Self {
        Self::not_found(format!("there is no phone number {named}"))
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

    /// The problems of a refused flow; empty for every other error.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        let problems =
            || -> Vec<Value> { self.problems.iter().map(|text| json!({ "message": text })).collect() };
        match self.code {
            ErrorCode::InvalidContactFlow => json!({ "problems": problems() }),
            ErrorCode::InvalidContactFlowModule => json!({ "Problems": problems() }),
            _ => json!({ "Message": self.message }),
        }
    }
}

impl From<PageError> for ConnectError {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Size { most, .. } => Self::parameter(format!("MaxResults must be 1 to {most}")),
            PageError::Token => {
                Self::parameter("NextToken is not one that this operation returned to this request")
            }
        }
    }
}

impl From<KeysAway> for ConnectError {
    fn from(away: KeysAway) -> Self {
        tracing::error!(cause = away.0, "the key of a request cannot be looked up");
        Self::new(
            ErrorCode::InternalService,
            "The key that the request names cannot be looked up. Try again.",
        )
    }
}

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
