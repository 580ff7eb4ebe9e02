//! The Security Token Service: temporary credentials for unmodified SDKs.
//!
//! Source: the STS service model 2011-06-15 (query protocol): a form in, XML out.
//!
//! Not implemented: federation (AssumeRoleWithSAML, AssumeRoleWithWebIdentity, GetFederationToken), multi-factor
//! authentication, session tags, source identities, role chaining.

mod assume_role;
mod error;
mod form;
mod get_caller_identity;
mod get_session_token;
mod service;

pub use error::{StsError, StsErrorCode};
pub use service::{Entropy, NoEntropy, StsService};

use assume_role::AssumeRole;
use get_caller_identity::GetCallerIdentity;
use get_session_token::GetSessionToken;
use tympan_aws::{Asks, Operations, Resource, Target, register};

/// What all answers declare.
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const VERSION: &str = "2011-06-15";
/// The operations that there are; all others are unknown.
const CATALOGUE: &[&str] = &["AssumeRole", "GetCallerIdentity", "GetSessionToken"];

/// The operations of STS. They need [`Invocation::principal`](tympan_aws::Invocation::principal).
pub fn operations() -> Operations<StsService> {
    Operations::query("sts", NAMESPACE, VERSION, CATALOGUE)
        .with(register::<AssumeRole>())
        .with(register::<GetCallerIdentity>())
        .with(register::<GetSessionToken>())
}

/// Of operations that ask no policy, and are about their caller.
pub(crate) struct TheCaller;

impl Target for TheCaller {
    fn asks(&self, asks: &mut Asks) {
        asks.noted(Resource::any());
    }
}

#[cfg(test)]
mod tests;
