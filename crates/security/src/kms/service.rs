use super::KmsErrorCode;
use super::error::KmsApiError;
use super::key_reference;
use std::sync::Arc;
use tympan_auth::Refusal;
use tympan_aws::{BoxFuture, Cx, KeyNames, KeyUse, KeysAway, Malformed, Service, Unknown};
use tympan_kms::{KeyManager, Keyring};
use tympan_types::Caller;

/// What an operation is given.
pub(crate) type KmsCx<'a> = Cx<'a, KmsService>;

/// The service: a keyring, and whose keys a caller sees in it. Cheap to clone.
///
/// It reads and writes the keyring's file before it answers, and never waits otherwise.
#[derive(Debug, Clone)]
pub struct KmsService(Arc<Keyring>);

impl KmsService {
    /// Puts the service before a keyring.
    pub fn new(keyring: Arc<Keyring>) -> Self {
        Self(keyring)
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.0
    }

    /// The key that a request to another service wants to be used; `None` for the service's own key, which all may use, and for
    /// a text that can name no key. A key that does not exist has the ARN that it would have.
    ///
    /// Reads the keyring's file if it is another one than before: [`KeyNames`] of a service that must not block is this one, run
    /// where blocking is allowed.
    ///
    /// # Errors
    /// [`KeysAway`] if the keyring cannot be read.
    pub fn follow(&self, caller: &Caller, named: &str) -> Result<Option<KeyUse>, KeysAway> {
        let document = self.0.read().map_err(|error| KeysAway(error.to_string()))?;
        let arn = match key_reference::find(&document, caller, named) {
            Some(key) => Some(key).filter(|key| key.manager == KeyManager::Customer).map(|key| key.arn()),
            None => key_reference::absent_arn_of(caller, named),
        };
        Ok(arn.map(|arn| KeyUse { arn }))
    }
}

impl KeyNames for KmsService {
    fn key_to_use<'a>(
        &'a self,
        caller: &'a Caller,
        named: &'a str,
    ) -> BoxFuture<'a, Result<Option<KeyUse>, KeysAway>> {
        Box::pin(async move { self.follow(caller, named) })
    }
}

impl Service for KmsService {
    type Error = KmsApiError;

    fn malformed(operation: &'static str, malformed: &Malformed) -> KmsApiError {
        KmsApiError::malformed(operation, malformed)
    }

    fn denied(_: &'static str, refusal: &Refusal) -> KmsApiError {
        KmsApiError::new(KmsErrorCode::AccessDenied, refusal.to_string())
    }

    fn not_offered(operation: &'static str, why: &'static str) -> KmsApiError {
        let message = format!("{operation} is not offered by this server: {why}. docs/kms.md lists what is.");
        KmsApiError::unsupported(message)
    }

    fn unknown(_: Unknown<'_>) -> KmsApiError {
        KmsApiError::new(
            KmsErrorCode::UnknownOperation,
            "An operation of KMS is a POST to / with a header X-Amz-Target such as TrentService.CreateKey.",
        )
    }

    fn fault(cause: String) -> KmsApiError {
        KmsApiError::internal(cause)
    }

    /// Counts no calls: does what time asks for, once the caller may ask at all.
    fn admit(cx: &Cx<'_, Self>, _: Option<&str>) -> Result<(), KmsApiError> {
        // A key whose day has come is gone for every operation, however late the housekeeping. Should the file refuse
        // the edit, the key still cannot be used, and the next upkeep says so.
        let _ = cx.service.0.upkeep(cx.now);
        Ok(())
    }
}
