//! SIP messages and the SDP in them, as far as a caller has to read them.

use std::net::{IpAddr, SocketAddr};

/// A request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// What the first line says.
    pub(crate) start: Start,
    headers: Vec<(String, String)>,
    /// The body; empty if there is none.
    pub(crate) body: String,
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// `BYE sip:... SIP/2.0`
    Request {
        /// In upper case.
        method: String,
    },
    /// `SIP/2.0 200 OK`
    Response {
        /// 100 to 699.
        status: u16,
    },
}

impl Message {
    /// Reads a datagram; `None` for anything but a SIP message.
    pub(crate) fn parse(datagram: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(datagram).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let start = match (first.next()?, first.next()?) {
            ("SIP/2.0", status) => {
                Start::Response { status: status.parse().ok().filter(|s| (100..700).contains(s))? }
            }
            (method, _) if first.next() == Some("SIP/2.0") => {
                Start::Request { method: method.to_ascii_uppercase() }
            }
            _ => return None,
        };
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            if let Some(folded) = line.strip_prefix([' ', '\t']) {
                let (_, value) = headers.last_mut()?;
                value.push(' ');
                value.push_str(folded.trim());
            } else {
                let (name, value) = line.split_once(':')?;
                headers.push((full_name(name.trim()), value.trim().to_owned()));
            }
        }
        Some(Self { start, headers, body: body.to_owned() })
    }

    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All headers of that name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Number and method of CSeq.
    pub(crate) fn cseq(&self) -> Option<(u32, &str)> {
        let (number, method) = self.header("CSeq")?.split_once(' ')?;
        Some((number.parse().ok()?, method.trim()))
    }

    /// The URI of the first Contact.
    pub(crate) fn contact(&self) -> Option<&str> {
        let value = self.header("Contact")?;
        match value.split_once('<') {
            Some((_, rest)) => rest.split('>').next(),
            None => value.split(';').next(),
        }
    }

    /// A response to this request, without a body.
    pub(crate) fn response(&self, status: &str) -> String {
        self.head(status, "") + "Content-Length: 0\r\n\r\n"
    }

    /// The 200 to an INVITE, from where we listen and with this description.
    pub(crate) fn taken(&self, own: SocketAddr, sdp: &str) -> String {
        let length = sdp.len();
        let head = self.head("200 OK", ";tag=bench");
        format!(
            "{head}Contact: <sip:bench@{own}>\r\nContent-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{sdp}"
        )
    }

    /// The first line and what a response repeats of its request; `tag` goes to a To that has none.
    fn head(&self, status: &str, tag: &str) -> String {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            for value in self.all(name) {
                let tag = if name == "To" && !value.contains(";tag=") { tag } else { "" };
                text.extend([name, ": ", value, tag, "\r\n"]);
            }
        }
        text
    }
}

/// The long form of a header's name (RFC 3261 section 7.3.3).
fn full_name(name: &str) -> String {
    let long = match name.to_ascii_lowercase().as_str() {
        "v" => "Via",
        "f" => "From",
        "t" => "To",
        "i" => "Call-ID",
        "m" => "Contact",
        "l" => "Content-Length",
        _ => name,
    };
    long.to_owned()
}

/// An offer of PCMU in packets of 20 ms.
pub(crate) fn offer(media: SocketAddr, session: u32) -> String {
    let (ip, port) = (media.ip(), media.port());
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    format!(
        "v=0\r\no=bench {session} 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// Where an answer wants its audio; `None` when it takes none.
pub(crate) fn answered_address(sdp: &str) -> Option<SocketAddr> {
    let mut ip = None;
    let mut port = None;
    for line in sdp.lines().map(str::trim_end) {
        if let Some(connection) = line.strip_prefix("c=IN ") {
            ip = connection.split_once(' ')?.1.parse::<IpAddr>().ok();
        } else if let Some(audio) = line.strip_prefix("m=audio ") {
            port = audio.split(' ').next()?.parse().ok().filter(|&port: &u16| port != 0);
        }
    }
    Some(SocketAddr::new(ip?, port?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OK: &str = "SIP/2.0 200 OK\r\nv: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bK-1\r\n\
        From: <sip:+1@127.0.0.1>;tag=a\r\nTo: <sip:+2@127.0.0.1>\r\n ;tag=b\r\ni: 7@bench\r\nCSeq: 1 INVITE\r\n\
        Contact: \"x\" <sip:tympan@127.0.0.1:5060>;expires=5\r\nContent-Length: 3\r\n\r\nv=0";

    #[test]
    fn reads_a_response_with_short_and_folded_headers() {
        let message = Message::parse(OK.as_bytes()).unwrap();
        assert_eq!(message.start, Start::Response { status: 200 });
        assert_eq!(message.header("call-id"), Some("7@bench"));
        assert_eq!(message.header("To"), Some("<sip:+2@127.0.0.1> ;tag=b"));
        assert_eq!(message.cseq(), Some((1, "INVITE")));
        assert_eq!(message.contact(), Some("sip:tympan@127.0.0.1:5060"));
        assert_eq!(message.body, "v=0");
    }

    #[test]
    fn answers_a_request_with_its_own_headers() {
        let bye = "BYE sip:bench@127.0.0.1:9 SIP/2.0\r\nVia: a\r\nVia: b\r\nFrom: f\r\nTo: t\r\nCall-ID: i\r\n\
            CSeq: 2 BYE\r\nMax-Forwards: 70\r\n\r\n";
        let bye = Message::parse(bye.as_bytes()).unwrap();
        assert_eq!(bye.start, Start::Request { method: "BYE".into() });
        assert_eq!(
            bye.response("200 OK"),
            "SIP/2.0 200 OK\r\nVia: a\r\nVia: b\r\nFrom: f\r\nTo: t\r\nCall-ID: i\r\nCSeq: 2 BYE\r\n\
             Content-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn reads_where_an_answer_wants_its_audio() {
        let media = "127.0.0.1:4000".parse().unwrap();
        assert_eq!(answered_address(&offer(media, 1)), Some(media));
        assert_eq!(answered_address("v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 0 RTP/AVP 0\r\n"), None);
        assert_eq!(
            answered_address("v=0\r\nm=audio 9 RTP/AVP 0\r\nc=IN IP4 10.0.0.1\r\n"),
            "10.0.0.1:9".parse().ok()
        );
        assert_eq!(answered_address(""), None);
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(garbage: Vec<u8>, cut in 0..OK.len(), byte: u8) {
            let _ = Message::parse(&garbage);
            let mut bent = OK.as_bytes().to_vec();
            bent[cut] = byte;
            if let Some(message) = Message::parse(&bent) {
                let _ = (message.cseq().is_some(), message.contact().is_some(), message.response("200 OK"));
            }
            let _ = Message::parse(&OK.as_bytes()[..cut]);
        }
    }
}
