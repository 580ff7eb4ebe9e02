//! How often in a row a client's uploads failed: the C producer tries again at once and without end after a 400, so a client that
//! keeps failing is answered later and later, up to a bound.
//!
//! A client is what it has proven to be: an access key at an address. What is not signed rightly counts for its address alone,
//! and slows nothing but other requests that are not signed rightly: a claimed name costs the one who has it nothing.

use super::authorize::Peer;
use hyper::HeaderMap;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tympan_auth::Verified;
use tympan_types::{StreamArn, StreamName};

/// So many failures in a row cost nothing.
const FREE_FAILURES: u32 = 3;
/// What the first failure beyond them costs; each further one twice as much.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// What a failure costs at most.
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// A client that has not failed for so long is forgotten.
const MEMORY: Duration = Duration::from_secs(60);
/// Clients that are remembered at most.
const CLIENTS: usize = 4096;

/// The stream that the head of an upload names, if it names one.
pub(super) fn named_stream(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let by_name = || StreamName::parse(text("x-amzn-stream-name")?).ok();
    let by_arn = || Some(StreamArn::parse(text("x-amzn-stream-arn")?).ok()?.name().clone());
    by_name().or_else(by_arn).map(|name| name.to_string())
}

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(super) struct Patience(Mutex<HashMap<ClientKey, Failures>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ClientKey {
    address: Option<IpAddr>,
    /// `None` for all that proved nothing.
    proven: Option<Proven>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Proven {
    access_key: String,
    stream: String,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    in_a_row: u32,
    last: Instant,
}

impl Patience {
    /// How long the client has to wait for its next answer.
    fn delay(&self, now: Instant, client: &ClientKey) -> Duration {
        let failures = self.failures();
        let Some(failures) = failures.get(client) else { return Duration::ZERO };
        if failures.in_a_row < FREE_FAILURES || now.duration_since(failures.last) > MEMORY {
            return Duration::ZERO;
        }
        let doublings = (failures.in_a_row - FREE_FAILURES).min(16);
        LONGEST_DELAY.min(FIRST_DELAY * (1 << doublings))
    }

    fn failed(&self, now: Instant, client: &ClientKey) {
        let mut failures = self.failures();
        let is_recent = |failures: &Failures| now.duration_since(failures.last) <= MEMORY;
        if failures.len() >= CLIENTS && !failures.contains_key(client) {
            failures.retain(|_, failures| is_recent(failures));
            if failures.len() >= CLIENTS {
                failures.clear();
            }
        }
        let entry = failures.entry(client.clone()).or_insert(Failures { in_a_row: 0, last: now });
        let before = if is_recent(entry) { entry.in_a_row } else { 0 };
        *entry = Failures { in_a_row: before.saturating_add(1), last: now };
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<ClientKey, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that uploads to one stream.
#[derive(Debug, Clone)]
pub(super) struct Uploader {
    patience: Arc<Patience>,
    key: ClientKey,
}

impl Uploader {
    /// The sender of a request that is signed rightly, by the stream that it names; an empty one where it names none.
    pub(super) fn proven(
        patience: &Arc<Patience>,
        peer: Option<Peer>,
        verified: &Verified,
        stream: String,
    ) -> Self {
        let proven = Proven { access_key: verified.caller.access_key_id.clone(), stream };
        Self::new(patience, peer, Some(proven))
    }

    /// The sender of one that is not.
    pub(super) fn unproven(patience: &Arc<Patience>, peer: Option<Peer>) -> Self {
        Self::new(patience, peer, None)
    }

    fn new(patience: &Arc<Patience>, peer: Option<Peer>, proven: Option<Proven>) -> Self {
        let address = peer.map(|peer| peer.ip);
        Self { patience: patience.clone(), key: ClientKey { address, proven } }
    }

    /// Waits as long as this client's failures demand.
    pub(super) async fn wait(&self) {
        let delay = self.patience.delay(Instant::now(), &self.key);
        if delay > Duration::ZERO {
            tracing::debug!(?delay, client = ?self.key, "an upload that keeps failing is slowed down");
            tokio::time::sleep(delay).await;
        }
    }

    /// An upload was refused, or ended with an error.
    pub(super) fn failed(&self) {
        self.patience.failed(Instant::now(), &self.key);
    }

    /// A fragment was taken.
    pub(super) fn succeeded(&self) {
        self.patience.failures().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(stream: usize) -> ClientKey {
        let proven = Proven { access_key: "AKIDEXAMPLE".to_owned(), stream: stream.to_string() };
        ClientKey { address: None, proven: Some(proven) }
    }

    #[test]
    fn failures_in_a_row_cost_more_and_more_up_to_a_bound() {
        let (patience, mut now) = (Patience::default(), Instant::now());
        let mut delays_ms = Vec::new();
        for _ in 0..11 {
            delays_ms.push(patience.delay(now, &client(1)).as_millis());
            patience.failed(now, &client(1));
            now += Duration::from_secs(5);
        }
        assert_eq!(delays_ms, [0, 0, 0, 250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
        assert_eq!(patience.delay(now, &client(2)), Duration::ZERO, "another client");
        assert_eq!(patience.delay(now + MEMORY, &client(1)), Duration::ZERO, "long ago");
        patience.failed(now + MEMORY, &client(1));
        assert_eq!(patience.delay(now + MEMORY, &client(1)), Duration::ZERO, "a new row");
    }

    #[test]
    fn so_many_clients_are_remembered_and_no_more() {
        let (patience, now) = (Patience::default(), Instant::now());
        for stream in 0..3 * CLIENTS {
            patience.failed(now, &client(stream));
        }
        assert!(patience.failures().len() <= CLIENTS);
    }
}
