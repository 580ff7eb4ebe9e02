//! A SIP message that came, read with as little judgement as possible.

use std::fmt;

/// A message as text; bytes that are no UTF-8 are replaced.
#[derive(Debug, Clone)]
pub struct RawMessage(String);

/// Compact forms (RFC 3261 section 7.3.3) of the names that tests look for.
const COMPACT: [(&str, &str); 8] = [
    ("Via", "v"),
    ("From", "f"),
    ("To", "t"),
    ("Call-ID", "i"),
    ("Contact", "m"),
    ("Content-Type", "c"),
    ("Content-Length", "l"),
    ("Supported", "k"),
];

impl RawMessage {
    /// Takes a whole message.
    pub fn new(bytes: &[u8]) -> Self {
        Self(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Cuts the first whole message off a stream.
    pub fn cut(held: &mut Vec<u8>) -> Option<Self> {
        let line_ends = held.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        held.drain(..line_ends);
        let head = held.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let length = Self::new(&held[..head]).header("Content-Length");
        let length = length.and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
        if held.len() < head + length {
            return None;
        }
        let message: Vec<u8> = held.drain(..head + length).collect();
        Some(Self::new(&message))
    }

    /// Request line or status line.
    pub fn first_line(&self) -> &str {
        self.0.lines().next().unwrap_or_default()
    }

    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        self.0.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// A 2xx.
    pub fn is_success(&self) -> bool {
        self.status().is_some_and(|status| status / 100 == 2)
    }

    /// What comes after the status.
    pub fn reason(&self) -> &str {
        self.first_line().splitn(3, ' ').nth(2).unwrap_or_default()
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&str> {
        let first = self.first_line();
        if first.starts_with("SIP/") { None } else { first.split(' ').next() }
    }

    /// The request URI.
    pub fn uri(&self) -> &str {
        self.first_line().split(' ').nth(1).unwrap_or_default()
    }

    /// The values of all header lines of that name, in order.
    pub fn headers(&self, name: &str) -> Vec<String> {
        let compact = COMPACT.iter().find(|(long, _)| *long == name).map(|(_, compact)| *compact);
        let head = self.0.split_once("\r\n\r\n").map_or(self.0.as_str(), |(head, _)| head);
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let own = lines.filter(|(found, _)| {
            let found = found.trim();
            found.eq_ignore_ascii_case(name)
                || compact.is_some_and(|compact| found.eq_ignore_ascii_case(compact))
        });
        own.map(|(_, value)| value.trim().to_owned()).collect()
    }

    /// The value of the first header line of that name.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers(name).into_iter().next()
    }

    /// Whether a header that is a list names this, without regard to case.
    pub fn lists(&self, name: &str, wanted: &str) -> bool {
        let values = self.headers(name);
        values
            .iter()
            .flat_map(|value| value.split(','))
            .any(|value| value.trim().eq_ignore_ascii_case(wanted))
    }

    /// The URI of Contact.
    pub fn contact(&self) -> Option<String> {
        let value = self.header("Contact")?;
        match value.split_once('<') {
            Some((_, rest)) => rest.split_once('>').map(|(uri, _)| uri.to_owned()),
            None => value.split(';').next().map(str::to_owned),
        }
    }

    /// The body.
    pub fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// The port and the payload types of the audio in the body.
    pub fn audio(&self) -> Option<(u16, String)> {
        let line = self.body().lines().find_map(|line| line.strip_prefix("m=audio "))?;
        let (port, rest) = line.split_once(' ')?;
        Some((port.parse().ok()?, rest.strip_prefix("RTP/AVP ")?.to_owned()))
    }

    /// Whether the body has this line.
    pub fn says(&self, line: &str) -> bool {
        self.body().lines().any(|found| found == line)
    }

    /// A response to this request, with `extra` header lines and without a body.
    pub fn response(&self, status: &str, extra: &str) -> String {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route"] {
            for value in self.headers(name) {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        text.push_str(extra);
        text.push_str("Content-Length: 0\r\n\r\n");
        text
    }
}

impl RawMessage {
    /// 200 to this INVITE with that description and tag.
    pub fn taken(&self, description: &str, own: std::net::SocketAddr, tag: &str) -> String {
        let head = self.response("200 OK", "");
        let to = self.header("To").unwrap_or_default();
        let head = head.replace(&format!("To: {to}\r\n"), &format!("To: {to};tag={tag}\r\n"));
        let head = head.trim_end_matches("Content-Length: 0\r\n\r\n");
        let length = description.len();
        format!(
            "{head}Contact: <sip:agent@{own}>\r\nContent-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{description}"
        )
    }
}

impl fmt::Display for RawMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_cut_into_messages() {
        let first = "SIP/2.0 200 OK\r\nl: 3\r\nCSeq: 1 OPTIONS\r\n\r\nabc";
        let mut held = format!("\r\n{first}BYE sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\nSIP").into_bytes();
        let message = RawMessage::cut(&mut held).unwrap();
        assert_eq!((message.status(), message.body(), message.reason()), (Some(200), "abc", "OK"));
        assert_eq!(RawMessage::cut(&mut held).unwrap().method(), Some("BYE"));
        assert!(RawMessage::cut(&mut held).is_none());
        assert_eq!(held, b"SIP");
    }
}
