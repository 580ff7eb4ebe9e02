//! File descriptors: how many the process may have, who has taken them, and how many stay free for the store.
//!
//! A call, an HTTP connection and a SIP connection each take from a share of their own, so that none of them can use up
//! what another needs. What is left over belongs to the store: journal segments, chunks, databases.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A call takes its RTP socket, and one for what it opens in passing: a lookup of its own address, a Lambda connection.
pub(crate) const PER_CALL: u64 = 2;
/// A child process with its pipes, while it is being started.
const PER_PROCESS: u64 = 8;
/// Of the room, in sixteenths.
const CALL_SHARE: u64 = 8;
const HTTP_SHARE: u64 = 5;
const SIP_SHARE: u64 = 2;
const PROCESS_SHARE: u64 = 1;
const WHOLE: u64 = 16;
/// About what a server has open that does nothing: databases, listeners, its runtime.
const USUAL_BASELINE: u64 = 64;
/// The least and the most that is kept free for the store.
const RESERVE: (u64, u64) = (64, 1_024);
/// No server needs more, and a child process may walk through all that it could have.
const SOFT_LIMIT_MAX: u64 = 1 << 20;
/// How often it is counted what is open.
const INTERVAL: Duration = Duration::from_millis(500);
/// A refused call keeps the server unready for so long, so that a probe sees it.
const REFUSAL_SHOWN: Duration = Duration::from_secs(2);

/// Who takes descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A call.
    Call,
    /// A connection to the HTTP listener.
    Http,
    /// A connection to the SIP listener.
    SipTcp,
}

/// The descriptors of this process. Clones share the count.
#[derive(Debug, Clone)]
pub(crate) struct DescriptorBudget(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    limit: u64,
    counts: Mutex<Counts>,
    processes: Semaphore,
}

#[derive(Debug)]
struct Counts {
    taken: [u64; 3],
    /// Open beside what is taken, as counted before the first call and connection.
    baseline: u64,
    /// The same, as counted last.
    beside: u64,
    call_refused: Option<Instant>,
}

/// Descriptors that were taken; dropping this gives them back.
#[derive(Debug)]
pub(crate) struct Descriptors {
    budget: DescriptorBudget,
    by: Use,
    count: u64,
}

impl Descriptors {
    /// The budget that they were taken from.
    pub(crate) fn budget(&self) -> &DescriptorBudget {
        &self.budget
    }
}

/// What is known of the descriptors at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DescriptorCounts {
    /// Open now, by the last count.
    pub(crate) open: u64,
    /// As many as may be open.
    pub(crate) limit: u64,
}

impl DescriptorBudget {
    /// The budget of this process.
    pub(crate) fn of_process() -> io::Result<Self> {
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
        Ok(Self::new(soft, open_now()?))
    }

    /// What is open now stays open, beside what is taken from here.
    pub(crate) fn set_baseline(&self) -> io::Result<()> {
        self.found_open(open_now()?);
        let mut counts = self.counts();
        counts.baseline = counts.beside;
        Ok(())
    }

    /// A budget of `limit`, of which `baseline` are open beside the shares.
    pub(crate) fn new(limit: u64, baseline: u64) -> Self {
        let counts = Counts { taken: [0; 3], baseline, beside: baseline, call_refused: None };
        let processes = room(limit, &counts) * PROCESS_SHARE / WHOLE / PER_PROCESS;
        let processes = usize::try_from(processes.max(1)).unwrap_or(Semaphore::MAX_PERMITS);
        let processes = Semaphore::new(processes.min(Semaphore::MAX_PERMITS));
        Self(Arc::new(Budget { limit, counts: Mutex::new(counts), processes }))
    }

    /// How many of its share `by` has taken.
    #[cfg(test)]
    pub(crate) fn taken(&self, by: Use) -> u64 {
        self.counts().taken[by as usize]
    }

    /// Takes descriptors out of the share of `by`; `None` when that is used up.
    pub(crate) fn take(&self, by: Use, count: u64) -> Option<Descriptors> {
        let mut counts = self.counts();
        if counts.taken[by as usize] + count > self.share(&counts, by) {
            if by == Use::Call {
                counts.call_refused = Some(Instant::now());
            }
            return None;
        }
        counts.taken[by as usize] += count;
        Some(Descriptors { budget: self.clone(), by, count })
    }

    /// Waits until a child process may be started. There are no more at once than their share has descriptors for.
    pub(crate) async fn admit_process(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.0.processes.acquire().await.ok()
    }

    /// Why no call can be taken now, or a moment ago could not be; `None` where one can.
    pub(crate) fn shortage(&self) -> Option<String> {
        let counts = self.counts();
        let (taken, share) = (counts.taken[Use::Call as usize], self.share(&counts, Use::Call));
        let is_recent = |refused: Instant| refused.elapsed() < REFUSAL_SHOWN;
        let is_short = taken + PER_CALL > share || counts.call_refused.is_some_and(is_recent);
        is_short.then(|| {
            format!(
                "calls are refused: {taken} of {share} descriptors for calls are taken; the process may have {}",
                self.0.limit
            )
        })
    }

    /// How many calls can be up at once.
    pub(crate) fn calls(&self) -> u64 {
        self.share(&self.counts(), Use::Call) / PER_CALL
    }

    /// What is open, and how much may be.
    pub(crate) fn counted(&self) -> DescriptorCounts {
        let counts = self.counts();
        DescriptorCounts { open: counts.beside + counts.taken.iter().sum::<u64>(), limit: self.0.limit }
    }

    /// Counts again and again what is open, until `shutdown`: some descriptors are open without having been taken here.
    pub(crate) async fn watch(self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(INTERVAL);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            match open_now() {
                Ok(open) => self.found_open(open),
                Err(error) => tracing::debug!(%error, "the open descriptors cannot be counted"),
            }
        }
    }

    fn found_open(&self, open: u64) {
        let mut counts = self.counts();
        counts.beside = open.saturating_sub(counts.taken.iter().sum());
    }

    fn share(&self, counts: &Counts, by: Use) -> u64 {
        let sixteenths = match by {
            Use::Call => CALL_SHARE,
            Use::Http => HTTP_SHARE,
            Use::SipTcp => SIP_SHARE,
        };
        room(self.0.limit, counts) * sixteenths / WHOLE
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        self.budget.counts().taken[self.by as usize] -= self.count;
    }
}

/// What calls, connections and processes may have together. The reserve is for what opens beside them; when that has used
/// half of it, the room shrinks instead of the other half.
fn room(limit: u64, counts: &Counts) -> u64 {
    let reserve = reserve(limit);
    limit.saturating_sub((counts.baseline + reserve).max(counts.beside + reserve / 2))
}

fn reserve(limit: u64) -> u64 {
    (limit / 8).clamp(RESERVE.0, RESERVE.1)
}

/// How many calls fit under a limit.
pub(crate) fn calls_under(limit: u64) -> u64 {
    DescriptorBudget::new(limit, USUAL_BASELINE).calls()
}

/// A limit under which so many calls fit.
pub(crate) fn limit_for(calls: u64) -> u64 {
    // Rounded up, each division of a share may lose one.
    let room = (calls * PER_CALL + 1) * WHOLE / CALL_SHARE + 1;
    let beside = room + USUAL_BASELINE;
    // The reserve is an eighth of all: a seventh of the rest.
    beside + (beside / 7 + 1).clamp(RESERVE.0, RESERVE.1)
}

/// The limit that a server has which is started here: it raises its soft limit.
pub(crate) fn limit_of_server() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(soft.max(hard.min(SOFT_LIMIT_MAX)))
}

/// Raises the soft limit of open files as far as this process may: to the hard limit.
pub(crate) fn raise_soft_limit() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, limit_of_server()?, hard)?)
}

/// How many descriptors the process has open.
fn open_now() -> io::Result<u64> {
    // Linux 6.2 and later: the size of this directory is their number, at the price of one call and no descriptor.
    match std::fs::metadata("/proc/self/fd")?.len() {
        // The directory is open itself while it is read.
        0 => Ok((std::fs::read_dir("/proc/self/fd")?.count() as u64).saturating_sub(1)),
        open => Ok(open),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_share_takes_what_another_or_the_store_needs() {
        let budget = DescriptorBudget::new(300, 40);
        let mut all = Vec::new();
        for by in [Use::SipTcp, Use::Http, Use::Call] {
            let before = all.len();
            all.extend(std::iter::from_fn(|| budget.take(by, 1)));
            assert!(all.len() > before, "{by:?} had nothing left");
        }
        let taken = all.len() as u64;
        assert!(40 + taken + RESERVE.0 <= 300, "{taken} are taken");
        assert!(taken > 150, "only {taken} could be taken");
        assert_eq!(budget.counted(), DescriptorCounts { open: 40 + taken, limit: 300 });
        drop(all);
        assert_eq!(budget.counted().open, 40);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_call_is_shown_for_a_moment_and_then_no_more() {
        let budget = DescriptorBudget::new(300, 40);
        assert_eq!(budget.shortage(), None);
        let calls: Vec<_> = std::iter::from_fn(|| budget.take(Use::Call, PER_CALL)).collect();
        assert_eq!(calls.len() as u64, budget.calls());
        tokio::time::advance(REFUSAL_SHOWN * 2).await;
        assert!(budget.shortage().is_some(), "none can be taken now");
        assert!(budget.take(Use::Call, PER_CALL).is_none());
        drop(calls);
        assert!(budget.shortage().is_some(), "one was refused just now");
        tokio::time::advance(REFUSAL_SHOWN).await;
        assert_eq!(budget.shortage(), None);
    }

    #[test]
    fn what_opens_beside_the_shares_makes_them_smaller_before_the_reserve_is_gone() {
        let budget = DescriptorBudget::new(300, 40);
        let before = budget.calls();
        budget.found_open(40 + RESERVE.0 / 2);
        assert_eq!(budget.calls(), before);
        budget.found_open(240);
        assert!(budget.calls() < before / 2);
        budget.found_open(1_000);
        assert_eq!(budget.calls(), 0);
        assert!(budget.take(Use::Http, 1).is_none());
        budget.found_open(40);
        assert_eq!(budget.calls(), before);
    }

    #[test]
    fn a_limit_is_named_under_which_the_calls_fit() {
        for calls in [1, 10, 98, 200, 2_000, 20_000, 100_000] {
            let limit = limit_for(calls);
            assert!(calls_under(limit) >= calls, "{calls} calls under {limit}");
            assert!(calls_under(limit * 9 / 10) < calls, "{limit} is more than {calls} calls need");
        }
    }

    #[test]
    fn open_descriptors_are_counted() {
        let before = open_now().unwrap();
        let files: Vec<_> = (0..100).map(|_| std::fs::File::open("/proc/self/stat").unwrap()).collect();
        // Other tests of this process open and close files meanwhile.
        let now = open_now().unwrap();
        assert!(now + 50 > before + files.len() as u64, "{before} and then {now}");
    }
}
