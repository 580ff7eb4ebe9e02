//! What was promised, and what became of it.

use super::Told;
use std::collections::{BTreeMap, HashMap};
use tympan_client::kvs::AckEvent;
use tympan_types::FragmentNumber;

/// All promises of all runs.
pub(super) struct Ledger {
    streams: Vec<Stream>,
    /// Fragments that were acknowledged and are not there.
    pub(super) lost: u64,
    /// Fragments that are there and are not what was sent.
    pub(super) altered: u64,
    /// Numbers that stood for two fragments.
    pub(super) reused: u64,
    /// Changes of attributes that were acknowledged and cannot be read.
    pub(super) lost_changes: u64,
    /// Damage that the server or the check reports.
    pub(super) corruptions: u64,
    /// Fragments that were read and not promised: what a kill gave back.
    pub(super) unpromised: u64,
    /// Sentences about all of these.
    pub(super) faults: Vec<String>,
}

#[derive(Default)]
struct Stream {
    /// What each number that was ever heard of stands for, by timecode.
    numbers: HashMap<FragmentNumber, u64>,
    /// Acknowledged as PERSISTED, and the timecode.
    persisted: BTreeMap<FragmentNumber, u64>,
    verified_through: Option<FragmentNumber>,
}

impl Ledger {
    pub(super) fn new(streams: usize) -> Self {
        Self {
            streams: (0..streams).map(|_| Stream::default()).collect(),
            lost: 0,
            altered: 0,
            reused: 0,
            lost_changes: 0,
            corruptions: 0,
            unpromised: 0,
            faults: Vec::new(),
        }
    }

    /// Notes what the producers of a run were told.
    pub(super) fn note(&mut self, told: Vec<Told>, kill: u32) {
        for Told { stream, acks } in told {
            for ack in acks {
                let (Some(number), Some(timecode_ms)) = (ack.number, ack.timecode) else { continue };
                self.stands_for(stream, number, timecode_ms, kill);
                if ack.event == AckEvent::Persisted {
                    self.streams[stream].persisted.insert(number, timecode_ms);
                }
            }
        }
    }

    /// Where reading goes on in a stream.
    pub(super) fn verified_through(&self, stream: usize) -> Option<FragmentNumber> {
        self.streams[stream].verified_through
    }

    /// From here on everything is read again.
    pub(super) fn forget_what_was_verified(&mut self) {
        self.unpromised = 0;
        for stream in &mut self.streams {
            stream.verified_through = None;
        }
    }

    /// Compares what was read, in order, with what was promised after [`Self::verified_through`].
    pub(super) fn compare(&mut self, stream: usize, read: &[(FragmentNumber, Option<u64>)], kill: u32) {
        let after = self.streams[stream].verified_through;
        let mut found: BTreeMap<FragmentNumber, u64> = BTreeMap::new();
        for (number, timecode_ms) in read {
            match timecode_ms {
                Some(timecode_ms) => {
                    self.stands_for(stream, *number, *timecode_ms, kill);
                    if found.insert(*number, *timecode_ms).is_some() {
                        self.reused += 1;
                        self.fault(format!("kill {kill}: stream {stream} gives fragment {number} twice"));
                    }
                }
                None => {
                    self.altered += 1;
                    self.fault(format!("kill {kill}: fragment {number} of stream {stream} is altered"));
                }
            }
        }
        let begin = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let promised = self.streams[stream].persisted.range((begin, std::ops::Bound::Unbounded));
        let lost: Vec<FragmentNumber> =
            promised.map(|(number, _)| *number).filter(|number| !found.contains_key(number)).collect();
        for number in &lost {
            self.fault(format!(
                "kill {kill}: fragment {number} of stream {stream} was persisted and is lost"
            ));
        }
        self.lost += lost.len() as u64;
        let unpromised = |number: &&FragmentNumber| !self.streams[stream].persisted.contains_key(number);
        self.unpromised += found.keys().filter(unpromised).count() as u64;
        if let Some((last, _)) = read.last() {
            self.streams[stream].verified_through = Some(*last);
        }
    }

    pub(super) fn corruption(&mut self, fault: String) {
        self.corruptions += 1;
        self.fault(fault);
    }

    pub(super) fn changes_lost(&mut self, lost: u64, acknowledged: usize, contact: &str, kill: u32) {
        self.lost_changes += lost;
        if lost > 0 {
            self.fault(format!(
                "kill {kill}: {lost} of {acknowledged} changes of contact {contact} are lost"
            ));
        }
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.streams.iter().map(|stream| stream.persisted.len() as u64).sum()
    }

    fn stands_for(&mut self, stream: usize, number: FragmentNumber, timecode_ms: u64, kill: u32) {
        let before = self.streams[stream].numbers.insert(number, timecode_ms);
        if before.is_some_and(|before| before != timecode_ms) {
            self.reused += 1;
            self.fault(format!("kill {kill}: number {number} of stream {stream} stands for two fragments"));
        }
    }

    fn fault(&mut self, fault: String) {
        eprintln!("{fault}");
        self.faults.push(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_client::kvs::Ack;
    use tympan_types::ServerTime;

    fn number(sequence: u64) -> FragmentNumber {
        FragmentNumber::new(sequence, ServerTime::from_unix_ms(5), 0)
    }

    fn told(sequences: &[u64]) -> Vec<Told> {
        let ack = |sequence: &u64| Ack {
            event: AckEvent::Persisted,
            timecode: Some(*sequence * 10),
            number: Some(number(*sequence)),
        };
        vec![Told { stream: 0, acks: sequences.iter().map(ack).collect() }]
    }

    #[test]
    fn each_broken_promise_is_counted() {
        let mut ledger = Ledger::new(1);
        ledger.note(told(&[1, 2, 3]), 0);
        ledger.compare(0, &[(number(1), Some(10)), (number(3), Some(30)), (number(4), Some(40))], 0);
        assert_eq!((ledger.lost, ledger.altered, ledger.reused, ledger.unpromised), (1, 0, 0, 1));
        ledger.note(vec![Told { acks: told(&[4]).remove(0).acks, stream: 0 }], 1);
        ledger.compare(0, &[(number(5), None)], 1);
        assert_eq!((ledger.lost, ledger.altered), (1, 1), "what was verified is not looked for again");
        let again = Ack { event: AckEvent::Buffering, timecode: Some(99), number: Some(number(1)) };
        ledger.note(vec![Told { stream: 0, acks: vec![again] }], 2);
        assert_eq!((ledger.reused, ledger.faults.len(), ledger.acknowledged()), (1, 3, 4));
    }
}
