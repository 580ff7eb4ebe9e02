//! The paths of the server itself, which AWS has no operations for.

use super::contacts::{self, Wanted};
use super::{backup, expiry};
use hyper::Method;
use std::sync::Arc;
use tympan_aws::{Ask, Resource, Rule};
use tympan_types::Caller;

/// What is asked of the server itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Own {
    Backup,
    Expiry,
    Contacts(Wanted),
    /// There is nothing at this path.
    Nothing,
}

impl Own {
    /// What a request asks for, signed for a service; `None` for a path of that service.
    pub(super) fn of(service: &str, method: &Method, path: &str) -> Option<Self> {
        match (service, path) {
            ("kinesisvideo", backup::PATH) => Some(Self::Backup),
            ("kinesisvideo", expiry::PATH) => Some(Self::Expiry),
            ("connect", path) if path.starts_with("/_tympan/") => {
                Some(contacts::asked(method, path).map_or(Self::Nothing, Self::Contacts))
            }
            _ => None,
        }
    }

    /// The same in the words of policies.
    pub(super) fn ask(self, caller: &Caller) -> Option<Ask> {
        let of = |action: &str, resource| Ask { action: Arc::from(action), resource, rule: Rule::Allowed };
        match self {
            Self::Backup => Some(of(backup::ACTION, Resource::any())),
            Self::Expiry => Some(of(expiry::ACTION, Resource::any())),
            Self::Contacts(wanted) => {
                let (action, resource) = wanted.in_policies(caller);
                Some(of(action, resource))
            }
            Self::Nothing => None,
        }
    }
}
