//! What must hold for any datagram, shared by the fuzz target and the corpus test.

use bytes::Bytes;
use std::net::SocketAddr;
use tympan_sip::wire::{
    Address, CSeq, Cut, Draft, Judged, Message, Name, RAck, Request, Response, SessionExpires, Status, Uri,
    cut_packet, judge, parts, write_multipart,
};

/// Reads the datagram as every user of a message does: no panic, and each value is what it prints.
pub(crate) fn check(input: &[u8]) {
    let packet = Bytes::copy_from_slice(input);
    let judged = match cut_packet(packet) {
        Cut::Message(message) => judge(message, None),
        Cut::Doubtful(message, doubt) => match judge(message, Some(doubt)) {
            Judged::Request(_) | Judged::Response(_) => panic!("a doubt is not forgotten"),
            judged => judged,
        },
        Cut::KeepAlive | Cut::Garbage => return,
    };
    match judged {
        Judged::Request(request) => check_request(&request),
        Judged::Response(response) => check_response(&response),
        Judged::Refuse(message, doubt) => {
            assert!(doubt.status >= Status::BAD_REQUEST && !doubt.reason.is_empty());
            check_message(&message);
        }
        Judged::Drop(_) => {}
    }
}

fn check_request(request: &Request) {
    check_message(&request.message);
    check_uri(&request.uri);
    check_address(&request.from);
    check_address(&request.to);
    assert!(!request.from_tag().is_empty() && !request.call_id.is_empty());
    assert!(request.cseq < 1 << 31);
    assert_eq!(
        CSeq::parse(request.message.value(Name::CSeq).unwrap_or_default()).map(|cseq| cseq.method).as_ref(),
        Some(&request.method)
    );
    for address in request.contact().iter().chain(&request.routes()) {
        check_address(address);
    }
    assert!(request.record_routes().len() <= request.message.items(Name::RecordRoute).count());
    let via = &request.via;
    assert_eq!(via.detached().branch(), via.branch());
    let source: SocketAddr = ([198, 51, 100, 7], 40_000).into();
    assert_eq!(
        via.answer_to(source, false).ip(),
        source.ip(),
        "a request does not choose who gets its response"
    );
    let draft = Draft::response(request, Status::OK, Some("ours"), source, true);
    let Cut::Message(message) = cut_packet(draft.finish()) else { panic!("our own answer is cut") };
    let Judged::Response(answer) = judge(message, None) else { panic!("our own answer holds") };
    assert_eq!(
        (&*answer.call_id, answer.cseq, &answer.method),
        (&*request.call_id, request.cseq, &request.method)
    );
    assert_eq!(answer.from.tag(), Some(request.from_tag()));
    assert_eq!(answer.to.tag(), request.to_tag().or(Some("ours")));
    assert_eq!(answer.via.branch(), via.branch());
    assert_eq!(
        (answer.via.param("received"), answer.via.param("rport")),
        (Some("198.51.100.7"), Some("40000"))
    );
    assert_eq!(answer.message.items(Name::Via).count(), request.message.items(Name::Via).count());
}

fn check_response(response: &Response) {
    check_message(&response.message);
    check_address(&response.from);
    check_address(&response.to);
    assert!((100..700).contains(&response.status.code()));
    if let Some(contact) = response.contact() {
        check_address(&contact);
    }
}

/// What may be asked of any message, right or not.
fn check_message(message: &Message) {
    assert!(!message.start_line().contains(&b'\n'));
    for (name, value) in message.lines() {
        assert!(!name.is_empty() && !value.contains(&b'\n'));
        let name = String::from_utf8_lossy(name);
        assert!(Name::parse(name.as_bytes()).is_some() || message.extension(&name).is_some());
    }
    for name in [
        Name::Contact,
        Name::Route,
        Name::RecordRoute,
        Name::PAssertedIdentity,
        Name::ReferTo,
        Name::Diversion,
    ] {
        for item in message.items(name) {
            assert!(!item.is_empty());
            if let Some(address) = Address::parse(&message.text_of(item)) {
                check_address(&address);
            }
        }
    }
    if let Some(value) = message.value(Name::SessionExpires).and_then(SessionExpires::parse) {
        assert_eq!(SessionExpires::parse(value.to_string().as_bytes()), Some(value));
    }
    if let Some(value) = message.value(Name::RAck).and_then(RAck::parse) {
        assert_eq!(RAck::parse(value.to_string().as_bytes()), Some(value));
    }
    assert!(!message.lists(Name::Supported, ""));
    let Some(parts) = parts(message) else { return };
    assert!(parts.len() <= 32);
    assert!(parts.iter().map(|part| part.body.len()).sum::<usize>() <= message.body().len());
    let (content_type, body) = write_multipart(&parts, 1);
    assert!(content_type.starts_with("multipart/mixed;") && body.len() >= message.body().len().min(1));
}

fn check_address(address: &Address) {
    check_uri(address.uri());
    let again = Address::parse(&address.as_str().into()).expect("it prints as it was written");
    let detached = address.detached();
    for other in [&again, &detached] {
        assert_eq!(other.uri().as_str(), address.uri().as_str());
        assert_eq!((other.tag(), other.display_name()), (address.tag(), address.display_name()));
    }
    assert!(address.as_str().contains(address.uri().as_str()));
}

fn check_uri(uri: &Uri) {
    assert!(uri.is_same(uri), "{uri}");
    let again = Uri::parse(&uri.as_str().into()).expect("it prints as it was written");
    assert!(again.is_same(uri) && uri.is_same(&again.detached()));
    assert_eq!(
        (again.user(), again.host(), again.port(), again.number()),
        (uri.user(), uri.host(), uri.port(), uri.number())
    );
    assert!(!uri.as_str().contains(['\r', '\n', ' ', '<', '>', '"']));
    if let Some(number) = uri.number() {
        assert!(!number.text.is_empty() && number.context.as_deref() != Some(""));
    }
}
