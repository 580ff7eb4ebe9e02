//! The connections of one listener: how many there may be, whose they are, and which of them only wait.
//!
//! A connection that works (a request runs, a call is carried) keeps its place. One that waits gives it up when a newcomer
//! needs it: the oldest one of the source that has the most of them.

use crate::descriptors::{DescriptorBudget, Descriptors, Use};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long a newcomer waits for the place of one that was told to go.
const GIVING_UP: Duration = Duration::from_secs(1);

/// How many connections a listener takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionLimits {
    /// In all.
    pub(crate) total: usize,
    /// From one address.
    pub(crate) per_source: usize,
}

/// The connections of one listener.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: ConnectionLimits,
    budget: DescriptorBudget,
    by: Use,
    descriptors_each: u64,
    table: Mutex<Table>,
    released: Notify,
    evicted: AtomicU64,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct Table {
    next_id: u64,
    next_turn: u64,
    entries: HashMap<u64, Entry>,
    sources: HashMap<IpAddr, Source>,
}

#[derive(Debug)]
struct Entry {
    source: IpAddr,
    /// Its place among those of its source that wait; `None` while it works.
    turn: Option<u64>,
    works: usize,
    evicted: CancellationToken,
}

#[derive(Debug, Default)]
struct Source {
    connections: usize,
    waiting: BTreeMap<u64, u64>,
}

/// A connection that has a place; dropping this gives it back.
#[derive(Debug)]
pub(crate) struct Connection {
    connections: Arc<Connections>,
    id: u64,
    evicted: CancellationToken,
    descriptors: Option<Descriptors>,
}

/// Something that a connection does: while there is one, the connection keeps its place.
#[derive(Debug)]
pub(crate) struct Work {
    connections: Arc<Connections>,
    id: u64,
}

/// Counts of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionCounts {
    /// Open now.
    pub(crate) open: u64,
    /// Closed while they waited, for others.
    pub(crate) evicted: u64,
    /// Closed at once, because there was no place.
    pub(crate) refused: u64,
}

enum Full {
    /// One that waited was told to go.
    Evicting,
    /// All of them work.
    Busy,
}

impl Connections {
    /// Places for connections that take `descriptors_each` out of the share of `by`.
    pub(crate) fn new(
        limits: ConnectionLimits,
        budget: DescriptorBudget,
        by: Use,
        descriptors_each: u64,
    ) -> Arc<Self> {
        Arc::new(Self {
            limits,
            budget,
            by,
            descriptors_each,
            table: Mutex::default(),
            released: Notify::new(),
            evicted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// A place for a connection from `source`, if need be that of one that waits; `None` when all work. It waits at first.
    pub(crate) async fn admit(self: &Arc<Self>, source: IpAddr) -> Option<Connection> {
        let admitted = tokio::time::timeout(GIVING_UP, async {
            loop {
                let mut released = pin!(self.released.notified());
                released.as_mut().enable();
                match self.try_admit(source) {
                    Ok(connection) => return Some(connection),
                    Err(Full::Evicting) => released.await,
                    Err(Full::Busy) => return None,
                }
            }
        });
        let connection = admitted.await.ok().flatten();
        if connection.is_none() {
            self.refused();
        }
        connection
    }

    /// A connection was closed, or could not even be accepted, for want of a descriptor.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted.
    pub(crate) fn counts(&self) -> ConnectionCounts {
        ConnectionCounts {
            open: self.table().entries.len() as u64,
            evicted: self.evicted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    fn try_admit(self: &Arc<Self>, source: IpAddr) -> Result<Connection, Full> {
        let mut table = self.table();
        let own = table.sources.get(&source).map_or(0, |source| source.connections);
        if own >= self.limits.per_source {
            return Err(self.evict(&mut table, Some(source)));
        }
        if table.entries.len() >= self.limits.total {
            return Err(self.evict(&mut table, None));
        }
        let Some(descriptors) = self.budget.take(self.by, self.descriptors_each) else {
            return Err(self.evict(&mut table, None));
        };
        let (id, evicted) = (table.next_id, CancellationToken::new());
        table.next_id += 1;
        table.sources.entry(source).or_default().connections += 1;
        table.entries.insert(id, Entry { source, turn: None, works: 0, evicted: evicted.clone() });
        table.wait(id);
        Ok(Connection { connections: self.clone(), id, evicted, descriptors: Some(descriptors) })
    }

    /// Tells the connection to go that has waited longest, of `source` or of the source of which the most wait.
    fn evict(&self, table: &mut Table, source: Option<IpAddr>) -> Full {
        let most = || table.sources.iter().max_by_key(|(_, source)| source.waiting.len()).map(|(ip, _)| *ip);
        let Some(source) = source.or_else(most) else { return Full::Busy };
        let Some((_, id)) = table.sources.get_mut(&source).and_then(|source| source.waiting.pop_first())
        else {
            return Full::Busy;
        };
        if let Some(entry) = table.entries.get_mut(&id) {
            entry.turn = None;
            entry.evicted.cancel();
        }
        self.evicted.fetch_add(1, Ordering::Relaxed);
        Full::Evicting
    }

    fn shift(&self, id: u64, begun: bool) {
        let mut table = self.table();
        // It may be gone before its work is.
        let Some(entry) = table.entries.get_mut(&id) else { return };
        entry.works = if begun { entry.works + 1 } else { entry.works.saturating_sub(1) };
        if entry.works == 0 { table.wait(id) } else { table.work(id) }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn wait(&mut self, id: u64) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if entry.turn.is_some() || entry.evicted.is_cancelled() {
            return;
        }
        entry.turn = Some(self.next_turn);
        self.sources.entry(entry.source).or_default().waiting.insert(self.next_turn, id);
        self.next_turn += 1;
    }

    fn work(&mut self, id: u64) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if let (Some(turn), Some(source)) = (entry.turn.take(), self.sources.get_mut(&entry.source)) {
            source.waiting.remove(&turn);
        }
    }

    fn remove(&mut self, id: u64) {
        self.work(id);
        let Some(entry) = self.entries.remove(&id) else { return };
        if let Some(source) = self.sources.get_mut(&entry.source) {
            source.connections -= 1;
            if source.connections == 0 {
                self.sources.remove(&entry.source);
            }
        }
    }
}

impl Connection {
    /// Waits until the connection has to be closed, because another one needs its place.
    pub(crate) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Whether the connection works.
    pub(crate) fn is_working(&self) -> bool {
        self.connections.table().entries.get(&self.id).is_some_and(|entry| entry.works > 0)
    }

    /// The connection works until what this returns is dropped.
    pub(crate) fn work(&self) -> Work {
        self.connections.shift(self.id, true);
        Work { connections: self.connections.clone(), id: self.id }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.connections.shift(self.id, false);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Before a newcomer is woken, who will want them.
        self.descriptors = None;
        self.connections.table().remove(self.id);
        self.connections.released.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn source(number: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, number).into()
    }

    fn connections(total: usize, per_source: usize, limit: u64) -> Arc<Connections> {
        let limits = ConnectionLimits { total, per_source };
        Connections::new(limits, DescriptorBudget::new(limit, 0), Use::Http, 1)
    }

    /// Serves a connection that only waits, as a listener does.
    fn wait(connection: Connection) {
        tokio::spawn(async move { connection.evicted().await });
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_takes_the_place_of_the_flooder_and_never_of_one_that_works() {
        let table = connections(8, 100, 1_000);
        let (guest, working) = (table.admit(source(1)).await.unwrap(), table.admit(source(2)).await.unwrap());
        let _work = working.work();
        for _ in 0..50 {
            wait(table.admit(source(2)).await.unwrap());
        }
        assert!(!guest.evicted.is_cancelled(), "the only connection of its source waits on");
        assert!(!working.evicted.is_cancelled());
        assert_eq!(table.counts(), ConnectionCounts { open: 8, evicted: 44, refused: 0 });
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_work_a_newcomer_is_refused_and_later_let_in() {
        let table = connections(2, 100, 1_000);
        let first = table.admit(source(1)).await.unwrap();
        let second = table.admit(source(1)).await.unwrap();
        let (work, other_work) = (first.work(), second.work());
        assert!(table.admit(source(3)).await.is_none());
        assert_eq!(table.counts().refused, 1);
        drop((other_work, work));
        drop(first);
        assert!(table.admit(source(3)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_has_its_limit_and_the_process_its_descriptors() {
        let table = connections(100, 3, 1_000);
        for _ in 0..10 {
            wait(table.admit(source(1)).await.unwrap());
        }
        assert_eq!(table.counts().open, 3);
        let table = connections(1_000, 1_000, 300);
        let mut working = Vec::new();
        while let Some(connection) = table.admit(source(1)).await {
            working.push((connection.work(), connection));
        }
        assert!((50..100).contains(&working.len()), "{} of 300 descriptors", working.len());
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_forgets_what_is_gone() {
        let table = connections(100, 100, 1_000);
        let connection = table.admit(source(1)).await.unwrap();
        let work = connection.work();
        drop(connection);
        drop(work);
        assert!(table.table().entries.is_empty() && table.table().sources.is_empty());
    }
}
