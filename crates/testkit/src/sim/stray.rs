//! Sources that send requests under an address where no one listens.

use super::random::Random;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// All that such sources sent and were sent.
#[derive(Debug, Default)]
pub(crate) struct Strays {
    known: BTreeMap<SocketAddr, Account>,
}

#[derive(Debug, Default)]
struct Account {
    sent_bytes: usize,
    answered_bytes: usize,
    largest_bytes: usize,
}

/// As `Limits::amplification_max` says.
const AMPLIFICATION_MAX: usize = 3;

impl Strays {
    /// What one source sends: when, from where, what.
    pub(crate) fn draw(
        &mut self,
        number: u64,
        to: SocketAddr,
        random: &mut Random,
    ) -> Vec<(u64, SocketAddr, Bytes)> {
        let host = number + 1;
        let text = if to.is_ipv6() {
            format!("[2001:db8:{host}::1]:5060")
        } else {
            format!("203.0.113.{host}:5060")
        };
        let Ok(from) = text.parse::<SocketAddr>() else { return Vec::new() };
        self.known.entry(from).or_default();
        let method =
            random.pick(&["INVITE", "INVITE", "OPTIONS", "BYE", "INFO", "CANCEL", "ACK", "NONSENSE", ""]);
        let bytes = if method.is_empty() {
            Bytes::from_static(b"\x00\x01\x02 no SIP at all \xff")
        } else {
            let tag = if matches!(method, "INVITE" | "OPTIONS") { "" } else { ";tag=unknown" };
            let body = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=id:stray\r\n";
            let (content_type, body) =
                if method == "INVITE" { ("Content-Type: application/sdp\r\n", body) } else { ("", "") };
            let text = format!(
                "{method} sip:u0@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKstray{number}\r\nMax-Forwards: 70\r\n\
                 From: <sip:stray@{from}>;tag=s{number}\r\nTo: <sip:u0@{to}>{tag}\r\nCall-ID: stray-{number}\r\n\
                 CSeq: 1 {method}\r\nContact: <sip:stray@{from}>\r\n{content_type}Content-Length: {}\r\n\r\n{body}",
                body.len()
            );
            Bytes::from(text)
        };
        let begin_ms = random.between(0, 20_000);
        (0..random.pick(&[1, 2, 7])).map(|repeat| (begin_ms + repeat * 500, from, bytes.clone())).collect()
    }

    /// A source sent so much; others are not counted.
    pub(crate) fn sent(&mut self, from: SocketAddr, bytes: usize) {
        if let Some(account) = self.known.get_mut(&from) {
            account.sent_bytes += bytes;
        }
    }

    /// A source is sent so much: what is wrong with that.
    pub(crate) fn answered(&mut self, to: SocketAddr, bytes: usize) -> Option<String> {
        let account = self.known.get_mut(&to)?;
        account.answered_bytes += bytes;
        account.largest_bytes = account.largest_bytes.max(bytes);
        let bound = AMPLIFICATION_MAX * account.sent_bytes + account.largest_bytes;
        let Account { sent_bytes, answered_bytes, .. } = account;
        (*answered_bytes > bound).then(|| {
            format!("an unconfirmed source sent {sent_bytes} bytes and got {answered_bytes}, above {bound}")
        })
    }
}
