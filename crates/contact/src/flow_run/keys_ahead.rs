use std::collections::VecDeque;
use tympan_telephony::Digit;

/// Keys that a caller typed before a block asked for them: first in, first out, across blocks and flows.
///
/// Source: Administrator Guide, "Set touchtone buffer behavior": 30 characters of `0` to `9`, `*` and `#`; a full buffer takes no more.
/// There a flow enables it; here it is on unless [`ContactOptions::keys_ahead`](crate::ContactOptions::keys_ahead) says otherwise.
#[derive(Default)]
pub(crate) struct KeysAhead {
    keys: VecDeque<Digit>,
}

impl KeysAhead {
    /// Keys that are kept.
    pub(crate) const MAX: usize = 30;

    /// Keeps a key that no block waits for.
    pub(crate) fn keep(&mut self, digit: Digit) {
        if self.keys.len() < Self::MAX {
            self.keys.push_back(digit);
        }
    }

    /// The oldest key.
    pub(crate) fn take(&mut self) -> Option<Digit> {
        self.keys.pop_front()
    }

    /// Forgets all of them: the participant leaves.
    pub(crate) fn clear(&mut self) {
        self.keys.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(ahead: &mut KeysAhead, keys: &str) {
        keys.chars().for_each(|key| ahead.keep(Digit::from_char(key).unwrap()));
    }

    fn taken(ahead: &mut KeysAhead) -> String {
        std::iter::from_fn(|| ahead.take()).map(Digit::as_char).collect()
    }

    #[test]
    fn keys_come_out_in_the_order_in_which_they_were_typed() {
        let mut ahead = KeysAhead::default();
        keep(&mut ahead, "12#*0");
        assert_eq!(taken(&mut ahead), "12#*0");
    }

    #[test]
    fn thirty_keys_are_kept_and_further_ones_are_not() {
        let mut ahead = KeysAhead::default();
        keep(&mut ahead, &"123".repeat(20));
        assert_eq!(taken(&mut ahead), "123".repeat(10));
        keep(&mut ahead, "5");
        ahead.clear();
        assert_eq!(ahead.take(), None);
    }
}
