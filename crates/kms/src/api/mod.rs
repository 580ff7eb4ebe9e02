//! The AWS KMS API before a [`Keyring`]: JSON 1.1 operations, one file each, transport-free.
//!
//! Source: the KMS service model 2014-11-01; what is done, differs or is refused: docs/kms.md.

#[cfg(test)]
mod bench;
mod constraint;
mod cryptography;
mod error;
mod invocation;
mod key_metadata;
mod key_reference;
mod operation;
mod page;
mod tags;

mod cancel_key_deletion;
mod create_alias;
mod create_key;
mod decrypt;
mod delete_alias;
mod describe_key;
mod disable_key;
mod disable_key_rotation;
mod enable_key;
mod enable_key_rotation;
mod encrypt;
mod generate_data_key;
mod generate_data_key_without_plaintext;
mod generate_random;
mod get_key_rotation_status;
mod list_aliases;
mod list_key_rotations;
mod list_keys;
mod list_resource_tags;
mod re_encrypt;
mod rotate_key_on_demand;
mod schedule_key_deletion;
mod tag_resource;
mod untag_resource;
mod update_alias;
mod update_key_description;

pub use error::{KmsApiError, KmsErrorCode};
pub use key_reference::absent_arn;
pub use operation::Operation;

use crate::Keyring;
use invocation::Invocation;
use serde_json::Value;
use std::sync::Arc;
use tympan_types::{Caller, WallTime};

/// The Content-Type of requests and answers.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// What an operation comes to: the body of a 200 (`None` is an empty one), or an error.
type Answer = Result<Option<Value>, KmsApiError>;

/// The service: a keyring, and whose keys a caller sees in it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct KmsService(Arc<Keyring>);

impl KmsService {
    /// Puts the service before a keyring.
    pub fn new(keyring: Arc<Keyring>) -> Self {
        Self(keyring)
    }

    /// Answers one request; `None` is an empty body. Reads and writes the keyring's file: call it where that may block.
    ///
    /// # Errors
    /// The operation's own; `UnsupportedOperationException` for what is not offered.
    pub fn call(
        &self,
        now: WallTime,
        caller: &Caller,
        operation: Operation,
        body: &[u8],
    ) -> Result<Option<Value>, KmsApiError> {
        let handler = operation.handler().map_err(|why| {
            KmsApiError::new(
                KmsErrorCode::UnsupportedOperation,
                format!(
                    "{} is not offered by this server: {why}. docs/kms.md lists what is.",
                    operation.name()
                ),
            )
        })?;
        // A key whose day has come is gone for every operation, however late the housekeeping. Should the file refuse
        // the edit, the key still cannot be used, and the next upkeep says so.
        let _ = self.0.upkeep(now);
        handler(&Invocation { keyring: &self.0, now, caller, operation, body })
    }

    /// The ARN of a key that a request to another service wants to be used, for authorisation; `None` for the service's own
    /// key, which all may use, and for a text that can name no key.
    ///
    /// # Errors
    /// What the keyring says if it cannot be read.
    pub fn key_to_use(&self, caller: &Caller, named: &str) -> Result<Option<String>, KmsApiError> {
        key_reference::to_use(&self.0, caller, named)
    }

    /// The ARNs of what a request is about, for authorisation: every key that it names by any member, the key of its
    /// ciphertext among them, whichever of them the operation reads; `*` where it names none. The request is denied if any
    /// one of them is denied.
    ///
    /// A key that does not exist has the ARN that it would have, however the request spells it. A text that can name no key
    /// names nothing: the operation itself says so, if it reads it.
    ///
    /// # Errors
    /// `SerializationException` for a body that cannot be read, or has a member twice. It must not reach the operation, which
    /// might read more of it than this did. What the keyring says if it cannot be read.
    pub fn resources(&self, caller: &Caller, body: &[u8]) -> Result<Vec<String>, KmsApiError> {
        key_reference::resources(&self.0, caller, body)
    }
}

#[cfg(test)]
mod tests;
