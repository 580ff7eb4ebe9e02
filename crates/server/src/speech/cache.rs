//! What was spoken or fetched, shared by all calls: bounded by bytes, the least recently heard goes first.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

/// Beside its samples and its key, an entry takes about this much.
const ENTRY_BYTES: usize = 256;

pub(super) struct SoundCache<K> {
    limit_bytes: usize,
    bytes: usize,
    entries: HashMap<K, Entry>,
    /// Keys by when they were last heard.
    by_use: BTreeMap<u64, K>,
    last_use: u64,
}

struct Entry {
    samples: Arc<[i16]>,
    bytes: usize,
    used: u64,
}

impl<K: Hash + Eq + Clone> SoundCache<K> {
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, bytes: 0, entries: HashMap::new(), by_use: BTreeMap::new(), last_use: 0 }
    }

    pub(super) fn get(&mut self, key: &K) -> Option<Arc<[i16]>> {
        let entry = self.entries.get_mut(key)?;
        self.last_use += 1;
        if let Some(key) = self.by_use.remove(&entry.used) {
            self.by_use.insert(self.last_use, key);
        }
        entry.used = self.last_use;
        Some(entry.samples.clone())
    }

    /// Keeps a sound, and gives up others for it. One that is larger than the cache is not kept.
    pub(super) fn keep(&mut self, key: K, key_bytes: usize, samples: Arc<[i16]>) {
        let bytes = 2 * samples.len() + key_bytes + ENTRY_BYTES;
        self.forget(&key);
        if bytes > self.limit_bytes {
            return;
        }
        while self.bytes + bytes > self.limit_bytes
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.forget(&oldest);
        }
        self.last_use += 1;
        self.bytes += bytes;
        self.by_use.insert(self.last_use, key.clone());
        self.entries.insert(key, Entry { samples, bytes, used: self.last_use });
    }

    pub(super) fn forget(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
            self.by_use.remove(&entry.used);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(samples: usize) -> Arc<[i16]> {
        vec![1; samples].into()
    }

    #[test]
    fn the_least_recently_heard_gives_way() {
        let mut cache = SoundCache::new(3 * (2_000 + ENTRY_BYTES));
        for key in ["a", "b", "c"] {
            cache.keep(key, 0, sound(1_000));
        }
        assert!(cache.get(&"a").is_some());
        cache.keep("d", 0, sound(1_000));
        assert!(cache.get(&"b").is_none());
        assert!(["a", "c", "d"].iter().all(|key| cache.get(key).is_some()));
        assert_eq!(cache.bytes(), 3 * (2_000 + ENTRY_BYTES));
    }

    #[test]
    fn it_never_holds_more_than_its_limit() {
        let mut cache = SoundCache::new(10_000);
        for key in 0..1_000 {
            cache.keep(key, 8, sound(key % 7_000));
            assert!(cache.bytes() <= 10_000);
            assert_eq!(cache.entries.len(), cache.by_use.len());
        }
        cache.keep(7, 8, sound(100_000));
        assert!(cache.get(&7).is_none(), "it would push out all others");
    }

    #[test]
    fn a_sound_that_is_kept_again_takes_its_room_once() {
        let mut cache = SoundCache::new(10_000);
        for _ in 0..10 {
            cache.keep("a", 1, sound(100));
        }
        assert_eq!((cache.bytes(), cache.entries.len()), (200 + 1 + ENTRY_BYTES, 1));
        cache.forget(&"a");
        assert_eq!((cache.bytes(), cache.by_use.len()), (0, 0));
    }
}
