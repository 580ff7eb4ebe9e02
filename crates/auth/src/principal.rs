//! Who acts, by name, and what it may do.

use crate::Permissions;
use ring::digest::{SHA256, digest};
use tympan_types::AccountId;

/// For whom a request is answered: a user, or a session of a user or a role.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    /// `arn:aws:iam::ACCOUNT:user/NAME` or `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub arn: String,
    /// A name that is never given to another one: `AIDA...`, or `AROA...:SESSION`.
    pub user_id: String,
    /// The account that it belongs to.
    pub account: AccountId,
    /// Of a session: the long-term access key that it was begun with.
    pub parent_key: Option<String>,
    /// What it may do.
    pub permissions: Permissions,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    User(String),
    Role,
}

impl Principal {
    /// A user who may do nothing yet.
    pub fn user(name: &str, account: AccountId) -> Self {
        let arn = format!("arn:aws:iam::{account}:user/{name}");
        let user_id = unique_id("AIDA", &arn);
        let kind = Kind::User(name.to_owned());
        Self { arn, user_id, account, parent_key: None, permissions: Permissions::default(), kind }
    }

    /// A session of a role, which may do nothing yet.
    pub fn assumed_role(role: &str, session: &str, account: AccountId) -> Self {
        let arn = format!("arn:aws:sts::{account}:assumed-role/{role}/{session}");
        let user_id = format!("{}:{session}", unique_id("AROA", &role_arn(role, &account)));
        Self {
            arn,
            user_id,
            account,
            parent_key: None,
            permissions: Permissions::default(),
            kind: Kind::Role,
        }
    }

    /// Gives it permissions.
    #[must_use]
    pub fn with_permissions(mut self, permissions: Permissions) -> Self {
        self.permissions = permissions;
        self
    }

    /// Makes it a session that was begun with a long-term access key.
    #[must_use]
    pub fn begun_with(mut self, access_key_id: &str) -> Self {
        self.parent_key = Some(access_key_id.to_owned());
        self
    }

    /// The name of a user; a role's session has none.
    pub fn user_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::User(name) => Some(name),
            Kind::Role => None,
        }
    }
}

/// `arn:aws:iam::ACCOUNT:role/NAME`
pub(crate) fn role_arn(role: &str, account: &AccountId) -> String {
    format!("arn:aws:iam::{account}:role/{role}")
}

/// Twenty-one characters that are always the same for the same ARN.
fn unique_id(prefix: &str, arn: &str) -> String {
    let digest = digest(&SHA256, arn.as_bytes());
    let letters = digest.as_ref().iter().take(17).map(|byte| base32_digit(*byte));
    prefix.chars().chain(letters).collect()
}

/// A letter or digit of RFC 4648's base 32, as access key ids have them.
pub(crate) fn base32_digit(byte: u8) -> char {
    char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from(byte % 32)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_iam() {
        let account = AccountId::parse("111122223333").unwrap();
        let user = Principal::user("reader", account.clone());
        assert_eq!(user.arn, "arn:aws:iam::111122223333:user/reader");
        assert_eq!(user.user_id.len(), 21);
        assert_eq!(user, Principal::user("reader", account.clone()));
        assert_ne!(user.user_id, Principal::user("writer", account.clone()).user_id);
        let session = Principal::assumed_role("transcriber", "one", account);
        assert_eq!(session.arn, "arn:aws:sts::111122223333:assumed-role/transcriber/one");
        assert!(session.user_id.starts_with("AROA") && session.user_id.ends_with(":one"));
        assert_eq!((user.user_name(), session.user_name()), (Some("reader"), None));
    }
}
