//! How many lines the refused requests of one access key may cause: a key that may do nothing could otherwise push all other
//! lines out of the files that are kept.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many lines of one access key in a window.
const LINES: u64 = 60;
const WINDOW: Duration = Duration::from_secs(60);
/// Access keys that are counted by themselves; those beyond share one count. The configuration lists far fewer.
const KEYS: usize = 4_096;

/// The counts, by long-term access key: its sessions count as the key.
#[derive(Debug, Default)]
pub(super) struct Quotas(Mutex<HashMap<String, Quota>>);

#[derive(Debug)]
struct Quota {
    since: Instant,
    written: u64,
    /// In this window.
    left_out: u64,
    /// Since the start.
    left_out_in_all: u64,
}

impl Quotas {
    /// Whether a line of this key may be written; one that may not is counted.
    pub(super) fn take(&self, now: Instant, key: &str) -> bool {
        let mut quotas = self.quotas();
        let key = if quotas.contains_key(key) || quotas.len() < KEYS { key } else { "" };
        let fresh = Quota { since: now, written: 0, left_out: 0, left_out_in_all: 0 };
        let quota = quotas.entry(key.to_owned()).or_insert(fresh);
        // A window with lines that were left out ends when they are told.
        if quota.left_out == 0 && now.duration_since(quota.since) >= WINDOW {
            (quota.since, quota.written) = (now, 0);
        }
        let fits = quota.written < LINES;
        if fits {
            quota.written += 1;
        } else {
            quota.left_out += 1;
            quota.left_out_in_all += 1;
        }
        fits
    }

    /// The keys of which lines were left out in a window that is over, with how many; at the end, in any window.
    pub(super) fn settle(&self, now: Instant, at_the_end: bool) -> Vec<(String, u64)> {
        let mut settled = Vec::new();
        for (key, quota) in self.quotas().iter_mut() {
            if quota.left_out > 0 && (at_the_end || now.duration_since(quota.since) >= WINDOW) {
                settled.push((key.clone(), quota.left_out));
                (quota.since, quota.written, quota.left_out) = (now, 0, 0);
            }
        }
        settled
    }

    /// How many lines of each key were left out since the start.
    pub(super) fn left_out(&self) -> Vec<(String, u64)> {
        let quotas = self.quotas();
        let mut left_out: Vec<_> = quotas
            .iter()
            .filter(|(_, quota)| quota.left_out_in_all > 0)
            .map(|(key, quota)| (key.clone(), quota.left_out_in_all))
            .collect();
        left_out.sort_unstable();
        left_out
    }

    fn quotas(&self) -> MutexGuard<'_, HashMap<String, Quota>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_so_many_lines_in_a_window_and_the_rest_is_told_when_it_is_over() {
        let (quotas, begin) = (Quotas::default(), Instant::now());
        let written = (0..200).filter(|_| quotas.take(begin, "LOUD")).count();
        assert_eq!(written as u64, LINES);
        assert!(quotas.take(begin, "QUIET"), "another key has lines of its own");
        assert!(quotas.settle(begin, false).is_empty());
        assert_eq!(quotas.settle(begin + WINDOW, false), [("LOUD".to_owned(), 200 - LINES)]);
        assert!(quotas.take(begin + WINDOW, "LOUD"), "a new window");
        assert!(quotas.settle(begin + 2 * WINDOW, false).is_empty(), "told once");
        assert_eq!(quotas.left_out(), [("LOUD".to_owned(), 200 - LINES)]);
    }

    #[test]
    fn so_many_keys_are_counted_and_no_more() {
        let (quotas, now) = (Quotas::default(), Instant::now());
        for key in 0..2 * KEYS {
            quotas.take(now, &key.to_string());
        }
        assert!(quotas.quotas().len() <= KEYS + 1);
        assert_eq!(quotas.settle(now, true), [(String::new(), KEYS as u64 - LINES)]);
    }
}
