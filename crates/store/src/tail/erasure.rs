//! What of the young end of a stream is served no more, and what becomes of it.

use super::{Live, LiveState, Tail};
use crate::gone::{Gone, is_erased};
use crate::{FragmentRange, Located};
use tympan_types::{FragmentNumber, ServerTime, WallTime};

impl Tail {
    /// What is served no more.
    pub(crate) fn gone(&self, now: WallTime) -> Gone {
        Gone { expired_through: self.expired_through(now), erased: self.erased.clone() }
    }

    pub(super) fn is_erased(&self, number: FragmentNumber) -> bool {
        is_erased(&self.erased, number)
    }

    /// The last number that was minted, or may have been by an earlier process.
    pub(crate) fn newest_number(&self) -> FragmentNumber {
        const EVER: ServerTime = ServerTime::from_unix_ms(i64::MAX);
        FragmentNumber::new(self.next_sequence.saturating_sub(1), EVER, u32::MAX)
    }

    /// These are erased, instead of those before. Returns the places that the journal may give up.
    pub(crate) fn set_erased(&mut self, erased: &[FragmentRange]) -> Vec<Located> {
        self.erased = erased.into();
        let of_memory: Vec<FragmentNumber> = self
            .live
            .iter()
            .filter(|live| matches!(live.state, LiveState::Kept(_)) && self.is_erased(live.number))
            .map(|live| live.number)
            .collect();
        for number in of_memory {
            if let Some(Live { state: LiveState::Kept(meta), .. }) = self.live_mut(number) {
                let bytes = meta.size_bytes();
                self.kept_bytes = self.kept_bytes.saturating_sub(bytes);
            }
            self.take_back(number);
        }
        self.wake();
        let hot = std::mem::take(&mut self.hot);
        let (erased, kept): (Vec<_>, Vec<_>) =
            hot.into_iter().partition(|located| self.is_erased(located.meta.number));
        self.hot = kept.into();
        erased
    }

    /// Whether no fragment that is erased may still come to the journal.
    pub(crate) fn erasures_are_settled(&self) -> bool {
        let comes = |live: &Live| matches!(live.state, LiveState::Open | LiveState::Committing(_));
        !self.live.iter().any(|live| comes(live) && self.is_erased(live.number))
    }
}
