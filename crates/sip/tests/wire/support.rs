//! What becomes of bytes.

use bytes::Bytes;
use std::net::SocketAddr;
use tympan_sip::wire::{
    Cut, Cutter, Doubt, Draft, Dropped, Judged, Message, Request, Response, cut_packet, judge,
};

/// What the wire makes of one packet.
#[derive(Debug)]
pub(crate) enum Outcome {
    Request(Box<Request>),
    Response(Box<Response>),
    Refused(Box<Message>, Doubt),
    Dropped(Dropped),
    KeepAlive,
    Garbage,
}

pub(crate) fn outcome(packet: impl AsRef<[u8]>) -> Outcome {
    of_cut(cut_packet(Bytes::copy_from_slice(packet.as_ref())))
}

pub(crate) fn of_cut(cut: Cut) -> Outcome {
    let judged = match cut {
        Cut::Message(message) => judge(message, None),
        Cut::Doubtful(message, doubt) => judge(message, Some(doubt)),
        Cut::KeepAlive => return Outcome::KeepAlive,
        Cut::Garbage => return Outcome::Garbage,
    };
    match judged {
        Judged::Request(request) => Outcome::Request(request),
        Judged::Response(response) => Outcome::Response(response),
        Judged::Refuse(message, doubt) => Outcome::Refused(Box::new(message), doubt),
        Judged::Drop(dropped) => Outcome::Dropped(dropped),
    }
}

pub(crate) fn request(packet: impl AsRef<[u8]>) -> Request {
    match outcome(packet) {
        Outcome::Request(request) => *request,
        other => panic!("no request: {other:?}"),
    }
}

pub(crate) fn response(packet: impl AsRef<[u8]>) -> Response {
    match outcome(packet) {
        Outcome::Response(response) => *response,
        other => panic!("no response: {other:?}"),
    }
}

/// The status of a refusal. Its answer must be a response that parses and belongs to the request.
pub(crate) fn refused(packet: impl AsRef<[u8]>) -> (u16, &'static str) {
    match outcome(packet) {
        Outcome::Refused(message, doubt) => {
            let (draft, _) = Draft::refusal(&message, doubt, "ours", source()).expect("an answer");
            let answer = draft.finish();
            assert!(answer.starts_with(format!("SIP/2.0 {} ", doubt.status.code()).as_bytes()), "{answer:?}");
            (doubt.status.code(), doubt.reason)
        }
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) fn source() -> SocketAddr {
    "198.51.100.7:40000".parse().unwrap()
}

/// Cuts a stream that comes in segments of this size. Gives what was cut, in short: methods, statuses, or what went wrong.
pub(crate) fn cut_stream(stream: &[u8], segment_bytes: usize) -> Vec<String> {
    let mut cutter = Cutter::default();
    let mut found = Vec::new();
    for segment in stream.chunks(segment_bytes) {
        cutter.push(Bytes::copy_from_slice(segment));
        while let Some(cut) = cutter.next() {
            found.push(short(cut));
        }
    }
    found
}

fn short(cut: Cut) -> String {
    let is_last = matches!(cut, Cut::Doubtful(..) | Cut::Garbage);
    let text = match of_cut(cut) {
        Outcome::Request(request) => request.method.to_string(),
        Outcome::Response(response) => response.status.code().to_string(),
        Outcome::Refused(_, doubt) => doubt.status.code().to_string(),
        Outcome::Dropped(dropped) => format!("{dropped:?}"),
        Outcome::KeepAlive => "keep-alive".to_owned(),
        Outcome::Garbage => "garbage".to_owned(),
    };
    if is_last { format!("{text} close") } else { text }
}

/// An INVITE whose header lines can be replaced. A line is named by its beginning.
#[derive(Debug, Clone)]
pub(crate) struct Invite {
    start: Vec<u8>,
    lines: Vec<Vec<u8>>,
    pub(crate) body: Vec<u8>,
}

impl Invite {
    pub(crate) fn new() -> Self {
        let lines = [
            "Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKabc;rport",
            "Max-Forwards: 70",
            "From: \"Ada\" <sip:ada@192.0.2.9>;tag=1",
            "To: <sip:+18005550100@192.0.2.1>",
            "Call-ID: c1@192.0.2.9",
            "CSeq: 7 INVITE",
            "Contact: <sip:ada@192.0.2.9:5062>",
            "Content-Type: application/sdp",
            "Content-Length: 5",
        ];
        Self {
            start: b"INVITE sip:+18005550100@192.0.2.1 SIP/2.0".to_vec(),
            lines: lines.iter().map(|line| line.as_bytes().to_vec()).collect(),
            body: b"v=0\r\n".to_vec(),
        }
    }

    /// Another method, in the start line and in CSeq.
    pub(crate) fn method(self, method: &str) -> Self {
        self.start(format!("{method} sip:+18005550100@192.0.2.1 SIP/2.0"))
            .line("CSeq", format!("CSeq: 7 {method}"))
    }

    pub(crate) fn uri(self, uri: &str) -> Self {
        self.start(format!("INVITE {uri} SIP/2.0"))
    }

    pub(crate) fn start(mut self, line: impl AsRef<[u8]>) -> Self {
        self.start = line.as_ref().to_vec();
        self
    }

    /// Replaces the line that begins so; an empty line takes it away.
    pub(crate) fn line(mut self, begins: &str, line: impl AsRef<[u8]>) -> Self {
        let at = self.lines.iter().position(|line| line.starts_with(begins.as_bytes())).expect("such a line");
        if line.as_ref().is_empty() {
            self.lines.remove(at);
        } else {
            self.lines[at] = line.as_ref().to_vec();
        }
        self
    }

    pub(crate) fn without(self, begins: &str) -> Self {
        self.line(begins, "")
    }

    pub(crate) fn plus(mut self, line: impl AsRef<[u8]>) -> Self {
        self.lines.push(line.as_ref().to_vec());
        self
    }

    /// Sets the body and its declared length.
    pub(crate) fn with_body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        let length = format!("Content-Length: {}", self.body.len());
        self.line("Content-Length", length)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes_with("\r\n")
    }

    pub(crate) fn bytes_with(&self, line_end: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in std::iter::once(&self.start).chain(&self.lines).chain([&Vec::new()]) {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(line_end.as_bytes());
        }
        bytes.extend_from_slice(&self.body);
        bytes
    }

    pub(crate) fn sent(&self) -> Request {
        request(self.bytes())
    }
}

/// An OPTIONS without a body.
pub(crate) fn options() -> Vec<u8> {
    Invite::new().method("OPTIONS").without("Content-Type").with_body("").bytes()
}
