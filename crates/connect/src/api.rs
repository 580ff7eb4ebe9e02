//! The entry of servers that ask the policies by themselves; goes when they hand their requests to
//! [`operations`](crate::operations).

use crate::catalogue::OPERATIONS;
use crate::error::ConnectError;
use crate::service::ConnectService;
use http::request::Parts;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use tympan_auth::{Refusal, RefusalCause};
use tympan_aws::{Ask, BoxFuture, Invocation, KeyNames, KeyUse, KeysAway, Permit, Stage};
use tympan_types::{Caller, WallTime};

/// An operation of the Connect API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation(&'static str);

impl Operation {
    /// The operation that a method and a percent-encoded path name. Where two paths fit, the one with more literal segments
    /// is meant.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let fitting = OPERATIONS.iter().filter(|(its_method, _, _)| *its_method == method);
        let fitting =
            fitting.filter_map(|(_, template, name)| Some((literals_of_match(template, &segments)?, *name)));
        fitting.max_by_key(|(literals, _)| *literals).map(|(_, name)| Self(name))
    }

    /// Its name, such as `CreateInstance`.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// The word for it in policies and in the audit log: `connect:CreateInstance`.
    pub fn action(self) -> String {
        format!("connect:{}", self.0)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

fn literals_of_match(template: &str, segments: &[&str]) -> Option<usize> {
    let parts: Vec<&str> = template.strip_prefix('/')?.split('/').collect();
    let fits = |(part, segment): (&&str, &&str)| match part.starts_with('{') {
        true => (!segment.is_empty()).then_some(0),
        false => (part == segment).then_some(1),
    };
    (parts.len() == segments.len()).then(|| parts.iter().zip(segments).map(fits).sum())?
}

/// What a request asks for.
pub struct Asked {
    /// The ARNs that a policy's `Resource` is compared with.
    pub resources: Vec<String>,
    /// The master key that it would have streams encrypted under, as it names it.
    pub master_key: Option<String>,
}

impl ConnectService {
    /// What a request asks for, which is not performed.
    ///
    /// # Errors
    /// For a request that cannot be read.
    pub fn asked(
        &self,
        now: WallTime,
        caller: &Caller,
        head: &Parts,
        body: &[u8],
    ) -> Result<Asked, ConnectError> {
        let named = NamedKey::default();
        let within = Invocation::within_process(caller, now);
        let invocation = Invocation { permit: &Nothing, keys: &named, ..within };
        let attempt = self.attempt(head, body, &invocation);
        if attempt.stage != Stage::Denied {
            attempt.result?;
        }
        let resources = attempt.asks.into_iter().map(|ask| ask.resource.arn).collect();
        let master_key = named.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Asked { resources, master_key })
    }
}

/// Grants nothing.
struct Nothing;

impl Permit for Nothing {
    fn permit(&self, _: &[Ask]) -> Result<(), Refusal> {
        let (principal, action, resource) = (String::new(), String::new(), String::new());
        Err(Refusal { principal, action, resource, cause: RefusalCause::NoAllow { in_session: false } })
    }
}

/// Keeps the name of the key.
#[derive(Default)]
struct NamedKey(Mutex<Option<String>>);

impl KeyNames for NamedKey {
    fn key_to_use<'a>(
        &'a self,
        _: &'a Caller,
        named: &'a str,
    ) -> BoxFuture<'a, Result<Option<KeyUse>, KeysAway>> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(named.to_owned());
        Box::pin(std::future::ready(Ok(None)))
    }
}
