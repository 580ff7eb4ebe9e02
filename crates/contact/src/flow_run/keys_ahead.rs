use std::collections::VecDeque;
use tympan_flow::KeyBuffer;
use tympan_telephony::Digit;

/// Keys that a caller typed before a block asked for them: first in, first out, across blocks and flows.
///
/// Source: Administrator Guide, "Set touchtone buffer behavior": 30 characters of `0` to `9`, `*` and `#`; a full buffer takes no more.
/// There a flow turns it on; here keys are kept unless [`ContactOptions::keys_ahead`](crate::ContactOptions::keys_ahead) says otherwise.
pub(crate) struct KeysAhead {
    keys: VecDeque<Digit>,
    keeps_always: bool,
    is_on: bool,
}

impl KeysAhead {
    /// Keys that are kept.
    pub(crate) const MAX: usize = 30;

    /// Without a key, not turned on by a flow.
    pub(crate) fn new(keeps_always: bool) -> Self {
        Self { keys: VecDeque::new(), keeps_always, is_on: false }
    }

    /// Keeps a key that no block waits for; without the buffer it is lost.
    pub(crate) fn keep(&mut self, digit: Digit) {
        if (self.is_on || self.keeps_always) && self.keys.len() < Self::MAX {
            self.keys.push_back(digit);
        }
    }

    /// What a flow wants of the buffer, which forgets the keys that it held; those are given where they are wanted.
    pub(crate) fn set(&mut self, buffer: KeyBuffer) -> Option<String> {
        let held = self.keys.drain(..).map(Digit::as_char).collect();
        match buffer {
            KeyBuffer::On => self.is_on = true,
            KeyBuffer::Off | KeyBuffer::Taken => self.is_on = false,
            KeyBuffer::Cleared => {}
        }
        (buffer == KeyBuffer::Taken).then_some(held)
    }

    /// Whether a flow has turned it on, so that prompts may give way to keys.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether it holds a key.
    pub(crate) fn has_any(&self) -> bool {
        !self.keys.is_empty()
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
        let mut ahead = KeysAhead::new(true);
        keep(&mut ahead, "12#*0");
        assert_eq!(taken(&mut ahead), "12#*0");
    }

    #[test]
    fn thirty_keys_are_kept_and_further_ones_are_not() {
        let mut ahead = KeysAhead::new(true);
        keep(&mut ahead, &"123".repeat(20));
        assert_eq!(taken(&mut ahead), "123".repeat(10));
        keep(&mut ahead, "5");
        ahead.clear();
        assert_eq!(ahead.take(), None);
    }

    #[test]
    fn a_flow_turns_the_buffer_on_and_off_and_gets_what_it_held() {
        let mut ahead = KeysAhead::new(false);
        keep(&mut ahead, "1");
        assert!(!ahead.has_any() && !ahead.is_on());
        assert_eq!(ahead.set(KeyBuffer::On), None);
        keep(&mut ahead, "23#");
        assert!(ahead.has_any() && ahead.is_on());
        assert_eq!(ahead.set(KeyBuffer::Taken).as_deref(), Some("23#"));
        keep(&mut ahead, "4");
        assert!(!ahead.has_any());
    }

    #[test]
    fn clearing_forgets_keys_and_nothing_else() {
        let mut ahead = KeysAhead::new(false);
        ahead.set(KeyBuffer::On);
        keep(&mut ahead, "4111");
        assert_eq!(ahead.set(KeyBuffer::Cleared), None);
        assert!(!ahead.has_any() && ahead.is_on());
    }
}
