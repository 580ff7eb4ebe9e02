use super::*;

const CALLER: &str = "10.0.0.1:5060";
const CALLEE: &str = "10.0.0.2:5060";
const OTHER: &str = "10.0.0.3:5060";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn proxy(moves_offers: bool) -> Proxy {
    let mut proxy = Proxy::new(HostId(9), address("10.0.0.9:5060"), moves_offers);
    proxy.place("one", vec![format!("sip:b@{CALLEE}")]);
    proxy.place("tcp", vec![format!("sip:b@{CALLEE};transport=tcp")]);
    proxy.place("two", vec![format!("sip:b@{CALLEE}"), format!("sip:c@{OTHER}")]);
    proxy
}

fn request(method: &str, uri: &str, to_tag: &str, more: &str) -> Bytes {
    let body = if method == "INVITE" { "v=0\r\n" } else { "" };
    let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    Bytes::from(format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {CALLER};branch=z9hG4bKa;rport\r\nMax-Forwards: 70\r\nFrom: <sip:a@{CALLER}>;tag=a\r\n\
         To: <sip:b@x>{to_tag}\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n{more}{content}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn datagrams(sent: Vec<Sent>) -> Vec<(SocketAddr, Packet)> {
    let read = |sent| match sent {
        Sent::Datagram(to, bytes) => (to, Packet::read(&bytes).unwrap()),
        other => panic!("{other:?}"),
    };
    sent.into_iter().map(read).collect()
}

fn one(sent: Vec<Sent>) -> (SocketAddr, Packet) {
    let mut all = datagrams(sent);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The response of the place that a request was forwarded to.
fn answer(request: &Packet, status: u16, tag: &str) -> Bytes {
    let mut answer = request.clone();
    answer.start = format!("SIP/2.0 {status} X");
    let to = format!("{};tag={tag}", request.value("To").unwrap());
    answer.set_values("To", &[to]);
    answer.set_values("Route", &[]);
    answer.write()
}

#[test]
fn a_request_is_recorded_and_its_response_goes_back() {
    let mut proxy = proxy(false);
    let (to, packet) =
        one(proxy.packet(address(CALLER), &request("INVITE", "sip:one@10.0.0.9:5060", "", "")));
    assert_eq!((to, packet.uri()), (address(CALLEE), "sip:b@10.0.0.2:5060"));
    assert_eq!(packet.values("Record-Route"), ["<sip:10.0.0.9:5060;lr>"]);
    assert_eq!((packet.values("Via").len(), packet.value("Max-Forwards")), (2, Some("69")));
    let (to, packet) = one(proxy.packet(address(CALLEE), &answer(&packet, 200, "b")));
    assert_eq!((to, packet.values("Via").len()), (address(CALLER), 1));
}

#[test]
fn a_repetition_keeps_its_branch() {
    let mut proxy = proxy(false);
    let invite = request("INVITE", "sip:one@10.0.0.9:5060", "", "");
    let (_, first) = one(proxy.packet(address(CALLER), &invite));
    let (_, second) = one(proxy.packet(address(CALLER), &invite));
    assert_eq!(first.write(), second.write());
}

#[test]
fn a_bridge_between_transports_records_both() {
    let mut proxy = proxy(false);
    let sent = proxy.packet(address(CALLER), &request("INVITE", "sip:tcp@10.0.0.9:5060", "", ""));
    let [Sent::Connect(to, bytes)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(*to, address(CALLEE));
    let packet = Packet::read(bytes).unwrap();
    let routes = packet.values("Record-Route");
    assert_eq!(routes, ["<sip:10.0.0.9:5060;transport=tcp;lr>", "<sip:10.0.0.9:5060;lr>"]);
    proxy.connecting(4, *to, bytes.clone());
    assert!(matches!(proxy.opened(4, *to).as_slice(), [Sent::Stream(4, _)]));
    // Both Routes are taken off a request of the dialog.
    let routes = format!("Route: {}, {}\r\n", routes[1], routes[0]);
    let sent = proxy
        .packet(address(CALLER), &request("BYE", "sip:b@10.0.0.2:5060;transport=tcp", ";tag=b", &routes));
    let [Sent::Stream(4, bytes)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(Packet::read(bytes).unwrap().value("Route"), None);
}

#[test]
fn a_fork_cancels_the_others_once_one_answers() {
    let mut proxy = proxy(false);
    let sent = datagrams(proxy.packet(address(CALLER), &request("INVITE", "sip:two@10.0.0.9:5060", "", "")));
    let [(_, trying), (_, first), (_, second)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(trying.status(), 100);
    assert_ne!(first.branch(), second.branch());
    let sent = datagrams(proxy.packet(address(CALLEE), &answer(first, 200, "b")));
    assert_eq!((sent[0].0, sent[0].1.status()), (address(CALLER), 200));
    assert_eq!((sent[1].0, sent[1].1.method()), (address(OTHER), Some("CANCEL")));
    assert_eq!(sent[1].1.branch(), second.branch());
    // The refusal of the cancelled one is acknowledged and goes no further.
    let (to, ack) = one(proxy.packet(address(OTHER), &answer(second, 487, "c")));
    assert_eq!((to, ack.method(), ack.tag("To")), (address(OTHER), Some("ACK"), "c"));
}

#[test]
fn a_fork_gives_the_best_refusal_until_it_is_acknowledged() {
    let mut proxy = proxy(false);
    let invite = request("INVITE", "sip:two@10.0.0.9:5060", "", "");
    let sent = datagrams(proxy.packet(address(CALLER), &invite));
    let (_, ack) = one(proxy.packet(address(OTHER), &answer(&sent[2].1, 404, "c")));
    assert_eq!(ack.method(), Some("ACK"));
    for _ in 0..2 {
        let (to, best) = one(proxy.packet(address(CALLEE), &answer(&sent[1].1, 486, "b")));
        assert_eq!((to, best.status()), (address(CALLER), 404));
    }
    let (to, ack) =
        one(proxy.packet(address(CALLER), &request("ACK", "sip:two@10.0.0.9:5060", ";tag=c", "")));
    assert_eq!((to, ack.method(), ack.tag("To")), (address(CALLEE), Some("ACK"), "b"));
}

#[test]
fn a_cancel_is_answered_and_goes_everywhere() {
    let mut proxy = proxy(false);
    proxy.packet(address(CALLER), &request("INVITE", "sip:two@10.0.0.9:5060", "", ""));
    let sent = datagrams(proxy.packet(address(CALLER), &request("CANCEL", "sip:two@10.0.0.9:5060", "", "")));
    let places: Vec<_> = sent.iter().map(|(to, packet)| (*to, packet.method(), packet.status())).collect();
    let cancel = |place| (address(place), Some("CANCEL"), 0);
    assert_eq!(places, [(address(CALLER), None, 200), cancel(CALLEE), cancel(OTHER)]);
}

#[test]
fn an_offer_moves_from_the_invite_to_its_ack() {
    let mut proxy = proxy(true);
    let (_, invite) =
        one(proxy.packet(address(CALLER), &request("INVITE", "sip:b@10.0.0.2:5060", ";tag=b", "")));
    assert!(!invite.has_session() && invite.body.is_empty());
    let (_, ack) = one(proxy.packet(address(CALLER), &request("ACK", "sip:b@10.0.0.2:5060", ";tag=b", "")));
    assert!(ack.has_session());
    assert_eq!(ack.body.as_ref(), b"v=0\r\n");
}
