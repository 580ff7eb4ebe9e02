//! Puts the packets of one stream into the order of their sequence numbers.
//!
//! This is not a playout buffer: a packet that is next in order passes at once, and only packets behind a hole wait,
//! a few packets or a moment at most. Source: RFC 3550 appendix A.1, with one difference: there the first packets of
//! a new numbering are thrown away, here they are kept.

use std::cmp::Ordering;
use std::time::Duration;

use super::packet::{RtpHeader, Ssrc};
use tympan_types::Mono;

/// Orders the packets of the current source.
#[derive(Debug)]
pub(crate) struct ReorderWindow {
    /// Numbering of the source in use; `None` before the first packet.
    current: Option<Numbering>,
    /// Numbering of the source before, so that its duplicates are known when it comes back.
    previous: Option<Numbering>,
    /// Packets behind a hole, in order.
    held: Vec<Held>,
    /// A packet whose number fits nothing: a stray, or the first of a new numbering.
    suspect: Option<Suspect>,
    /// Suspects that made room for others since the last look.
    displaced: u64,
    /// Payload buffers to use again.
    spare: Vec<Vec<u8>>,
    limit_packets: usize,
    wait: Duration,
}

/// A packet that waits for the ones before it.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) arrival: Mono,
    pub(crate) header: RtpHeader,
    pub(crate) payload: Vec<u8>,
}

/// What became of an offered packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is the next one: use it now.
    Next,
    /// It waits inside; a later `release` gives it back.
    Held,
    /// It was received before.
    Duplicate,
    /// It was not received before, but later packets were already released.
    TooLate,
    /// Its source is not the current one: `flush`, then `restart` from it.
    NewSource,
    /// It follows the suspect: the source numbers anew. `flush`, `restart` from the suspect, then offer it again.
    Renumbered,
}

/// What `release` found.
#[derive(Debug)]
pub(crate) enum Release {
    /// The next packet, after a hole of `missing` packets that will not be waited for any longer.
    Packet { held: Held, missing: u16 },
    /// A lone packet that fits no numbering, contradicted by those that do.
    Stray,
    /// A lone packet with a new numbering and nothing after it: `restart` from it.
    Renumbered(Held),
}

impl ReorderWindow {
    pub(crate) fn new(limit_packets: usize, wait: Duration) -> Self {
        Self {
            current: None,
            previous: None,
            held: Vec::new(),
            suspect: None,
            displaced: 0,
            spare: Vec::new(),
            limit_packets,
            wait,
        }
    }

    /// Takes a packet in; only packets that have to wait are copied.
    pub(crate) fn offer(&mut self, arrival: Mono, header: RtpHeader, payload: &[u8]) -> Admission {
        let Some(current) = &mut self.current else {
            return Admission::NewSource;
        };
        if current.ssrc != header.ssrc {
            return self.offer_from_other_source(header);
        }
        match current.fit(header.sequence) {
            Fit::Next => {
                current.accept(header.sequence);
                self.contradict_suspect();
                Admission::Next
            }
            Fit::Ahead(distance) => {
                let place = self.held.binary_search_by(|held| {
                    let held_distance = held.header.sequence.wrapping_sub(current.next);
                    held_distance.cmp(&distance)
                });
                let Err(place) = place else { return Admission::Duplicate };
                let held = self.hold(arrival, header, payload);
                self.held.insert(place, held);
                self.contradict_suspect();
                Admission::Held
            }
            Fit::Received => Admission::Duplicate,
            Fit::Missed => {
                current.mark_late(header.sequence);
                Admission::TooLate
            }
            Fit::Far => self.offer_far(arrival, header, payload),
        }
    }

    /// Whether a packet can be told to belong to the current numbering.
    pub(crate) fn fits(&self, header: &RtpHeader) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.ssrc == header.ssrc && current.fit(header.sequence) != Fit::Far)
    }

    /// The next packet whose turn has come: nothing is missing before it, or the wait is over.
    pub(crate) fn release(&mut self, now: Mono) -> Option<Release> {
        let (limit_packets, wait) = (self.limit_packets, self.wait);
        let overdue = |first: &Held, held: usize| held > limit_packets || now >= first.arrival + wait;
        if let Some(release) = self.release_next(overdue) {
            return Some(release);
        }
        let waited = self.suspect.as_ref().is_some_and(|suspect| now >= suspect.held.arrival + wait);
        if waited { self.release_suspect() } else { None }
    }

    /// As `release`, without waiting.
    pub(crate) fn flush(&mut self) -> Option<Release> {
        self.release_next(|_, _| true).or_else(|| self.release_suspect())
    }

    /// When the next packet stops waiting.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        let held = self.held.first().map(|held| held.arrival);
        let suspect = self.suspect.as_ref().map(|suspect| suspect.held.arrival);
        held.into_iter().chain(suspect).min().map(|arrival| arrival + self.wait)
    }

    /// Begins a numbering at `header`, as if that packet had just been released.
    pub(crate) fn restart(&mut self, header: &RtpHeader) {
        let returning = self.previous.take_if(|previous| previous.ssrc == header.ssrc);
        let left = self.current.take();
        let mut current = match returning {
            // Far ahead is a new numbering too; its history would only raise false alarms.
            Some(known) if known.fit(header.sequence) != Fit::Far => known,
            _ => Numbering { ssrc: header.ssrc, next: header.sequence, received: 0 },
        };
        current.accept(header.sequence);
        if let Some(left) = left.filter(|left| left.ssrc != current.ssrc) {
            self.previous = Some(left);
        }
        self.current = Some(current);
    }

    /// Takes the packet out that may have begun a new numbering.
    pub(crate) fn take_suspect(&mut self) -> Option<Held> {
        self.suspect.take().map(|suspect| suspect.held)
    }

    /// Lone packets that fitted nothing and made room for others like them since the last call.
    pub(crate) const fn take_displaced(&mut self) -> u64 {
        std::mem::replace(&mut self.displaced, 0)
    }

    /// The packets that wait behind a hole, in order.
    pub(crate) fn held(&self) -> &[Held] {
        &self.held
    }

    /// The packets that wait behind a hole, in order, each with the number of packets missing before it.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&Held, u16)> {
        let mut next = self.current.as_ref().map_or(0, |current| current.next);
        self.held.iter().map(move |held| {
            let missing = held.header.sequence.wrapping_sub(next);
            next = held.header.sequence.wrapping_add(1);
            (held, missing)
        })
    }

    /// Gives a payload buffer back for later use.
    pub(crate) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() <= self.limit_packets && buffer.capacity() <= SPARE_MAX_BYTES {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    fn offer_from_other_source(&mut self, header: RtpHeader) -> Admission {
        let Some(previous) = self.previous.as_mut().filter(|previous| previous.ssrc == header.ssrc) else {
            return Admission::NewSource;
        };
        match previous.fit(header.sequence) {
            Fit::Received => Admission::Duplicate,
            Fit::Missed => {
                previous.mark_late(header.sequence);
                Admission::TooLate
            }
            Fit::Next | Fit::Ahead(_) | Fit::Far => Admission::NewSource,
        }
    }

    fn offer_far(&mut self, arrival: Mono, header: RtpHeader, payload: &[u8]) -> Admission {
        if let Some(suspect) = &self.suspect {
            let distance = header.sequence.wrapping_sub(suspect.held.header.sequence);
            match distance {
                0 => return Admission::Duplicate,
                1..=CONFIRMING_DISTANCE => return Admission::Renumbered,
                // Two that fit nothing, not even each other: the older one made room.
                _ => {}
            }
        }
        if let Some(older) = self.suspect.take() {
            self.displaced += 1;
            self.recycle(older.held.payload);
        }
        let held = self.hold(arrival, header, payload);
        self.suspect = Some(Suspect { held, contradicted: false });
        Admission::Held
    }

    fn release_next(&mut self, overdue: impl Fn(&Held, usize) -> bool) -> Option<Release> {
        let current = self.current.as_mut()?;
        let first = self.held.first()?;
        let missing = first.header.sequence.wrapping_sub(current.next);
        if missing > 0 && !overdue(first, self.held.len()) {
            return None;
        }
        let held = self.held.remove(0);
        current.accept(held.header.sequence);
        Some(Release::Packet { held, missing })
    }

    fn release_suspect(&mut self) -> Option<Release> {
        let suspect = self.suspect.take()?;
        if suspect.contradicted {
            self.recycle(suspect.held.payload);
            return Some(Release::Stray);
        }
        Some(Release::Renumbered(suspect.held))
    }

    fn contradict_suspect(&mut self) {
        if let Some(suspect) = &mut self.suspect {
            suspect.contradicted = true;
        }
    }

    fn hold(&mut self, arrival: Mono, header: RtpHeader, payload: &[u8]) -> Held {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.extend_from_slice(payload);
        Held { arrival, header, payload: buffer }
    }
}

#[derive(Debug)]
struct Suspect {
    held: Held,
    /// A packet of the old numbering came after it.
    contradicted: bool,
}

/// The numbering of one source: what comes next, and which of the last 64 numbers were received.
#[derive(Debug)]
struct Numbering {
    ssrc: Ssrc,
    next: u16,
    /// Bit `n` stands for number `next - 1 - n`.
    received: u64,
}

/// How a sequence number relates to a numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Next,
    /// Beyond the next by this much.
    Ahead(u16),
    Received,
    Missed,
    /// Too far away to be the same numbering.
    Far,
}

impl Numbering {
    fn fit(&self, sequence: u16) -> Fit {
        let ahead = sequence.wrapping_sub(self.next);
        let behind = self.next.wrapping_sub(1).wrapping_sub(sequence);
        match ahead.cmp(&0) {
            Ordering::Equal => Fit::Next,
            _ if ahead <= DROPOUT_MAX => Fit::Ahead(ahead),
            _ if u32::from(behind) >= u64::BITS => Fit::Far,
            _ if self.received >> behind & 1 == 1 => Fit::Received,
            _ => Fit::Missed,
        }
    }

    fn accept(&mut self, sequence: u16) {
        let skipped = u32::from(sequence.wrapping_sub(self.next));
        self.received = self.received.checked_shl(skipped + 1).unwrap_or(0) | 1;
        self.next = sequence.wrapping_add(1);
    }

    fn mark_late(&mut self, sequence: u16) {
        let behind = self.next.wrapping_sub(1).wrapping_sub(sequence);
        self.received |= 1u64.checked_shl(u32::from(behind)).unwrap_or(0);
    }
}

/// The longest run of lost packets inside one numbering: a minute of 20 ms frames (RFC 3550 `MAX_DROPOUT`).
const DROPOUT_MAX: u16 = 3_000;
/// How far behind a suspect a packet may be and still confirm it.
const CONFIRMING_DISTANCE: u16 = 16;
/// Larger payload buffers are returned to the allocator.
const SPARE_MAX_BYTES: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::packet::RtpTimestamp;

    fn header(sequence: u16) -> RtpHeader {
        RtpHeader {
            ssrc: Ssrc(1),
            sequence,
            timestamp: RtpTimestamp(u32::from(sequence) * 160),
            payload_type: 0,
            marker: false,
        }
    }

    fn at(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    fn window_after(sequence: u16) -> ReorderWindow {
        let mut window = ReorderWindow::new(4, Duration::from_millis(100));
        assert_eq!(window.offer(at(0), header(sequence), &[]), Admission::NewSource);
        window.restart(&header(sequence));
        window
    }

    fn released(window: &mut ReorderWindow, now: Mono) -> Vec<(u16, u16)> {
        let mut out = Vec::new();
        while let Some(release) = window.release(now) {
            match release {
                Release::Packet { held, missing } => out.push((held.header.sequence, missing)),
                other => panic!("unexpected {other:?}"),
            }
        }
        out
    }

    #[test]
    fn wraps_after_65535() {
        let mut window = window_after(65_534);
        assert_eq!(window.offer(at(0), header(65_535), &[]), Admission::Next);
        assert_eq!(window.offer(at(0), header(0), &[]), Admission::Next);
        assert_eq!(window.offer(at(0), header(65_535), &[]), Admission::Duplicate);
    }

    #[test]
    fn a_swapped_pair_is_put_right_without_waiting() {
        let mut window = window_after(9);
        assert_eq!(window.offer(at(20), header(11), &[]), Admission::Held);
        assert!(released(&mut window, at(20)).is_empty());
        assert_eq!(window.offer(at(21), header(10), &[]), Admission::Next);
        assert_eq!(released(&mut window, at(21)), [(11, 0)]);
    }

    #[test]
    fn a_hole_is_given_up_after_the_wait() {
        let mut window = window_after(9);
        window.offer(at(20), header(11), &[]);
        window.offer(at(40), header(12), &[]);
        assert_eq!(window.deadline(), Some(at(120)));
        assert!(released(&mut window, at(119)).is_empty());
        assert_eq!(released(&mut window, at(120)), [(11, 1), (12, 0)]);
    }

    #[test]
    fn a_hole_is_given_up_when_too_many_wait() {
        let mut window = window_after(9);
        for sequence in 11..15 {
            window.offer(at(20), header(sequence), &[]);
        }
        assert!(released(&mut window, at(20)).is_empty());
        window.offer(at(20), header(15), &[]);
        assert_eq!(released(&mut window, at(20)), [(11, 1), (12, 0), (13, 0), (14, 0), (15, 0)]);
    }

    #[test]
    fn a_packet_behind_its_hole_is_too_late_and_then_a_duplicate() {
        let mut window = window_after(9);
        window.offer(at(20), header(11), &[]);
        released(&mut window, at(200));
        assert_eq!(window.offer(at(200), header(10), &[]), Admission::TooLate);
        assert_eq!(window.offer(at(200), header(10), &[]), Admission::Duplicate);
    }

    #[test]
    fn a_duplicate_of_a_waiting_packet_is_known() {
        let mut window = window_after(9);
        window.offer(at(20), header(11), &[]);
        assert_eq!(window.offer(at(20), header(11), &[]), Admission::Duplicate);
    }

    #[test]
    fn two_packets_in_a_row_confirm_a_new_numbering() {
        let mut window = window_after(9);
        assert_eq!(window.offer(at(20), header(40_000), &[7]), Admission::Held);
        assert_eq!(window.offer(at(40), header(40_001), &[8]), Admission::Renumbered);
        let first = window.take_suspect().unwrap();
        window.restart(&first.header);
        assert_eq!((first.header.sequence, &first.payload[..]), (40_000, &[7][..]));
        assert_eq!(window.offer(at(40), header(40_001), &[8]), Admission::Next);
    }

    #[test]
    fn a_lone_stray_is_dropped_when_the_old_numbering_goes_on() {
        let mut window = window_after(9);
        window.offer(at(20), header(40_000), &[]);
        window.offer(at(40), header(10), &[]);
        assert!(matches!(window.release(at(120)), Some(Release::Stray)));
        assert!(window.release(at(120)).is_none());
    }

    #[test]
    fn a_lone_packet_with_nothing_after_it_is_not_lost() {
        let mut window = window_after(9);
        window.offer(at(20), header(40_000), &[]);
        assert!(matches!(window.release(at(120)), Some(Release::Renumbered(_))));
    }

    #[test]
    fn a_source_that_comes_back_keeps_its_history() {
        let other = |sequence| RtpHeader { ssrc: Ssrc(2), ..header(sequence) };
        let mut window = window_after(9);
        assert_eq!(window.offer(at(20), other(500), &[]), Admission::NewSource);
        window.restart(&other(500));
        assert_eq!(window.offer(at(30), header(9), &[]), Admission::Duplicate);
        assert_eq!(window.offer(at(40), header(12), &[]), Admission::NewSource);
        window.restart(&header(12));
        assert_eq!(window.offer(at(50), header(12), &[]), Admission::Duplicate);
        assert_eq!(window.offer(at(50), other(500), &[]), Admission::Duplicate);
    }
}
