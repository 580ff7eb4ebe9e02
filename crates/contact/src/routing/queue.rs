//! Queues, the contacts in them, and how one comes in, moves and leaves.

use super::criteria::RunningCriteria;
use super::deadline::Deadline;
use super::order::{Line, Rank, ms_of, now_ms};
use super::{
    EnqueueRefusal, Output, QueueKey, QueuedContact, QueuedKind, QueuedRefusal, Removal, Routing,
    RoutingUpdate,
};
use crate::Now;
use std::collections::{BTreeSet, VecDeque};
use tympan_types::{ContactId, Mono, OfferId, WallTime};

/// A contact in a queue, or a callback on its way there.
pub(super) struct Queued {
    pub(super) queue: QueueKey,
    pub(super) priority: u64,
    pub(super) age_adjustment_s: i32,
    pub(super) queued_at: WallTime,
    /// The same on the monotonic clock.
    pub(super) queued_ms: i64,
    pub(super) kind: QueuedKind,
    pub(super) criteria: RunningCriteria,
    pub(super) place: Place,
    /// How often it was offered.
    pub(super) offers: u32,
    /// How often the customer of a callback was dialled.
    pub(super) dials: u32,
    /// Until when a callback is kept.
    pub(super) expiry: Option<Mono>,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A callback that is not due.
    Scheduled { due: Mono },
    /// It can be offered.
    Waiting,
    /// It rings.
    Offered(OfferId),
    /// An agent has accepted it.
    Accepted(OfferId),
    /// A callback whose agent is gone; how its attempt ended is still to be reported.
    Dialled,
}

impl Queued {
    pub(super) fn rank(&self, contact: ContactId) -> Rank {
        let adjustment_ms = i64::from(self.age_adjustment_s).saturating_mul(1000);
        Rank { priority: self.priority, since_ms: self.queued_ms.saturating_sub(adjustment_ms), contact }
    }

    pub(super) fn offer(&self) -> Option<OfferId> {
        match self.place {
            Place::Offered(offer) | Place::Accepted(offer) => Some(offer),
            Place::Scheduled { .. } | Place::Waiting | Place::Dialled => None,
        }
    }

    pub(super) fn is_callback(&self) -> bool {
        matches!(self.kind, QueuedKind::Callback(_))
    }

    /// Whether it counts as one that waits. A callback is taken out when an agent accepts it.
    pub(super) fn is_in_queue(&self) -> bool {
        match self.place {
            Place::Waiting | Place::Offered(_) => true,
            Place::Accepted(_) => !self.is_callback(),
            Place::Scheduled { .. } | Place::Dialled => false,
        }
    }
}

/// A queue.
#[derive(Default)]
pub(super) struct Queue {
    /// What waits, in order, with what rings.
    pub(super) ranks: BTreeSet<Rank>,
    /// The same by real age.
    pub(super) by_age: BTreeSet<(i64, ContactId)>,
    /// Callbacks that are not due.
    pub(super) scheduled: BTreeSet<ContactId>,
    /// When its last contacts were joined to agents, in milliseconds.
    pub(super) joins_ms: VecDeque<i64>,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.ranks.is_empty() && self.scheduled.is_empty()
    }

    pub(super) fn has_joined(&mut self, now_ms: i64) {
        if self.joins_ms.len() >= JOINS {
            self.joins_ms.pop_front();
        }
        self.joins_ms.push_back(now_ms);
    }

    /// What passes between two joins, in milliseconds.
    pub(super) fn pace_ms(&self, now_ms: i64) -> Option<i64> {
        let (first, last) = (*self.joins_ms.front()?, *self.joins_ms.back()?);
        let gaps = i64::try_from(self.joins_ms.len().checked_sub(1)?).ok().filter(|gaps| *gaps > 0)?;
        (now_ms.saturating_sub(last) <= PACE_HOLDS_MS).then(|| last.saturating_sub(first) / gaps)
    }
}

/// How many joins the pace of a queue is made of.
const JOINS: usize = 20;

/// How long a pace says something of the present.
const PACE_HOLDS_MS: i64 = 30 * 60 * 1000;

impl Routing {
    /// Puts a contact into a queue. A callback that is due later is scheduled first.
    pub fn enqueue(&mut self, now: Now, queued: QueuedContact) -> Result<(), EnqueueRefusal> {
        let QueuedContact {
            contact,
            queue,
            priority,
            age_adjustment_s,
            queued_at,
            kind,
            has_buffer,
            criteria,
        } = queued;
        if self.contacts.contains_key(&contact) {
            return Err(EnqueueRefusal::AlreadyQueued);
        }
        if !criteria.fits() {
            return Err(EnqueueRefusal::TooManySteps);
        }
        let plan = self.queue_plan(queue).ok_or(EnqueueRefusal::NoSuchQueue)?;
        if !plan.is_enabled {
            return Err(EnqueueRefusal::Disabled);
        }
        if !self.has_place(queue, has_buffer) {
            self.counters.at_capacity += 1;
            return Err(EnqueueRefusal::AtCapacity);
        }
        let of_queue = self.queues.get(&queue).map_or(0, |queue| queue.ranks.len() + queue.scheduled.len());
        if self.contacts.len() >= self.options.contacts_max || of_queue >= self.options.queue_contacts_max {
            self.counters.over_limit += 1;
            return Err(EnqueueRefusal::AtCapacity);
        }
        let criteria = if queue.owner().is_some() { Default::default() } else { criteria };
        self.counters.enqueued += 1;
        let queued = Queued {
            queue,
            priority,
            age_adjustment_s,
            queued_at,
            queued_ms: ms_of(now, queued_at),
            kind,
            criteria: RunningCriteria::new(criteria),
            place: Place::Waiting,
            offers: 0,
            dials: 0,
            expiry: None,
        };
        match kind {
            QueuedKind::Call => self.wait(now, contact, queued),
            QueuedKind::Callback(plan) => self.schedule(now, contact, queued, plan),
        }
        self.route(now);
        Ok(())
    }

    /// The contact leaves its queue: the customer is gone, the queue flow took it out, a callback is cancelled. Offers of it end, also
    /// direct ones and those whose customer heard his whisper, and their agents are free at once. Gives the queue, where it was in one.
    pub fn leave(&mut self, now: Now, contact: ContactId) -> Option<QueueKey> {
        let queued = self.take_out(contact);
        self.withdraw_all(now, contact);
        self.route(now);
        queued.map(|queued| queued.queue)
    }

    /// Changes the place of a queued contact.
    pub fn update(
        &mut self,
        now: Now,
        contact: ContactId,
        update: RoutingUpdate,
    ) -> Result<(), QueuedRefusal> {
        let mut queued = match self.contacts.get(&contact) {
            None => return Err(QueuedRefusal::NotQueued),
            Some(queued) => match queued.place {
                Place::Accepted(_) | Place::Dialled => return Err(QueuedRefusal::BeingJoined),
                Place::Scheduled { .. } | Place::Waiting | Place::Offered(_) => {
                    if let RoutingUpdate::Criteria(criteria) = &update
                        && !criteria.fits()
                    {
                        return Err(QueuedRefusal::TooManySteps);
                    }
                    self.take_out(contact).ok_or(QueuedRefusal::NotQueued)?
                }
            },
        };
        match update {
            RoutingUpdate::Priority(priority) => queued.priority = priority,
            RoutingUpdate::AgeAdjustment { seconds } => queued.age_adjustment_s = seconds,
            RoutingUpdate::Criteria(_) if queued.queue.owner().is_some() => {}
            RoutingUpdate::Criteria(criteria) => queued.criteria = RunningCriteria::new(criteria),
        }
        self.put_back(now, contact, queued);
        self.route(now);
        Ok(())
    }

    /// Puts a contact there that is new, or due, or whose offer failed.
    pub(super) fn wait(&mut self, now: Now, contact: ContactId, mut queued: Queued) {
        queued.place = Place::Waiting;
        self.put_back(now, contact, queued);
    }

    /// Puts a contact where its place says.
    pub(super) fn put_back(&mut self, now: Now, contact: ContactId, mut queued: Queued) {
        if queued.is_in_queue() {
            let queue = self.queues.entry(queued.queue).or_default();
            queue.ranks.insert(queued.rank(contact));
            queue.by_age.insert((queued.queued_ms, contact));
            if let Some(at) = queued.criteria.begin(now.mono) {
                self.deadlines.set(at, Deadline::Step(contact));
            }
        }
        if let Place::Scheduled { due } = queued.place {
            self.queues.entry(queued.queue).or_default().scheduled.insert(contact);
            self.deadlines.set(due, Deadline::CallbackDue(contact));
        }
        if let Some(at) = queued.expiry {
            self.deadlines.set(at, Deadline::CallbackExpiry(contact));
            self.revision += 1;
        }
        if queued.place == Place::Waiting {
            self.line_up(now, contact, &queued);
        }
        self.contacts.insert(contact, queued);
    }

    /// Takes a contact out of all sets.
    pub(super) fn take_out(&mut self, contact: ContactId) -> Option<Queued> {
        let queued = self.contacts.remove(&contact)?;
        if queued.place == Place::Waiting {
            self.line_out(contact, &queued);
        }
        if let Some(queue) = self.queues.get_mut(&queued.queue) {
            queue.ranks.remove(&queued.rank(contact));
            queue.by_age.remove(&(queued.queued_ms, contact));
            queue.scheduled.remove(&contact);
        }
        self.drop_queue_if_over(queued.queue);
        self.deadlines.clear(queued.criteria.deadline, Deadline::Step(contact));
        if let Place::Scheduled { due } = queued.place {
            self.deadlines.clear(Some(due), Deadline::CallbackDue(contact));
        }
        if queued.expiry.is_some() {
            self.deadlines.clear(queued.expiry, Deadline::CallbackExpiry(contact));
            self.revision += 1;
        }
        Some(queued)
    }

    /// Drops what is kept of a queue that exists no longer, once it is empty.
    pub(super) fn drop_queue_if_over(&mut self, key: QueueKey) {
        if self.queue_plan(key).is_none() && self.queues.get(&key).is_some_and(Queue::is_empty) {
            self.queues.remove(&key);
        }
    }

    /// Takes a contact out of a queue that exists no longer.
    pub(super) fn remove(&mut self, contact: ContactId, why: Removal) {
        if let Some(queued) = self.take_out(contact) {
            self.outputs.push_back(Output::Removed { contact, queue: queued.queue, why });
        }
    }

    /// Whether a queue has a place, the 20 % of the buffer included where they are granted.
    pub(super) fn has_place(&self, key: QueueKey, has_buffer: bool) -> bool {
        let Some(instance) = self.instances.get(&key.instance) else { return false };
        let Some(plan) = instance.plan.queue(key) else { return false };
        let capacity = u64::from(instance.plan.capacity(plan));
        let capacity = if has_buffer { capacity.saturating_mul(12) / 10 } else { capacity };
        let waiting = self.queues.get(&key).map_or(0, |queue| queue.ranks.len());
        u64::try_from(waiting).unwrap_or(u64::MAX) < capacity
    }

    /// Makes a contact ready to be offered.
    pub(super) fn line_up(&mut self, now: Now, contact: ContactId, queued: &Queued) {
        for line in self.lines_of(queued) {
            if self.lines.insert(now_ms(now), line, queued.rank(contact)) {
                self.touch(line);
            }
        }
    }

    pub(super) fn line_out(&mut self, contact: ContactId, queued: &Queued) {
        for line in self.lines_of(queued) {
            self.lines.remove(line, queued.rank(contact));
        }
    }

    /// The lines in which a contact stands while it waits: one for each delay that a profile has for its queue, and for each agent who
    /// alone may have it.
    pub(super) fn lines_of(&self, queued: &Queued) -> Vec<Line> {
        let queue = queued.queue;
        let delays: Vec<u32> = match queue.owner() {
            Some(_) => vec![0],
            None => self.delays(queue),
        };
        let line = |only| delays.iter().map(move |delay_s| Line { queue, only, delay_s: *delay_s });
        match queued.criteria.only() {
            None => line(None).collect(),
            Some(agents) => agents.iter().flat_map(|agent| line(Some(*agent))).collect(),
        }
    }

    /// A step of the criteria of a contact is over.
    pub(super) fn step_expired(&mut self, now: Now, contact: ContactId) {
        let Some(mut queued) = self.contacts.remove(&contact) else { return };
        if queued.place == Place::Waiting {
            self.line_out(contact, &queued);
        }
        if let Some(step) = queued.criteria.current() {
            self.outputs.push_back(Output::StepExpired { contact, step });
        }
        if let Some(at) = queued.criteria.advance(now.mono) {
            self.deadlines.set(at, Deadline::Step(contact));
        }
        if queued.place == Place::Waiting {
            self.line_up(now, contact, &queued);
        }
        if queued.is_callback() {
            self.revision += 1;
        }
        self.contacts.insert(contact, queued);
    }
}
