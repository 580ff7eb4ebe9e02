//! Who is asking, and what they may do: AWS Signature Version 4, access keys, policies, temporary credentials. No clock,
//! no socket.
//!
//! A server describes a request's head as [`RequestParts`], asks [`Verifier::check_head`] before it reads a body and
//! [`Pending::verify`] after, hands on the [`tympan_types::Caller`] of the [`Verified`] request, and asks its
//! [`Principal`] whether the action is allowed. [`Identities`] knows keys, policies and roles, and begins sessions with
//! temporary credentials. A client signs with [`Signer`].

mod credentials;
mod identities;
mod network;
mod policy;
mod principal;
#[cfg(any(test, feature = "reference"))]
pub mod reference;
mod session;
mod sigv4;

pub use credentials::{
    AccessKey, CredentialSource, CredentialStore, Credentials, DuplicateAccessKey, Secret,
};
pub use identities::{Identities, IdentitiesError, Role};
pub use network::Network;
pub use policy::{
    BUILT_IN_POLICIES, Facts, POLICY_LIMIT_CHARACTERS, Permissions, Policy, PolicyError, Refusal,
    RefusalCause, Ruling, SESSION_POLICY_LIMIT_CHARACTERS, StatementPlace, policy_characters,
};
pub use principal::Principal;
pub use session::{
    AssumedRole, SESSION_ENTROPY_BYTES, SESSION_KEY_BYTES, SessionSeal, TemporaryCredentials, WebSession,
    WebToken,
};
pub use sigv4::{
    AmzDate, BodyRule, Candidate, Explanation, HeadError, Payload, PayloadHash, Pending, Rejection,
    RequestParts, Scope, Signer, SigningOptions, Verified, Verifier, scope_of,
};
