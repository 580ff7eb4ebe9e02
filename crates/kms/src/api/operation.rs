use super::invocation::Invocation;
use super::*;
use std::fmt;

/// An operation of the KMS API, offered here or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operation {
    name: &'static str,
}

pub(super) type Handler = fn(&Invocation<'_>) -> Answer;

const ASYMMETRIC: &str = "there are no asymmetric and no HMAC keys";
const GRANTS: &str = "there are no grants; access is by the access key that signs";
const POLICIES: &str = "there are no key policies; access is by the access key that signs";
const STORES: &str = "there are no custom key stores";
const IMPORT: &str = "key material is made here and never imported";
const REGIONS: &str = "there are no multi-Region keys";

/// Every operation of the model, with its handler or the reason why there is none.
pub(super) const OPERATIONS: &[(&str, Result<Handler, &str>)] = &[
    ("CancelKeyDeletion", Ok(cancel_key_deletion::call)),
    ("ConnectCustomKeyStore", Err(STORES)),
    ("CreateAlias", Ok(create_alias::call)),
    ("CreateCustomKeyStore", Err(STORES)),
    ("CreateGrant", Err(GRANTS)),
    ("CreateKey", Ok(create_key::call)),
    ("Decapsulate", Err(ASYMMETRIC)),
    ("Decrypt", Ok(decrypt::call)),
    ("DeleteAlias", Ok(delete_alias::call)),
    ("DeleteCustomKeyStore", Err(STORES)),
    ("DeleteImportedKeyMaterial", Err(IMPORT)),
    ("DeriveSharedSecret", Err(ASYMMETRIC)),
    ("DescribeCustomKeyStores", Err(STORES)),
    ("DescribeKey", Ok(describe_key::call)),
    ("DisableKey", Ok(disable_key::call)),
    ("DisableKeyRotation", Ok(disable_key_rotation::call)),
    ("DisconnectCustomKeyStore", Err(STORES)),
    ("EnableKey", Ok(enable_key::call)),
    ("EnableKeyRotation", Ok(enable_key_rotation::call)),
    ("Encapsulate", Err(ASYMMETRIC)),
    ("Encrypt", Ok(encrypt::call)),
    ("GenerateDataKey", Ok(generate_data_key::call)),
    ("GenerateDataKeyPair", Err(ASYMMETRIC)),
    ("GenerateDataKeyPairWithoutPlaintext", Err(ASYMMETRIC)),
    ("GenerateDataKeyWithoutPlaintext", Ok(generate_data_key_without_plaintext::call)),
    ("GenerateMac", Err(ASYMMETRIC)),
    ("GenerateRandom", Ok(generate_random::call)),
    ("GetKeyLastUsage", Err("uses of keys are not counted")),
    ("GetKeyPolicy", Err(POLICIES)),
    ("GetKeyRotationStatus", Ok(get_key_rotation_status::call)),
    ("GetParametersForImport", Err(IMPORT)),
    ("GetPublicKey", Err(ASYMMETRIC)),
    ("ImportKeyMaterial", Err(IMPORT)),
    ("ListAliases", Ok(list_aliases::call)),
    ("ListGrants", Err(GRANTS)),
    ("ListKeyPolicies", Err(POLICIES)),
    ("ListKeyRotations", Ok(list_key_rotations::call)),
    ("ListKeys", Ok(list_keys::call)),
    ("ListResourceTags", Ok(list_resource_tags::call)),
    ("ListRetirableGrants", Err(GRANTS)),
    ("PutKeyPolicy", Err(POLICIES)),
    ("ReEncrypt", Ok(re_encrypt::call)),
    ("ReplicateKey", Err(REGIONS)),
    ("RetireGrant", Err(GRANTS)),
    ("RevokeGrant", Err(GRANTS)),
    ("RotateKeyOnDemand", Ok(rotate_key_on_demand::call)),
    ("ScheduleKeyDeletion", Ok(schedule_key_deletion::call)),
    ("Sign", Err(ASYMMETRIC)),
    ("TagResource", Ok(tag_resource::call)),
    ("UntagResource", Ok(untag_resource::call)),
    ("UpdateAlias", Ok(update_alias::call)),
    ("UpdateCustomKeyStore", Err(STORES)),
    ("UpdateKeyDescription", Ok(update_key_description::call)),
    ("UpdatePrimaryRegion", Err(REGIONS)),
    ("Verify", Err(ASYMMETRIC)),
    ("VerifyMac", Err(ASYMMETRIC)),
];

impl Operation {
    /// The operation that the header `X-Amz-Target` names, such as `TrentService.CreateKey`; `None` where AWS has none
    /// either.
    pub fn from_target(target: &str) -> Option<Self> {
        let name = target.strip_prefix("TrentService.")?;
        OPERATIONS.iter().find(|(known, _)| *known == name).map(|(name, _)| Self { name })
    }

    /// Its name, such as `CreateKey`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The name that policies allow or deny: `kms:CreateKey`.
    pub fn action(self) -> String {
        format!("kms:{}", self.name)
    }

    pub(super) fn handler(self) -> Result<Handler, &'static str> {
        let row = OPERATIONS.iter().find(|(name, _)| *name == self.name);
        row.map_or(Err("it is unknown"), |(_, handler)| *handler)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_names_its_operation() {
        for (name, _) in OPERATIONS {
            let operation = Operation::from_target(&format!("TrentService.{name}")).unwrap();
            assert_eq!((operation.name(), operation.action()), (*name, format!("kms:{name}")));
        }
        for target in
            ["CreateKey", "TrentService.", "TrentService.createKey", "Kinesis_20131202.CreateKey", ""]
        {
            assert_eq!(Operation::from_target(target), None, "{target}");
        }
    }
}
