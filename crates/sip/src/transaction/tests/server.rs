use super::*;

#[test]
fn an_invite_gets_a_100_after_200_ms() {
    let mut bench = Bench::new();
    bench.new_request(&invite(), udp());
    assert_eq!(bench.wait(60_000), [trying(200)]);
}

#[test]
fn an_invite_that_is_answered_in_time_gets_no_100() {
    for status in [Status::RINGING, Status::OK, Status::BUSY_HERE] {
        let mut bench = Bench::new();
        let server = bench.new_request(&invite(), tcp());
        bench.wait(199);
        bench.respond(server, status);
        assert_eq!(bench.sent(), [format!("SIP/2.0 {status}")]);
        assert_eq!(bench.sent_at(10_000), [], "{status}");
    }
}

#[test]
fn the_100_names_the_invite_and_adds_no_tag() {
    let mut bench = Bench::new();
    bench.new_request(&invite(), udp());
    bench.transactions.advance(Mono::from_millis(200));
    let Some(TransactionEvent::Send { flow, bytes }) = bench.transactions.poll() else { panic!() };
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(flow, udp());
    for line in [
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-one",
        "To: <sip:+18005550100@192.0.2.9>",
        "Call-ID: call@192.0.2.1",
        "CSeq: 1 INVITE",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is missing in\n{text}");
    }
}

#[test]
fn a_repeated_invite_gets_the_last_provisional_response_again() {
    let mut bench = Bench::new();
    let server = bench.new_request(&invite(), udp());
    assert_eq!(bench.request(&invite(), udp()), Arrival::Repeated);
    assert_eq!(bench.sent(), [""; 0], "there is no response yet");
    bench.wait(300);
    bench.request(&invite(), udp());
    bench.respond(server, Status::RINGING);
    bench.request(&invite(), udp());
    assert_eq!(bench.sent(), ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 180 Ringing"]);
}

#[test]
fn a_refusal_whose_ack_is_lost_goes_again_until_64_t1() {
    let mut bench = Bench::new();
    let server = bench.new_request(&invite(), udp());
    assert!(bench.respond(server, Status::BUSY_HERE));
    let effects = bench.wait(100_000);
    let times = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    let mut expected: Vec<Effect> =
        times.into_iter().map(|at| Effect::Send(at, "SIP/2.0 486 Busy Here".to_owned())).collect();
    expected.push(Effect::NeverAcknowledged(32_000));
    assert_eq!(effects, expected);
    assert_empty(&bench);
}

#[test]
fn a_repeated_invite_gets_its_refusal_again() {
    let mut bench = Bench::new();
    let server = bench.new_request(&invite(), udp());
    bench.respond(server, Status::BUSY_HERE);
    assert_eq!(bench.request(&invite(), udp()), Arrival::Repeated);
    assert_eq!(bench.sent(), ["SIP/2.0 486 Busy Here"; 2]);
}

#[test]
fn an_ack_ends_the_repetitions_of_a_refusal_and_its_copies_are_absorbed_for_t4() {
    let mut bench = Bench::new();
    let server = bench.new_request(&invite(), udp());
    bench.respond(server, Status::BUSY_HERE);
    bench.wait(1_000);
    assert_eq!(bench.request(&ack(), udp()), Arrival::Acknowledged(server));
    assert_eq!(bench.wait(4_999), []);
    assert_eq!(bench.request(&ack(), udp()), Arrival::Repeated);
    assert_eq!(bench.request(&invite(), udp()), Arrival::Repeated);
    assert_eq!(bench.wait(1), []);
    assert_empty(&bench);
}

#[test]
fn on_a_stream_a_refusal_goes_once_and_ends_soon_after_its_ack() {
    let mut bench = Bench::new();
    let server = bench.new_request(&invite(), tcp());
    bench.respond(server, Status::BUSY_HERE);
    assert_eq!(bench.sent_at(31_999), [0]);
    assert_eq!(bench.request(&ack(), tcp()), Arrival::Acknowledged(server));
    // A stateless proxy may bring a repetition of a UDP client by TCP.
    assert_eq!(bench.request(&invite(), tcp()), Arrival::Repeated);
    assert_eq!(bench.wait(5_000), []);
    assert_empty(&bench);
}

#[test]
fn on_a_stream_a_refusal_without_ack_is_given_up_after_64_t1() {
    let mut bench = Bench::new();
    let server = bench.new_request(&invite(), tcp());
    bench.respond(server, Status::BUSY_HERE);
    bench.sent();
    assert_eq!(bench.wait(40_000), [Effect::NeverAcknowledged(32_000)]);
    assert_empty(&bench);
}

#[test]
fn after_a_2xx_copies_of_the_invite_are_absorbed_until_64_t1_and_t4() {
    for flow in [udp(), tcp()] {
        let mut bench = Bench::new();
        let server = bench.new_request(&invite(), flow);
        bench.respond(server, Status::OK);
        // A caller that hears nothing repeats until 64 T1, and the network holds its last copy for T4.
        assert_eq!(bench.wait(36_999), [Effect::Send(0, "SIP/2.0 200 OK".to_owned())]);
        assert_eq!(bench.request(&invite(), flow), Arrival::Repeated);
        assert_eq!(bench.wait(1), [], "the dialog repeats a 2xx, not the transaction");
        assert_empty(&bench);
    }
}

#[test]
fn the_dialog_repeats_a_2xx_through_its_transaction() {
    let mut bench = Bench::new();
    let server = bench.new_request(&invite(), udp());
    bench.respond(server, Status::OK);
    bench.wait(500);
    assert!(bench.respond(server, Status::OK));
    assert_eq!(bench.sent(), ["SIP/2.0 200 OK"]);
    bench.wait(40_000);
    assert!(!bench.respond(server, Status::OK), "the transaction is over");
}

#[test]
fn a_second_final_response_is_not_sent() {
    for (first, second) in [
        (Status::OK, Status::BUSY_HERE),
        (Status::OK, Status::RINGING),
        (Status::BUSY_HERE, Status::OK),
        (Status::BUSY_HERE, Status::DECLINE),
        (Status::BUSY_HERE, Status::RINGING),
    ] {
        let mut bench = Bench::new();
        for request in [invite(), text("OPTIONS", "z9hG4bK-two", 2)] {
            let server = bench.new_request(&request, udp());
            assert!(bench.respond(server, first));
            assert!(!bench.respond(server, second), "{second} after {first}");
            assert_eq!(bench.sent(), [format!("SIP/2.0 {first}")]);
        }
    }
}

#[test]
fn the_ack_of_a_2xx_is_for_the_dialog() {
    let mut bench = Bench::new();
    let server = bench.new_request(&invite(), udp());
    bench.respond(server, Status::OK);
    assert_eq!(bench.request(&text("ACK", "z9hG4bK-two", 1), udp()), Arrival::AckOf2xx);
    assert_eq!(bench.request(&ack(), udp()), Arrival::AckOf2xx, "also with the branch of its INVITE");
}

#[test]
fn a_lost_response_of_a_non_invite_goes_again_with_each_repetition_until_64_t1() {
    let mut bench = Bench::new();
    let options = text("OPTIONS", "z9hG4bK-two", 1);
    let server = bench.new_request(&options, udp());
    assert_eq!(bench.request(&options, udp()), Arrival::Repeated);
    assert_eq!(bench.sent(), [""; 0], "there is no response yet");
    bench.respond(server, Status::OK);
    bench.wait(31_999);
    assert_eq!(bench.request(&options, udp()), Arrival::Repeated);
    assert_eq!(bench.sent(), ["SIP/2.0 200 OK"]);
    bench.wait(1);
    assert_empty(&bench);
}

#[test]
fn on_a_stream_a_repeated_non_invite_gets_its_response_again() {
    // A stateless proxy brings the repetitions of a UDP client by TCP.
    let mut bench = Bench::new();
    let request = text("INFO", "z9hG4bK-two", 1);
    let server = bench.new_request(&request, tcp());
    bench.respond(server, Status::OK);
    bench.sent();
    assert_eq!(bench.wait(31_000), []);
    assert_eq!(bench.request(&request, tcp()), Arrival::Repeated);
    assert_eq!(bench.sent().len(), 1);
    bench.wait(2_000);
    assert_empty(&bench);
}

#[test]
fn a_non_invite_that_is_never_answered_is_forgotten_when_its_client_gave_up() {
    for flow in [udp(), tcp()] {
        let mut bench = Bench::new();
        let server = bench.new_request(&text("INFO", "z9hG4bK-two", 1), flow);
        assert_eq!(bench.wait(32_000), []);
        assert_empty(&bench);
        assert!(!bench.respond(server, Status::OK));
    }
}

#[test]
fn the_same_branch_from_another_sent_by_is_another_transaction() {
    let mut bench = Bench::new();
    let one = bench.new_request(&text("OPTIONS", "z9hG4bK-one", 1), udp());
    let other = text("OPTIONS", "z9hG4bK-one", 1)
        .replace("UDP 192.0.2.1:5060", "UDP 192.0.2.2:5060")
        .replace("call@", "other@");
    let two = bench.new_request(&other, udp());
    let third = other.replace("UDP 192.0.2.2:5060", "UDP 192.0.2.2:5062").replace("other@", "third@");
    let three = bench.new_request(&third, udp());
    assert!(one != two && two != three);
}

#[test]
fn the_same_branch_with_another_method_is_another_transaction() {
    let mut bench = Bench::new();
    bench.new_request(&text("OPTIONS", "z9hG4bK-one", 1), udp());
    bench.new_request(&text("MESSAGE", "z9hG4bK-one", 1), udp());
}

#[test]
fn a_sent_by_compares_without_case_and_with_its_default_port() {
    let mut bench = Bench::new();
    let named = invite().replace("UDP 192.0.2.1:5060", "UDP PBX.example");
    bench.new_request(&named, udp());
    assert_eq!(bench.request(&named.replace("PBX.example", "pbx.example:5060"), udp()), Arrival::Repeated);
}

#[test]
fn an_invite_without_branch_is_matched_as_rfc_2543_did() {
    let mut bench = Bench::new();
    let old = invite().replace(";branch=z9hG4bK-one", "");
    let server = bench.new_request(&old, udp());
    assert_eq!(bench.request(&old, udp()), Arrival::Repeated);
    bench.respond(server, Status::BUSY_HERE);
    assert_eq!(
        bench.request(&ack().replace(";branch=z9hG4bK-one", ""), udp()),
        Arrival::Acknowledged(server)
    );
    bench.new_request(&old.replace("CSeq: 1", "CSeq: 2"), udp());
    bench.new_request(&old.replace("call@", "other@"), udp());
    bench.new_request(&old.replace("tag=phone", "tag=other"), udp());
}

#[test]
fn a_branch_without_the_cookie_names_no_transaction_alone() {
    let mut bench = Bench::new();
    for branch in ["1", "z9hG4bK"] {
        let old = text("OPTIONS", branch, 1).replace("call@", &format!("{branch}@"));
        bench.new_request(&old, udp());
        assert_eq!(bench.request(&old, udp()), Arrival::Repeated);
        bench.new_request(&old.replace("CSeq: 1", "CSeq: 2"), udp());
    }
}

#[test]
fn a_repetition_is_answered_where_it_comes_from() {
    let mut bench = Bench::new();
    let server = bench.new_request(&invite(), udp());
    bench.respond(server, Status::RINGING);
    bench.sent();
    let moved = flow(Way::Datagram(ListenerId(0)), Transport::Udp, "192.0.2.1:6000");
    bench.request(&invite(), moved);
    bench.respond(server, Status::BUSY_HERE);
    for _ in 0..2 {
        assert!(
            matches!(bench.transactions.poll(), Some(TransactionEvent::Send { flow, .. }) if flow == moved)
        );
    }
}
