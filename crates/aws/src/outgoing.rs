//! Requests to AWS-shaped services: built, signed, and their refusals read. The caller has the sockets and sends them.

use crate::xml::text_of;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tympan_auth::{Credentials, PayloadHash, RequestParts, Signer};
use tympan_types::{Region, WallTime};

/// What a path segment keeps as it is (RFC 3986, unreserved).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value as one segment of a path, an ARN for example.
pub fn segment(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}

/// A request before it is signed.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// The signing name: `kinesisvideo`, `lambda`.
    pub service: &'a str,
    /// The method.
    pub method: Method,
    /// `http://127.0.0.1:8600`: scheme and authority. What follows is not used.
    pub endpoint: &'a Uri,
    /// The path, percent-encoded.
    pub path: &'a str,
    /// The query, percent-encoded, without the question mark; empty if there is none.
    pub query: &'a str,
    /// Headers to send and to sign, names in lower case, `host` aside.
    pub headers: Vec<(&'static str, String)>,
    /// The hash of the body.
    pub payload: PayloadHash,
}

/// Why a request cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutgoingError {
    /// The endpoint has no scheme or no authority, or the path is none.
    #[error("{0} is not a URL such as http://127.0.0.1:9001")]
    Url(String),
    /// A header's value holds a control character.
    #[error("{0} cannot be sent: it holds a control character")]
    Header(&'static str),
}

impl<'a> Outgoing<'a> {
    /// A POST of a rest-json service.
    pub fn rest_json(service: &'a str, endpoint: &'a Uri, path: &'a str, body: &[u8]) -> Self {
        Self {
            service,
            method: Method::POST,
            endpoint,
            path,
            query: "",
            headers: vec![("content-type", "application/json".to_owned())],
            payload: PayloadHash::of_body(body),
        }
    }

    /// A request of a JSON 1.1 service: `target` is `TrentService.Encrypt`.
    pub fn json_1_1(service: &'a str, endpoint: &'a Uri, target: &str, body: &[u8]) -> Self {
        let headers = vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", target.to_owned()),
        ];
        Self { headers, ..Self::rest_json(service, endpoint, "/", body) }
    }

    /// A request of the query protocol.
    pub fn query(service: &'a str, endpoint: &'a Uri, form: &str) -> Self {
        let content_type = "application/x-www-form-urlencoded; charset=utf-8".to_owned();
        let headers = vec![("content-type", content_type)];
        Self { headers, ..Self::rest_json(service, endpoint, "/", form.as_bytes()) }
    }

    /// Builds the request, signed where there are credentials.
    ///
    /// # Errors
    /// [`OutgoingError`]
    pub fn sign<B>(
        self,
        credentials: Option<(&Credentials, &Region)>,
        now: WallTime,
        body: B,
    ) -> Result<Request<B>, OutgoingError> {
        let Self { service, method, endpoint, path, query, mut headers, payload } = self;
        let bad_url = || OutgoingError::Url(endpoint.to_string());
        let authority = endpoint.authority().ok_or_else(bad_url)?;
        let scheme = endpoint.scheme_str().ok_or_else(bad_url)?;
        headers.push(("host", authority.as_str().to_owned()));
        if let Some((credentials, region)) = credentials {
            let lines: Vec<(&str, &[u8])> =
                headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
            let parts = RequestParts {
                method: method.as_str(),
                raw_path: path,
                raw_query: query,
                headers: &lines,
                local_port: None,
            };
            let added = Signer::new(credentials, region, service).sign(now, &parts, payload);
            headers.extend(added);
        }
        let question = if query.is_empty() { "" } else { "?" };
        let url = format!("{scheme}://{authority}{path}{question}{query}");
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url.parse().map_err(|_| OutgoingError::Url(url))?;
        for (name, value) in headers {
            let value = HeaderValue::from_str(&value).map_err(|_| OutgoingError::Header(name))?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        Ok(request)
    }
}

/// An error answer of another server, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// Its bare name, such as `ResourceNotFoundException`; empty if it says none.
    pub error_type: String,
    /// Its text; of what is no error of a service the beginning of the body.
    pub message: String,
}

impl Answered {
    /// Reads an error answer of any of the protocols.
    pub fn read(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let named = header("x-amzn-errortype").or_else(|| header("x-amz-errortype"));
        let is_json = header("content-type").is_some_and(|value| value.ends_with("json"));
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let member = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let xml = String::from_utf8_lossy(body);
        let error_type = named
            .or_else(|| member("__type"))
            .or_else(|| member("code"))
            .or_else(|| text_of(&xml, "Code"))
            .unwrap_or_default();
        let message = member("Message").or_else(|| member("message")).or_else(|| text_of(&xml, "Message"));
        let text = || if is_json { String::new() } else { xml.trim().chars().take(500).collect() };
        Self { status, error_type: bare_type(&error_type), message: message.unwrap_or_else(text) }
    }
}

/// `ResourceNotFoundException` out of `aws.kvs#ResourceNotFoundException:http://...`.
fn bare_type(text: &str) -> String {
    let text = text.split(':').next().unwrap_or_default();
    text.rsplit('#').next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_auth::{AccessKey, CredentialStore, Payload, Verifier};
    use tympan_types::AccountId;

    #[test]
    fn a_signed_request_is_verified_by_the_other_side() {
        let (now, region) = (WallTime::from_unix_ms(1_704_164_645_678), Region::parse("us-west-2").unwrap());
        let credentials = Credentials::new("AKIDEXAMPLE", "secret");
        let account = AccountId::parse("111122223333").unwrap();
        let store = CredentialStore::new([AccessKey::new(credentials.clone(), account)]).unwrap();
        let endpoint: Uri = "http://127.0.0.1:9001/ignored".parse().unwrap();
        let path = format!("/2015-03-31/functions/{}/invocations", segment("arn:aws:lambda:f/x"));
        let outgoing = Outgoing::rest_json("lambda", &endpoint, &path, b"{}");
        let request = outgoing.sign(Some((&credentials, &region)), now, "{}").unwrap();
        assert_eq!(request.uri().path(), "/2015-03-31/functions/arn%3Aaws%3Alambda%3Af%2Fx/invocations");
        assert_eq!(request.headers()["host"], "127.0.0.1:9001");
        let lines: Vec<(&str, &[u8])> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let parts = RequestParts {
            method: "POST",
            raw_path: request.uri().path(),
            raw_query: "",
            headers: &lines,
            local_port: None,
        };
        let pending = Verifier::default().check_head(now, &parts, &store).unwrap();
        assert_eq!(pending.verify(Payload::of_body(b"{}")).unwrap().service, "lambda");
        assert!(pending.verify(Payload::of_body(b"{ }")).is_err());
    }

    #[test]
    fn what_cannot_be_sent_is_said() {
        let endpoint: Uri = "/no-host".parse().unwrap();
        let now = WallTime::from_unix_ms(0);
        let refused = Outgoing::rest_json("lambda", &endpoint, "/", b"").sign(None, now, ()).unwrap_err();
        assert_eq!(refused, OutgoingError::Url("/no-host".into()));
        let endpoint: Uri = "http://a".parse().unwrap();
        let mut outgoing = Outgoing::rest_json("lambda", &endpoint, "/", b"");
        outgoing.headers.push(("x-a", "1\n2".into()));
        assert_eq!(outgoing.sign(None, now, ()).unwrap_err(), OutgoingError::Header("x-a"));
    }

    #[test]
    fn refusals_of_all_protocols_are_read() {
        let read = |headers: &[(&'static str, &'static str)], body: &str| {
            let headers = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            let answered = Answered::read(400, &headers.collect(), body.as_bytes());
            (answered.error_type, answered.message)
        };
        let json = ("content-type", "application/x-amz-json-1.1");
        let typed = ("x-amzn-errortype", "ResourceNotFoundException:http://internal.amazon.com/coral/");
        assert_eq!(read(&[typed], r#"{"Message":"no"}"#), ("ResourceNotFoundException".into(), "no".into()));
        let body = r#"{"__type":"com.amazonaws.kms#NotFoundException","message":"no"}"#;
        assert_eq!(read(&[json], body), ("NotFoundException".into(), "no".into()));
        let xml = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>a &lt;</Message></Error></ErrorResponse>";
        assert_eq!(read(&[], xml), ("AccessDenied".into(), "a <".into()));
        assert_eq!(read(&[], " Bad Gateway "), (String::new(), "Bad Gateway".into()));
    }
}
