//! What the routing has decided, told to calls and written to contacts.

use super::offers::{Offer, Part};
use super::stats::OfferOutcome;
use super::{AfterContactWork, Centre};
use tympan_contact::routing::{OfferEnd, OfferKind, Output};
use tympan_contact::{History, QueueStay, RoutingEvent, RoutingRefusal};
use tympan_types::{ContactId, OfferId};

impl Centre {
    pub(super) fn output(&self, output: Output) {
        match output {
            Output::Offer { offer, contact, agent, queue: _, kind, ring_limit_ms, auto_accept } => {
                self.0.counts.offer(OfferOutcome::Made);
                let part = Part::Offered(kind);
                self.state().offers.add(offer, Offer { contact, agent, part });
                let known = self.0.instances.get().and_then(|instances| instances.agent(agent));
                let Some(agent) = known else {
                    // The next configuration takes the agent away.
                    self.ask(failed(offer));
                    return;
                };
                let accepts_by_itself = auto_accept;
                let event = RoutingEvent::Offered { contact, offer, agent, ring_limit_ms, accepts_by_itself };
                match kind {
                    OfferKind::Callback => self.offer_callback(contact, offer, event),
                    OfferKind::Call | OfferKind::Direct => self.tell(contact, event),
                }
            }
            Output::OfferEnded { offer, contact, agent: _, why } => {
                self.state().offers.remove(offer);
                match why {
                    OfferEnd::NotAnswered => self.0.counts.offer(OfferOutcome::Missed),
                    OfferEnd::NotJoined => self.0.counts.offer(OfferOutcome::Failed),
                    // The call has said so itself.
                    OfferEnd::ContactGone => return,
                    OfferEnd::AgentGone => {}
                }
                self.tell(contact, RoutingEvent::Withdrawn { offer });
            }
            Output::CallbackQueued { contact, queue, at } => {
                let queue = self.0.instances.get().and_then(|instances| instances.queue(queue));
                let Some(queue) = queue else { return };
                self.change(contact, move |contact| {
                    contact.queue = Some(QueueStay { queue, enqueued: at, dequeued: None });
                });
            }
            Output::Removed { contact, .. } => {
                let refusal = RoutingRefusal::NoSuchQueue;
                if !self.0.calls.tell(contact, RoutingEvent::Refused { contact, refusal }) {
                    // A callback, which has no call.
                    self.end_callback(contact);
                }
            }
            Output::AfterContactWorkEnded { contact, agent: _, began_at, ended_at } => {
                let work = AfterContactWork { began: began_at, ended: ended_at };
                let mut state = self.state();
                // Looked at under the lock: the call leaves the registry before it takes its late work.
                if self.0.calls.is_up(contact) {
                    state.late_work.insert(contact, work);
                } else {
                    drop(state);
                    self.record_after_contact_work(contact, work);
                }
            }
            Output::StatusChanged { agent, status, .. } => {
                tracing::info!(instance = %agent.instance, user = %agent.user, %status, "an agent has another status");
            }
            Output::StepExpired { .. } => {}
        }
    }

    /// Begins the call of a callback that an agent is offered.
    fn offer_callback(&self, contact: ContactId, offer: OfferId, event: RoutingEvent) {
        let centre = self.clone();
        tokio::spawn(async move {
            let history = centre.0.history.clone();
            let found = tokio::task::spawn_blocking(move || history.find(contact)).await;
            let found = found.ok().and_then(Result::ok).flatten();
            let begun =
                found.zip(centre.calls_to_begin()).is_some_and(|(contact, calls)| calls.call_back(contact));
            if begun {
                centre.tell(contact, event);
            } else {
                // There is no room for a call now, or nothing is known of the callback.
                centre.ask(failed(offer));
            }
        });
    }

    /// Writes the times of work after a contact into the contact, which has ended.
    pub(super) fn record_after_contact_work(&self, contact: ContactId, work: AfterContactWork) {
        let AfterContactWork { began, ended } = work;
        let history = self.0.history.clone();
        blocking(move || {
            if let Err(error) = history.end_after_contact_work(contact, began, ended) {
                tracing::warn!(contact_id = %contact, %error, "the end of the work after a contact could not be written");
            }
        });
    }

    /// The work after a contact that no agent does: it is over when it is known.
    pub(super) fn end_work_of_none(&self, contact: ContactId) {
        let (history, ended) = (self.0.history.clone(), self.now().wall);
        blocking(move || {
            let Ok(Some(found)) = history.find(contact) else { return };
            let Some(began) = found.agent.and_then(|agent| agent.after_contact_work_began) else { return };
            if let Err(error) = history.end_after_contact_work(contact, began, ended) {
                tracing::warn!(contact_id = %contact, %error, "the end of the work after a contact could not be written");
            }
        });
    }

    /// The contact of a callback that will not be made.
    fn end_callback(&self, contact: ContactId) {
        let (history, now) = (self.0.history.clone(), self.now().wall);
        blocking(move || {
            let Ok(Some(found)) = history.find(contact) else { return };
            if found.disconnect_timestamp.is_some() {
                return;
            }
            let ended = tympan_contact::close_interrupted(found, None, now);
            if let Err(error) = history.close(&ended) {
                tracing::warn!(contact_id = %contact, %error, "the contact of a callback could not be closed yet");
            }
        });
    }

    /// Changes a contact that no call has.
    fn change(&self, contact: ContactId, change: impl FnOnce(&mut tympan_contact::Contact) + Send + 'static) {
        let history = self.0.history.clone();
        blocking(move || change_in(&*history, contact, change));
    }
}

/// Does what blocks where it holds up nothing: also while the runtime goes down, which takes no more.
pub(super) fn blocking(work: impl FnOnce() + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}

fn change_in(history: &dyn History, id: ContactId, change: impl FnOnce(&mut tympan_contact::Contact)) {
    let changed = history.find(id).and_then(|contact| match contact {
        None => Ok(()),
        Some(mut contact) => {
            change(&mut contact);
            history.update(&contact)
        }
    });
    if let Err(error) = changed {
        tracing::warn!(contact_id = %id, %error, "the contact of a callback could not be written");
    }
}

fn failed(offer: OfferId) -> tympan_contact::RoutingRequest {
    tympan_contact::RoutingRequest::Report { offer, report: tympan_contact::AgentReport::Failed }
}
