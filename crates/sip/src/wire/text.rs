//! Text that lies in a packet.

use bytes::Bytes;
use std::fmt;
use std::ops::Deref;

/// UTF-8 text that shares the buffer of the packet it came in. Bytes that are no UTF-8 were read as Latin-1.
///
/// It keeps the whole packet alive: what outlives the handling of a message takes [`Text::detached`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(Bytes);

impl Text {
    /// Reads a part of a packet. Copies only where a byte is no UTF-8: then each such byte is read as Latin-1.
    pub fn from_packet(bytes: Bytes) -> Self {
        if std::str::from_utf8(&bytes).is_ok() {
            return Self(bytes);
        }
        let mut text = String::with_capacity(bytes.len() + 8);
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|&byte| char::from(byte)));
        }
        Self(Bytes::from(text))
    }

    /// A part of this text, sharing its buffer; `None` where the range does not lie in it or cuts a character.
    pub(crate) fn slice(&self, range: std::ops::Range<usize>) -> Option<Self> {
        self.as_str().get(range.clone())?;
        Some(Self(self.0.slice(range)))
    }

    /// A copy of its own size, which keeps no packet alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // Valid by construction; without `unsafe` this checks once more, which is cheap for what is short.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
