//! IAM-style policies: the language, and what it says about a request.
//!
//! Source: IAM User Guide, "IAM JSON policy reference" and "Policy evaluation logic". A policy is read whole or refused
//! whole: what is not understood is never passed over.
//!
//! Not implemented: `Principal` (policies here belong to identities), policy variables, `ForAllValues:` and
//! `ForAnyValue:`, numeric and binary operators, and the condition keys that docs/access.md does not list.

mod builtin;
mod condition;
mod document;
mod evaluate;
mod json;
mod pattern;

pub use builtin::BUILT_IN_POLICIES;
pub use document::{
    POLICY_LIMIT_CHARACTERS, Policy, PolicyError, SESSION_POLICY_LIMIT_CHARACTERS, policy_characters,
};
pub use evaluate::{Facts, Permissions, Refusal, RefusalCause, Ruling, StatementPlace};

pub(crate) use builtin::built_in_policy;
