//! The master keys that requests to other services name, looked up where they are kept.

use tympan_aws::{BoxFuture, KeyNames, KeyUse, KeysAway};
use tympan_kms::KeyId;
use tympan_kms::api::{KmsService, absent_arn};
use tympan_types::Caller;

/// The local keyring, or none where the keys are kept elsewhere.
pub(super) struct MasterKeys(pub(super) Option<KmsService>);

impl KeyNames for MasterKeys {
    fn key_to_use<'a>(
        &'a self,
        caller: &'a Caller,
        named: &'a str,
    ) -> BoxFuture<'a, Result<Option<KeyUse>, KeysAway>> {
        Box::pin(async move {
            let arn = match self.0.clone() {
                Some(service) => {
                    let (caller, named) = (caller.clone(), named.to_owned());
                    // It reads the keyring's file.
                    let found =
                        tokio::task::spawn_blocking(move || service.key_to_use(&caller, &named)).await;
                    let found = found.map_err(|panic| KeysAway(panic.to_string()))?;
                    found
                        .map_err(|error| KeysAway(error.cause().unwrap_or("the keyring fails").to_owned()))?
                }
                // An alias cannot be followed there, and counts as itself.
                None => KeyId::parse(named)
                    .ok()
                    .filter(|key| !key.is_the_services())
                    .and_then(|key| absent_arn(caller, &key)),
            };
            Ok(arn.map(|arn| KeyUse { arn }))
        })
    }
}
