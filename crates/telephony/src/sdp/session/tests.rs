use proptest::prelude::*;

use super::*;
use crate::audio::codec::AudioCodec;
use crate::rtp::payload::PayloadKind;
use crate::sdp::local::Preference;

mod answers;
mod odd;
mod offers;
mod rtcp;
mod streams;

fn local() -> LocalMedia {
    LocalMedia { version: 7, ..LocalMedia::new("198.51.100.1:20000".parse().unwrap(), 4_711) }
}

fn session() -> Session {
    Session::new(local())
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/sdp/", $name, ".sdp"))
    };
}
use fixture;

/// A description of a peer with the given media sections; addresses are 192.0.2.1.
fn description(sections: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{sections}")
}

/// A minimal offer with the given lines in its audio section.
fn offer_with(connection: &str, lines: &str) -> String {
    description(&format!("m=audio 4000 RTP/AVP 0 8\r\n{lines}"))
        .replace("c=IN IP4 192.0.2.1", &format!("c=IN IP4 {connection}"))
}

/// What is agreed after an offer that is the first of a session.
fn agreed(offer: &str) -> StreamAgreement {
    agreed_by(offer, local())
}

fn agreed_by(offer: &str, local: LocalMedia) -> StreamAgreement {
    let mut session = Session::new(local);
    session.receive_offer(offer).unwrap();
    session.audio().unwrap().clone()
}

fn refusal(offer: &str) -> SdpError {
    let mut session = session();
    let error = session.receive_offer(offer).unwrap_err();
    assert!(session.agreement().is_none() && session.description().is_none());
    error
}

/// The media lines of a description.
fn media_lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("m=")).collect()
}

fn version(text: &str) -> u64 {
    let origin = text.lines().find_map(|line| line.strip_prefix("o=")).unwrap();
    origin.split(' ').nth(2).unwrap().parse().unwrap()
}
