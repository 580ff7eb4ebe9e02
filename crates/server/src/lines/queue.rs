//! Lines of one file that wait for the disk.

use std::collections::VecDeque;

/// So many lines of one file may wait, and so many bytes.
pub(super) const QUEUE_LINES: usize = 8_192;
pub(super) const QUEUE_BYTES: usize = 8 << 20;

/// Says whether lines are durable.
pub(super) type Done = Box<dyn FnOnce(bool) + Send>;

/// Lines that are written at once.
pub(super) struct Group {
    pub(super) text: String,
    pub(super) lines: usize,
    /// Called once, when they are durable or given up.
    pub(super) done: Option<Done>,
}

/// What waits, that which is being written included.
#[derive(Default)]
pub(super) struct Queue {
    groups: VecDeque<Group>,
    lines: usize,
    bytes: usize,
    lost: u64,
    is_closed: bool,
}

impl Queue {
    /// Takes lines, or counts them as lost and returns false. Lines that their owner keeps are not lost: it gives them again.
    pub(super) fn push(&mut self, group: Group) -> bool {
        // One group may always wait, however large it is.
        let fits = self.lines == 0
            || (self.lines + group.lines <= QUEUE_LINES && self.bytes + group.text.len() <= QUEUE_BYTES);
        if self.is_closed || !fits {
            self.lose(&group);
            return false;
        }
        self.lines += group.lines;
        self.bytes += group.text.len();
        self.groups.push_back(group);
        true
    }

    /// The oldest lines, about `group_bytes` of them; those whose end is asked for come by themselves.
    pub(super) fn take(&mut self, group_bytes: usize) -> Option<Group> {
        let mut first = self.groups.pop_front()?;
        while first.done.is_none() && first.text.len() < group_bytes {
            let Some(next) = self.groups.pop_front_if(|next| next.done.is_none()) else { break };
            first.text.push_str(&next.text);
            first.lines += next.lines;
        }
        Some(first)
    }

    /// These lines have left: they are written, or lost.
    pub(super) fn left(&mut self, lines: usize, bytes: usize) {
        self.lines -= lines;
        self.bytes -= bytes;
    }

    /// Counts lines that are not written.
    pub(super) fn lose(&mut self, group: &Group) {
        if group.done.is_none() {
            self.lost += group.lines as u64;
        }
    }

    /// Takes no more.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(super) fn waiting(&self) -> usize {
        self.lines
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}
