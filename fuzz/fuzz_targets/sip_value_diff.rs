//! Two readings of one datagram, ours and that of sipx-sip: where both accept it, the values are equal.
#![no_main]

use bytes::Bytes;
use sipx_sip::headers::{
    Address as TheirAddress, CSeq, CallId, ContactValue, From, MaxForwards, Route, To, Via as TheirVia,
};
use sipx_sip::{Host, Limits, Message as Theirs, parse_datagram, validate};
use tympan_sip::wire::{Address, Cut, Judged, Message, Name, Uri, Via, cut_packet, judge};

libfuzzer_sys::fuzz_target!(|input: &[u8]| compare(input));

fn compare(input: &[u8]) {
    // Where the other parser splits lines at a bare CR or stops at other limits, the two do not read the same message.
    let Cut::Message(message) = cut_packet(Bytes::copy_from_slice(input)) else { return };
    let Ok(theirs) = parse_datagram(Bytes::copy_from_slice(input), &Limits::datagram()) else { return };
    if !validate(&theirs).is_empty() {
        return;
    }
    match (judge(message, None), theirs) {
        (Judged::Request(ours), Theirs::Request(theirs)) => {
            assert_eq!(ours.method.as_str().as_bytes(), theirs.method.as_bytes());
            compare_uri(&ours.uri, &theirs.uri);
            assert_eq!(&ours.message.body()[..], &theirs.body()[..]);
            if let Some(Ok(max_forwards)) = theirs.headers.typed::<MaxForwards>() {
                assert_eq!(ours.max_forwards, max_forwards.0);
            }
            compare_headers(
                &ours.message,
                &ours.from,
                &ours.to,
                &ours.via,
                (&ours.call_id, ours.cseq),
                &theirs.headers,
            );
        }
        (Judged::Response(ours), Theirs::Response(theirs)) => {
            assert_eq!(ours.status.code(), theirs.status.code());
            assert_eq!(&ours.message.body()[..], &theirs.body()[..]);
            compare_headers(
                &ours.message,
                &ours.from,
                &ours.to,
                &ours.via,
                (&ours.call_id, ours.cseq),
                &theirs.headers,
            );
        }
        (Judged::Request(_), Theirs::Response(_)) | (Judged::Response(_), Theirs::Request(_)) => {
            panic!("a request is no response")
        }
        _ => {}
    }
}

fn compare_headers(
    message: &Message,
    from: &Address,
    to: &Address,
    via: &Via,
    (call_id, cseq): (&str, u32),
    theirs: &sipx_sip::Headers,
) {
    if let Some(Ok(their_from)) = theirs.typed::<From>() {
        compare_address(from, &their_from.0);
    }
    if let Some(Ok(their_to)) = theirs.typed::<To>() {
        compare_address(to, &their_to.0);
    }
    if let Some(Ok(theirs)) = theirs.typed::<CallId>() {
        assert_eq!(text(&theirs.0), call_id);
    }
    if let Some(Ok(theirs)) = theirs.typed::<CSeq>() {
        assert_eq!(theirs.sequence, cseq);
    }
    if let Some(Ok(theirs)) = theirs.typed::<TheirVia>() {
        assert_eq!(text(&theirs.transport), via.transport());
        assert!(is_host(via.host(), &theirs.host), "{} {:?}", via.host(), theirs.host);
        assert_eq!(theirs.port, via.port());
        assert_eq!(theirs.branch().map(text).filter(|branch| !branch.is_empty()).as_deref(), via.branch());
    }
    let contact = message.items(Name::Contact).next().and_then(|item| Address::parse(&message.text_of(item)));
    if let (Some(ours), Some(Ok(ContactValue::Address(theirs)))) = (contact, theirs.typed::<ContactValue>()) {
        compare_address(&ours, &theirs);
    }
    let ours: Vec<_> =
        message.items(Name::Route).map(|item| Address::parse(&message.text_of(item))).collect();
    let theirs: Vec<_> = theirs.typed_all::<Route>().collect();
    if ours.iter().all(Option::is_some) && theirs.iter().all(Result::is_ok) {
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().flatten().zip(theirs.iter().flatten()) {
            compare_address(ours, &theirs.0);
        }
    }
}

fn compare_address(ours: &Address, theirs: &TheirAddress) {
    compare_uri(ours.uri(), &theirs.uri);
    assert_eq!(ours.tag().map(str::to_owned), theirs.tag().map(text).filter(|tag| !tag.is_empty()));
    let name = theirs.display_name.as_deref().map(text).filter(|name| !name.is_empty());
    assert_eq!(ours.display_name(), name);
}

fn compare_uri(ours: &Uri, theirs: &sipx_sip::Uri) {
    if let Some(host) = theirs.host() {
        assert!(is_host(ours.host(), host), "{ours} {host:?}");
        assert_eq!(ours.port(), theirs.port());
        // Parameters of a number are part of the user there.
        let user = theirs.user().map(text).filter(|user| !user.is_empty());
        match (ours.user(), &user) {
            (Some(ours), Some(theirs)) => assert!(
                theirs.starts_with(ours)
                    && (theirs.len() == ours.len() || theirs[ours.len()..].starts_with(';'))
            ),
            (ours, theirs) => assert_eq!(ours, theirs.as_deref()),
        }
        for name in ["transport", "user", "lr", "maddr"] {
            let their_value = theirs.params().and_then(|params| params.get(name));
            let their_value = their_value.map(|param| param.value().map(text).unwrap_or_default());
            assert_eq!(ours.param(name).map(str::to_owned), their_value, "{ours} {name}");
        }
    }
}

fn is_host(ours: &str, theirs: &Host) -> bool {
    match theirs {
        Host::Name(name) => text(name.as_bytes()).eq_ignore_ascii_case(ours),
        Host::Ip(ip) => ours.parse() == Ok(*ip),
    }
}

/// As our side reads bytes that are no UTF-8.
fn text(bytes: &[u8]) -> String {
    tympan_sip::wire::Text::from_packet(Bytes::copy_from_slice(bytes)).as_str().to_owned()
}
