//! By which way the digits of a call come: RTP events, INFO requests, or both for one key.

use tympan_sip::agent::DigitSource;
use tympan_telephony::Digit;
use tympan_types::WallTime;

/// How far apart the INFO and the RTP event of one key may be. Keys that are pressed twice are pressed in the same way.
const SAME_KEY_MS: i64 = 2_000;

/// Lets each key through once.
#[derive(Debug)]
pub(super) struct DigitGate {
    source: DigitSource,
    /// RTP events come, so that INFO is only their copy.
    has_rtp: bool,
    last_info: Option<(WallTime, Digit)>,
}

impl DigitGate {
    pub(super) fn new(source: DigitSource) -> Self {
        Self { source, has_rtp: false, last_info: None }
    }

    /// A key that came as an RTP event; `None` where it does not count.
    pub(super) fn by_rtp(&mut self, now: WallTime, digit: Digit) -> Option<Digit> {
        let is_first = !std::mem::replace(&mut self.has_rtp, true);
        let is_copy = |(at, key): (WallTime, Digit)| key == digit && now.ms_since(at) <= SAME_KEY_MS;
        match self.source {
            DigitSource::Info => None,
            DigitSource::Both if is_first && self.last_info.is_some_and(is_copy) => None,
            DigitSource::Both | DigitSource::Rtp => Some(digit),
        }
    }

    /// A key that came in an INFO; `None` where it does not count.
    pub(super) fn by_info(&mut self, now: WallTime, digit: Digit) -> Option<Digit> {
        match self.source {
            DigitSource::Rtp => None,
            DigitSource::Both if self.has_rtp => None,
            DigitSource::Both | DigitSource::Info => {
                self.last_info = Some((now, digit));
                Some(digit)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit(key: char) -> Digit {
        Digit::from_char(key).unwrap()
    }

    fn at(ms: i64) -> WallTime {
        WallTime::from_unix_ms(ms)
    }

    #[test]
    fn a_key_that_comes_by_both_ways_counts_once_whichever_is_first() {
        let mut gate = DigitGate::new(DigitSource::Both);
        assert_eq!(gate.by_info(at(0), digit('5')), Some(digit('5')));
        assert_eq!(gate.by_rtp(at(100), digit('5')), None, "the same key");
        assert_eq!(gate.by_info(at(1_000), digit('5')), None, "RTP is the source from now on");
        assert_eq!(gate.by_rtp(at(1_050), digit('5')), Some(digit('5')));
        assert_eq!(gate.by_rtp(at(1_500), digit('6')), Some(digit('6')));
        assert_eq!(gate.by_info(at(1_600), digit('6')), None);
    }

    #[test]
    fn another_key_and_a_later_one_are_no_copies() {
        for (ms, key) in [(100, '6'), (2_001, '5')] {
            let mut gate = DigitGate::new(DigitSource::Both);
            gate.by_info(at(0), digit('5'));
            assert_eq!(gate.by_rtp(at(ms), digit(key)), Some(digit(key)));
        }
    }

    #[test]
    fn a_caller_without_rtp_events_is_heard_by_info() {
        let mut gate = DigitGate::new(DigitSource::Both);
        for key in ['1', '1', '#'] {
            assert_eq!(gate.by_info(at(0), digit(key)), Some(digit(key)));
        }
    }

    #[test]
    fn a_trunk_may_name_the_only_source() {
        let mut rtp = DigitGate::new(DigitSource::Rtp);
        assert_eq!((rtp.by_info(at(0), digit('1')), rtp.by_rtp(at(0), digit('1'))), (None, Some(digit('1'))));
        let mut info = DigitGate::new(DigitSource::Info);
        assert_eq!(
            (info.by_rtp(at(0), digit('1')), info.by_info(at(0), digit('1'))),
            (None, Some(digit('1')))
        );
    }
}
