//! The master keys that requests to other services name, looked up where they are kept.

use tympan_aws::{BoxFuture, KeyNames, KeyUse, KeysAway};
use tympan_security::kms::{KeysElsewhere, KmsService};
use tympan_types::Caller;

/// The local keyring, or none where the keys are kept elsewhere.
pub(super) struct MasterKeys(pub(super) Option<KmsService>);

impl KeyNames for MasterKeys {
    fn key_to_use<'a>(
        &'a self,
        caller: &'a Caller,
        named: &'a str,
    ) -> BoxFuture<'a, Result<Option<KeyUse>, KeysAway>> {
        let Some(service) = self.0.clone() else { return KeysElsewhere.key_to_use(caller, named) };
        Box::pin(async move {
            let (caller, named) = (caller.clone(), named.to_owned());
            // It reads the keyring's file.
            let found = tokio::task::spawn_blocking(move || service.follow(&caller, &named)).await;
            found.unwrap_or_else(|panic| Err(KeysAway(panic.to_string())))
        })
    }
}
