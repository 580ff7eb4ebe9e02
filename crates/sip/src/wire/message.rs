//! A message whose head was read: its lines and its body, none of its values judged yet.

use super::head::{Head, is_token, trim};
use super::name::compact_form;
use super::{Name, Text};
use bytes::Bytes;

/// A whole message: one buffer and where its lines lie in it. Folded lines are one line here.
#[derive(Debug, Clone)]
pub struct Message {
    head: Head,
    body: Bytes,
}

impl Message {
    pub(super) fn new(head: Head, body: Bytes) -> Self {
        Self { head, body }
    }

    /// What is wrong with a line of the head, where its framing is right all the same.
    pub(super) fn fault(&self) -> Option<&'static str> {
        self.head.fault
    }

    /// The bytes of the start line, without its line end.
    pub fn start_line(&self) -> &[u8] {
        self.head.start_line.of(&self.head.bytes)
    }

    /// A part of the head as text, such as an item of [`Message::items`]; shares the packet's buffer.
    pub fn text_of(&self, part: &[u8]) -> Text {
        let (head, range) = (self.head.bytes.as_ptr_range(), part.as_ptr_range());
        let is_within = head.start <= range.start && range.end <= head.end;
        // `slice_ref` panics for a slice of another buffer.
        let bytes = if is_within { self.head.bytes.slice_ref(part) } else { Bytes::copy_from_slice(part) };
        Text::from_packet(bytes)
    }

    /// The first value of a header, without the space around it; `None` where the header is missing.
    pub fn value(&self, name: Name) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// The first value of a header as text, sharing the packet's buffer.
    pub fn text(&self, name: Name) -> Option<Text> {
        self.value(name).map(|value| self.text_of(value))
    }

    /// Each line of a header, in order.
    pub fn values(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        let head = &self.head;
        head.lines.iter().filter(move |line| line.name == Some(name)).map(|line| line.value.of(&head.bytes))
    }

    /// Each item of a comma-separated header over all its lines, in order. Commas within quotes and angle brackets do not separate.
    pub fn items(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.values(name).flat_map(|value| Items { rest: Some(value) }).filter(|item| !item.is_empty())
    }

    /// The first value of a header that [`Name`] does not list; compares without case, and knows compact forms (`Subject`, `s`).
    pub fn extension(&self, name: &str) -> Option<&[u8]> {
        let compact = compact_form(name);
        let is_name = |written: &[u8]| {
            written.eq_ignore_ascii_case(name.as_bytes())
                || compact.is_some_and(|compact| written.eq_ignore_ascii_case(&[compact]))
        };
        self.lines().find(|(written, _)| is_name(written)).map(|(_, value)| value)
    }

    /// Every header line as name and value, in order.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let head = &self.head;
        head.lines.iter().map(|line| (line.name_text(&head.bytes), line.value.of(&head.bytes)))
    }

    /// True when a token stands in a comma-separated header (`Require`, `Supported`, `Allow`); compares without case.
    pub fn lists(&self, name: Name, token: &str) -> bool {
        self.items(name).any(|item| item.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// The body; empty where there is none.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The media type of the body without parameters, in lower case; `None` where no Content-Type stands.
    pub fn content_type(&self) -> Option<String> {
        self.value(Name::ContentType).and_then(media_type)
    }
}

/// `type/subtype` in lower case, without parameters; `None` where it is no media type.
pub(super) fn media_type(value: &[u8]) -> Option<String> {
    let value = value.split(|&byte| byte == b';').next().unwrap_or_default();
    let slash = value.iter().position(|&byte| byte == b'/')?;
    let (kind, subtype) = (trim(value.get(..slash)?), trim(value.get(slash + 1..)?));
    let is_word = |word: &[u8]| !word.is_empty() && word.iter().all(|&byte| is_token(byte) || byte == b'#');
    if !is_word(kind) || !is_word(subtype) {
        return None;
    }
    let text = [kind, b"/", subtype].concat().to_ascii_lowercase();
    String::from_utf8(text).ok()
}

/// The items of one comma-separated value.
pub(super) struct Items<'a> {
    pub(super) rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let (mut is_quoted, mut is_escaped, mut is_bracketed) = (false, false, false);
        for (at, &byte) in rest.iter().enumerate() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_quoted => is_escaped = true,
                b'"' if !is_bracketed => is_quoted = !is_quoted,
                _ if is_quoted => {}
                b'<' => is_bracketed = true,
                b'>' => is_bracketed = false,
                b',' if !is_bracketed => {
                    self.rest = rest.get(at + 1..);
                    return rest.get(..at).map(trim);
                }
                _ => {}
            }
        }
        self.rest = None;
        Some(trim(rest))
    }
}
