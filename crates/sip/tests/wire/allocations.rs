//! What an INVITE costs.

use crate::support::source;
use allocation_counter::measure;
use bytes::Bytes;
use tympan_sip::wire::{Cut, Draft, Judged, Status, cut_packet, judge};

/// As an SBC sends it: two hops, an identity, a session timer, a session description.
const INVITE: &str = "INVITE sip:+18005550100@192.0.2.1:5060;user=phone SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK0a1b2c3d4e;rport\r\n\
    Via: SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK776asdhds;received=10.0.0.7\r\n\
    Record-Route: <sip:192.0.2.9;lr;ftag=1c2d>\r\n\
    Max-Forwards: 69\r\n\
    From: \"Ada Lovelace\" <sip:+18005550111@192.0.2.9;user=phone>;tag=1c2d3e4f\r\n\
    To: <sip:+18005550100@192.0.2.1;user=phone>\r\n\
    Call-ID: 3848276298220188511@10.0.0.7\r\n\
    CSeq: 101 INVITE\r\n\
    Contact: <sip:+18005550111@10.0.0.7:5060>\r\n\
    P-Asserted-Identity: \"Ada\" <sip:+18005550111@192.0.2.9>\r\n\
    Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS\r\n\
    Supported: 100rel, timer, replaces\r\n\
    Session-Expires: 1800;refresher=uac\r\n\
    Min-SE: 90\r\n\
    User-Agent: SBC/7.2\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 125\r\n\r\n\
    v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

#[test]
fn an_invite_is_read_and_judged_with_at_most_5_allocations() {
    let packet = Bytes::from(INVITE.as_bytes().to_vec());
    let mut judged = None;
    let measured = measure(|| {
        let Cut::Message(message) = cut_packet(packet) else { panic!("no message") };
        judged = Some(judge(message, None));
    });
    assert!(matches!(judged, Some(Judged::Request(_))), "{judged:?}");
    assert!(measured.count_total <= 5, "{measured:?}");
    assert!(measured.bytes_total <= 1024, "{measured:?}");
}

#[test]
fn a_response_is_written_with_at_most_5_allocations() {
    let Cut::Message(message) = cut_packet(Bytes::from_static(INVITE.as_bytes())) else {
        panic!("no message")
    };
    let Judged::Request(invite) = judge(message, None) else { panic!("no request") };
    let measured =
        measure(|| drop(Draft::response(&invite, Status::OK, Some("t"), source(), false).finish()));
    assert!(measured.count_total <= 5, "{measured:?}");
}
