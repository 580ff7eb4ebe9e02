//! Where a message ends: the only place that knows, for datagrams and for streams (RFC 3261 sections 7.5, 18.3).

use super::head::{self, Head, HeadEnd, is_token};
use super::{BODY_LIMIT_BYTES, Doubt, HEAD_LIMIT_BYTES, Message, Name, Status};
use bytes::{Bytes, BytesMut};

/// What was found in bytes.
#[derive(Debug)]
pub enum Cut {
    /// A message, whole.
    Message(Message),
    /// A message whose framing is in doubt but of which enough is readable to answer it, with the status for it. In a stream the
    /// connection is closed after the answer, because the next message cannot be found.
    Doubtful(Message, Doubt),
    /// Only line ends: a keep-alive (RFC 5626). In a stream, `CRLFCRLF` is answered `CRLF`.
    KeepAlive,
    /// Nothing that could be answered; counted. In a stream the connection is closed.
    Garbage,
}

const INCOMPLETE: Doubt = Doubt { status: Status::BAD_REQUEST, reason: "Incomplete Message Head" };
const HEAD_TOO_LONG: Doubt = Doubt { status: Status::MESSAGE_TOO_LARGE, reason: "Message Head Too Large" };
const BODY_TOO_LONG: Doubt =
    Doubt { status: Status::REQUEST_ENTITY_TOO_LARGE, reason: "Request Entity Too Large" };
const BAD_LENGTH: Doubt = Doubt { status: Status::BAD_REQUEST, reason: "Malformed Content-Length" };
const TWO_LENGTHS: Doubt = Doubt { status: Status::BAD_REQUEST, reason: "Conflicting Content-Length" };
const NO_LENGTH: Doubt = Doubt { status: Status::BAD_REQUEST, reason: "Missing Content-Length" };
const BEYOND_PACKET: Doubt = Doubt { status: Status::BAD_REQUEST, reason: "Content-Length Beyond Datagram" };

/// Reads one datagram. Leading line ends are skipped; without Content-Length the body goes to the end; what follows the declared
/// length is ignored; a length beyond the end, or one that is no number, or two that differ, is a [`Doubt`].
pub fn cut_packet(packet: Bytes) -> Cut {
    let Some(begin) = packet.iter().position(|&byte| !matches!(byte, b'\r' | b'\n')) else {
        return Cut::KeepAlive;
    };
    let packet = packet.slice(begin..);
    let mut end = HeadEnd::default();
    let head_end = end.find(&packet);
    if !is_start(&packet, end.start_line_end.unwrap_or(packet.len())) {
        return Cut::Garbage;
    }
    let head = head::read(&packet.slice(..head_end.unwrap_or(packet.len()).min(HEAD_LIMIT_BYTES)));
    let Some(head_end) = head_end else { return doubtful(head, INCOMPLETE) };
    if head_end > HEAD_LIMIT_BYTES || head.is_too_long {
        return doubtful(head, HEAD_TOO_LONG);
    }
    let available = packet.len() - head_end;
    match content_length(&head) {
        Ok(Some(length)) if length > available => doubtful(head, BEYOND_PACKET),
        Ok(length) if length.unwrap_or(available) > BODY_LIMIT_BYTES => doubtful(head, BODY_TOO_LONG),
        Ok(length) => {
            let body = packet.slice(head_end..head_end + length.unwrap_or(available));
            Cut::Message(Message::new(head, body))
        }
        Err(doubt) => doubtful(head, doubt),
    }
}

fn doubtful(head: Head, doubt: Doubt) -> Cut {
    Cut::Doubtful(Message::new(head, Bytes::new()), doubt)
}

/// True where a start line can be one of SIP. Anything else is another protocol and gets no answer.
fn is_start(bytes: &[u8], line_end: usize) -> bool {
    let line = bytes.get(..line_end).unwrap_or_default();
    line.first().is_some_and(|&byte| is_token(byte) || byte == b'"')
        && line.windows(4).any(|word| word.eq_ignore_ascii_case(b"SIP/"))
}

/// The declared length of the body: one rule for datagrams and streams. Several equal ones are one; `None` where none is declared.
/// A number beyond `usize` is as large as can be.
fn content_length(head: &Head) -> Result<Option<usize>, Doubt> {
    let mut length = None;
    for line in head.lines.iter().filter(|line| line.name == Some(Name::ContentLength)) {
        let digits = line.value.of(&head.bytes);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(BAD_LENGTH);
        }
        let value = digits
            .iter()
            .fold(0_usize, |value, digit| value.saturating_mul(10).saturating_add(usize::from(digit - b'0')));
        if length.is_some_and(|length| length != value) {
            return Err(TWO_LENGTHS);
        }
        length = Some(value);
    }
    Ok(length)
}

/// Cuts a stream into messages. Holds at most one message's bytes; a head or body beyond the limits is answered and the
/// connection is to be closed.
#[derive(Debug, Default)]
pub struct Cutter {
    held: BytesMut,
    end: HeadEnd,
    /// A message whose head is read and whose body is awaited: the head, and the length of the body.
    awaited: Option<(Head, usize)>,
    /// What was cut off shares a buffer with what is held, which must not keep it alive for longer than a `next`.
    is_shared: bool,
    /// One CRLF was seen before a message: a second makes a keep-alive.
    had_line_end: bool,
    is_over: bool,
}

impl Cutter {
    /// Takes what was read. Call [`Cutter::next`] until it gives `None`.
    pub fn push(&mut self, bytes: Bytes) {
        if !self.is_over {
            self.held.extend_from_slice(&bytes);
        }
    }

    /// The next message; `None` until more bytes come. After [`Cut::Doubtful`] or [`Cut::Garbage`] nothing more comes.
    #[allow(clippy::should_implement_trait, reason = "a stream has no end here")]
    pub fn next(&mut self) -> Option<Cut> {
        if self.is_over {
            return None;
        }
        let cut = self.cut();
        match cut {
            Some(Cut::Doubtful(..) | Cut::Garbage) => *self = Self { is_over: true, ..Self::default() },
            Some(_) => self.is_shared = true,
            None if self.is_shared => {
                self.held = BytesMut::from(&self.held[..]);
                self.is_shared = false;
            }
            None => {}
        }
        cut
    }

    fn cut(&mut self) -> Option<Cut> {
        if self.awaited.is_none() {
            if let Some(keep_alive) = self.skip_line_ends() {
                return Some(keep_alive);
            }
            let &first = self.held.first()?;
            if first == b'\r' {
                return None;
            }
            if !is_token(first) && first != b'"' {
                return Some(Cut::Garbage);
            }
            let had_start_line = self.end.start_line_end.is_some();
            let head_end = self.end.find(&self.held);
            if let Some(line_end) = self.end.start_line_end.filter(|_| !had_start_line)
                && !is_start(&self.held, line_end)
            {
                return Some(Cut::Garbage);
            }
            if head_end.unwrap_or(self.held.len()) > HEAD_LIMIT_BYTES {
                return Some(self.give_up());
            }
            let head = head::read(&self.held.split_to(head_end?).freeze());
            self.end = HeadEnd::default();
            self.had_line_end = false;
            if head.is_too_long {
                return Some(doubtful(head, HEAD_TOO_LONG));
            }
            match content_length(&head) {
                Ok(Some(length)) if length > BODY_LIMIT_BYTES => return Some(doubtful(head, BODY_TOO_LONG)),
                Ok(Some(length)) => self.awaited = Some((head, length)),
                Ok(None) => return Some(doubtful(head, NO_LENGTH)),
                Err(doubt) => return Some(doubtful(head, doubt)),
            }
        }
        let (head, length) = self.awaited.take_if(|(_, length)| *length <= self.held.len())?;
        let body = self.held.split_to(length).freeze();
        Some(Cut::Message(Message::new(head, body)))
    }

    /// Skips line ends before a message (RFC 3261 section 7.5); each second CRLF is a keep-alive (RFC 5626 section 3.5.1).
    fn skip_line_ends(&mut self) -> Option<Cut> {
        loop {
            let (length, is_crlf) = match self.held.get(..2).or(self.held.get(..1)) {
                Some([b'\n', ..]) => (1, false),
                Some(b"\r\n") => (2, true),
                Some([b'\r', _]) => (1, false),
                _ => return None,
            };
            let _ = self.held.split_to(length);
            if is_crlf && self.had_line_end {
                self.had_line_end = false;
                return Some(Cut::KeepAlive);
            }
            self.had_line_end |= is_crlf;
        }
    }

    /// The head is too long, or has no end: what was read of it, where it has a start line.
    fn give_up(&mut self) -> Cut {
        if self.end.start_line_end.is_none_or(|end| end >= HEAD_LIMIT_BYTES) {
            return Cut::Garbage;
        }
        let length = self.held.len().min(HEAD_LIMIT_BYTES);
        doubtful(head::read(&self.held.split_to(length).freeze()), HEAD_TOO_LONG)
    }

    /// True where part of a message waits for its rest.
    pub fn is_partial(&self) -> bool {
        self.awaited.is_some() || !self.held.is_empty()
    }

    /// Bytes that are held.
    pub fn held_bytes(&self) -> usize {
        self.held.len() + self.awaited.as_ref().map_or(0, |(head, _)| head.bytes.len())
    }
}
