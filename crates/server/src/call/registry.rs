//! The calls that are up.

use crate::clock::mono_now;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tympan_connect::live_calls::{LiveCalls, SetAttributes};
use tympan_contact::{Contact, REQUESTS_MAX};
use tympan_types::{ContactId, Mono};

/// Every call that is up, by its contact. Clones share the list.
#[derive(Clone)]
pub(crate) struct CallRegistry {
    calls: Arc<Mutex<Calls>>,
    count: watch::Sender<usize>,
    refused_changes: Arc<AtomicU64>,
}

#[derive(Default)]
struct Calls {
    live: HashMap<ContactId, LiveCall>,
    /// From the drain on. A call that was admitted before and is added after it has to end as the others.
    drain_until: Option<Mono>,
}

/// One call, as others may reach it.
#[derive(Clone)]
pub(super) struct LiveCall {
    /// The contact as its task has published it last.
    contact: watch::Receiver<Arc<Contact>>,
    orders: watch::Sender<Orders>,
    attributes: mpsc::Sender<Box<AttributeChange>>,
    places: Arc<Semaphore>,
}

/// What the server and the API order a call to do. Orders add up to one value, so that no number of requests grows a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Orders {
    /// End now.
    pub(super) stop: bool,
    /// End at this time.
    pub(super) drain_until: Option<Mono>,
}

/// Answers a change of attributes.
pub(super) type Reply = std::sync::mpsc::SyncSender<SetAttributes>;

/// A change of attributes on its way to the task that owns the contact. Dropping `reply` says that the call is over.
pub(super) struct AttributeChange {
    pub(super) changes: BTreeMap<String, String>,
    pub(super) reply: Reply,
}

/// The task's ends of a [`LiveCall`].
pub(super) struct Incoming {
    pub(super) contact: watch::Sender<Arc<Contact>>,
    pub(super) orders: watch::Receiver<Orders>,
    pub(super) attributes: mpsc::Receiver<Box<AttributeChange>>,
}

impl LiveCall {
    pub(super) fn new(contact: Arc<Contact>) -> (Self, Incoming) {
        let (publisher, contact) = watch::channel(contact);
        let (orders, order_receiver) = watch::channel(Orders::default());
        // Each change keeps a thread of the server busy until the contact is written.
        let (attributes, change_receiver) = mpsc::channel(REQUESTS_MAX);
        let places = Arc::new(Semaphore::new(REQUESTS_MAX));
        let live = Self { contact, orders, attributes, places };
        let incoming = Incoming { contact: publisher, orders: order_receiver, attributes: change_receiver };
        (live, incoming)
    }
}

/// A call's entry in the registry. Dropping it removes the entry, also when the call's task panics.
#[must_use]
pub(super) struct Registered {
    registry: CallRegistry,
    id: ContactId,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut calls = self.registry.lock();
        calls.live.remove(&self.id);
        self.registry.count.send_replace(calls.live.len());
    }
}

impl Default for CallRegistry {
    fn default() -> Self {
        Self { calls: Arc::default(), count: watch::Sender::new(0), refused_changes: Arc::default() }
    }
}

impl CallRegistry {
    /// How many calls are up.
    pub(crate) fn len(&self) -> usize {
        *self.count.borrow()
    }

    /// Changes of attributes that were refused, because too many of the same call waited.
    pub(crate) fn refused_changes(&self) -> u64 {
        self.refused_changes.load(Ordering::Relaxed)
    }

    /// Ends every call in `limit` at the latest, also those that are added after this; some may end by themselves before.
    pub(crate) fn drain(&self, limit: Duration) {
        let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        let until = mono_now().plus_ms(limit_ms);
        let mut calls = self.lock();
        calls.drain_until = Some(until);
        for call in calls.live.values() {
            call.orders.send_modify(|orders| orders.drain_until = Some(until));
        }
    }

    /// Waits until no call is up.
    pub(crate) async fn emptied(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }

    pub(super) fn add(&self, id: ContactId, call: LiveCall) -> Registered {
        let mut calls = self.lock();
        if let Some(until) = calls.drain_until {
            call.orders.send_modify(|orders| orders.drain_until = Some(until));
        }
        calls.live.insert(id, call);
        self.count.send_replace(calls.live.len());
        Registered { registry: self.clone(), id }
    }

    fn find(&self, id: ContactId) -> Option<LiveCall> {
        self.lock().live.get(&id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveCalls for CallRegistry {
    fn contact(&self, id: ContactId) -> Option<Contact> {
        self.find(id).map(|live| live.contact.borrow().as_ref().clone())
    }

    fn stop(&self, id: ContactId) -> bool {
        let found = self.find(id);
        found.inspect(|live| live.orders.send_modify(|orders| orders.stop = true)).is_some()
    }

    fn set_attributes(&self, id: ContactId, changes: &BTreeMap<String, String>) -> SetAttributes {
        let Some(live) = self.find(id) else { return SetAttributes::NoSuchCall };
        // Held until the answer: what a live contact keeps of unanswered changes has the same limit.
        let Ok(_place) = live.places.try_acquire() else {
            self.refused_changes.fetch_add(1, Ordering::Relaxed);
            return SetAttributes::Busy;
        };
        // Waited for on a thread that may block, also within a future that this thread runs: tokio's channel refuses that.
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        // A call that is over takes no more, and drops what it has taken once the history has its last state. With a place there
        // is room in the channel.
        let change = Box::new(AttributeChange { changes: changes.clone(), reply });
        if live.attributes.try_send(change).is_err() {
            return SetAttributes::NoSuchCall;
        }
        answer.recv().unwrap_or(SetAttributes::NoSuchCall)
    }
}
