//! The calls that are up.

use super::journal::Reply;
use crate::clock::CallClock;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tympan_connect::live_calls::{LiveCalls, SetAttributes};
use tympan_contact::Contact;
use tympan_contact::call::Call;
use tympan_types::{ContactId, WallTime};

/// Every call that is up, by its contact. Clones share the list.
#[derive(Clone)]
pub(crate) struct CallRegistry {
    calls: Arc<Mutex<HashMap<ContactId, LiveCall>>>,
    count: watch::Sender<usize>,
    refused_changes: Arc<AtomicU64>,
}

/// One call, as others may reach it.
#[derive(Clone)]
pub(super) struct LiveCall {
    pub(super) call: Arc<Mutex<Call>>,
    pub(super) orders: watch::Sender<Orders>,
    pub(super) attributes: mpsc::Sender<AttributeChange>,
    pub(super) clock: CallClock,
    places: Arc<Semaphore>,
}

/// What the server and the API order a call to do. Orders add up to one value, so that no number of requests grows a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Orders {
    /// End now.
    pub(super) stop: bool,
    /// End at this time.
    pub(super) drain_until: Option<WallTime>,
}

/// Changes of attributes of one call that may be unanswered; further ones are refused. Each keeps a thread of the server busy
/// until the contact is written.
pub(super) const ATTRIBUTE_CHANGES: usize = 64;

/// A change of attributes on its way to the task that owns the contact. Dropping `reply` says that the call is over.
pub(super) struct AttributeChange {
    pub(super) changes: BTreeMap<String, String>,
    pub(super) reply: Reply,
}

/// The receiving ends of a [`LiveCall`].
pub(super) struct Incoming {
    pub(super) orders: watch::Receiver<Orders>,
    pub(super) attributes: mpsc::Receiver<AttributeChange>,
}

impl LiveCall {
    pub(super) fn new(call: Call, clock: CallClock) -> (Self, Incoming) {
        let (orders, order_receiver) = watch::channel(Orders::default());
        let (attributes, change_receiver) = mpsc::channel(ATTRIBUTE_CHANGES);
        let call = Arc::new(Mutex::new(call));
        let places = Arc::new(Semaphore::new(ATTRIBUTE_CHANGES));
        let live = Self { call, orders, attributes, clock, places };
        let incoming = Incoming { orders: order_receiver, attributes: change_receiver };
        (live, incoming)
    }

    pub(super) fn call(&self) -> MutexGuard<'_, Call> {
        // A panic within the state machine ends its call's task; what others read here is still a contact.
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
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
        calls.remove(&self.id);
        self.registry.count.send_replace(calls.len());
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

    /// Ends every call in `limit` at the latest; some may end by themselves before.
    pub(crate) fn drain(&self, limit: Duration) {
        let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        for call in self.lock().values() {
            let until = call.clock.wall_now().plus_ms(limit_ms);
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
        calls.insert(id, call);
        self.count.send_replace(calls.len());
        Registered { registry: self.clone(), id }
    }

    fn find(&self, id: ContactId) -> Option<LiveCall> {
        self.lock().get(&id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ContactId, LiveCall>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveCalls for CallRegistry {
    fn contact(&self, id: ContactId) -> Option<Contact> {
        self.find(id).map(|live| live.call().contact().clone())
    }

    fn stop(&self, id: ContactId) -> bool {
        let found = self.find(id);
        found.inspect(|live| live.orders.send_modify(|orders| orders.stop = true)).is_some()
    }

    fn set_attributes(&self, id: ContactId, changes: &BTreeMap<String, String>) -> SetAttributes {
        let Some(live) = self.find(id) else { return SetAttributes::NoSuchCall };
        // Held until the answer: what a call's task and its journal keep of unanswered changes has the same limit.
        let Ok(_place) = live.places.try_acquire() else {
            self.refused_changes.fetch_add(1, Ordering::Relaxed);
            return SetAttributes::Busy;
        };
        let (reply, answer) = oneshot::channel();
        // A call that is over takes no more, and drops what it has taken once the history has its last state. With a place there
        // is room in the channel.
        if live.attributes.try_send(AttributeChange { changes: changes.clone(), reply }).is_err() {
            return SetAttributes::NoSuchCall;
        }
        answer.blocking_recv().unwrap_or(SetAttributes::NoSuchCall)
    }
}
