//! A key provider that asks a KMS elsewhere, AWS's own or another tympan, by the KMS API.
//!
//! The KMS may be away: each request has a limit of time and of attempts, and fails with `Unavailable` then. Opened data
//! keys are kept by the store, not here.

use crate::config::{self, read_secret};
use async_trait::async_trait;
use std::future::Future;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tympan_auth::Credentials;
use tympan_client::kms::Kms;
use tympan_client::{ClientError, Endpoint, HttpClient, Identity, ServiceError};
use tympan_kms::{
    DataKey, EncryptionContext, KeyDescription, KeyId, KeyProvider, KeyState, KmsError, WrappedKey,
};
use tympan_types::Region;

/// How long to wait before the second attempt; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A KMS behind its API.
pub(super) struct ExternalKms {
    kms: Kms,
    endpoint: String,
    /// What stands for `alias/aws/kinesisvideo` there.
    default_key: KeyId,
    attempts: u32,
    attempt_limit: Duration,
}

impl ExternalKms {
    /// Reads the settings; nothing is asked yet.
    pub(super) fn new(config: &config::Kms, own_region: &Region) -> anyhow::Result<Self> {
        let region = config.region.as_ref().unwrap_or(own_region).clone();
        let endpoint = match &config.endpoint {
            None => format!("https://kms.{region}.amazonaws.com").parse()?,
            Some(url) => url.clone(),
        };
        let secret = read_secret(
            "kms.secret_access_key",
            &config.secret_access_key,
            config.secret_access_key_file.as_deref(),
        )?;
        if config.access_key_id.is_empty() || secret.is_empty() {
            anyhow::bail!(
                "kms.provider is \"external\", which needs kms.access_key_id and kms.secret_access_key or \
                 kms.secret_access_key_file"
            );
        }
        let mut credentials = Credentials::new(config.access_key_id.as_str(), secret);
        if !config.session_token.is_empty() {
            credentials = credentials.with_session_token(config.session_token.expose());
        }
        let default_key = config.default_key.clone().unwrap_or_default();
        if in_the_clear(&endpoint) {
            tracing::warn!(%endpoint, "data keys will travel unencrypted to the KMS: use https");
        }
        Ok(Self {
            endpoint: endpoint.to_string(),
            kms: Kms::new(HttpClient::new(Identity { credentials, region }), endpoint),
            default_key,
            attempts: config.attempts.max(1),
            attempt_limit: Duration::from_millis(config.attempt_timeout_ms.max(1)),
        })
    }

    /// Where it is.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The key as the KMS knows it: streams that name none have the service's alias, in an ARN of their own region.
    fn name<'a>(&'a self, key: &'a KeyId) -> &'a str {
        let text = key.as_str();
        let is_default = text == KeyId::DEFAULT
            || (text.starts_with("arn:") && text.ends_with(&format!(":{}", KeyId::DEFAULT)));
        if is_default { self.default_key.as_str() } else { text }
    }

    /// Asks until there is an answer, a refusal that stays one, or no attempt left.
    async fn ask<T, A>(&self, what: &'static str, request: impl Fn() -> A) -> Result<T, KmsError>
    where
        A: Future<Output = Result<T, ClientError>>,
    {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let error = match timeout(self.attempt_limit, request()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => self.refusal(error),
                Err(_) => {
                    let (endpoint, limit_ms) = (&self.endpoint, self.attempt_limit.as_millis());
                    KmsError::Unavailable(format!(
                        "the KMS at {endpoint} did not answer {what} within {limit_ms} ms"
                    ))
                }
            };
            if !matches!(error, KmsError::Unavailable(_)) || attempt >= self.attempts {
                tracing::warn!(what, attempt, %error, "the external KMS refused or is away");
                return Err(error);
            }
            tracing::debug!(what, attempt, %error, "the external KMS failed; trying again");
            sleep(pause).await;
            pause *= 2;
            attempt += 1;
        }
    }

    fn refusal(&self, error: ClientError) -> KmsError {
        let said = match &error {
            // It names the endpoint itself.
            ClientError::Unreachable { .. } => format!("the external KMS is away: {error}"),
            _ => format!("the KMS at {}: {error}", self.endpoint),
        };
        match &error {
            ClientError::Service(refusal) => classify(refusal)(said),
            // Settings are checked at the start; what is left is what a key's name may hold.
            ClientError::Usage(_) => KmsError::Validation(said),
            _ => KmsError::Unavailable(said),
        }
    }
}

/// Whether others may listen on the way to the KMS.
fn in_the_clear(endpoint: &Endpoint) -> bool {
    let (url, host) = (endpoint.to_string(), endpoint.host());
    let here = ["127.", "localhost", "[::1]"].iter().any(|prefix| host.starts_with(prefix));
    url.starts_with("http://") && !here
}

/// What a refusal of the KMS means for a stream.
///
/// Source: the exceptions of GenerateDataKey, Decrypt and DescribeKey in the KMS service model, and the errors that all
/// AWS services have.
fn classify(refusal: &ServiceError) -> fn(String) -> KmsError {
    match refusal.error_type.strip_suffix("Exception").unwrap_or(&refusal.error_type) {
        "Disabled" => KmsError::Disabled,
        "NotFound" => KmsError::NotFound,
        "KMSInvalidState" => KmsError::InvalidState,
        "InvalidKeyUsage" | "UnsupportedOperation" => KmsError::InvalidUsage,
        "InvalidCiphertext" | "IncorrectKey" | "InvalidArn" | "Validation" | "Serialization" => {
            KmsError::Validation
        }
        "AccessDenied"
        | "NotAuthorized"
        | "UnrecognizedClient"
        | "InvalidClientTokenId"
        | "InvalidSignature"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "InvalidGrantToken"
        | "OptInRequired" => KmsError::AccessDenied,
        "Throttling" | "LimitExceeded" | "KMSInternal" | "DependencyTimeout" | "KeyUnavailable" => {
            KmsError::Unavailable
        }
        _ => match refusal.status {
            401 | 403 => KmsError::AccessDenied,
            408 | 429 | 500.. => KmsError::Unavailable,
            _ => KmsError::Validation,
        },
    }
}

#[async_trait]
impl KeyProvider for ExternalKms {
    async fn describe(&self, key: &KeyId) -> Result<KeyDescription, KmsError> {
        let name = self.name(key);
        let key = self.ask("DescribeKey", || self.kms.describe_key(name)).await?;
        let state = match (key.key_state.as_str(), key.deletion()) {
            ("Enabled", _) => KeyState::Enabled,
            ("PendingDeletion", Some(deletion_unix_ms)) => KeyState::PendingDeletion { deletion_unix_ms },
            // The states of imported, replicated and vanished material: nothing can be done with the key in any.
            _ => KeyState::Disabled,
        };
        let created = key.created();
        Ok(KeyDescription {
            id: key.key_id,
            arn: key.arn,
            aliases: Vec::new(),
            state,
            created,
            rotated: created,
        })
    }

    async fn generate_data_key(
        &self,
        key: &KeyId,
        context: &EncryptionContext,
    ) -> Result<(DataKey, WrappedKey), KmsError> {
        let name = self.name(key);
        let made =
            self.ask("GenerateDataKey", || self.kms.generate_data_key(name, context.entries())).await?;
        let wrapped = Outer { key_arn: &made.key_arn, ciphertext: &made.ciphertext }.to_wrapped();
        Ok((DataKey::from_bytes(*made.plaintext), wrapped))
    }

    async fn unwrap(&self, wrapped: &WrappedKey, context: &EncryptionContext) -> Result<DataKey, KmsError> {
        let outer = Outer::parse(wrapped.as_bytes()).ok_or_else(|| {
            KmsError::Validation(
                "the wrapped key is not one of an external KMS: was the stream written under kms.provider = \
                 \"local\"? Its media opens under that provider only"
                    .into(),
            )
        })?;
        let opened = self
            .ask("Decrypt", || self.kms.decrypt_data_key(outer.key_arn, outer.ciphertext, context.entries()))
            .await?;
        Ok(DataKey::from_bytes(*opened))
    }
}

/// What is kept of a data key: `0xE1`, the length of the master key's ARN (16 bits, big-endian), the ARN, the ciphertext.
///
/// The ARN is named when the key is opened. So a KMS cannot be made to open it with a key of another account, and it
/// says of a deleted key that it is not there, which of a bare ciphertext it does not.
struct Outer<'a> {
    key_arn: &'a str,
    ciphertext: &'a [u8],
}

/// No ciphertext of a local keyring begins with it.
const FORMAT: u8 = 0xe1;

impl<'a> Outer<'a> {
    fn to_wrapped(&self) -> WrappedKey {
        // An ARN has at most 2,048 bytes; one that is cut here could only not be opened.
        let length = u16::try_from(self.key_arn.len()).unwrap_or(u16::MAX);
        let arn = self.key_arn.as_bytes().get(..usize::from(length)).unwrap_or_default();
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(arn);
        bytes.extend_from_slice(self.ciphertext);
        WrappedKey::from_bytes(bytes)
    }

    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (format, rest) = bytes.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (arn, ciphertext) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let key_arn = std::str::from_utf8(arn).ok()?;
        (*format == FORMAT).then_some(Self { key_arn, ciphertext })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use hyper_util::rt::TokioIo;
    use serde_json::{Value, json};
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::net::TcpListener;
    use tympan_aws::Invocation;
    use tympan_kms::Keyring;
    use tympan_security::kms::{KmsService, operations};
    use tympan_types::{AccountId, Caller, WallTime};

    /// A KMS that refuses its first requests with these codes and statuses (0: it never answers), then does its work.
    async fn kms(refusals: &'static [(&'static str, u16)]) -> (ExternalKms, Arc<AtomicUsize>, Arc<Keyring>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (asked, keyring) = (Arc::new(AtomicUsize::new(0)), Arc::new(Keyring::in_memory()));
        let (counted, keys) = (asked.clone(), keyring.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (counted, keys) = (counted.clone(), keys.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let refusal = refusals.get(counted.fetch_add(1, Ordering::Relaxed)).copied();
                    answer(request, refusal, keys.clone())
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        (provider(&endpoint), asked, keyring)
    }

    async fn answer(
        request: Request<Incoming>,
        refusal: Option<(&'static str, u16)>,
        keys: Arc<Keyring>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let response = |status: u16, body: Value| {
            Ok(Response::builder().status(status).body(Full::new(Bytes::from(body.to_string()))).unwrap())
        };
        match refusal {
            Some((_, 0)) => std::future::pending().await,
            Some((code, status)) => response(status, json!({ "__type": code, "message": "no" })),
            None => {
                let target = request.headers()["x-amz-target"].to_str().unwrap().to_owned();
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let caller = Caller {
                    account: AccountId::parse("111122223333").unwrap(),
                    region: Region::parse("us-west-2").unwrap(),
                    access_key_id: "AKID".into(),
                };
                let operation = target.strip_prefix("TrentService.").unwrap();
                let invocation = Invocation::within_process(&caller, WallTime::from_unix_ms(0));
                let (service, operations) = (KmsService::new(keys), operations());
                match operations.attempt_named(&service, operation, &body, &invocation).await.result {
                    Ok(answer) => {
                        let json = answer.into_json().unwrap_or_default();
                        response(200, serde_json::from_slice(&json).unwrap_or_default())
                    }
                    Err(error) => response(400, json!({ "__type": error.code().name(), "message": "no" })),
                }
            }
        }
    }

    fn provider(endpoint: &str) -> ExternalKms {
        let config = config::Kms {
            endpoint: endpoint.parse().ok(),
            access_key_id: "AKID".into(),
            secret_access_key: "secret".into(),
            attempt_timeout_ms: 2_000,
            ..config::Kms::default()
        };
        ExternalKms::new(&config, &Region::parse("us-west-2").unwrap()).unwrap()
    }

    fn context() -> EncryptionContext {
        EncryptionContext::new().with("tympan:stream-arn", "a")
    }

    #[tokio::test]
    async fn a_data_key_is_made_there_and_opened_there_for_its_context_alone() {
        let (kms, _, _) = kms(&[]).await;
        let (key, wrapped) = kms.generate_data_key(&KeyId::default(), &context()).await.unwrap();
        let mut sealed = b"media".to_vec();
        key.seal([0; 12], b"", &mut sealed);
        let opened = kms.unwrap(&wrapped, &context()).await.unwrap();
        let plain_bytes = opened.open([0; 12], b"", &mut sealed).unwrap();
        assert_eq!(sealed[..plain_bytes], *b"media");
        let error = kms.unwrap(&wrapped, &EncryptionContext::new()).await.unwrap_err();
        assert_eq!(error.kvs_code(), 4502);
    }

    #[tokio::test]
    async fn the_state_of_the_key_there_is_the_streams() {
        let (kms, _, keyring) = kms(&[]).await;
        let key = KeyId::parse(&keyring.create_key(None, WallTime::from_unix_ms(0)).unwrap().id).unwrap();
        let (_, wrapped) = kms.generate_data_key(&key, &context()).await.unwrap();
        keyring.disable(&key).unwrap();
        assert_eq!(kms.describe(&key).await.unwrap().state, KeyState::Disabled);
        assert_eq!(kms.unwrap(&wrapped, &context()).await.unwrap_err().kvs_code(), 4501);
        assert_eq!(kms.generate_data_key(&key, &context()).await.unwrap_err().kvs_code(), 4501);
        keyring.schedule_deletion(&key, 7, WallTime::from_unix_ms(0)).unwrap();
        assert!(matches!(kms.describe(&key).await.unwrap().state, KeyState::PendingDeletion { .. }));
        assert_eq!(kms.unwrap(&wrapped, &context()).await.unwrap_err().kvs_code(), 4505);
        keyring.upkeep(WallTime::from_unix_ms(7 * 86_400_000)).unwrap();
        assert_eq!(kms.unwrap(&wrapped, &context()).await.unwrap_err().kvs_code(), 4506);
        assert_eq!(kms.describe(&key).await.unwrap_err().kvs_code(), 4506);
    }

    #[tokio::test]
    async fn what_may_pass_is_tried_three_times_and_a_refusal_once() {
        let (kms_, asked, _) = kms(&[("ThrottlingException", 400), ("KMSInternalException", 500)]).await;
        assert!(kms_.describe(&KeyId::default()).await.is_ok());
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        let (kms_, asked, _) = kms(&[("KeyUnavailableException", 500); 3]).await;
        assert_eq!(kms_.describe(&KeyId::default()).await.unwrap_err().kvs_code(), 4503);
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        let (kms_, asked, _) = kms(&[("AccessDeniedException", 400)]).await;
        assert_eq!(kms_.describe(&KeyId::default()).await.unwrap_err().kvs_code(), 4500);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_kms_that_is_silent_or_away_is_unavailable() {
        let (mut silent, asked, _) = kms(&[("", 0); 2]).await;
        silent.attempts = 2;
        silent.attempt_limit = Duration::from_millis(50);
        let error = silent.describe(&KeyId::default()).await.unwrap_err();
        assert!(error.kvs_code() == 4503 && error.to_string().contains("within 50 ms"), "{error}");
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let error = provider(&format!("http://{port}")).describe(&KeyId::default()).await.unwrap_err();
        assert_eq!(error.kvs_code(), 4503);
    }

    #[test]
    fn each_refusal_has_the_code_of_its_kind() {
        for (code, status, kvs_code) in [
            ("AccessDeniedException", 400, 4500),
            ("UnrecognizedClientException", 400, 4500),
            ("InvalidSignatureException", 400, 4500),
            ("ExpiredTokenException", 400, 4500),
            ("SomethingNew", 403, 4500),
            ("DisabledException", 400, 4501),
            ("InvalidCiphertextException", 400, 4502),
            ("IncorrectKeyException", 400, 4502),
            ("ValidationException", 400, 4502),
            ("SomethingNew", 400, 4502),
            ("ThrottlingException", 400, 4503),
            ("KMSInternalException", 500, 4503),
            ("", 502, 4503),
            ("InvalidKeyUsageException", 400, 4504),
            ("UnsupportedOperationException", 400, 4504),
            ("KMSInvalidStateException", 400, 4505),
            ("NotFoundException", 400, 4506),
        ] {
            let refusal = ServiceError {
                operation: "Decrypt",
                status,
                error_type: code.to_owned(),
                message: String::new(),
            };
            assert_eq!(classify(&refusal)(String::new()).kvs_code(), kvs_code, "{code} {status}");
        }
    }

    #[tokio::test]
    async fn a_key_of_a_local_keyring_is_told_apart() {
        let (kms, asked, keyring) = kms(&[]).await;
        let (_, local) = keyring.generate_data_key(&KeyId::default(), &context()).await.unwrap();
        for wrapped in [local, WrappedKey::from_bytes([]), WrappedKey::from_bytes([FORMAT, 0xff, 0xff, 1])] {
            let error = kms.unwrap(&wrapped, &context()).await.unwrap_err();
            assert!(error.kvs_code() == 4502 && error.to_string().contains("kms.provider"), "{error}");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn streams_without_a_key_of_their_own_have_the_one_of_the_configuration() {
        let mut kms = provider("http://127.0.0.1:1");
        let names = |kms: &ExternalKms| {
            [
                "alias/aws/kinesisvideo",
                "arn:aws:kms:us-west-2:111122223333:alias/aws/kinesisvideo",
                "alias/mine",
            ]
            .map(|text| kms.name(&KeyId::parse(text).unwrap()).to_owned())
        };
        assert_eq!(names(&kms), ["alias/aws/kinesisvideo", "alias/aws/kinesisvideo", "alias/mine"]);
        kms.default_key = KeyId::parse("alias/tympan").unwrap();
        assert_eq!(names(&kms), ["alias/tympan", "alias/tympan", "alias/mine"]);
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for (url, clear) in [
            ("http://127.0.0.1:8600", false),
            ("http://localhost", false),
            ("http://[::1]:8600", false),
            ("https://kms.eu-west-1.amazonaws.com", false),
            ("http://kms.example.com", true),
        ] {
            assert_eq!(in_the_clear(&url.parse().unwrap()), clear, "{url}");
        }
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        let config = config::Kms { provider: config::KeyKeeper::External, ..config::Kms::default() };
        let region = Region::parse("eu-west-1").unwrap();
        let refusal = |config: &config::Kms| match ExternalKms::new(config, &region) {
            Ok(_) => panic!("accepted"),
            Err(error) => error.to_string(),
        };
        assert!(refusal(&config).contains("kms.access_key_id"));
        let config = config::Kms { access_key_id: "A".into(), secret_access_key: "b".into(), ..config };
        assert_eq!(
            ExternalKms::new(&config, &region).unwrap().endpoint,
            "https://kms.eu-west-1.amazonaws.com"
        );
    }
}
