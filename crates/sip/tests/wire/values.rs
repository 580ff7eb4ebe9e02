//! URIs, addresses, Via and small values.

use crate::support::{Invite, refused};
use tympan_sip::wire::{
    Address, CSeq, Method, RAck, Scheme, SessionExpires, Text, URI_LIMIT_BYTES, Uri, Via, decimal,
};

fn uri(text: &str) -> Uri {
    Uri::parse(&text.into()).unwrap_or_else(|| panic!("{text}"))
}

fn address(text: &str) -> Option<Address> {
    Address::parse(&text.into())
}

fn via(text: &str) -> Via {
    Via::parse(&text.into()).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn the_parts_of_a_uri_are_read() {
    let all = uri("SIPS:al%69ce;x=1:pass@[2001:db8::1]:5061;transport=tcp;lr?to=b&subject=c");
    assert_eq!(
        (all.scheme(), all.user(), all.host(), all.port()),
        (Scheme::Sips, Some("al%69ce;x=1"), "2001:db8::1", Some(5061))
    );
    assert_eq!((all.param("Transport"), all.param("LR"), all.param("to")), (Some("tcp"), Some(""), None));
    assert!(all.is_loose_router() && all.has_headers());
    let host = uri("sip:example.com");
    assert_eq!((host.user(), host.host(), host.port(), host.number()), (None, "example.com", None, None));
    assert_eq!(uri("sip:@example.com").user(), None);
    let urn = uri("URN:service:sos");
    assert_eq!((urn.scheme(), urn.number(), urn.host()), (Scheme::Other("urn".into()), None, ""));
}

#[test]
fn a_uri_with_bytes_that_no_uri_has_is_none() {
    for text in [
        "sip:a b@x",
        "sip:a@x>",
        "sip:a\"@x",
        "sip:a@x\r\nTo: y",
        "sip:a@x;p=\0",
        "",
        "sip",
        "sip:a@x/y",
        ":x",
        "-a:x",
    ] {
        assert!(Uri::parse(&text.into()).is_none(), "{text:?}");
    }
}

#[test]
fn uris_that_rfc_3261_calls_equal_are_the_same() {
    for (one, other) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("sip:[2001:DB8::1]", "sip:[2001:db8:0:0::1]"),
        ("tel:+1-800-555-0100", "TEL:+1.800.5550100"),
        ("tel:7042;phone-context=Example.com", "tel:70-42;phone-context=example.COM"),
        ("urn:service:sos", "urn:service:sos"),
        ("sip:x;maddr=a;maddr=b", "sip:x;maddr=a;maddr=b"),
        ("tel:1;ext=a;ext=b", "tel:1;ext=a;ext=c"),
    ] {
        assert!(uri(one).is_same(&uri(other)) && uri(other).is_same(&uri(one)), "{one} {other}");
    }
}

#[test]
fn uris_that_rfc_3261_calls_different_are_not_the_same() {
    for (one, other) in [
        ("sip:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:a%3Bb@x", "sip:a;b@x"),
        ("sip:x?to=a%3Bb", "sip:x?to=a;b"),
        ("sip:a:b@x", "sip:a@x"),
        ("sip:a@x", "sips:a@x"),
        ("sip:a@x", "sip:x"),
        ("tel:+18005550100", "tel:18005550100"),
        ("tel:+18005550100", "tel:+18005550100;ext=1"),
    ] {
        assert!(!uri(one).is_same(&uri(other)) && !uri(other).is_same(&uri(one)), "{one} {other}");
    }
}

#[test]
fn a_request_uri_beyond_the_limit_is_answered_414() {
    let long = |length: usize| format!("sip:{}@x", "u".repeat(length - 6));
    assert_eq!(Invite::new().uri(&long(URI_LIMIT_BYTES)).sent().uri.as_str().len(), URI_LIMIT_BYTES);
    assert_eq!(refused(Invite::new().uri(&long(URI_LIMIT_BYTES + 1)).bytes()), (414, "Request-URI Too Long"));
}

#[test]
fn a_uri_with_more_parameters_than_can_be_compared_is_none() {
    let with = |separator: &str, parts: usize| format!("sip:x{}", format!("{separator}a=1").repeat(parts));
    assert!(Uri::parse(&with(";", 64).as_str().into()).is_some());
    assert!(Uri::parse(&with(";", 65).as_str().into()).is_none());
    assert!(Uri::parse(&format!("sip:x?a{}", "&b=1".repeat(65)).as_str().into()).is_none());
}

#[test]
fn a_detached_value_keeps_no_packet_alive() {
    let packet = bytes::Bytes::from(vec![b'x'; 64 * 1024]);
    let text = Text::from_packet(packet.slice(..4));
    let (detached, measured) = {
        let mut detached = None;
        let measured = allocation_counter::measure(|| detached = Some(text.detached()));
        (detached.unwrap(), measured)
    };
    assert_eq!(&*detached, "xxxx");
    assert!(measured.bytes_current < 100, "{measured:?}");
    drop(text);
    assert!(packet.try_into_mut().is_ok(), "the packet has one owner again");
}

#[test]
fn detached_addresses_read_as_before() {
    let one = address("\"A\\\"B\" <sip:+1-2@x;lr>;tag=t;q=1").unwrap();
    let other = one.detached();
    assert_eq!(other.as_str(), one.as_str());
    assert_eq!(
        (other.display_name().as_deref(), other.tag(), other.param("Q")),
        (Some("A\"B"), Some("t"), Some("1"))
    );
    assert_eq!((other.uri().as_str(), other.uri().is_loose_router()), ("sip:+1-2@x;lr", true));
    let via = via("SIP/2.0/UDP [::1]:5;branch=b").detached();
    assert_eq!((via.host(), via.port(), via.branch()), ("::1", Some(5), Some("b")));
}

#[test]
fn header_parameters_are_read_with_space_and_quotes() {
    let one = address("<sip:a@x> ; A = b ;c; d=\"e;f=\\\"g\\\",\" ;tag=[::1]").unwrap();
    assert_eq!(
        (one.param("a"), one.param("C"), one.param("d"), one.param("f"), one.tag()),
        (Some("b"), Some(""), Some("e;f=\\\"g\\\","), None, Some("[::1]"))
    );
    for broken in [
        "<sip:a@x>;",
        "<sip:a@x>;;a",
        "<sip:a@x>;a b",
        "<sip:a@x>;a=\"b",
        "<sip:a@x>;a=<b>",
        "<sip:a@x>,<sip:b@x>",
    ] {
        assert!(address(broken).is_none(), "{broken}");
    }
}

#[test]
fn a_star_is_no_address() {
    assert!(address("*").is_none());
    assert!(Invite::new().line("Contact", "Contact: *").sent().contact().is_none());
}

#[test]
fn a_via_is_read_with_space_around_its_signs() {
    let one = via("SIP / 2.0 / TCP  host.example.com : 5070 ; branch = z9hG4bKx ;rport");
    assert_eq!((one.transport(), one.host(), one.port()), ("TCP", "host.example.com", Some(5070)));
    assert_eq!((one.branch(), one.wants_rport(), one.has_cookie()), (Some("z9hG4bKx"), true, true));
    for broken in [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/2.0 host",
        "HTTP/2.0/UDP host",
        "SIP/2.0/UDP host:",
        "SIP/2.0/UDP host:0",
        "SIP/2.0/UDP ho st",
        "SIP/2.0/UDP host;",
        "SIP/2.0/U DP host",
        "SIP//UDP host",
        "SIP/2.0/UDP [::1",
    ] {
        assert!(Via::parse(&broken.into()).is_none(), "{broken}");
    }
}

#[test]
fn an_answer_goes_where_rfc_3261_and_rfc_3581_say() {
    let source = "198.51.100.7:40000".parse().unwrap();
    for (value, forced, to, answered) in [
        (
            "192.0.2.9:5062;branch=b",
            false,
            "198.51.100.7:5062",
            "192.0.2.9:5062;branch=b;received=198.51.100.7",
        ),
        ("192.0.2.9;branch=b", false, "198.51.100.7:5060", "192.0.2.9;branch=b;received=198.51.100.7"),
        ("198.51.100.7:5062;branch=b", false, "198.51.100.7:5062", "198.51.100.7:5062;branch=b"),
        (
            "198.51.100.7;rport;branch=b",
            false,
            "198.51.100.7:40000",
            "198.51.100.7;branch=b;received=198.51.100.7;rport=40000",
        ),
        (
            "gw.example.com:5062;rport=1;received=203.0.113.1 ;x",
            false,
            "198.51.100.7:40000",
            "gw.example.com:5062;x;received=198.51.100.7;rport=40000",
        ),
        ("192.0.2.9:5062", true, "198.51.100.7:40000", "192.0.2.9:5062;received=198.51.100.7;rport=40000"),
        (
            "192.0.2.9;maddr=203.0.113.9",
            false,
            "198.51.100.7:5060",
            "192.0.2.9;maddr=203.0.113.9;received=198.51.100.7",
        ),
    ] {
        let one = via(&format!("SIP/2.0/UDP {value}"));
        assert_eq!(one.answer_to(source, forced).to_string(), to, "{value}");
        assert_eq!(one.answered(source, forced), format!("SIP/2.0/UDP {answered}"), "{value}");
    }
}

#[test]
fn an_ipv6_source_stands_without_brackets_and_a_mapped_one_in_its_plain_form() {
    let one = via("SIP/2.0/UDP 192.0.2.9:5060;branch=b");
    assert!(one.answered("[2001:db8::1]:5060".parse().unwrap(), false).ends_with(";received=2001:db8::1"));
    assert_eq!(one.answered("[::ffff:192.0.2.9]:5060".parse().unwrap(), false), one.as_str());
    let six = via("SIP/2.0/UDP [2001:DB8:0::1];branch=b");
    assert_eq!(six.answered("[2001:db8::1]:5060".parse().unwrap(), false), six.as_str());
}

#[test]
fn small_values_are_read_and_written() {
    let cseq = CSeq::parse(b" 0012 \t INVITE ").unwrap();
    assert_eq!((cseq.number, &cseq.method, cseq.to_string()), (12, &Method::Invite, "12 INVITE".to_owned()));
    let rack = RAck::parse(b"776656 1 INVITE").unwrap();
    assert_eq!(
        (rack.response, rack.request.number, rack.to_string()),
        (776_656, 1, "776656 1 INVITE".to_owned())
    );
    for broken in ["", "1", "1 INVITE", "1 2", "1 2 INVITE x", "x 2 INVITE", "4294967296 1 INVITE"] {
        assert!(RAck::parse(broken.as_bytes()).is_none(), "{broken}");
    }
    for (text, interval_s, refresher, written) in [
        ("1800", 1800, None, "1800"),
        ("90;refresher=uac", 90, Some(false), "90;refresher=uac"),
        ("90 ; x=y; Refresher = UAS", 90, Some(true), "90;refresher=uas"),
        ("90;refresher=peer", 90, None, "90"),
    ] {
        let read = SessionExpires::parse(text.as_bytes()).unwrap();
        assert_eq!((read.interval_s, read.refresher_is_uas), (interval_s, refresher), "{text}");
        assert_eq!(read.to_string(), written);
    }
    assert!(SessionExpires::parse(b"soon").is_none() && SessionExpires::parse(b"").is_none());
    assert_eq!(
        (decimal(b" 70 "), decimal(b"4294967295"), decimal(b"4294967296")),
        (Some(70), Some(u32::MAX), None)
    );
    assert_eq!((decimal(b""), decimal(b"-1"), decimal(b"1 2")), (None, None, None));
}
