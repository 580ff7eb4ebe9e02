//! Start line, header lines, folds: ranges into the packet.

use super::{HEADER_LINES_LIMIT, Name};
use bytes::Bytes;

/// A part of a buffer of at most 64 kB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    /// `None` beyond 65,535 bytes.
    pub(super) fn new(start: usize, end: usize) -> Option<Self> {
        Some(Self { start: u16::try_from(start).ok()?, end: u16::try_from(end).ok()? })
    }

    pub(super) fn range(self) -> std::ops::Range<usize> {
        usize::from(self.start)..usize::from(self.end)
    }

    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.range()).unwrap_or_default()
    }

    pub(super) fn of_str(self, text: &str) -> &str {
        text.get(self.range()).unwrap_or_default()
    }
}

/// One header line: 8 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) name: Option<Name>,
    /// Where the line begins: its name.
    start: u16,
    /// The value, without the space around it.
    pub(super) value: Span,
}

impl Line {
    /// The name as written.
    pub(super) fn name_text(self, bytes: &[u8]) -> &[u8] {
        let line = bytes.get(usize::from(self.start)..).unwrap_or_default();
        let end = line.iter().position(|&byte| byte == b':').unwrap_or_default();
        trim(line.get(..end).unwrap_or_default())
    }
}

/// What a head is made of.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// The bytes of the head; folds are spaces.
    pub(super) bytes: Bytes,
    pub(super) start_line: Span,
    pub(super) lines: Vec<Line>,
    /// A line that is no header: the message may be answered, but not be used.
    pub(super) fault: Option<&'static str>,
    /// There are more lines than are read.
    pub(super) is_too_long: bool,
}

/// Where a head ends; remembers how far it looked, so that a head that comes in pieces is looked through once.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct HeadEnd {
    scanned: usize,
    line_start: usize,
    /// The end of the start line, once it was seen.
    pub(super) start_line_end: Option<usize>,
}

impl HeadEnd {
    /// The length of the head with the empty line that ends it. `bytes` begins with the start line.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(offset) =
            bytes.get(self.scanned..).and_then(|rest| rest.iter().position(|&byte| byte == b'\n'))
        {
            let line_end = self.scanned + offset;
            let is_empty = matches!(bytes.get(self.line_start..line_end), Some(b"" | b"\r"));
            self.scanned = line_end + 1;
            self.line_start = line_end + 1;
            if is_empty {
                return Some(line_end + 1);
            }
            self.start_line_end.get_or_insert(line_end);
        }
        self.scanned = bytes.len();
        None
    }
}

/// Reads a head. It may lack its end; what lies beyond 65,535 bytes is not read.
pub(super) fn read(bytes: &Bytes) -> Head {
    let bytes = unfold(bytes);
    let mut head = Head {
        bytes: bytes.clone(),
        start_line: Span::default(),
        lines: Vec::with_capacity(24),
        fault: None,
        is_too_long: false,
    };
    let mut start = 0;
    let mut is_start_line = true;
    while let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) {
        let length = rest.iter().position(|&byte| byte == b'\n');
        let line = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let next = start + length.map_or(rest.len(), |length| length + 1);
        if is_start_line {
            let Some(span) = Span::new(start, start + line.len()) else {
                head.is_too_long = true;
                break;
            };
            head.start_line = span;
            is_start_line = false;
        } else if line.is_empty() {
            break;
        } else if head.lines.len() >= HEADER_LINES_LIMIT {
            head.is_too_long = true;
            break;
        } else {
            match header_line(line, start) {
                Ok(Some(line)) => head.lines.push(line),
                Ok(None) => {
                    head.is_too_long = true;
                    break;
                }
                Err(fault) => head.fault = head.fault.or(Some(fault)),
            }
        }
        if line.contains(&b'\r') {
            head.fault = head.fault.or(Some("Stray CR"));
        }
        start = next;
    }
    head
}

fn header_line(line: &[u8], start: usize) -> Result<Option<Line>, &'static str> {
    const FAULT: &str = "Malformed Header Line";
    let colon = line.iter().position(|&byte| byte == b':').ok_or(FAULT)?;
    let (name, value) = line.split_at(colon);
    // RFC 3261 section 25.1, HCOLON: space may stand before the colon.
    let name = trim_end(name);
    if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
        return Err(FAULT);
    }
    let value = value.get(1..).unwrap_or_default();
    let value_end = start + colon + 1 + trim_end(value).len();
    let value_start = value_end - trim(value).len();
    Ok(u16::try_from(start).ok().and_then(|start| {
        Some(Line { name: Name::parse(name), start, value: Span::new(value_start, value_end)? })
    }))
}

/// Folded lines (RFC 3261 section 7.3.1) become one line: the line end becomes spaces, so that no offset moves.
fn unfold(bytes: &Bytes) -> Bytes {
    let is_fold = |pair: &[u8]| matches!(pair, [b'\n', b' ' | b'\t']);
    if !bytes.windows(2).any(is_fold) {
        return bytes.clone();
    }
    let mut unfolded = bytes.to_vec();
    for at in 0..unfolded.len().saturating_sub(1) {
        if unfolded.get(at..at + 2).is_some_and(is_fold) {
            unfolded[at] = b' ';
            if let Some(before) = at.checked_sub(1).filter(|&before| unfolded[before] == b'\r') {
                unfolded[before] = b' ';
            }
        }
    }
    unfolded.into()
}

/// RFC 3261 section 25.1, token.
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// Without space and tabs at both ends.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = trim_end(bytes);
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
