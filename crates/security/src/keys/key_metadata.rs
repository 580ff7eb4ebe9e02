use crate::kms::constraint::epoch_seconds;
use serde_json::{Value, json};
use tympan_kms::KeyState;
use tympan_kms::keyring::{MasterKey, material_id};

/// A key as CreateKey and DescribeKey tell of it.
pub(super) fn key_metadata(key: &MasterKey) -> Value {
    let mut metadata = json!({
        "AWSAccountId": key.account,
        "KeyId": key.id.to_string(),
        "Arn": key.arn(),
        "CreationDate": epoch_seconds(key.created()),
        "Enabled": key.state == KeyState::Enabled,
        "Description": key.description,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": key.state.name(),
        "Origin": "AWS_KMS",
        "KeyManager": key.manager.name(),
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": false,
        "CurrentKeyMaterialId": material_id(key.id, key.newest().number),
    });
    if let KeyState::PendingDeletion { deletion_unix_ms } = key.state {
        metadata["DeletionDate"] = epoch_seconds(deletion_unix_ms).into();
    }
    metadata
}
