//! HTTP that this server sends: one client, and services that it signs for.

use crate::clock::SystemClock;
use crate::config::{self, Secret, SecretError, ServiceUrl};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::header::{HOST, HeaderMap};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::path::Path;
use tympan_auth::{Credentials, PayloadHash, RequestParts, Signer, SigningOptions};
use tympan_types::Region;

/// A client for `http` and `https`. Redirects are not followed.
#[derive(Clone)]
pub(crate) struct HttpClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// What was answered.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why nothing was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The request cannot be made: its URL, for instance.
    #[error("{0}")]
    Request(String),
    /// The other side could not be reached, or broke off.
    #[error("{0}")]
    Unreachable(String),
    /// More came than was wanted.
    #[error("the answer has more than {limit_bytes} bytes")]
    TooLarge { limit_bytes: usize },
}

impl HttpClient {
    pub(crate) fn new() -> Self {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .build();
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Sends a request and reads its answer, up to a limit.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        limit_bytes: usize,
    ) -> Result<Answer, SendError> {
        if !request.headers().contains_key(HOST)
            && let Some(host) = request.uri().authority().and_then(|host| host.as_str().parse().ok())
        {
            request.headers_mut().insert(HOST, host);
        }
        let response = self.0.request(request).await.map_err(|error| {
            let cause =
                std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            SendError::Unreachable(format!("{error}{cause}"))
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, limit_bytes).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                SendError::TooLarge { limit_bytes }
            } else {
                SendError::Unreachable(error.to_string())
            }
        })?;
        Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
    }
}

/// An AWS-shaped service and the key that signs for it.
pub(crate) struct SignedService {
    url: Uri,
    credentials: Option<Credentials>,
    region: Region,
    name: &'static str,
}

/// Where the key of a section stands in the configuration.
pub(crate) struct KeyConfig<'a> {
    /// The full name of the secret's key.
    pub secret_key: &'static str,
    pub access_key_id: &'a str,
    pub secret: &'a Secret,
    pub secret_file: Option<&'a Path>,
}

impl KeyConfig<'_> {
    /// The key, where one is set.
    fn read(&self) -> Result<Option<Credentials>, SecretError> {
        let secret = config::read_secret(self.secret_key, self.secret, self.secret_file)?;
        Ok((!self.access_key_id.is_empty()).then(|| Credentials::new(self.access_key_id, secret)))
    }
}

impl SignedService {
    /// `name` is that of the signature's scope.
    pub(crate) fn new(
        url: &ServiceUrl,
        name: &'static str,
        key: &KeyConfig<'_>,
        region: &Region,
    ) -> Result<Self, SecretError> {
        Ok(Self { url: url.uri().clone(), credentials: key.read()?, region: region.clone(), name })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &Uri {
        &self.url
    }

    /// What signs for it, where a key is set.
    pub(crate) fn key(&self) -> Option<(&Credentials, &Region)> {
        self.credentials.as_ref().map(|credentials| (credentials, &self.region))
    }

    /// A request for a path of the service, signed where a key is set. `headers` are in lower case.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Request<Full<Bytes>>, SendError> {
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        let scheme = self.url.scheme_str().unwrap_or("http");
        let path = format!("{}{path}", self.url.path().trim_end_matches('/'));
        let mut sent = vec![("host", authority.to_owned())];
        sent.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let mut added = Vec::new();
        if let Some(credentials) = &self.credentials {
            let given: Vec<(&str, &[u8])> =
                sent.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
            let parts = RequestParts {
                method: method.as_str(),
                raw_path: &path,
                raw_query: "",
                headers: &given,
                local_port: None,
            };
            // S3 wants the hash as a header too.
            let options =
                SigningOptions { send_payload_hash: self.name == "s3", ..SigningOptions::default() };
            let signer = Signer::new(credentials, &self.region, self.name).with_options(options);
            added = signer.sign(SystemClock.wall_now(), &parts, PayloadHash::of_body(&body));
        }
        let mut request = Request::builder().method(method).uri(format!("{scheme}://{authority}{path}"));
        for (name, value) in sent.iter().chain(&added) {
            request = request.header(*name, value);
        }
        request.body(Full::new(Bytes::from(body))).map_err(|error| SendError::Request(error.to_string()))
    }
}
