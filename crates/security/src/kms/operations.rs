//! The list of operations.

use super::KmsService;
use super::not_offered::NotOffered;
use crate::aliases::*;
use crate::cryptography::*;
use crate::keys::*;
use crate::tags::*;
use tympan_aws::{Operations, register};

const ASYMMETRIC: &str = "there are no asymmetric and no HMAC keys";
const GRANTS: &str = "there are no grants; access is by the access key that signs";
const POLICIES: &str = "there are no key policies; access is by the access key that signs";
const STORES: &str = "there are no custom key stores";
const IMPORT: &str = "key material is made here and never imported";
const REGIONS: &str = "there are no multi-Region keys";

/// Every operation of the model, and why it is not offered; empty for those that are.
pub const CATALOGUE: &[(&str, &str)] = &[
    ("CancelKeyDeletion", ""),
    ("ConnectCustomKeyStore", STORES),
    ("CreateAlias", ""),
    ("CreateCustomKeyStore", STORES),
    ("CreateGrant", GRANTS),
    ("CreateKey", ""),
    ("Decapsulate", ASYMMETRIC),
    ("Decrypt", ""),
    ("DeleteAlias", ""),
    ("DeleteCustomKeyStore", STORES),
    ("DeleteImportedKeyMaterial", IMPORT),
    ("DeriveSharedSecret", ASYMMETRIC),
    ("DescribeCustomKeyStores", STORES),
    ("DescribeKey", ""),
    ("DisableKey", ""),
    ("DisableKeyRotation", ""),
    ("DisconnectCustomKeyStore", STORES),
    ("EnableKey", ""),
    ("EnableKeyRotation", ""),
    ("Encapsulate", ASYMMETRIC),
    ("Encrypt", ""),
    ("GenerateDataKey", ""),
    ("GenerateDataKeyPair", ASYMMETRIC),
    ("GenerateDataKeyPairWithoutPlaintext", ASYMMETRIC),
    ("GenerateDataKeyWithoutPlaintext", ""),
    ("GenerateMac", ASYMMETRIC),
    ("GenerateRandom", ""),
    ("GetKeyLastUsage", "uses of keys are not counted"),
    ("GetKeyPolicy", POLICIES),
    ("GetKeyRotationStatus", ""),
    ("GetParametersForImport", IMPORT),
    ("GetPublicKey", ASYMMETRIC),
    ("ImportKeyMaterial", IMPORT),
    ("ListAliases", ""),
    ("ListGrants", GRANTS),
    ("ListKeyPolicies", POLICIES),
    ("ListKeyRotations", ""),
    ("ListKeys", ""),
    ("ListResourceTags", ""),
    ("ListRetirableGrants", GRANTS),
    ("PutKeyPolicy", POLICIES),
    ("ReEncrypt", ""),
    ("ReplicateKey", REGIONS),
    ("RetireGrant", GRANTS),
    ("RevokeGrant", GRANTS),
    ("RotateKeyOnDemand", ""),
    ("ScheduleKeyDeletion", ""),
    ("Sign", ASYMMETRIC),
    ("TagResource", ""),
    ("UntagResource", ""),
    ("UpdateAlias", ""),
    ("UpdateCustomKeyStore", STORES),
    ("UpdateKeyDescription", ""),
    ("UpdatePrimaryRegion", REGIONS),
    ("Verify", ASYMMETRIC),
    ("VerifyMac", ASYMMETRIC),
];

/// The operations of KMS. They may block ([`Operations::blocking`]), and destroy keys by the time that they are told.
pub fn operations() -> Operations<KmsService> {
    Operations::json_1_1("kms", "TrentService", CATALOGUE)
        .with(register::<CancelKeyDeletion>())
        .with(register::<CreateAlias>())
        .with(register::<CreateKey>())
        .with(register::<Decrypt>())
        .with(register::<DeleteAlias>())
        .with(register::<DescribeKey>())
        .with(register::<DisableKey>())
        .with(register::<DisableKeyRotation>())
        .with(register::<EnableKey>())
        .with(register::<EnableKeyRotation>())
        .with(register::<Encrypt>())
        .with(register::<GenerateDataKey>())
        .with(register::<GenerateDataKeyWithoutPlaintext>())
        .with(register::<GenerateRandom>())
        .with(register::<GetKeyRotationStatus>())
        .with(register::<ListAliases>())
        .with(register::<ListKeyRotations>())
        .with(register::<ListKeys>())
        .with(register::<ListResourceTags>())
        .with(register::<ReEncrypt>())
        .with(register::<RotateKeyOnDemand>())
        .with(register::<ScheduleKeyDeletion>())
        .with(register::<TagResource>())
        .with(register::<UntagResource>())
        .with(register::<UpdateAlias>())
        .with(register::<UpdateKeyDescription>())
        .otherwise(register::<NotOffered>())
        .names(register::<NotOffered>())
        .blocking()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use std::sync::Arc;
    use tympan_aws::{Protocol, Routes};
    use tympan_kms::Keyring;

    #[test]
    fn a_target_names_its_operation() {
        let routes = Routes::new().serve(KmsService::new(Arc::new(Keyring::in_memory())), operations());
        let named = |target: &str| {
            let request = Request::post("/").header("x-amz-target", target).body(()).unwrap();
            let (head, ()) = request.into_parts();
            let found = routes.find("kms", &head).unwrap();
            assert!(routes.may_block(found));
            assert_eq!(routes.protocol(found), Protocol::Json11 { target: "TrentService" });
            (routes.operation(found), routes.ask(found).map(|ask| ask.action.to_string()))
        };
        for (name, _) in CATALOGUE {
            let found = named(&format!("TrentService.{name}"));
            assert_eq!(found, (Some(*name), Some(format!("kms:{name}"))));
        }
        for target in
            ["CreateKey", "TrentService.", "TrentService.createKey", "Kinesis_20131202.CreateKey", ""]
        {
            assert_eq!(named(target), (None, None), "{target}");
        }
    }

    #[test]
    fn an_operation_is_served_or_there_is_a_reason() {
        let served: Vec<&str> = operations().served().collect();
        for (name, why) in CATALOGUE {
            assert_eq!(served.contains(name), why.is_empty(), "{name}");
        }
    }
}
