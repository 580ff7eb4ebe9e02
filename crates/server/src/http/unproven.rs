//! Memory for the bodies of senders that have not proven who they are: a signature can be checked only when the body is
//! there.
//!
//! Each body has a little to itself. Beyond that all of them share one budget; when it is spent, the oldest body of the
//! source that holds most gives way, so that a flood displaces itself.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// What a body may have beside the budget. Nearly all requests of SDKs fit in.
const FREE_BYTES: usize = 16 * 1024;
/// The first room that is made for a body.
const FIRST_BYTES: usize = 1_024;

/// The budget.
#[derive(Debug)]
pub(crate) struct UnprovenBytes {
    limit: usize,
    held: Mutex<Held>,
    displaced: AtomicU64,
}

#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    next_id: u64,
    /// The oldest first.
    bodies: BTreeMap<u64, Share>,
    sources: HashMap<Option<IpAddr>, usize>,
}

#[derive(Debug)]
struct Share {
    source: Option<IpAddr>,
    bytes: usize,
    displaced: CancellationToken,
}

/// Why a body was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is longer than its operation allows.
    TooLarge,
    /// It gave way to others.
    Displaced,
    /// The connection failed.
    Broken(hyper::Error),
}

impl UnprovenBytes {
    /// A budget of `limit` bytes.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, held: Mutex::default(), displaced: AtomicU64::new(0) })
    }

    /// Bytes that are held now, beside those that each body has to itself.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.held().bytes as u64
    }

    /// Bodies that gave way.
    pub(crate) fn displaced(&self) -> u64 {
        self.displaced.load(Ordering::Relaxed)
    }

    /// Reads a body of at most `limit` bytes from `source`. Memory is taken as it arrives, whatever was announced.
    pub(super) async fn read(
        self: &Arc<Self>,
        source: Option<IpAddr>,
        body: impl Body<Data = Bytes, Error = hyper::Error>,
        limit: usize,
    ) -> Result<Bytes, Unread> {
        if body.size_hint().lower() > limit as u64 {
            return Err(Unread::TooLarge);
        }
        let share = Holder::new(self.clone(), source);
        let mut body = std::pin::pin!(body);
        // Copied together: a piece of one byte would keep the whole buffer that it came in.
        let mut bytes: Vec<u8> = Vec::new();
        loop {
            let frame = tokio::select! {
                biased;
                () = share.displaced.cancelled() => return Err(Unread::Displaced),
                frame = body.frame() => frame,
            };
            let Some(frame) = frame else { return Ok(bytes.into()) };
            let frame = frame.map_err(Unread::Broken)?;
            let Some(data) = frame.data_ref() else { continue };
            let length = bytes.len() + data.len();
            if length > limit {
                return Err(Unread::TooLarge);
            }
            if length > bytes.capacity() {
                let capacity = length.next_power_of_two().clamp(FIRST_BYTES, limit.max(FIRST_BYTES));
                share.grow(capacity.saturating_sub(FREE_BYTES))?;
                bytes.reserve_exact(capacity - bytes.len());
            }
            bytes.extend_from_slice(data);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn take(&mut self, id: u64, bytes: usize) {
        if let Some(share) = self.bodies.get_mut(&id) {
            *self.sources.entry(share.source).or_default() += bytes;
            share.bytes += bytes;
            self.bytes += bytes;
        }
    }

    fn remove(&mut self, id: u64) -> Option<Share> {
        let share = self.bodies.remove(&id)?;
        self.bytes -= share.bytes;
        if let Some(of_source) = self.sources.get_mut(&share.source) {
            *of_source -= share.bytes;
            if *of_source == 0 {
                self.sources.remove(&share.source);
            }
        }
        Some(share)
    }

    /// The body that gives way: the oldest one of the source that holds most.
    fn victim(&self) -> Option<u64> {
        let (source, _) = self.sources.iter().max_by_key(|(_, bytes)| **bytes)?;
        let mut bodies = self.bodies.iter();
        bodies.find(|(_, share)| share.source == *source && share.bytes > 0).map(|(id, _)| *id)
    }
}

/// One body's part of the budget.
struct Holder {
    budget: Arc<UnprovenBytes>,
    id: u64,
    displaced: CancellationToken,
}

impl Holder {
    fn new(budget: Arc<UnprovenBytes>, source: Option<IpAddr>) -> Self {
        let displaced = CancellationToken::new();
        let mut held = budget.held();
        let id = held.next_id;
        held.next_id += 1;
        held.bodies.insert(id, Share { source, bytes: 0, displaced: displaced.clone() });
        drop(held);
        Self { budget, id, displaced }
    }

    /// Takes as much as is missing to `bytes`; others give way where that is more than is left.
    fn grow(&self, bytes: usize) -> Result<(), Unread> {
        let mut held = self.budget.held();
        let own = held.bodies.get(&self.id).map_or(0, |share| share.bytes);
        let more = bytes.saturating_sub(own);
        while held.bytes + more > self.budget.limit {
            let victim = held.victim().unwrap_or(self.id);
            if let Some(share) = held.remove(victim) {
                share.displaced.cancel();
                self.budget.displaced.fetch_add(1, Ordering::Relaxed);
            }
            if victim == self.id {
                return Err(Unread::Displaced);
            }
        }
        if !held.bodies.contains_key(&self.id) {
            return Err(Unread::Displaced);
        }
        held.take(self.id, more);
        Ok(())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.budget.held().remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const KIB: usize = 1_024;

    fn source(number: u8) -> Option<IpAddr> {
        Some(Ipv4Addr::new(192, 0, 2, number).into())
    }

    #[test]
    fn a_flood_displaces_itself_and_not_its_neighbour() {
        let budget = UnprovenBytes::new(100 * KIB);
        let neighbour = Holder::new(budget.clone(), source(1));
        neighbour.grow(30 * KIB).unwrap();
        let flood: Vec<Holder> = (0..50)
            .map(|_| {
                let body = Holder::new(budget.clone(), source(2));
                body.grow(20 * KIB).unwrap();
                assert!(budget.held_bytes() <= 100 * KIB as u64);
                body
            })
            .collect();
        assert!(!neighbour.displaced.is_cancelled());
        neighbour.grow(40 * KIB).unwrap();
        let left = flood.iter().filter(|body| !body.displaced.is_cancelled()).count();
        assert_eq!(left, 3, "the newest stay");
        assert_eq!(budget.displaced(), 47);
        drop((flood, neighbour));
        assert_eq!(budget.held_bytes(), 0);
        assert!(budget.held().bodies.is_empty() && budget.held().sources.is_empty());
    }

    #[test]
    fn a_body_that_is_larger_than_the_budget_gives_way_itself() {
        let budget = UnprovenBytes::new(100 * KIB);
        let body = Holder::new(budget.clone(), source(1));
        body.grow(64 * KIB).unwrap();
        assert!(matches!(body.grow(128 * KIB), Err(Unread::Displaced)));
        assert_eq!(budget.held_bytes(), 0);
    }
}
