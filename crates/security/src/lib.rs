//! The two services about keys and credentials, transport-free: AWS KMS before a keyring ([`kms`]) and the Security Token
//! Service ([`sts`]). Both are lists of operations in the kit of `tympan-aws`: one file and one line each.
//!
//! An operation looks up what it names once, and acts on what policies were asked about: an alias that is pointed to another
//! key in between does not matter any more.

mod aliases;
mod cryptography;
mod keys;
pub mod kms;
pub mod sts;
mod tags;
