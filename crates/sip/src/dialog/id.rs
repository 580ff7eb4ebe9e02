//! What names a dialog (RFC 3261 section 12).

use std::fmt;

/// A tag that we chose: 80 random bits, printed as 20 hexadecimal digits. It is what dialogs are looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag([u8; 10]);

impl Tag {
    /// A tag of the first bytes of these.
    pub fn from_random(random: [u8; 32]) -> Self {
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&random[..10]);
        Self(bytes)
    }

    /// Reads what [`fmt::Display`] writes; `None` for any other text, which no tag of ours is.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 20 {
            return None;
        }
        let mut bytes = [0; 10];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
        }
        Some(Self(bytes))
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Call-ID and the two tags.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DialogId {
    /// Call-ID.
    pub call_id: Box<str>,
    /// The tag that we chose.
    pub local_tag: Tag,
    /// The peer's tag; empty for an RFC 2543 peer, and before the peer gave one.
    pub remote_tag: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_reads_what_it_prints_and_nothing_else() {
        let tag = Tag::from_random([0xa7; 32]);
        assert_eq!(tag.to_string(), "a7a7a7a7a7a7a7a7a7a7");
        assert_eq!(Tag::parse(&tag.to_string()), Some(tag));
        for other in ["", "a7", "A7A7A7A7A7A7A7A7A7A7", "a7a7a7a7a7a7a7a7a7ag", "éééééééééé"] {
            assert_eq!(Tag::parse(other), None, "{other}");
        }
    }
}
