//! The AWS KMS API before a [`Keyring`](tympan_kms::Keyring): JSON 1.1.
//!
//! Source: the KMS service model 2014-11-01; what is done, differs or is refused: docs/kms.md.

#[cfg(test)]
pub(crate) mod bench;
pub(crate) mod constraint;
mod elsewhere;
mod error;
pub(crate) mod key_reference;
mod not_offered;
mod operations;
pub(crate) mod page;
#[cfg(test)]
mod races;
mod service;
pub(crate) mod target;
#[cfg(test)]
mod tests;

pub use elsewhere::{KeysElsewhere, operations_elsewhere};
pub use error::{KmsApiError, KmsErrorCode};
pub use key_reference::absent_arn;
pub use operations::{CATALOGUE, operations};
pub use service::KmsService;

pub(crate) use service::KmsCx;
pub(crate) use target::{KeyTarget, Named};
