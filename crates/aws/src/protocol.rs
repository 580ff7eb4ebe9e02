//! The three protocols: what an answer and an error look like in each.

use crate::answer::{Content, Media, Output, Reply};
use crate::error::ServiceError;
use crate::xml::{self, Element};
use serde_json::json;
use std::borrow::Cow;
use tympan_auth::Rejection;

/// How a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Method and path name the operation; errors are `{"Message": ...}` and a header.
    RestJson,
    /// The header `X-Amz-Target` names the operation; errors are `{"__type": ..., "message": ...}` and a header.
    Json11 {
        /// What stands before the dot: `TrentService`.
        target: &'static str,
    },
    /// The parameter `Action` names the operation; answers are XML.
    Query {
        /// The namespace of answers.
        namespace: &'static str,
        /// The one version: `2011-06-15`.
        version: &'static str,
    },
}

impl Protocol {
    /// The Content-Type of answers.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::RestJson => "application/json",
            Self::Json11 { .. } => "application/x-amz-json-1.1",
            Self::Query { .. } => "text/xml",
        }
    }

    /// An error answer.
    pub fn error(self, error: &dyn ServiceError, request_id: &str) -> Reply {
        let (code, message) = (error.code(), error.message());
        let body = error.body().unwrap_or_else(|| match self {
            Self::RestJson => json!({ "Message": message }).to_string().into_bytes(),
            Self::Json11 { .. } => json!({ "__type": code, "message": message }).to_string().into_bytes(),
            Self::Query { namespace, .. } => {
                let error = Element::list(
                    "Error",
                    vec![
                        Element::text("Type", "Sender"),
                        Element::text("Code", code),
                        Element::text("Message", message),
                    ],
                );
                let id = Element::text("RequestId", request_id);
                xml::document("ErrorResponse", namespace, &[error, id]).into_bytes()
            }
        });
        // Of the query protocol, too: our own client looks there first.
        Reply::whole(error.status(), self.content_type(), body).typed(code)
    }

    /// The answer to a request whose sender is not known. Of JSON services it has both spellings of the message, and the
    /// type in the body: clients look for either.
    pub fn rejection(self, rejection: &Rejection, message: &str, request_id: &str) -> Reply {
        let (code, status) = (rejection.error_type(), rejection.status());
        match self {
            Self::Query { .. } => {
                let code = match code {
                    "MissingAuthenticationTokenException" => "MissingAuthenticationToken",
                    "IncompleteSignatureException" => "IncompleteSignature",
                    "UnrecognizedClientException" => "InvalidClientTokenId",
                    "ExpiredTokenException" => "ExpiredToken",
                    _ => "SignatureDoesNotMatch",
                };
                self.error(&Refused { code, status, message }.owned(), request_id)
            }
            Self::RestJson | Self::Json11 { .. } => {
                let body = json!({ "__type": code, "message": message, "Message": message });
                Reply::whole(status, "application/json", body.to_string().into_bytes()).typed(code)
            }
        }
    }

    /// A 200. An empty body of the query protocol is its empty result.
    ///
    /// # Errors
    /// The reason why the answer cannot be written.
    pub(crate) fn success(self, operation: &str, output: Output, request_id: &str) -> Result<Reply, String> {
        let content_type = self.content_type();
        let body = match (output.0, self) {
            (Content::Stream(content_type, stream), _) => {
                let body = crate::ReplyBody::Stream(stream);
                let headers = Vec::new();
                return Ok(Reply { status: 200, content_type, error_type: None, headers, body });
            }
            (Content::Media(Media { content_type, headers, body }), _) => {
                return Ok(Reply { headers, ..Reply::whole(200, content_type, body) });
            }
            (Content::Elements(result), Self::Query { namespace, .. }) => {
                document(operation, namespace, result, request_id).into_bytes()
            }
            (Content::Empty, Self::Query { namespace, .. }) => {
                document(operation, namespace, Vec::new(), request_id).into_bytes()
            }
            (Content::Json(json), Self::RestJson | Self::Json11 { .. }) => json,
            (Content::Empty, _) => Vec::new(),
            (Content::Unwritable(why), _) => return Err(why),
            (Content::Elements(_) | Content::Json(_), _) => {
                return Err("the answer is of another protocol than its service".to_owned());
            }
        };
        Ok(Reply::whole(200, content_type, body))
    }
}

fn document(operation: &str, namespace: &str, result: Vec<Element>, request_id: &str) -> String {
    let result = Element::list(format!("{operation}Result"), result);
    let metadata = Element::list("ResponseMetadata", vec![Element::text("RequestId", request_id)]);
    xml::document(&format!("{operation}Response"), namespace, &[result, metadata])
}

/// An error of no service's table.
struct Refused<'a> {
    code: &'static str,
    status: u16,
    message: &'a str,
}

impl Refused<'_> {
    fn owned(&self) -> RefusedError {
        RefusedError { code: self.code, status: self.status, message: self.message.to_owned() }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
struct RefusedError {
    code: &'static str,
    status: u16,
    message: String,
}

impl ServiceError for RefusedError {
    fn code(&self) -> &'static str {
        self.code
    }
    fn status(&self) -> u16 {
        self.status
    }
    fn message(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.message)
    }
}
