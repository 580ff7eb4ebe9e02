//! Who sends a request: the head is checked before the body is read, the signature when it is.

use crate::clock::{ServiceClock, SystemClock};
use hyper::HeaderMap;
use hyper::http::request::Parts;
use std::sync::Arc;
use tympan_auth::{
    AccessKey, CredentialSource, Identities, Payload, Pending, Rejection, RequestParts, Verified, Verifier,
    scope_of,
};

/// Checks signatures against the configured access keys.
pub(super) struct Authenticator {
    verifier: Verifier,
    identities: Arc<Identities>,
    clock: ServiceClock,
    local_port: u16,
    /// In `--dev` a refusal shows how the server read the request.
    explains: bool,
}

/// A request whose head is in order.
pub(super) struct HeadChecked {
    pending: Pending,
}

impl Authenticator {
    pub(super) fn new(
        identities: Arc<Identities>,
        clock_skew_s: u64,
        clock: ServiceClock,
        local_port: u16,
        explains: bool,
    ) -> Self {
        let skew_ms = i64::try_from(clock_skew_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
        Self { verifier: Verifier::with_skew_ms(skew_ms), identities, clock, local_port, explains }
    }

    /// The signing name of the service that a request claims to be for; unverified, for routing only.
    pub(super) fn claimed_service(&self, head: &Parts) -> Option<String> {
        self.with_parts(head, |parts| scope_of(parts).map(|scope| scope.service))
    }

    /// Everything but the signature itself.
    pub(super) fn check_head(&self, head: &Parts) -> Result<HeadChecked, Rejected> {
        let checked = self.with_parts(head, |parts| {
            let credentials = Ageing { source: &*self.identities, ahead_ms: self.clock.ahead_ms() };
            self.verifier.check_head(SystemClock.wall_now(), parts, &credentials)
        });
        match checked {
            Ok(pending) => Ok(HeadChecked { pending }),
            Err(rejection) => Err(Rejected { rejection, explanation: None }),
        }
    }

    /// The signature, and who made it.
    pub(super) fn verify(
        &self,
        head: &Parts,
        checked: &HeadChecked,
        payload: Payload,
    ) -> Result<Verified, Rejected> {
        checked.pending.verify(payload).map_err(|rejection| {
            let explanation = self
                .explains
                .then(|| self.with_parts(head, |parts| checked.pending.explain(parts, payload).to_string()));
            Rejected { rejection, explanation }
        })
    }

    fn with_parts<T>(&self, head: &Parts, with: impl FnOnce(&RequestParts<'_>) -> T) -> T {
        let headers = lines(&head.headers);
        with(&RequestParts {
            method: head.method.as_str(),
            raw_path: head.uri.path(),
            raw_query: head.uri.query().unwrap_or(""),
            headers: &headers,
            local_port: Some(self.local_port),
        })
    }
}

/// Clients sign by the machine's clock, and keys end by the services' clock: here the difference is taken off their end.
struct Ageing<'a> {
    source: &'a dyn CredentialSource,
    ahead_ms: i64,
}

impl CredentialSource for Ageing<'_> {
    fn access_key(&self, id: &str, token: Option<&str>) -> Option<Arc<AccessKey>> {
        let key = self.source.access_key(id, token)?;
        match key.expires {
            Some(expires) if self.ahead_ms != 0 => {
                let aged =
                    AccessKey::clone(&key).expiring_at(expires.plus_ms(self.ahead_ms.saturating_neg()));
                Some(Arc::new(aged))
            }
            _ => Some(key),
        }
    }
}

fn lines(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// A request that was not let in. Each protocol gives it its own form.
pub(super) struct Rejected {
    pub(super) rejection: Rejection,
    explanation: Option<String>,
}

impl Rejected {
    /// What is wrong, and in `--dev` how the server read the request.
    pub(super) fn message(&self) -> String {
        match &self.explanation {
            None => self.rejection.to_string(),
            Some(explanation) => format!("{}\n\n{explanation}", self.rejection),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_auth::{CredentialStore, Credentials};
    use tympan_types::{AccountId, WallTime};

    #[test]
    fn keys_end_by_the_clock_of_the_services() {
        let account = AccountId::parse("111122223333").unwrap();
        let temporary = AccessKey::new(Credentials::new("TEMPORARY", "secret"), account.clone());
        let ends = WallTime::from_unix_ms(10_000);
        let lasting = AccessKey::new(Credentials::new("LASTING", "secret"), account);
        let credentials = CredentialStore::new([temporary.expiring_at(ends), lasting]).unwrap();
        let end = |ahead_ms, id: &str| {
            Ageing { source: &credentials, ahead_ms }.access_key(id, None).unwrap().expires
        };
        assert_eq!(end(0, "TEMPORARY"), Some(ends));
        assert_eq!(end(4_000, "TEMPORARY"), Some(WallTime::from_unix_ms(6_000)));
        assert_eq!(end(4_000, "LASTING"), None);
    }
}
