//! The calls that are up.

use super::admission::Admission;
use crate::clock::mono_now;
use crate::media::ReservedPort;
use crate::sip::Invitation;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tympan_connect::live_calls::{ChangeContact, LiveCalls, OutboundCall, OutboundError, SetAttributes};
use tympan_contact::{AgentRef, Contact, Order, REQUESTS_MAX, Reply, RoutingEvent};
use tympan_flow::ContactChange;
use tympan_types::{ContactId, LegId, Mono};

/// Orders, news of the routing and legs of one call that may wait for its task, beside changes of attributes. A call has a few in its
/// life; a task that has not read so many is stuck.
const OTHERS_MAX: usize = 64;

/// Every call that is up, by its contacts. Clones share the list.
#[derive(Clone)]
pub(crate) struct CallRegistry {
    calls: Arc<Mutex<Calls>>,
    count: watch::Sender<usize>,
    refused: Arc<Refused>,
    /// Begins calls, while they are taken.
    admission: Arc<OnceLock<Weak<Admission>>>,
}

/// What calls had no room for.
#[derive(Default)]
struct Refused {
    changes: AtomicU64,
    others: AtomicU64,
}

#[derive(Default)]
struct Calls {
    live: HashMap<ContactId, LiveContact>,
    /// The contact that the call of a leg began with.
    legs: HashMap<LegId, ContactId>,
    /// Calls, each of which has a contact or several.
    count: usize,
    /// From the drain on. A call that was admitted before and is added after it has to end as the others.
    drain_until: Option<Mono>,
}

/// One contact of a call, as others may reach it.
#[derive(Clone)]
struct LiveContact {
    /// As its task has published it last.
    contact: watch::Receiver<Arc<Contact>>,
    call: LiveCall,
}

/// One call, as others may reach it.
#[derive(Clone)]
pub(super) struct LiveCall {
    orders: watch::Sender<Orders>,
    requests: mpsc::Sender<Box<Placed>>,
    /// For changes of contacts.
    places: Arc<Semaphore>,
    /// For everything else.
    others: Arc<Semaphore>,
}

/// What the server and the API order a call to do. Orders add up to one value, so that no number of requests grows a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Orders {
    /// End now.
    pub(super) stop: bool,
    /// End at this time.
    pub(super) drain_until: Option<Mono>,
}

/// Answers a change. Dropped, it says that the call is over.
pub(super) type Answer = std::sync::mpsc::SyncSender<Reply>;

/// What is wanted of a call's task.
pub(super) enum Request {
    /// These attributes.
    Attributes(BTreeMap<String, String>, Answer),
    /// What else is set about one of its contacts.
    Change(ContactId, Box<ContactChange>, Answer),
    /// Something that the API orders.
    Order(Order),
    /// News of the routing.
    Routing(RoutingEvent),
    /// The telephone of an agent who takes part calls.
    Called { invited: Box<InvitedLeg>, agent: Box<AgentRef> },
    /// A leg takes the place of another one.
    Replaced { leg: LegId, invited: Box<InvitedLeg> },
}

/// A leg that the far end began, for a call that is up.
pub(super) struct InvitedLeg {
    pub(super) invitation: Invitation,
    pub(super) port: ReservedPort,
    pub(super) leg: tympan_contact::Leg,
}

/// A request with its place, which is free again once the task has taken it.
pub(super) struct Placed {
    pub(super) what: Request,
    _place: Option<OwnedSemaphorePermit>,
}

/// Why a call does not take a request: the request is given back.
pub(super) enum NotTaken {
    /// It is over.
    Over(Box<Request>),
    /// Its task reads nothing.
    Full(Box<Request>),
}

/// The task's ends of a [`LiveCall`].
pub(super) struct Incoming {
    pub(super) orders: watch::Receiver<Orders>,
    pub(super) requests: mpsc::Receiver<Box<Placed>>,
}

impl LiveCall {
    pub(super) fn new() -> (Self, Incoming) {
        let (orders, order_receiver) = watch::channel(Orders::default());
        // Each change keeps a thread of the server busy until the contact is written.
        let (requests, request_receiver) = mpsc::channel(REQUESTS_MAX + OTHERS_MAX);
        let places = Arc::new(Semaphore::new(REQUESTS_MAX));
        let others = Arc::new(Semaphore::new(OTHERS_MAX));
        let live = Self { orders, requests, places, others };
        (live, Incoming { orders: order_receiver, requests: request_receiver })
    }

    fn request(&self, what: Request) -> Result<(), NotTaken> {
        let Ok(place) = self.others.clone().try_acquire_owned() else {
            return Err(NotTaken::Full(Box::new(what)));
        };
        // With a place there is room in the channel.
        let placed = Box::new(Placed { what, _place: Some(place) });
        self.requests.try_send(placed).map_err(|error| NotTaken::Over(Box::new(error.into_inner().what)))
    }
}

/// A contact's entry in the registry. Dropping it removes the entry, also when the call's task panics.
#[must_use]
pub(super) struct Published {
    registry: CallRegistry,
    id: ContactId,
    contact: watch::Sender<Arc<Contact>>,
    /// The contact that the call began with: with it the call is gone.
    is_first: bool,
}

impl Published {
    pub(super) fn id(&self) -> ContactId {
        self.id
    }

    /// As it was published last.
    pub(super) fn contact(&self) -> Arc<Contact> {
        self.contact.borrow().clone()
    }

    /// Shows others the contact as it is now.
    pub(super) fn publish(&self, contact: &Arc<Contact>) {
        self.contact.send_if_modified(|published| {
            let is_new = !Arc::ptr_eq(published, contact);
            if is_new {
                published.clone_from(contact);
            }
            is_new
        });
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        let mut calls = self.registry.lock();
        calls.live.remove(&self.id);
        if self.is_first {
            calls.count -= 1;
            self.registry.count.send_replace(calls.count);
        }
    }
}

/// A leg's entry in the registry. Dropping it removes the entry.
#[must_use]
pub(super) struct Listed {
    registry: CallRegistry,
    leg: LegId,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.registry.lock().legs.remove(&self.leg);
    }
}

impl Default for CallRegistry {
    fn default() -> Self {
        Self {
            calls: Arc::default(),
            count: watch::Sender::new(0),
            refused: Arc::default(),
            admission: Arc::default(),
        }
    }
}

impl CallRegistry {
    /// From now on the API can have calls placed.
    pub(crate) fn begin_calls(&self, admission: &Arc<Admission>) {
        drop(self.admission.set(Arc::downgrade(admission)));
    }

    /// A contact whose call is up, as it changes. The receiver is closed when the contact is no longer a part of a call.
    pub(crate) fn watch(&self, id: ContactId) -> Option<watch::Receiver<Arc<Contact>>> {
        self.find(id).map(|live| live.contact)
    }

    /// How many calls are up.
    pub(crate) fn len(&self) -> usize {
        *self.count.borrow()
    }

    /// Changes of contacts that were refused, because too many of the same call waited.
    pub(crate) fn refused_changes(&self) -> u64 {
        self.refused.changes.load(Ordering::Relaxed)
    }

    /// Orders, news of the routing and legs that calls had no room for.
    pub(crate) fn refused_requests(&self) -> u64 {
        self.refused.others.load(Ordering::Relaxed)
    }

    /// Ends every call in `limit` at the latest, also those that are added after this; some may end by themselves before.
    pub(crate) fn drain(&self, limit: Duration) {
        let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        let until = mono_now().plus_ms(limit_ms);
        let mut calls = self.lock();
        calls.drain_until = Some(until);
        for live in calls.live.values() {
            live.call.orders.send_modify(|orders| orders.drain_until = Some(until));
        }
    }

    /// Waits until no call is up.
    pub(crate) async fn emptied(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }

    /// A call begins, with its first contact.
    pub(super) fn begin(&self, call: LiveCall, contact: Arc<Contact>) -> Published {
        let mut calls = self.lock();
        if let Some(until) = calls.drain_until {
            call.orders.send_modify(|orders| orders.drain_until = Some(until));
        }
        calls.count += 1;
        self.count.send_replace(calls.count);
        self.publish(&mut calls, call, contact, true)
    }

    /// A further contact of a call that began with `first`. `None` where that is gone.
    pub(super) fn add(&self, first: ContactId, contact: Arc<Contact>) -> Option<Published> {
        let mut calls = self.lock();
        let call = calls.live.get(&first)?.call.clone();
        Some(self.publish(&mut calls, call, contact, false))
    }

    fn publish(&self, calls: &mut Calls, call: LiveCall, contact: Arc<Contact>, is_first: bool) -> Published {
        let id = contact.id;
        let (publisher, contact) = watch::channel(contact);
        calls.live.insert(id, LiveContact { contact, call });
        Published { registry: self.clone(), id, contact: publisher, is_first }
    }

    /// A leg belongs to the call that began with `first`.
    pub(super) fn list(&self, first: ContactId, leg: LegId) -> Listed {
        self.lock().legs.insert(leg, first);
        Listed { registry: self.clone(), leg }
    }

    /// Asks something of the call of a contact.
    pub(super) fn request(&self, id: ContactId, what: Request) -> Result<(), NotTaken> {
        let Some(live) = self.find(id) else { return Err(NotTaken::Over(Box::new(what))) };
        live.call.request(what).inspect_err(|error| {
            if let NotTaken::Full(_) = error {
                self.refused.others.fetch_add(1, Ordering::Relaxed);
            }
        })
    }

    /// The contact that the call of a leg began with.
    pub(super) fn of_leg(&self, leg: LegId) -> Option<ContactId> {
        self.lock().legs.get(&leg).copied()
    }

    /// Tells a contact news of the routing. False where its call is over or takes nothing.
    pub(crate) fn tell(&self, id: ContactId, event: RoutingEvent) -> bool {
        self.request(id, Request::Routing(event)).is_ok()
    }

    /// Whether the call of a contact is up.
    pub(crate) fn is_up(&self, id: ContactId) -> bool {
        self.lock().live.contains_key(&id)
    }

    /// A contact as its call has published it last.
    pub(crate) fn published(&self, id: ContactId) -> Option<Contact> {
        self.find(id).map(|live| live.contact.borrow().as_ref().clone())
    }

    fn find(&self, id: ContactId) -> Option<LiveContact> {
        self.lock().live.get(&id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallRegistry {
    /// Has the task of a call change a contact of it, and waits for what became of that.
    fn changed(&self, id: ContactId, request: impl FnOnce(Answer) -> Request) -> Reply {
        let Some(live) = self.find(id) else { return Reply::Over };
        // Held until the answer: what a live contact keeps of unanswered changes has the same limit.
        let Ok(_place) = live.call.places.try_acquire() else {
            self.refused.changes.fetch_add(1, Ordering::Relaxed);
            return Reply::Busy;
        };
        // Waited for on a thread that may block, also within a future that this thread runs: tokio's channel refuses that.
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        // A call that is over takes no more, and drops what it has taken once the history has its last state. With a place there
        // is room in the channel.
        if live.call.requests.try_send(Box::new(Placed { what: request(answer), _place: None })).is_err() {
            return Reply::Over;
        }
        answered.recv().unwrap_or(Reply::Over)
    }
}

impl LiveCalls for CallRegistry {
    fn contact(&self, id: ContactId) -> Option<Contact> {
        self.published(id)
    }

    fn stop(&self, id: ContactId) -> bool {
        let found = self.find(id);
        found.inspect(|live| live.call.orders.send_modify(|orders| orders.stop = true)).is_some()
    }

    fn start_outbound(&self, call: OutboundCall) -> Result<(), OutboundError> {
        let admission = self.admission.get().and_then(Weak::upgrade).ok_or(OutboundError::NotOffered)?;
        admission.start_outbound(call)
    }

    fn order(&self, id: ContactId, order: Order) -> bool {
        self.request(id, Request::Order(order)).is_ok()
    }

    fn set_attributes(&self, id: ContactId, changes: &BTreeMap<String, String>) -> SetAttributes {
        match self.changed(id, |answer| Request::Attributes(changes.clone(), answer)) {
            Reply::Busy => SetAttributes::Busy,
            Reply::NotWritten(error) => SetAttributes::NotWritten(error),
            Reply::Over => SetAttributes::NoSuchCall,
            Reply::Set => SetAttributes::Set,
            Reply::Refused(_) | Reply::TooLarge(_) => SetAttributes::TooLarge,
        }
    }

    fn change(&self, id: ContactId, change: &ContactChange) -> ChangeContact {
        match self.changed(id, |answer| Request::Change(id, Box::new(change.clone()), answer)) {
            Reply::Busy => ChangeContact::Busy,
            Reply::NotWritten(error) => ChangeContact::NotWritten(error),
            Reply::Over => ChangeContact::NoSuchCall,
            Reply::Set => ChangeContact::Changed,
            Reply::Refused(reason) => ChangeContact::Refused(reason),
            Reply::TooLarge(error) => ChangeContact::Refused(error.to_string()),
        }
    }
}
