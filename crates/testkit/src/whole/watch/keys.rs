//! A key that a contact takes was pressed, is taken once, and in order; without faults none is missed.

use std::collections::BTreeMap;

pub(crate) const NAME: &str = "keys come once and in order";

/// How a key travels. Of two keys by different ways either may overtake the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum By {
    /// RFC 4733.
    Rtp,
    /// SIP INFO.
    Info,
}

/// Keys that contacts took, by call and way.
#[derive(Default)]
pub(crate) struct Keys {
    taken: BTreeMap<(usize, By), Vec<char>>,
}

impl Keys {
    /// A contact takes a key.
    pub(crate) fn taken(&mut self, call: usize, by: By, key: char) {
        self.taken.entry((call, by)).or_default().push(key);
    }

    /// All keys of a call are known: `pressed` in order, of which the first `due` had time to arrive on a network without faults.
    pub(crate) fn check(&self, call: usize, by: By, pressed: &[char], due: usize) -> Result<(), String> {
        let taken = self.taken.get(&(call, by)).map(Vec::as_slice).unwrap_or_default();
        let mut rest = pressed.iter();
        if !taken.iter().all(|key| rest.any(|pressed| pressed == key)) {
            return Err(format!("{pressed:?} were pressed by {by:?} and {taken:?} taken"));
        }
        if taken.len() < due {
            return Err(format!(
                "{pressed:?} were pressed by {by:?}, {due} in time, and only {taken:?} taken"
            ));
        }
        Ok(())
    }
}
