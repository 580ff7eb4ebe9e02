//! Callbacks: due, dialled, tried again, expired.

use super::criteria::RunningCriteria;
use super::deadline::Deadline;
use super::order::{mono_of, ms_of};
use super::queue::{Place, Queued};
use super::{CallbackPlan, Output, QueuedKind, Removal, Routing};
use crate::Now;
use tympan_types::{ContactId, WallTime};

impl Routing {
    /// The customer of a callback did not answer: `next` is the contact of the next attempt, which is due at the time given. `None`
    /// where it was the last attempt. The agent's part is reported by [`Self::ended`].
    pub fn unanswered(&mut self, now: Now, contact: ContactId, next: ContactId) -> Option<WallTime> {
        let queued = self.contacts.get(&contact);
        let is_dialled = |queued: &&Queued| matches!(queued.place, Place::Accepted(_) | Place::Dialled);
        if !queued.is_some_and(|queued| queued.is_callback() && is_dialled(&queued))
            || (next != contact && self.contacts.contains_key(&next))
        {
            self.counters.late += 1;
            return None;
        }
        let mut queued = self.take_out(contact)?;
        if let Some(offer) = queued.offer().and_then(|offer| self.offers.get_mut(&offer)) {
            offer.is_queued = false;
        }
        queued.dials = queued.dials.saturating_add(1);
        // The step whose turn it is begins anew with the next attempt.
        queued.criteria = RunningCriteria::new(queued.criteria.rest());
        let QueuedKind::Callback(plan) = queued.kind else { return None };
        if queued.dials >= plan.attempts_max || self.queue_plan(queued.queue).is_none() {
            return None;
        }
        let due_at = now.wall.plus_ms(i64::from(plan.retry_delay_s).saturating_mul(1000));
        self.schedule(now, next, queued, CallbackPlan { due_at, ..plan });
        self.route(now);
        Some(due_at)
    }

    /// Puts a callback into its queue, or on the way there.
    pub(super) fn schedule(&mut self, now: Now, contact: ContactId, mut queued: Queued, plan: CallbackPlan) {
        queued.kind = QueuedKind::Callback(plan);
        let lifetime_ms = i64::from(self.options.callback_lifetime_s).saturating_mul(1000);
        queued.expiry = Some(mono_of(ms_of(now, plan.created_at).saturating_add(lifetime_ms)));
        if plan.due_at <= now.wall {
            self.call_back(now, contact, queued);
        } else {
            queued.place = Place::Scheduled { due: mono_of(ms_of(now, plan.due_at)) };
            self.put_back(now, contact, queued);
        }
    }

    /// A scheduled callback is due. Where its queue has no place, the buffer included, it is tried again later.
    pub(super) fn callback_due(&mut self, now: Now, contact: ContactId) {
        let Some(mut queued) = self.take_out(contact) else { return };
        if self.has_place(queued.queue, true) {
            self.call_back(now, contact, queued);
        } else {
            let due = now.mono.plus_ms(i64::from(self.options.callback_recheck_ms.max(1)));
            queued.place = Place::Scheduled { due };
            self.put_back(now, contact, queued);
        }
    }

    /// A callback has been kept for long enough; one that an agent has is kept until he is done with it.
    pub(super) fn callback_expired(&mut self, now: Now, contact: ContactId) {
        let Some(queued) = self.contacts.get_mut(&contact) else { return };
        match queued.place {
            Place::Scheduled { .. } | Place::Waiting | Place::Dialled => {
                self.remove(contact, Removal::Expired)
            }
            Place::Offered(_) | Place::Accepted(_) => {
                let at = now.mono.plus_ms(EXPIRY_RECHECK_MS);
                queued.expiry = Some(at);
                self.deadlines.set(at, Deadline::CallbackExpiry(contact));
            }
        }
    }

    fn call_back(&mut self, now: Now, contact: ContactId, queued: Queued) {
        self.outputs.push_back(Output::CallbackQueued { contact, queue: queued.queue, at: now.wall });
        self.wait(now, contact, queued);
    }
}

/// When an expired callback that an agent has is looked at again.
const EXPIRY_RECHECK_MS: i64 = 60_000;
