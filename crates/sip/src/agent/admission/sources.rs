//! The sources that are remembered: a bounded table that forgets the least recent.

use super::bucket::Bucket;
use std::collections::BTreeMap;
use std::net::IpAddr;
use tympan_types::Mono;

/// An IPv4 address, or a /64 of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SourceKey(u128);

impl SourceKey {
    pub(super) fn new(source: IpAddr) -> Self {
        match source.to_canonical() {
            // Its upper half is empty and its lower half is not: no /64 looks like it.
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() & !u128::from(u64::MAX)),
        }
    }
}

/// What is known of a source.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// Bytes that may still be sent to it; at most one message below 0.
    pub(super) credit_bytes: i64,
    pub(super) confirmed_until: Option<Mono>,
    pub(super) half_open: usize,
    pub(super) requests: Option<Bucket>,
    /// Wrong answers to challenges, since when.
    pub(super) wrong: Option<(Mono, u32)>,
    /// Tells a source from the same one before it was forgotten.
    pub(super) life: u64,
    used: u64,
}

/// Which sources are forgotten first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Keep {
    Plain,
    /// It was confirmed once: a flood of forged sources does not push it out.
    Confirmed,
    HalfOpen,
}

#[derive(Debug)]
pub(super) struct Sources {
    max: usize,
    /// Grows with each use.
    clock: u64,
    entries: BTreeMap<SourceKey, Source>,
    order: BTreeMap<(Keep, u64), SourceKey>,
}

impl Sources {
    pub(super) fn new(max: usize) -> Self {
        Self { max: max.max(1), clock: 0, entries: BTreeMap::new(), order: BTreeMap::new() }
    }

    /// Uses a source. A new one takes the place of the least recent that has no half-open call, else of the least recent.
    pub(super) fn with<R>(&mut self, key: SourceKey, work: impl FnOnce(&mut Source) -> R) -> R {
        self.clock += 1;
        if !self.entries.contains_key(&key)
            && self.entries.len() >= self.max
            && let Some((_, forgotten)) = self.order.pop_first()
        {
            self.entries.remove(&forgotten);
        }
        let life = self.clock;
        let source = self.entries.entry(key).or_insert_with(|| Source { life, ..Source::default() });
        self.order.remove(&(source.keep(), source.used));
        let result = work(source);
        source.used = self.clock;
        self.order.insert((source.keep(), source.used), key);
        result
    }

    /// Changes a source if it is remembered.
    pub(super) fn with_known(&mut self, key: SourceKey, work: impl FnOnce(&mut Source)) {
        if self.entries.contains_key(&key) {
            self.with(key, work);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl Source {
    const fn keep(&self) -> Keep {
        if self.half_open > 0 {
            Keep::HalfOpen
        } else if self.confirmed_until.is_some() {
            Keep::Confirmed
        } else {
            Keep::Plain
        }
    }
}
