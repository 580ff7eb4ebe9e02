//! By which way the digits of a leg come: RTP events, INFO requests, or both for one key.
//!
//! Many callers send each key both ways. RTP events are the better source, because they stand on the timeline of the audio:
//! once one was seen, INFO is their copy.

use crate::Digit;
use std::collections::VecDeque;
use std::time::Duration;
use tympan_types::Mono;

/// Which ways a trunk allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DigitSource {
    /// RTP events once one was seen, else INFO.
    #[default]
    Both,
    /// RTP alone.
    Rtp,
    /// INFO alone.
    Info,
}

/// How far apart the INFO and the RTP event of one key may be. Keys that are pressed twice are pressed in the same way.
const SAME_KEY: Duration = Duration::from_secs(2);
/// So many keys may come by INFO before the first RTP event; of more the oldest are taken for presses of their own.
const COPIES_MAX: usize = 8;

/// Joins both ways of one leg, so that each key counts once.
#[derive(Debug)]
pub struct DigitMerge {
    source: DigitSource,
    /// RTP events come, so that INFO is only their copy.
    has_rtp: bool,
    /// Keys that came by INFO, oldest first; their RTP events may still come.
    by_info: VecDeque<(Mono, Digit)>,
}

impl DigitMerge {
    /// For a leg of a trunk that allows these ways.
    pub const fn new(source: DigitSource) -> Self {
        Self { source, has_rtp: false, by_info: VecDeque::new() }
    }

    /// A key that came as an RTP event; `None` where it does not count.
    pub fn by_rtp(&mut self, now: Mono, digit: Digit) -> Option<Digit> {
        self.has_rtp = true;
        if self.source == DigitSource::Info {
            return None;
        }
        let copy = self.by_info.iter().position(|&(at, key)| key == digit && now.since(at) <= SAME_KEY);
        match copy {
            Some(copy) => {
                // Those before it had no event of their own: it was lost.
                self.by_info.drain(..=copy);
                None
            }
            None => Some(digit),
        }
    }

    /// A key that came in an INFO; `None` where it does not count.
    pub fn by_info(&mut self, now: Mono, digit: Digit) -> Option<Digit> {
        match self.source {
            DigitSource::Rtp => None,
            DigitSource::Both if self.has_rtp => None,
            DigitSource::Both => {
                if self.by_info.len() == COPIES_MAX {
                    self.by_info.pop_front();
                }
                self.by_info.push_back((now, digit));
                Some(digit)
            }
            DigitSource::Info => Some(digit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit(key: char) -> Digit {
        Digit::from_char(key).unwrap()
    }

    fn at(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    #[test]
    fn a_key_that_comes_by_both_ways_counts_once_whichever_is_first() {
        let mut merge = DigitMerge::new(DigitSource::Both);
        assert_eq!(merge.by_info(at(0), digit('5')), Some(digit('5')));
        assert_eq!(merge.by_rtp(at(100), digit('5')), None, "the same key");
        assert_eq!(merge.by_info(at(1_000), digit('5')), None, "RTP is the source from now on");
        assert_eq!(merge.by_rtp(at(1_050), digit('5')), Some(digit('5')));
        assert_eq!(merge.by_rtp(at(1_500), digit('6')), Some(digit('6')));
        assert_eq!(merge.by_info(at(1_600), digit('6')), None);
    }

    #[test]
    fn another_key_and_a_later_one_are_no_copies() {
        for (ms, key) in [(100, '6'), (2_001, '5')] {
            let mut merge = DigitMerge::new(DigitSource::Both);
            merge.by_info(at(0), digit('5'));
            assert_eq!(merge.by_rtp(at(ms), digit(key)), Some(digit(key)));
        }
    }

    #[test]
    fn keys_that_came_by_info_before_the_first_rtp_event_are_its_copies() {
        let mut merge = DigitMerge::new(DigitSource::Both);
        for key in ['1', '2', '2'] {
            assert_eq!(merge.by_info(at(0), digit(key)), Some(digit(key)));
        }
        for (key, counts) in [('1', false), ('2', false), ('2', false), ('2', true), ('1', true)] {
            assert_eq!(merge.by_rtp(at(500), digit(key)).is_some(), counts);
        }
    }

    #[test]
    fn an_rtp_event_that_was_lost_leaves_the_others_copies() {
        let mut merge = DigitMerge::new(DigitSource::Both);
        for key in ['1', '2', '3'] {
            merge.by_info(at(0), digit(key));
        }
        assert_eq!(merge.by_rtp(at(100), digit('2')), None);
        assert_eq!(merge.by_rtp(at(200), digit('3')), None);
        assert_eq!(merge.by_rtp(at(300), digit('1')), Some(digit('1')), "its copy is over");
    }

    #[test]
    fn the_keys_that_wait_for_their_copies_are_bounded() {
        let mut merge = DigitMerge::new(DigitSource::Both);
        for key in "123456789".chars() {
            merge.by_info(at(0), digit(key));
        }
        assert_eq!(merge.by_info.len(), COPIES_MAX);
        assert_eq!(merge.by_rtp(at(1), digit('1')), Some(digit('1')));
        assert_eq!(merge.by_rtp(at(2), digit('2')), None);
    }

    #[test]
    fn a_caller_without_rtp_events_is_heard_by_info() {
        let mut merge = DigitMerge::new(DigitSource::Both);
        for key in ['1', '1', '#'] {
            assert_eq!(merge.by_info(at(0), digit(key)), Some(digit(key)));
        }
    }

    #[test]
    fn a_trunk_may_name_the_only_source() {
        let mut rtp = DigitMerge::new(DigitSource::Rtp);
        assert_eq!((rtp.by_info(at(0), digit('1')), rtp.by_rtp(at(0), digit('1'))), (None, Some(digit('1'))));
        let mut info = DigitMerge::new(DigitSource::Info);
        assert_eq!(
            (info.by_rtp(at(0), digit('1')), info.by_info(at(0), digit('1'))),
            (None, Some(digit('1')))
        );
    }
}
