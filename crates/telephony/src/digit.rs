//! The sixteen keys of a telephone.

use std::fmt;

/// A telephone key: `0`-`9`, `*`, `#`, `A`-`D`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digit(u8);

impl Digit {
    /// The key for a character; letters in either case. `None` for anything that is not on a telephone.
    pub fn from_char(key: char) -> Option<Self> {
        let key = key.to_ascii_uppercase();
        KEYS.iter().position(|&known| known as char == key).map(|event| Self(event as u8))
    }

    /// The key for an RFC 4733 event code 0-15; `None` for flash, tones and everything else.
    pub const fn from_event(event: u8) -> Option<Self> {
        if event < 16 { Some(Self(event)) } else { None }
    }

    /// The RFC 4733 event code, 0-15.
    pub const fn event(self) -> u8 {
        self.0
    }

    /// The key as a character; letters in upper case.
    pub const fn as_char(self) -> char {
        KEYS[self.0 as usize & 15] as char
    }

    /// All sixteen keys, in order of their event codes.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..16).map(Self)
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a caller keys in may be a card number: logs of whole structures must not carry it.
        f.write_str("Digit(_)")
    }
}

/// Keys in the order of RFC 4733 section 3.2, table 3.
const KEYS: [u8; 16] = *b"0123456789*#ABCD";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_survives_character_and_event_code() {
        for digit in Digit::all() {
            assert_eq!(Digit::from_char(digit.as_char()), Some(digit));
            assert_eq!(Digit::from_event(digit.event()), Some(digit));
        }
        assert_eq!(Digit::from_char('a'), Digit::from_event(12));
    }

    #[test]
    fn what_is_not_on_a_telephone_is_not_a_digit() {
        assert_eq!(Digit::from_char('E'), None);
        assert_eq!(Digit::from_event(16), None);
    }

    #[test]
    fn debug_output_hides_the_key() {
        assert_eq!(format!("{:?}", Digit::from_char('7').unwrap()), "Digit(_)");
    }
}
