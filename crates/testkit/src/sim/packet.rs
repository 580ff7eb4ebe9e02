//! SIP messages as lines that a proxy edits and a watcher reads.
//!
//! On purpose this shares no code with `tympan_sip::wire`: a watcher that reads by the same parser as the watched agent would
//! share its faults. It reads only what agents of ours write (no folds, no compact names), and rejects the rest.

use bytes::Bytes;

/// A message: its start line, its headers as written, its body.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    pub(crate) start: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Packet {
    /// Reads a whole message; `None` where it is none that an agent of ours writes.
    pub(crate) fn read(bytes: &Bytes) -> Option<Self> {
        let head_end = find(bytes, b"\r\n\r\n")?;
        let head = std::str::from_utf8(bytes.get(..head_end)?).ok()?;
        let mut lines = head.split("\r\n");
        let start = lines.next()?.to_owned();
        let headers = lines
            .map(|line| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned())))
            .collect::<Option<Vec<_>>>()?;
        let packet = Self { start, headers, body: bytes.slice(head_end + 4..) };
        let is_sip = packet.start.starts_with("SIP/2.0 ") || packet.start.ends_with(" SIP/2.0");
        let declared =
            packet.value("Content-Length").map_or(Some(packet.body.len()), |value| value.parse().ok());
        (is_sip && declared == Some(packet.body.len())).then_some(packet)
    }

    /// The bytes, with the right Content-Length.
    pub(crate) fn write(&self) -> Bytes {
        let mut text = String::with_capacity(1_024);
        text.push_str(&self.start);
        for (name, value) in &self.headers {
            text.push_str("\r\n");
            text.push_str(name);
            text.push_str(": ");
            if name.eq_ignore_ascii_case("Content-Length") {
                text.push_str(&self.body.len().to_string());
            } else {
                text.push_str(value);
            }
        }
        text.push_str("\r\n\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes.into()
    }

    /// The method of a request; `None` for a response.
    pub(crate) fn method(&self) -> Option<&str> {
        if self.start.starts_with("SIP/2.0 ") { None } else { self.start.split(' ').next() }
    }

    /// The request URI.
    pub(crate) fn uri(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// The status of a response; 0 for a request.
    pub(crate) fn status(&self) -> u16 {
        let code = self.start.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3));
        code.and_then(|code| code.parse().ok()).unwrap_or_default()
    }

    /// The first line of a header.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All values of a comma-separated header, top first.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let lines = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        lines.flat_map(|(_, value)| split_list(value)).collect()
    }

    /// Replaces all values of a header: one line each, where its first line was (or at the top).
    pub(crate) fn set_values(&mut self, name: &str, values: &[String]) {
        let is_it = |(known, _): &(String, String)| known.eq_ignore_ascii_case(name);
        let place = self.headers.iter().position(is_it).unwrap_or(0);
        self.headers.retain(|header| !is_it(header));
        let lines = values.iter().map(|value| (name.to_owned(), value.clone()));
        self.headers.splice(place..place, lines);
    }

    /// Number and method of CSeq.
    pub(crate) fn cseq(&self) -> Option<(u32, &str)> {
        let (number, method) = self.value("CSeq")?.split_once(' ')?;
        Some((number.parse().ok()?, method.trim()))
    }

    /// Call-ID.
    pub(crate) fn call_id(&self) -> &str {
        self.value("Call-ID").unwrap_or_default()
    }

    /// The tag of From or To; empty where there is none.
    pub(crate) fn tag(&self, name: &str) -> &str {
        self.value(name).and_then(|value| parameter(value, "tag")).unwrap_or_default()
    }

    /// The branch of the top Via.
    pub(crate) fn branch(&self) -> &str {
        self.value("Via").and_then(|value| parameter(value, "branch")).unwrap_or_default()
    }

    /// True where the body is a session description.
    pub(crate) fn has_session(&self) -> bool {
        !self.body.is_empty()
            && self.value("Content-Type").is_some_and(|value| value.starts_with("application/sdp"))
    }

    /// True where a response was sent under 100rel.
    pub(crate) fn is_reliable_provisional(&self) -> bool {
        (101..200).contains(&self.status()) && self.value("RSeq").is_some()
    }
}

/// A parameter behind the angle brackets, or of a value without any.
pub(crate) fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let behind = value.rsplit_once('>').map_or(value, |(_, behind)| behind);
    // Only the first item of a list: the caller means the top one.
    let behind = behind.split(',').next()?;
    behind.split(';').skip(1).find_map(|parameter| {
        let (known, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        known.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// The URI within angle brackets, or the value itself.
pub(crate) fn uri_of(value: &str) -> &str {
    let inner = value.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(uri, _)| uri);
    inner.unwrap_or_else(|| value.split(';').next().unwrap_or_default())
}

/// Items between commas that lie within no brackets and no quotes.
fn split_list(value: &str) -> Vec<String> {
    let (mut items, mut item) = (Vec::new(), String::new());
    let (mut in_brackets, mut in_quotes) = (false, false);
    for character in value.chars() {
        match character {
            '"' => in_quotes = !in_quotes,
            '<' if !in_quotes => in_brackets = true,
            '>' if !in_quotes => in_brackets = false,
            ',' if !in_quotes && !in_brackets => {
                items.push(item.trim().to_owned());
                item.clear();
                continue;
            }
            _ => {}
        }
        item.push(character);
    }
    items.push(item.trim().to_owned());
    items.retain(|item| !item.is_empty());
    items
}

/// Cuts a stream of messages that agents and proxies of ours wrote.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    held: Vec<u8>,
}

impl Framer {
    /// Takes bytes and gives the messages that are whole now. Keep-alives between messages are skipped.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Bytes> {
        self.held.extend_from_slice(bytes);
        let mut messages = Vec::new();
        while let Some(length) = self.message_bytes() {
            let rest = self.held.split_off(length);
            messages.push(Bytes::from(std::mem::replace(&mut self.held, rest)));
        }
        messages
    }

    fn message_bytes(&mut self) -> Option<usize> {
        let ends = self.held.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.held.drain(..ends);
        let head_end = find(&self.held, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&self.held[..head_end]);
        let body_bytes = head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("Content-Length").then(|| value.trim().parse::<usize>().ok())?
        });
        let length = head_end + 4 + body_bytes.unwrap_or_default();
        (self.held.len() >= length).then_some(length)
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &[u8] = b"INVITE sip:b@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKp, SIP/2.0/UDP \
        10.0.0.1;branch=z9hG4bKa\r\nRecord-Route: <sip:10.0.0.9;lr>\r\nFrom: \"a, b\" <sip:a@10.0.0.1>;tag=1\r\nTo: <sip:b@x>\r\n\
        CSeq: 7 INVITE\r\nCall-ID: c\r\nContent-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\n";

    #[test]
    fn a_packet_is_read_and_edited() {
        let mut packet = Packet::read(&Bytes::from_static(INVITE)).unwrap();
        assert_eq!(
            (packet.method(), packet.uri(), packet.cseq()),
            (Some("INVITE"), "sip:b@10.0.0.2", Some((7, "INVITE")))
        );
        assert_eq!((packet.tag("From"), packet.tag("To"), packet.branch()), ("1", "", "z9hG4bKp"));
        assert!(packet.has_session());
        let vias = packet.values("Via");
        assert_eq!(vias.len(), 2);
        packet.set_values("Via", &vias[1..]);
        packet.body = Bytes::from_static(b"v=0\r\n");
        let packet = Packet::read(&packet.write()).unwrap();
        assert_eq!((packet.branch(), packet.value("Content-Length")), ("z9hG4bKa", Some("5")));
    }

    #[test]
    fn a_stream_is_cut_however_it_comes() {
        let stream = [INVITE, b"\r\n\r\n", INVITE].concat();
        for size in [1, 7, 100, 5_000] {
            let mut framer = Framer::default();
            let messages: Vec<Bytes> = stream.chunks(size).flat_map(|chunk| framer.push(chunk)).collect();
            assert_eq!(messages, [INVITE, INVITE], "in pieces of {size}");
        }
    }
}
