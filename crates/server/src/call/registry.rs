//! The calls that are up.

use super::journal::Reply;
use crate::clock::CallClock;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tympan_connect::call::{Call, CallInput};
use tympan_connect::contact::Contact;
use tympan_connect::live_calls::{LiveCalls, SetAttributes};
use tympan_types::ContactId;

/// Every call that is up, by its contact. Clones share the list.
#[derive(Clone)]
pub(crate) struct CallRegistry {
    calls: Arc<Mutex<HashMap<ContactId, LiveCall>>>,
    count: watch::Sender<usize>,
}

/// One call, as others may reach it.
#[derive(Clone)]
pub(super) struct LiveCall {
    pub(super) call: Arc<Mutex<Call>>,
    pub(super) inputs: mpsc::UnboundedSender<CallInput>,
    pub(super) attributes: mpsc::Sender<AttributeChange>,
    pub(super) clock: CallClock,
}

/// Changes of attributes that wait for a call's task; beyond that clients wait.
pub(super) const ATTRIBUTE_CHANGES: usize = 16;

/// A change of attributes on its way to the task that owns the contact. Dropping `reply` says that the call is over.
pub(super) struct AttributeChange {
    pub(super) changes: BTreeMap<String, String>,
    pub(super) reply: Reply,
}

impl LiveCall {
    pub(super) fn call(&self) -> MutexGuard<'_, Call> {
        // A panic within the state machine ends its call's task; what others read here is still a contact.
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, input: CallInput) {
        // The task may have ended meanwhile; then there is nobody to tell.
        let _ = self.inputs.send(input);
    }
}

impl Default for CallRegistry {
    fn default() -> Self {
        Self { calls: Arc::default(), count: watch::Sender::new(0) }
    }
}

impl CallRegistry {
    /// How many calls are up.
    pub(crate) fn len(&self) -> usize {
        *self.count.borrow()
    }

    /// Ends every call in `limit` at the latest; some may end by themselves before.
    pub(crate) fn drain(&self, limit: Duration) {
        let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        self.lock()
            .values()
            .for_each(|call| call.tell(CallInput::Drain { until: call.clock.wall_now().plus_ms(limit_ms) }));
    }

    /// Waits until no call is up.
    pub(crate) async fn emptied(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }

    pub(super) fn add(&self, id: ContactId, call: LiveCall) {
        let mut calls = self.lock();
        calls.insert(id, call);
        self.count.send_replace(calls.len());
    }

    pub(super) fn remove(&self, id: ContactId) {
        let mut calls = self.lock();
        calls.remove(&id);
        self.count.send_replace(calls.len());
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
        found.inspect(|live| live.tell(CallInput::Stop)).is_some()
    }

    fn set_attributes(&self, id: ContactId, changes: &BTreeMap<String, String>) -> SetAttributes {
        let Some(live) = self.find(id) else { return SetAttributes::NoSuchCall };
        let (reply, answer) = oneshot::channel();
        // A call that is over takes no more, and drops what it has taken once the history has its last state.
        if live.attributes.blocking_send(AttributeChange { changes: changes.clone(), reply }).is_err() {
            return SetAttributes::NoSuchCall;
        }
        answer.blocking_recv().unwrap_or(SetAttributes::NoSuchCall)
    }
}
