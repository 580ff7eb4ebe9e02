use super::*;

fn cancel() -> String {
    text("CANCEL", "z9hG4bK-one", 1)
}

#[test]
fn a_cancel_names_its_open_invite() {
    let mut bench = Bench::new();
    let server = bench.new_request(&invite(), udp());
    let Arrival::Cancel { cancel: key, invite, answered } = bench.request(&cancel(), udp()) else { panic!() };
    assert_eq!((invite, answered), (Some(server), false));
    assert!(bench.respond(key, Status::OK));
    assert!(bench.respond(server, Status::REQUEST_TERMINATED));
    assert_eq!(bench.sent(), ["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"]);
    assert_eq!(bench.request(&cancel(), udp()), Arrival::Repeated);
    assert_eq!(bench.sent(), ["SIP/2.0 200 OK"]);
}

#[test]
fn a_cancel_after_the_final_response_cancels_nothing() {
    for status in [Status::OK, Status::BUSY_HERE] {
        let mut bench = Bench::new();
        let server = bench.new_request(&invite(), udp());
        bench.respond(server, status);
        let arrival = bench.request(&cancel(), udp());
        assert!(matches!(arrival, Arrival::Cancel { invite: None, answered: true, .. }), "{arrival:?}");
    }
}

#[test]
fn a_cancel_of_nothing_says_so() {
    let mut bench = Bench::new();
    bench.new_request(&invite(), udp());
    for other in
        [text("CANCEL", "z9hG4bK-two", 1), cancel().replace("UDP 192.0.2.1:5060", "UDP 192.0.2.2:5060")]
    {
        let arrival = bench.request(&other, udp());
        assert!(matches!(arrival, Arrival::Cancel { invite: None, answered: false, .. }), "{arrival:?}");
    }
}

#[test]
fn a_cancel_of_an_rfc_2543_peer_finds_its_invite() {
    let mut bench = Bench::new();
    let server = bench.new_request(&invite().replace(";branch=z9hG4bK-one", ""), udp());
    let arrival = bench.request(&cancel().replace(";branch=z9hG4bK-one", ""), udp());
    assert!(
        matches!(arrival, Arrival::Cancel { invite: Some(invite), .. } if invite == server),
        "{arrival:?}"
    );
}

#[test]
fn two_paths_cancel_each_its_own_copy() {
    let mut bench = Bench::new();
    bench.new_request(&invite(), udp());
    let Arrival::Merged(copy) = bench.request(&text("INVITE", "z9hG4bK-two", 1), udp()) else { panic!() };
    assert!(matches!(bench.request(&cancel(), udp()), Arrival::Cancel { invite: Some(_), .. }));
    let arrival = bench.request(&text("CANCEL", "z9hG4bK-two", 1), udp());
    assert!(matches!(arrival, Arrival::Cancel { invite: Some(invite), .. } if invite == copy), "{arrival:?}");
}

#[test]
fn our_cancel_shares_the_branch_of_its_invite() {
    let mut bench = Bench::new();
    let invite_key = bench.begin(&invite(), udp(), 1).unwrap();
    let cancel_key = bench.begin(&cancel(), udp(), 2).unwrap();
    assert_eq!(bench.response(&cancel(), Status::OK, "them"), Some(Reply { client: cancel_key, user: 2 }));
    let refused = bench.response(&invite(), Status::REQUEST_TERMINATED, "them");
    assert_eq!(refused, Some(Reply { client: invite_key, user: 1 }));
}
