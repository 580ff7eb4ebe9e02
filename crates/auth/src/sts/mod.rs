//! The Security Token Service: temporary credentials for unmodified SDKs.
//!
//! Source: the STS service model 2011-06-15 (query protocol): a form in, XML out. One file per operation.
//!
//! Not implemented: federation (AssumeRoleWithSAML, AssumeRoleWithWebIdentity, GetFederationToken), multi-factor
//! authentication, session tags, source identities, role chaining.

mod assume_role;
mod error;
mod form;
mod get_caller_identity;
mod get_session_token;
mod xml;

pub use error::StsError;

use crate::session::SESSION_ENTROPY_BYTES;
use crate::{Facts, Identities, TemporaryCredentials, Verified};
use form::Form;
use xml::Element;

/// What all answers declare.
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const VERSION: &str = "2011-06-15";

/// One request, signed and verified.
pub struct StsRequest<'a> {
    /// Who sent it.
    pub verified: &'a Verified,
    /// What is known of it beside.
    pub facts: Facts<'a>,
    /// The form: the body of a POST, the query of a GET.
    pub form: &'a [u8],
    /// Names it in the answer.
    pub request_id: &'a str,
    /// Fresh randomness.
    pub entropy: &'a [u8; SESSION_ENTROPY_BYTES],
}

/// An operation that was asked for, whatever came of it.
#[derive(Debug)]
pub struct StsAnswer {
    /// The operation's name, such as `AssumeRole`; empty if the request names none that is offered.
    pub operation: &'static str,
    /// The ARN of the role that it is about; `*` if it is about none that there is.
    pub resource: String,
    /// The XML of a 200, or the error.
    pub outcome: Result<String, StsError>,
}

/// Answers a request.
pub fn answer(identities: &Identities, request: &StsRequest<'_>) -> StsAnswer {
    let form = match Form::parse(request.form) {
        Ok(form) => form,
        Err(error) => return StsAnswer { operation: "", resource: "*".to_owned(), outcome: Err(error) },
    };
    let (operation, resource, result) = match operation(&form) {
        Ok("GetCallerIdentity") => ("GetCallerIdentity", None, Ok(get_caller_identity::call(request))),
        Ok("GetSessionToken") => {
            ("GetSessionToken", None, get_session_token::call(identities, request, &form))
        }
        Ok("AssumeRole") => {
            let role = form.get("RoleArn").filter(|arn| identities.role(arn).is_some()).map(str::to_owned);
            ("AssumeRole", role, assume_role::call(identities, request, &form))
        }
        Ok(name) => ("", None, Err(StsError::unknown_action(name))),
        Err(error) => ("", None, Err(error)),
    };
    let outcome = result.map(|result| {
        let metadata =
            Element::list("ResponseMetadata", vec![Element::text("RequestId", request.request_id)]);
        let result = Element::list(format!("{operation}Result"), result);
        xml::document(&format!("{operation}Response"), NAMESPACE, &[result, metadata])
    });
    StsAnswer { operation, resource: resource.unwrap_or_else(|| "*".to_owned()), outcome }
}

fn operation(form: &Form) -> Result<&str, StsError> {
    let action = form.get("Action").ok_or_else(StsError::no_action)?;
    match form.get("Version") {
        Some(VERSION) => Ok(action),
        version => Err(StsError::unknown_version(action, version.unwrap_or("(none)"))),
    }
}

fn credentials(made: &TemporaryCredentials) -> Element {
    let token = made.credentials.session_token.as_ref().map_or("", |token| token.expose());
    Element::list(
        "Credentials",
        vec![
            Element::text("AccessKeyId", &made.credentials.access_key_id),
            Element::text("SecretAccessKey", made.credentials.secret.expose()),
            Element::text("SessionToken", token),
            Element::text("Expiration", &made.expires.rfc3339_seconds()),
        ],
    )
}

#[cfg(test)]
mod tests;
