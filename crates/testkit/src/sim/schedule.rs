//! One heap of (time, sequence, action): what happens next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use tympan_types::Mono;

/// Actions in the order of their times; those of one time in the order in which they were scheduled.
#[derive(Debug)]
pub(crate) struct Schedule<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    sequence: u64,
    now: Mono,
}

#[derive(Debug)]
struct Entry<T> {
    at: Mono,
    sequence: u64,
    action: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

impl<T> Schedule<T> {
    pub(crate) fn new() -> Self {
        // Not zero, so that a time of zero is never taken for one that was measured.
        Self { heap: BinaryHeap::new(), sequence: 0, now: Mono::from_millis(1_000) }
    }

    /// The time of the action that was taken last.
    pub(crate) fn now(&self) -> Mono {
        self.now
    }

    /// Schedules an action; a time that has passed is now.
    pub(crate) fn at(&mut self, at: Mono, action: T) {
        self.sequence += 1;
        self.heap.push(Reverse(Entry { at: at.max(self.now), sequence: self.sequence, action }));
    }

    /// Schedules an action so many milliseconds from now.
    pub(crate) fn after_ms(&mut self, ms: u64, action: T) {
        self.at(later(self.now, ms), action);
    }

    /// Takes the next action and moves time to it; `None` where nothing is scheduled.
    pub(crate) fn next(&mut self) -> Option<T> {
        let Reverse(entry) = self.heap.pop()?;
        self.now = entry.at;
        Some(entry.action)
    }
}

/// A time, so many milliseconds later.
pub(crate) fn later(time: Mono, ms: u64) -> Mono {
    time.plus_ms(i64::try_from(ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_come_by_time_and_then_in_order() {
        let mut schedule = Schedule::new();
        schedule.after_ms(5, "third");
        schedule.after_ms(2, "first");
        schedule.after_ms(2, "second");
        assert_eq!(schedule.next(), Some("first"));
        let now = schedule.now();
        schedule.at(Mono::from_millis(0), "late");
        assert_eq!(schedule.next(), Some("second"));
        assert_eq!(schedule.next(), Some("late"));
        assert_eq!(schedule.now(), now);
        assert_eq!(schedule.next(), Some("third"));
        assert_eq!(schedule.next(), None);
    }
}
