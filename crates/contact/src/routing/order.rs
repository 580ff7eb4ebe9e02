//! Who is before whom: contacts in a queue, idle agents of a profile, and the sets that answer both without walking either.

use super::{AgentKey, QueueKey};
use crate::Now;
use std::collections::{BTreeMap, BTreeSet};
use tympan_types::{ContactId, InstanceId, Mono, ResourceId, WallTime};

/// A routing profile of an instance.
pub(super) type ProfileKey = (InstanceId, ResourceId);

/// The instant in milliseconds of the monotonic clock. Ages are differences of these; one may lie before the clock's epoch.
pub(super) fn now_ms(now: Now) -> i64 {
    i64::try_from(now.mono.as_millis()).unwrap_or(i64::MAX)
}

/// What the monotonic clock showed at a date, in milliseconds.
pub(super) fn ms_of(now: Now, at: WallTime) -> i64 {
    now_ms(now).saturating_sub(now.wall.ms_since(at))
}

/// The date of an instant, given in milliseconds.
pub(super) fn wall_of(now: Now, ms: i64) -> WallTime {
    now.wall.plus_ms(ms.saturating_sub(now_ms(now)))
}

/// The instant of milliseconds; the epoch where it lies before.
pub(super) fn mono_of(ms: i64) -> Mono {
    Mono::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// The place of a contact within its queue: contact priority, then routing age, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) priority: u64,
    /// From when on its routing age counts, the adjustment included: the least is the oldest.
    pub(super) since_ms: i64,
    pub(super) contact: ContactId,
}

/// A line of contacts: those of a queue that count for profiles with this delay, and of them those that only one agent may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub(super) queue: QueueKey,
    pub(super) only: Option<AgentKey>,
    pub(super) delay_s: u32,
}

impl Line {
    /// From when on a contact counts for it.
    fn ripe_ms(self, rank: Rank) -> i64 {
        rank.since_ms.saturating_add(i64::from(self.delay_s).saturating_mul(1000))
    }
}

/// The contacts that can be offered. Those that ring or are scheduled are not in it.
#[derive(Default)]
pub(super) struct Lines {
    ripe: BTreeMap<Line, BTreeSet<Rank>>,
    /// By when their age reaches the delay.
    ripening: BTreeSet<(i64, Line, Rank)>,
}

impl Lines {
    /// Puts a contact into a line. True where it counts at once.
    pub(super) fn insert(&mut self, now_ms: i64, line: Line, rank: Rank) -> bool {
        let ripe_ms = line.ripe_ms(rank);
        // Without a delay also a contact counts that was made younger than it is.
        if line.delay_s == 0 || ripe_ms <= now_ms {
            self.ripe.entry(line).or_default().insert(rank);
            true
        } else {
            self.ripening.insert((ripe_ms, line, rank));
            false
        }
    }

    pub(super) fn remove(&mut self, line: Line, rank: Rank) {
        self.ripening.remove(&(line.ripe_ms(rank), line, rank));
        if let Some(ranks) = self.ripe.get_mut(&line) {
            ranks.remove(&rank);
            if ranks.is_empty() {
                self.ripe.remove(&line);
            }
        }
    }

    /// The first one that counts.
    pub(super) fn first(&self, line: Line) -> Option<Rank> {
        self.ripe.get(&line)?.first().copied()
    }

    /// The next contact whose age has reached the delay; it counts from now on.
    pub(super) fn ripen(&mut self, now_ms: i64) -> Option<Line> {
        let (ripe_ms, line, rank) = self.ripening.first().copied().filter(|(at, ..)| *at <= now_ms)?;
        self.ripening.remove(&(ripe_ms, line, rank));
        self.ripe.entry(line).or_default().insert(rank);
        Some(line)
    }

    /// How many places there are in all lines.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.ripening.len() + self.ripe.values().map(BTreeSet::len).sum::<usize>()
    }

    /// Whether a contact stands in a line.
    #[cfg(test)]
    pub(super) fn contains(&self, line: Line, rank: Rank) -> bool {
        self.ripening.contains(&(line.ripe_ms(rank), line, rank))
            || self.ripe.get(&line).is_some_and(|ranks| ranks.contains(&rank))
    }

    /// When the next one ripens.
    pub(super) fn next_ms(&self) -> Option<i64> {
        self.ripening.first().map(|(at, ..)| *at)
    }
}

/// The place of an agent among those of his profile who can take a contact: the fewest contacts, then the longest idle, then the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IdleRank {
    pub(super) contacts: usize,
    pub(super) since_ms: i64,
    pub(super) agent: AgentKey,
}

/// The agents who can take a contact, by profile, and what has changed since it was last looked for a contact for them.
#[derive(Default)]
pub(super) struct Idle {
    by_profile: BTreeMap<ProfileKey, BTreeSet<IdleRank>>,
    touched_agents: BTreeSet<IdleRank>,
    touched_lines: BTreeSet<Line>,
}

impl Idle {
    pub(super) fn insert(&mut self, profile: ProfileKey, rank: IdleRank) {
        self.by_profile.entry(profile).or_default().insert(rank);
    }

    pub(super) fn remove(&mut self, profile: ProfileKey, rank: IdleRank) {
        self.touched_agents.remove(&rank);
        if let Some(ranks) = self.by_profile.get_mut(&profile) {
            ranks.remove(&rank);
            if ranks.is_empty() {
                self.by_profile.remove(&profile);
            }
        }
    }

    /// The first agent of a profile.
    pub(super) fn first(&self, profile: ProfileKey) -> Option<IdleRank> {
        self.by_profile.get(&profile)?.first().copied()
    }

    /// There may be a contact for this agent.
    pub(super) fn touch_agent(&mut self, rank: IdleRank) {
        self.touched_agents.insert(rank);
    }

    /// There is another contact in this line.
    pub(super) fn touch_line(&mut self, line: Line) {
        self.touched_lines.insert(line);
    }

    /// There is nothing for this agent. False where nothing about the agent had changed.
    pub(super) fn nothing_for(&mut self, rank: IdleRank) -> bool {
        self.touched_agents.remove(&rank)
    }

    /// The first of the agents for whom something has changed.
    pub(super) fn first_touched(&self) -> Option<IdleRank> {
        self.touched_agents.first().copied()
    }

    /// The lines in which something has changed; they are to be given back by [`Self::touch_line`] where they need another look.
    pub(super) fn take_lines(&mut self) -> BTreeSet<Line> {
        std::mem::take(&mut self.touched_lines)
    }

    /// The agents who can take a contact.
    #[cfg(test)]
    pub(super) fn all(&self) -> Vec<(ProfileKey, IdleRank)> {
        let ranks = |(profile, ranks): (&ProfileKey, &BTreeSet<IdleRank>)| {
            ranks.iter().map(|rank| (*profile, *rank)).collect::<Vec<_>>()
        };
        self.by_profile.iter().flat_map(ranks).collect()
    }
}
