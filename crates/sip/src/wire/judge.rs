//! Every doubt about a message becomes a status, or a drop that is counted.

use super::head::{is_token, trim};
use super::value::{self, CSeq, words};
use super::{
    Address, Message, Method, Name, Request, Response, Scheme, Status, Text, URI_LIMIT_BYTES, Uri, Via,
};

/// Why a request is refused before any user of it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// The status for the answer.
    pub status: Status,
    /// What is wrong, for the reason phrase: "Missing CSeq".
    pub reason: &'static str,
}

/// Why a message is dropped without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// It is no SIP at all.
    Garbage,
    /// A request without a Via that could be answered to.
    NoVia,
    /// A response that is not right.
    BadResponse,
    /// An ACK that is not right: no ACK is ever answered.
    BadAck,
}

/// What a message is.
#[derive(Debug)]
pub enum Judged {
    /// A request that holds.
    Request(Box<Request>),
    /// A response that holds.
    Response(Box<Response>),
    /// A request that is to be refused: [`super::Draft::refusal`] writes the answer from what is readable of it.
    Refuse(Message, Doubt),
    /// A message that is dropped.
    Drop(Dropped),
}

/// Judges a message whose framing is right, or whose framing has a doubt already.
///
/// 400 with a reason: missing or broken CSeq, From, To, Call-ID, From without tag, a CSeq method that differs from the request's,
/// a header that may stand once and stands twice, a line that is no header, a broken request line. 414: a Request-URI beyond
/// [`URI_LIMIT_BYTES`]. 416: a scheme that is no `sip`, `sips` or `tel`. 505: another SIP version. 483 is not for here.
///
/// A request without a Via is dropped, and so is every ACK in doubt, for no ACK is ever answered.
pub fn judge(message: Message, doubt: Option<Doubt>) -> Judged {
    let start_line = message.start_line();
    if start_line.get(..4).is_some_and(|version| version.eq_ignore_ascii_case(b"SIP/")) {
        let is_doubtful = doubt.is_some() || message.fault().is_some();
        return match status_line(&message).zip(Parts::read(&message).ok()).filter(|_| !is_doubtful) {
            Some((line, parts)) => response(message, line, parts),
            None => Judged::Drop(Dropped::BadResponse),
        };
    }
    if !is_answerable(&message) {
        return Judged::Drop(Dropped::NoVia);
    }
    let is_ack = words(start_line).next() == Some(b"ACK");
    let fault = doubt.or(message.fault().map(bad));
    match fault.map_or_else(|| request_fields(&message), Err) {
        Ok((method, uri, max_forwards, via, parts)) => {
            let Parts { from, to, call_id, cseq } = parts;
            let cseq = cseq.number;
            Judged::Request(Box::new(Request {
                method,
                uri,
                via,
                from,
                to,
                call_id,
                cseq,
                max_forwards,
                message,
            }))
        }
        Err(_) if is_ack => Judged::Drop(Dropped::BadAck),
        Err(doubt) => Judged::Refuse(message, doubt),
    }
}

const fn bad(reason: &'static str) -> Doubt {
    Doubt { status: Status::BAD_REQUEST, reason }
}

/// The top Via, where it can be read.
pub(super) fn top_via(message: &Message) -> Option<Via> {
    message.items(Name::Via).next().and_then(|via| Via::parse(&message.text_of(via)))
}

/// True where a Via stands that a response can repeat, readable or not.
pub(super) fn is_answerable(message: &Message) -> bool {
    let via = message.value(Name::Via).unwrap_or_default();
    via.get(..3).is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"SIP"))
}

fn request_fields(message: &Message) -> Result<(Method, Uri, u8, Via, Parts), Doubt> {
    let (method, uri) = request_line(message)?;
    let via = top_via(message).ok_or(bad("Malformed Via"))?;
    let parts = Parts::read(message)?;
    if parts.cseq.method != method {
        return Err(bad("CSeq Method Mismatch"));
    }
    if parts.from.tag().is_none() {
        return Err(bad("Missing From Tag"));
    }
    let max_forwards = match single(message, Name::MaxForwards, "Repeated Max-Forwards")? {
        None => 70,
        Some(value) => {
            let number = value::number(value).and_then(|number| u8::try_from(number).ok());
            number.ok_or(bad("Malformed Max-Forwards"))?
        }
    };
    Ok((method, uri, max_forwards, via, parts))
}

/// Method, URI and version. More than one space between them is taken (RFC 4475 section 3.1.2.9 allows it).
fn request_line(message: &Message) -> Result<(Method, Uri), Doubt> {
    const FAULT: Doubt = bad("Malformed Request Line");
    let mut words = words(message.start_line());
    let (Some(method), Some(uri), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(FAULT);
    };
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        let is_version = version.get(4..).is_some_and(|number| {
            let mut halves = number.split(|&byte| byte == b'.');
            let mut is_number = || halves.next().is_some_and(|half| value::number(half).is_some());
            is_number() && is_number() && halves.next().is_none()
        });
        let status = if is_version { Status::VERSION_NOT_SUPPORTED } else { Status::BAD_REQUEST };
        return Err(Doubt { status, reason: if is_version { status.reason() } else { FAULT.reason } });
    }
    let method =
        std::str::from_utf8(method).ok().filter(|method| method.bytes().all(is_token)).ok_or(FAULT)?;
    if uri.len() > URI_LIMIT_BYTES {
        let status = Status::REQUEST_URI_TOO_LONG;
        return Err(Doubt { status, reason: status.reason() });
    }
    let uri = Uri::parse(&message.text_of(uri)).ok_or(bad("Malformed Request-URI"))?;
    // RFC 3261 section 19.1.1, table 1: no headers in a Request-URI. They would add headers to the request.
    if uri.has_headers() {
        return Err(bad("Headers in Request-URI"));
    }
    match uri.scheme() {
        Scheme::Sip | Scheme::Sips | Scheme::Tel => Ok((Method::parse(method), uri)),
        Scheme::Other(_) => {
            let status = Status::UNSUPPORTED_URI_SCHEME;
            Err(Doubt { status, reason: status.reason() })
        }
    }
}

/// Status, reason phrase and top Via.
fn status_line(message: &Message) -> Option<(Status, Text, Via)> {
    let line = message.start_line();
    let after =
        line.get(..8).filter(|version| version.eq_ignore_ascii_case(b"SIP/2.0 ")).and(line.get(8..))?;
    let (code, reason) = trim(after).split_at_checked(3)?;
    if !matches!(reason, [] | [b' ' | b'\t', ..]) {
        return None;
    }
    let status = Status::new(value::number(code).and_then(|code| u16::try_from(code).ok())?)?;
    Some((status, message.text_of(trim(reason)), top_via(message)?))
}

fn response(message: Message, (status, reason, via): (Status, Text, Via), parts: Parts) -> Judged {
    let Parts { from, to, call_id, cseq } = parts;
    let CSeq { number: cseq, method } = cseq;
    Judged::Response(Box::new(Response { status, reason, via, from, to, call_id, cseq, method, message }))
}

/// What requests and responses share.
struct Parts {
    from: Address,
    to: Address,
    call_id: Text,
    cseq: CSeq,
}

impl Parts {
    fn read(message: &Message) -> Result<Self, Doubt> {
        let cseq = single(message, Name::CSeq, "Repeated CSeq")?.ok_or(bad("Missing CSeq"))?;
        let cseq = CSeq::parse(cseq).ok_or(bad("Malformed CSeq"))?;
        let call_id = single(message, Name::CallId, "Repeated Call-ID")?.ok_or(bad("Missing Call-ID"))?;
        if call_id.is_empty() || call_id.iter().any(|byte| matches!(byte, 0..=b' ' | 0x7f)) {
            return Err(bad("Malformed Call-ID"));
        }
        let from = single(message, Name::From, "Repeated From")?.ok_or(bad("Missing From"))?;
        let to = single(message, Name::To, "Repeated To")?.ok_or(bad("Missing To"))?;
        let to = Address::parse(&message.text_of(to)).ok_or(bad("Malformed To"))?;
        // Neither a dialog nor outside of one; and a response could add no tag to it.
        if to.param("tag") == Some("") {
            return Err(bad("Empty To Tag"));
        }
        Ok(Self {
            from: Address::parse(&message.text_of(from)).ok_or(bad("Malformed From"))?,
            to,
            call_id: message.text_of(call_id),
            cseq,
        })
    }
}

/// The value of a header that may stand once only: which of two was meant is not for us to choose (RFC 4475 section 3.3.8).
fn single<'a>(message: &'a Message, name: Name, repeated: &'static str) -> Result<Option<&'a [u8]>, Doubt> {
    let mut values = message.values(name);
    let first = values.next();
    if values.next().is_some() { Err(bad(repeated)) } else { Ok(first) }
}
