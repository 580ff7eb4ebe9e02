//! Key providers, data keys and envelopes.
//!
//! A *master key* stays inside its [`KeyProvider`]. Media is sealed under a [`DataKey`], which is kept beside the
//! media only as a [`WrappedKey`]: sealed in turn under a master key and bound to an [`EncryptionContext`], so that
//! a wrapped key copied to another stream does not open there. Destroying the wrapped key destroys the media.
//!
//! [`Keyring`] is the local provider: master keys in one file that only its owner may read. What a service in front of it
//! needs is in [`keyring`].

mod data_key;
mod encryption_context;
mod error;
mod key_id;
pub mod keyring;
mod provider;
mod wrapped_key;

pub use data_key::{DataKey, NONCE_BYTES, OpenError, TAG_BYTES, fill_random, random_nonce};
pub use encryption_context::EncryptionContext;
pub use error::KmsError;
pub use key_id::{KeyId, KeyIdError, KeyIdTarget, key_uuid};
pub use keyring::{Holding, Keyring, KeyringError, KeyringOwner, Upkeep};
pub use provider::{KeyDescription, KeyManager, KeyProvider, KeyState};
pub use wrapped_key::WrappedKey;
