//! Who is asking: AWS Signature Version 4, signed and verified, and the access keys behind it. No clock, no socket.
//!
//! A server describes a request's head as [`RequestParts`], asks [`Verifier::check_head`] before it reads a body and
//! [`Pending::verify`] after, and hands on the [`tympan_types::Caller`] of the [`Verified`] request.
//! A client signs with [`Signer`].

mod credentials;
mod sigv4;

pub use credentials::{
    AccessKey, CredentialSource, CredentialStore, Credentials, DuplicateAccessKey, Secret,
};
pub use sigv4::{
    AmzDate, BodyRule, Candidate, Explanation, HeadError, Payload, PayloadHash, Pending, Rejection,
    RequestParts, Scope, Signer, SigningOptions, Verified, Verifier, scope_of,
};
