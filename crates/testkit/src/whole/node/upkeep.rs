//! What the node does again and again: the store's groups and housekeeping, the control rows, the delivery of records.

use super::{Node, Site, Task};
use crate::whole::watch::queues;
use tympan_contact::{Input, Stage};

impl Node {
    /// Schedules what has become due by what happened.
    pub(super) fn plan(&mut self, site: &mut Site) {
        let conditions = site.conditions();
        if !self.scheduled.feed && self.sink.has_waiting() {
            self.scheduled.feed = true;
            let ms = site.core.random.between(0, 2);
            site.later(self.epoch, ms.max(1), Task::Feed);
        }
        if !self.scheduled.commit && self.store.has_to_commit() {
            self.scheduled.commit = true;
            let is_stalled = site.core.random.permille(conditions.stall_permille);
            let ms = match is_stalled {
                true => site.core.random.between(1_000, 6_000),
                false => site.core.random.between(1, conditions.commit_ms),
            };
            site.later(self.epoch, ms, Task::Commit);
        }
        if !self.scheduled.rows && site.rows.pending() > 0 {
            self.scheduled.rows = true;
            let ms = site.core.random.between(1, conditions.row_ms);
            site.later(self.epoch, ms, Task::Rows);
        }
        if !self.scheduled.deliver && site.rows.has_to_deliver() {
            self.scheduled.deliver = true;
            let ms = site.core.random.pick(&[1, 20, 500]);
            site.later(self.epoch, ms, Task::Deliver);
        }
        let now = site.core.now();
        let deadlines = [self.store.next_turn(now), self.kvs.next_deadline(), self.sink.next_deadline()];
        if let Some(next) = deadlines.into_iter().flatten().min()
            && self.scheduled.housekeeping.is_none_or(|scheduled| next < scheduled)
        {
            let next = next.max(now);
            self.scheduled.housekeeping = Some(next);
            site.at(self.epoch, next, Task::Housekeeping);
        }
    }

    pub(super) fn commit(&mut self, site: &mut Site) {
        self.scheduled.commit = false;
        self.store.commit_one();
        let outcome = queues::store(&self.store.stats(), self.sink.uploads().len());
        site.core.check(queues::NAME, &"store", outcome);
        if site.machine.has_power() {
            self.feed(site);
            self.read_live(site);
        }
    }

    pub(super) fn housekeeping(&mut self, site: &mut Site) {
        let now = site.core.now();
        if self.scheduled.housekeeping.is_none_or(|scheduled| scheduled > now) {
            return;
        }
        self.scheduled.housekeeping = None;
        self.store.turn(now);
        self.kvs.turn(now);
        if site.machine.has_power() {
            self.feed(site);
        }
    }

    pub(super) fn commit_rows(&mut self, site: &mut Site) {
        self.scheduled.rows = false;
        for write in site.rows.commit() {
            let id = write.contact.id;
            site.core.event(&id, "is durable", &format!("{:?}", write.stage));
            if write.stage == Stage::Opened && site.keeps {
                site.watches.records.opened(id);
            }
            if let Some(write) = write.write {
                self.tell(site, id, Input::Written { write, result: Ok(()) });
            }
        }
    }

    pub(super) fn deliver(&mut self, site: &mut Site) {
        self.scheduled.deliver = false;
        while let Some(record) = site.rows.deliver(&mut site.core, site.keeps) {
            if site.keeps {
                return site.watches.acknowledged.record(&record);
            }
        }
    }
}
