//! What holds of any value and any message: spellings of URIs, what is written and read back, how a stream falls apart.

use bytes::Bytes;
use proptest::prelude::*;
use std::net::SocketAddr;
use tympan_sip::wire::{
    Cut, Cutter, Draft, Message, Method, Name, Part, Uri, Via, cut_packet, parts, write_multipart,
};

/// The parts of a SIP URI.
#[derive(Debug, Clone)]
struct Parts {
    user: String,
    host: String,
    port: Option<u16>,
    params: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

fn uri_parts() -> impl Strategy<Value = Parts> {
    let pairs = || prop::collection::btree_map("[a-z]{1,4}", "[a-z0-9]{1,4}", 0..4);
    ("[a-z0-9]{1,6}", "[a-z]{1,5}\\.[a-z]{2,3}", prop::option::of(1u16..), pairs(), pairs()).prop_map(
        |(user, host, port, params, headers)| Parts {
            user,
            host,
            port,
            params: params.into_iter().collect(),
            headers: headers.into_iter().collect(),
        },
    )
}

impl Parts {
    fn uri(&self) -> Uri {
        let mut text = format!("sip:{}@{}", self.user, self.host);
        if let Some(port) = self.port {
            text.push_str(&format!(":{port}"));
        }
        for (name, value) in &self.params {
            text.push_str(&format!(";{name}={value}"));
        }
        for (nth, (name, value)) in self.headers.iter().enumerate() {
            text.push_str(&format!("{}{name}={value}", if nth == 0 { '?' } else { '&' }));
        }
        uri(&text).unwrap_or_else(|| panic!("{text}"))
    }

    /// The same as RFC 3261 section 19.1.4 compares: escaped where it need not be, in other cases, in another order.
    fn in_another_spelling(&self) -> Self {
        let escaped: String = self.user.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let upper = |(name, value): &(String, String)| (name.to_uppercase(), value.to_uppercase());
        let headers = |(name, value): &(String, String)| (name.to_uppercase(), value.clone());
        Self {
            user: escaped,
            host: self.host.to_uppercase(),
            port: self.port,
            params: self.params.iter().rev().map(upper).collect(),
            headers: self.headers.iter().rev().map(headers).collect(),
        }
    }

    /// Others that differ in one thing that counts.
    fn others(&self) -> Vec<Self> {
        let mut others = vec![
            Self { user: format!("{}z", self.user), ..self.clone() },
            Self { host: format!("{}z", self.host), ..self.clone() },
            Self { port: self.port.map_or(Some(5_060), |_| None), ..self.clone() },
        ];
        // A parameter that these names may not lack on one side, and a header.
        let mut with_maddr = self.clone();
        with_maddr.params.insert(0, ("maddr".to_owned(), "192.0.2.1".to_owned()));
        let mut with_header = self.clone();
        with_header.headers.push(("subject".to_owned(), "x".to_owned()));
        others.extend([with_maddr, with_header]);
        others
    }
}

fn uri(text: &str) -> Option<Uri> {
    Uri::parse(&text.into())
}

/// A message: its method, header lines and body.
type Written = (String, Vec<(String, String)>, Vec<u8>);

fn written() -> impl Strategy<Value = Written> {
    let value = "[!-~]([ -~]{0,20}[!-~])?";
    let lines = prop::collection::vec(("X-[A-Za-z]{1,8}", value), 0..8);
    ("[A-Z]{3,8}", lines, prop::collection::vec(any::<u8>(), 0..300))
}

fn bytes_of((method, lines, body): &Written) -> Bytes {
    let draft = Draft::request(&Method::parse(method), "sip:b@192.0.2.1")
        .header(Name::Via, "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx");
    let draft = lines.iter().fold(draft, |draft, (name, value)| draft.extension(name, value));
    draft.body("application/octet-stream", body).finish()
}

/// Whether a message holds what was written.
fn is(message: &Message, (method, lines, body): &Written) -> bool {
    let found = message.lines().filter(|(name, _)| name.starts_with(b"X-"));
    message.start_line() == format!("{method} sip:b@192.0.2.1 SIP/2.0").as_bytes()
        && found.eq(lines.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
        && message.body()[..] == body[..]
}

proptest! {
    #[test]
    fn a_uri_is_the_same_in_every_spelling_and_differs_from_others_either_way(parts in uri_parts()) {
        let one = parts.uri();
        let other = parts.in_another_spelling().uri();
        prop_assert!(one.is_same(&other) && other.is_same(&one), "{} {}", one.as_str(), other.as_str());
        prop_assert_eq!((one.host(), one.port()), (&*parts.host, parts.port));
        for other in parts.others() {
            let other = other.uri();
            prop_assert!(!one.is_same(&other) && !other.is_same(&one), "{} {}", one.as_str(), other.as_str());
        }
    }

    #[test]
    fn any_two_uris_compare_alike_from_either_side(
        one in "(sip|tel|sips):[ab%4123;=?&@:.+-]{0,12}",
        other in "(sip|tel|sips):[ab%4123;=?&@:.+-]{0,12}",
    ) {
        if let (Some(one), Some(other)) = (uri(&one), uri(&other)) {
            prop_assert!(one.is_same(&one) && other.is_same(&other), "a URI is the same as itself");
            prop_assert_eq!(one.is_same(&other), other.is_same(&one));
            prop_assert!(one.is_same(&one.detached()));
        }
    }

    #[test]
    fn a_message_is_read_as_it_was_written(message in written()) {
        let Cut::Message(found) = cut_packet(bytes_of(&message)) else { panic!("no message") };
        prop_assert!(is(&found, &message), "{:?}", found);
    }

    #[test]
    fn a_stream_falls_into_its_messages_wherever_its_segments_end(
        messages in prop::collection::vec(written(), 1..4),
        ends in prop::collection::vec(1usize..200, 1..40),
    ) {
        let stream: Vec<u8> = messages.iter().flat_map(|message| bytes_of(message).to_vec()).collect();
        let (mut cutter, mut found, mut rest) = (Cutter::default(), Vec::new(), &stream[..]);
        let mut lengths = ends.iter().cycle();
        while !rest.is_empty() {
            let (segment, after) = rest.split_at(rest.len().min(*lengths.next().unwrap_or(&1)));
            cutter.push(Bytes::copy_from_slice(segment));
            while let Some(cut) = cutter.next() {
                let Cut::Message(message) = cut else { panic!("{cut:?}") };
                found.push(message);
            }
            rest = after;
        }
        prop_assert_eq!(found.len(), messages.len());
        prop_assert!(found.iter().zip(&messages).all(|(found, message)| is(found, message)));
        prop_assert!(!cutter.is_partial() && cutter.held_bytes() == 0);
    }

    /// RFC 3581 section 4, and RFC 3261 section 18.2.1: what the response says of the source is true, stands once, and nothing else is lost.
    #[test]
    fn an_answered_via_says_where_it_came_from_once_and_keeps_the_rest(
        port in prop::option::of(1u16..),
        lies in prop::collection::vec(prop_oneof![
            Just(";received=10.0.0.1"), Just(";rport"), Just(";rport=9"), Just(";RPORT"), Just(";x=1"), Just(";y"),
        ], 0..6),
        source_host in prop_oneof![Just("192.0.2.9"), Just("198.51.100.7")],
        source_port in 1u16..,
        is_forced in any::<bool>(),
    ) {
        let port_text = port.map_or_else(String::new, |port| format!(":{port}"));
        let text = format!("SIP/2.0/UDP 192.0.2.9{port_text};branch=z9hG4bKa{}", lies.concat());
        let via = Via::parse(&text.as_str().into()).unwrap_or_else(|| panic!("{text}"));
        let source: SocketAddr = format!("{source_host}:{source_port}").parse().unwrap();
        let answered = via.answered(source, is_forced);
        let again = Via::parse(&answered.as_str().into()).unwrap_or_else(|| panic!("{answered}"));
        let wants = is_forced || lies.iter().any(|lie| lie.to_lowercase().starts_with(";rport"));
        let count = |name: &str| answered.to_lowercase().matches(name).count();
        prop_assert_eq!(count(";rport"), usize::from(wants));
        let received = (wants || source_host != "192.0.2.9").then_some(source_host);
        prop_assert_eq!((again.param("received"), count(";received")), (received, usize::from(received.is_some())));
        let port_said = again.param("rport").map(|port| port.parse::<u16>().unwrap());
        prop_assert_eq!(port_said, wants.then_some(source_port));
        prop_assert_eq!((again.host(), again.port(), again.branch()), (via.host(), via.port(), via.branch()));
        for kept in [";x=1", ";y"] {
            prop_assert_eq!(count(kept), text.matches(kept).count());
        }
        let expected = if wants { source_port } else { port.unwrap_or(5_060) };
        prop_assert_eq!(via.answer_to(source, is_forced), SocketAddr::new(source.ip(), expected));
    }

    #[test]
    fn parts_are_read_as_they_were_written_whatever_they_hold(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..6),
        seed in any::<u64>(),
    ) {
        let written: Vec<Part> = bodies
            .into_iter()
            .map(|body| Part {
                content_type: "application/octet-stream".into(),
                disposition: None,
                body: Bytes::from(body),
            })
            .collect();
        let (content_type, body) = write_multipart(&written, seed);
        let packet = Draft::request(&Method::Invite, "sip:b@192.0.2.1").body(&content_type, &body).finish();
        let Cut::Message(message) = cut_packet(packet) else { panic!("no message") };
        let found = parts(&message).expect("its parts");
        prop_assert_eq!(found.len(), written.len());
        prop_assert!(found.iter().zip(&written).all(|(found, written)| found.body == written.body));
    }
}
