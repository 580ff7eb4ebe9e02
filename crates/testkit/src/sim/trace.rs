//! What happened, as one number and, on demand, as text.

use std::fmt::Write;
use std::net::SocketAddr;
use tympan_types::Mono;

/// FNV-1a, 64 bits: over each event's time, place and bytes.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    text: Option<String>,
}

/// The offset basis of FNV-1a.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

impl Trace {
    /// `as_text` keeps the events readable too.
    pub(crate) fn new(as_text: bool) -> Self {
        Self { hash: BASIS, text: as_text.then(String::new) }
    }

    /// Takes down an event. `subject` and `verb` are short: `h1`, `sends`.
    pub(crate) fn event(&mut self, at: Mono, subject: &str, verb: &str, bytes: &[u8]) {
        self.hash = mix(self.hash, &at.as_millis().to_le_bytes());
        self.hash = mix(self.hash, subject.as_bytes());
        self.hash = mix(self.hash, verb.as_bytes());
        self.hash = mix(self.hash, bytes);
        if let Some(text) = &mut self.text {
            let shown = String::from_utf8_lossy(bytes);
            let mut lines = shown.lines();
            let _ = writeln!(text, "{} {subject} {verb} {}", seconds(at), lines.next().unwrap_or_default());
            for line in lines {
                let _ = writeln!(text, "                | {line}");
            }
        }
    }

    /// Takes down a datagram on its way; as text only its length, where it is no text itself.
    pub(crate) fn datagram(&mut self, at: Mono, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.hash = mix(self.hash, &at.as_micros().to_le_bytes());
        self.hash = mix(self.hash, &from.port().to_le_bytes());
        self.hash = mix(self.hash, bytes);
        if let Some(text) = &mut self.text {
            let is_text = bytes.first().is_some_and(|byte| byte.is_ascii_uppercase());
            let shown = if is_text { String::from_utf8_lossy(bytes) } else { "".into() };
            let first = shown.lines().next().unwrap_or("-");
            let _ = writeln!(text, "{} {from} > {to} {} bytes {first}", seconds(at), bytes.len());
        }
    }

    /// The hash of all that was taken down.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The text, where it is kept.
    pub(crate) fn into_text(self) -> Option<String> {
        self.text
    }
}

/// Folds bytes into an FNV-1a hash.
pub(crate) fn mix(mut hash: u64, bytes: &[u8]) -> u64 {
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

/// The FNV-1a hash of these bytes.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    mix(BASIS, bytes)
}

/// A time as seconds with three places.
pub(crate) fn seconds(at: Mono) -> String {
    let ms = at.as_millis();
    format!("{:>6}.{:03}", ms / 1_000, ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv_gives_the_published_values() {
        assert_eq!(fnv(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
