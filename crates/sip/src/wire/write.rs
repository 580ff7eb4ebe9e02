//! Writing messages.

use super::head::is_token;
use super::judge::{is_answerable, top_via};
use super::message::Items;
use super::{Address, Doubt, Message, Method, Name, Request, Status};
use bytes::Bytes;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;

/// A message being written. Line ends within values become spaces, so that no value can add a header.
#[derive(Debug)]
pub struct Draft {
    start: Start,
    head: Vec<u8>,
    body: Option<(String, Vec<u8>)>,
}

#[derive(Debug)]
enum Start {
    Request(Vec<u8>),
    Response(Status, Option<String>),
}

impl Draft {
    fn new(start: Start) -> Self {
        Self { start, head: Vec::with_capacity(768), body: None }
    }

    /// A request. The caller adds Via, From, To, Call-ID, CSeq and Max-Forwards.
    pub fn request(method: &Method, uri: &str) -> Self {
        let mut line: Vec<u8> = method.as_str().bytes().filter(|&byte| is_token(byte)).collect();
        line.push(b' ');
        // Neither a space nor a line end may stand in a URI.
        line.extend(uri.bytes().filter(|byte| !matches!(byte, 0..=b' ' | 0x7f)));
        Self::new(Start::Request(line))
    }

    /// A response: all Via (the top one with `received` and `rport` for `source`), From, To with `to_tag` unless it has a tag,
    /// Call-ID and CSeq are copied; of a 100 also Timestamp (RFC 3261 section 8.2.6.1).
    pub fn response(
        request: &Request,
        status: Status,
        to_tag: Option<&str>,
        source: SocketAddr,
        force_rport: bool,
    ) -> Self {
        let draft = Self::new(Start::Response(status, None));
        let draft = draft.copied(&request.message, &request.via.answered(source, force_rport), to_tag);
        match request.message.extension("Timestamp").filter(|_| status == Status::TRYING) {
            Some(timestamp) => draft.line(b"Timestamp", timestamp),
            None => draft,
        }
    }

    /// A refusal from what is readable of a request that is in doubt, and where it goes by UDP; `None` where no Via stands.
    /// A Via that cannot be read is repeated as it is, and the answer goes to the source.
    pub fn refusal(
        message: &Message,
        doubt: Doubt,
        to_tag: &str,
        source: SocketAddr,
    ) -> Option<(Self, SocketAddr)> {
        if !is_answerable(message) {
            return None;
        }
        let draft = Self::new(Start::Response(doubt.status, Some(one_line(doubt.reason))));
        match top_via(message) {
            Some(via) => {
                let draft = draft.copied(message, &via.answered(source, false), Some(to_tag));
                Some((draft, via.answer_to(source, false)))
            }
            None => {
                let draft = message.values(Name::Via).fold(draft, |draft, via| draft.line(b"Via", via));
                Some((draft.identity(message, Some(to_tag)), source))
            }
        }
    }

    /// Copies what every response repeats of its request, byte for byte.
    fn copied(mut self, message: &Message, top_via: &str, to_tag: Option<&str>) -> Self {
        let mut is_top = true;
        for line in message.values(Name::Via).filter(|line| !line.is_empty()) {
            self.begin(b"Via");
            if is_top {
                // What stands behind the top one stays in its line: a line each would make much of little.
                let mut items = Items { rest: Some(line) };
                let _ = items.find(|item| !item.is_empty());
                self.push(top_via.as_bytes());
                if let Some(rest) = items.rest.filter(|rest| !rest.is_empty()) {
                    self.push(b",");
                    self.push(rest);
                }
            } else {
                self.push(line);
            }
            self.push_line_end();
            is_top = false;
        }
        self.identity(message, to_tag)
    }

    /// Copies From, To, Call-ID and CSeq.
    fn identity(mut self, message: &Message, to_tag: Option<&str>) -> Self {
        for name in [Name::From, Name::To, Name::CallId, Name::CSeq] {
            let Some(value) = message.value(name) else { continue };
            self.begin(name.as_str().as_bytes());
            self.push(value);
            if let Some(tag) = to_tag.filter(|_| name == Name::To && can_take_tag(message)) {
                self.push(b";tag=");
                self.head.extend(tag.bytes().filter(|&byte| is_token(byte)));
            }
            self.push_line_end();
        }
        self
    }

    /// Another reason phrase. A request has none.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Self {
        if let Start::Response(_, phrase) = &mut self.start {
            *phrase = Some(one_line(reason));
        }
        self
    }

    /// Adds a header line. Content-Length is written by [`Draft::finish`] alone.
    #[must_use]
    pub fn header(self, name: Name, value: impl fmt::Display) -> Self {
        self.extension(name.as_str(), value)
    }

    /// Adds a header line that [`Name`] does not list. A name that is no token adds nothing.
    #[must_use]
    pub fn extension(self, name: &str, value: impl fmt::Display) -> Self {
        if name.is_empty()
            || !name.bytes().all(is_token)
            || Name::parse(name.as_bytes()) == Some(Name::ContentLength)
        {
            return self;
        }
        let mut draft = self;
        draft.begin(name.as_bytes());
        // Writing here fails only where the value's own `Display` does; then what was written stands.
        let _ = write!(OneLine(&mut draft.head), "{value}");
        draft.push_line_end();
        draft
    }

    fn line(mut self, name: &[u8], value: &[u8]) -> Self {
        self.begin(name);
        self.push(value);
        self.push_line_end();
        self
    }

    fn begin(&mut self, name: &[u8]) {
        self.head.extend_from_slice(name);
        self.head.extend_from_slice(b": ");
    }

    fn push(&mut self, value: &[u8]) {
        self.head.extend(value.iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
    }

    fn push_line_end(&mut self) {
        self.head.extend_from_slice(b"\r\n");
    }

    /// Sets the body and its Content-Type.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: &[u8]) -> Self {
        self.body = Some((content_type.to_owned(), body.to_vec()));
        self
    }

    /// The bytes, with Content-Length.
    pub fn finish(mut self) -> Bytes {
        let (content_type, body) = self.body.take().unzip();
        if let Some(content_type) = content_type {
            self = self.header(Name::ContentType, content_type);
        }
        let body = body.unwrap_or_default();
        let mut bytes = Vec::with_capacity(self.head.len() + body.len() + 128);
        match &self.start {
            Start::Request(line) => {
                bytes.extend_from_slice(line);
                bytes.extend_from_slice(b" SIP/2.0\r\n");
            }
            Start::Response(status, reason) => {
                let reason = reason.as_deref().unwrap_or(status.reason());
                push(&mut bytes, format_args!("SIP/2.0 {} {reason}\r\n", status.code()));
            }
        }
        bytes.extend_from_slice(&self.head);
        push(&mut bytes, format_args!("Content-Length: {}\r\n\r\n", body.len()));
        bytes.extend_from_slice(&body);
        bytes.into()
    }
}

/// True where To is an address without a tag. What cannot be read is repeated as it is.
fn can_take_tag(message: &Message) -> bool {
    message.text(Name::To).and_then(|to| Address::parse(&to)).is_some_and(|to| to.param("tag").is_none())
}

fn push(bytes: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = std::io::Write::write_fmt(bytes, text);
}

/// Writes text on one line.
struct OneLine<'a>(&'a mut Vec<u8>);

impl fmt::Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend(text.bytes().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
        Ok(())
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}
