use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How a commit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written: the disk is full.
    Refuse,
    /// Half of the records are written and not synced; the commit fails.
    WriteHalf,
    /// All is written, the sync fails.
    FailSync,
}

/// The switches by which a [`MemoryDisk`](super::MemoryDisk) fails.
#[derive(Default)]
pub struct Faults {
    switches: Mutex<Switches>,
    opened: Condvar,
}

#[derive(Default)]
struct Switches {
    commits: VecDeque<Option<Fault>>,
    chunks_to_refuse: u32,
    gate_closed: bool,
    waiting_at_gate: u32,
}

impl Faults {
    /// What the next commits do, one entry each; after these they succeed.
    pub fn script_commits(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.switches().commits.extend(faults);
    }

    /// Commits succeed from now on.
    pub fn clear_commits(&self) {
        self.switches().commits.clear();
    }

    /// The next chunks are refused.
    pub fn refuse_chunks(&self, count: u32) {
        self.switches().chunks_to_refuse = count;
    }

    /// Commits wait until the gate is opened again.
    pub fn close_gate(&self) {
        self.switches().gate_closed = true;
    }

    /// Lets commits pass.
    pub fn open_gate(&self) {
        self.switches().gate_closed = false;
        self.opened.notify_all();
    }

    /// How many commits wait at the gate.
    pub fn waiting_at_gate(&self) -> u32 {
        self.switches().waiting_at_gate
    }

    pub(super) fn pass_gate(&self) {
        let mut switches = self.switches();
        switches.waiting_at_gate += 1;
        while switches.gate_closed {
            switches = self.opened.wait(switches).unwrap_or_else(PoisonError::into_inner);
        }
        switches.waiting_at_gate -= 1;
    }

    pub(super) fn next_commit(&self) -> Option<Fault> {
        self.switches().commits.pop_front().flatten()
    }

    pub(super) fn next_chunk_fails(&self) -> bool {
        let mut switches = self.switches();
        let fails = switches.chunks_to_refuse > 0;
        switches.chunks_to_refuse = switches.chunks_to_refuse.saturating_sub(1);
        fails
    }

    fn switches(&self) -> MutexGuard<'_, Switches> {
        self.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
