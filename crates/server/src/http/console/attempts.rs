//! How often a source may be wrong when it signs in.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Wrong attempts of one source in a window.
const WRONG_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Sources that are remembered at most; the one whose window began first gives way.
const SOURCES: usize = 4_096;

/// Counts attempts by source.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<HashMap<IpAddr, Window>>);

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    wrong: u32,
}

/// The source has been wrong too often; it may try again after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany {
    pub(super) wait: Duration,
}

impl Attempts {
    /// Counts an attempt as wrong, until it is [`Self::right`].
    ///
    /// # Errors
    /// [`TooMany`]
    pub(super) fn begin(&self, now: Instant, source: IpAddr) -> Result<(), TooMany> {
        let (source, mut windows) = (network(source), self.windows());
        if windows.len() >= SOURCES && !windows.contains_key(&source) {
            windows.retain(|_, window| now.duration_since(window.began) < WINDOW);
            let oldest = windows.iter().min_by_key(|(_, window)| window.began).map(|(source, _)| *source);
            if let Some(oldest) = oldest.filter(|_| windows.len() >= SOURCES) {
                windows.remove(&oldest);
            }
        }
        let window = windows.entry(source).or_insert(Window { began: now, wrong: 0 });
        let age = now.duration_since(window.began);
        if age >= WINDOW {
            *window = Window { began: now, wrong: 0 };
        } else if window.wrong >= WRONG_MAX {
            return Err(TooMany { wait: WINDOW.saturating_sub(age) });
        }
        window.wrong += 1;
        Ok(())
    }

    /// The attempt was right.
    pub(super) fn right(&self, source: IpAddr) {
        if let Some(window) = self.windows().get_mut(&network(source)) {
            window.wrong = window.wrong.saturating_sub(1);
        }
    }

    fn windows(&self) -> MutexGuard<'_, HashMap<IpAddr, Window>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of IPv6 a site has a /64 to itself.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_that_is_wrong_too_often_waits_and_others_do_not() {
        let (attempts, begun) = (Attempts::default(), Instant::now());
        for _ in 0..WRONG_MAX {
            attempts.begin(begun, ip("192.0.2.1")).unwrap();
        }
        let later = begun + Duration::from_secs(20);
        let refused = attempts.begin(later, ip("::ffff:192.0.2.1")).unwrap_err();
        assert_eq!(refused.wait, Duration::from_secs(40));
        attempts.begin(later, ip("192.0.2.2")).unwrap();
        attempts.begin(begun + WINDOW, ip("192.0.2.1")).unwrap();
    }

    #[test]
    fn what_is_right_does_not_count_and_does_not_forgive() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..3 * WRONG_MAX {
            attempts.begin(now, ip("192.0.2.1")).unwrap();
            attempts.right(ip("192.0.2.1"));
        }
        for _ in 1..WRONG_MAX {
            attempts.begin(now, ip("192.0.2.1")).unwrap();
        }
        attempts.begin(now, ip("192.0.2.1")).unwrap();
        attempts.right(ip("192.0.2.1"));
        attempts.begin(now, ip("192.0.2.1")).unwrap();
        assert!(attempts.begin(now, ip("192.0.2.1")).is_err());
    }

    #[test]
    fn addresses_of_one_ipv6_site_are_one_source_and_so_many_are_remembered() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..WRONG_MAX {
            attempts.begin(now, ip(&format!("2001:db8::{number:x}"))).unwrap();
        }
        assert!(attempts.begin(now, ip("2001:db8::ffff")).is_err());
        attempts.begin(now, ip("2001:db8:0:1::1")).unwrap();
        for number in 0..3 * SOURCES {
            attempts.begin(now, Ipv6Addr::from_bits((number as u128) << 64).into()).unwrap();
        }
        assert!(attempts.windows().len() <= SOURCES);
    }
}
