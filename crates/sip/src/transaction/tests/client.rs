use super::*;

fn options() -> String {
    text("OPTIONS", "z9hG4bK-two", 1)
}

#[test]
fn an_invite_goes_again_with_doubling_pauses_and_times_out_after_64_t1() {
    let mut bench = Bench::new();
    bench.begin(&invite(), udp(), 5);
    let effects = bench.wait(100_000);
    let mut expected: Vec<Effect> = [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]
        .into_iter()
        .map(|at| Effect::Send(at, "INVITE sip:+18005550100@192.0.2.9 SIP/2.0".to_owned()))
        .collect();
    expected.push(Effect::TimedOut(32_000, 5));
    assert_eq!(effects, expected);
    assert_empty(&bench);
}

#[test]
fn on_a_stream_an_invite_goes_once_and_times_out_after_64_t1() {
    let mut bench = Bench::new();
    bench.begin(&invite(), tcp(), 5);
    bench.sent();
    assert_eq!(bench.wait(100_000), [Effect::TimedOut(32_000, 5)]);
    assert_empty(&bench);
}

#[test]
fn a_provisional_response_ends_the_repetitions_and_a_call_may_ring_for_hours() {
    let mut bench = Bench::new();
    let client = bench.begin(&invite(), udp(), 5).unwrap();
    bench.wait(600);
    for status in [Status::TRYING, Status::RINGING, Status::RINGING] {
        assert_eq!(bench.response(&invite(), status, "them"), Some(Reply { client, user: 5 }));
    }
    assert_eq!(bench.wait(10_000_000), []);
    assert!(bench.response(&invite(), Status::OK, "them").is_some());
}

#[test]
fn every_2xx_reaches_the_user_until_64_t1() {
    for flow in [udp(), tcp()] {
        let mut bench = Bench::new();
        let client = bench.begin(&invite(), flow, 5).unwrap();
        bench.sent();
        for tag in ["one", "one", "two"] {
            assert_eq!(bench.response(&invite(), Status::OK, tag), Some(Reply { client, user: 5 }));
        }
        assert_eq!(bench.response(&invite(), Status::BUSY_HERE, "three"), None);
        assert_eq!(bench.response(&invite(), Status::RINGING, "four"), None);
        assert_eq!(bench.wait(31_999), [], "the dialog acknowledges a 2xx");
        assert!(bench.response(&invite(), Status::OK, "one").is_some());
        bench.wait(1);
        assert_empty(&bench);
    }
}

#[test]
fn a_refusal_is_acknowledged_by_the_transaction_and_each_copy_again() {
    let mut bench = Bench::new();
    let client = bench.begin(&invite(), udp(), 5).unwrap();
    bench.sent();
    assert_eq!(bench.response(&invite(), Status::BUSY_HERE, "them"), Some(Reply { client, user: 5 }));
    assert_eq!(bench.sent(), ["ACK sip:+18005550100@192.0.2.9 SIP/2.0"]);
    bench.wait(31_999);
    assert_eq!(bench.response(&invite(), Status::BUSY_HERE, "them"), None);
    assert_eq!(bench.sent(), ["ACK sip:+18005550100@192.0.2.9 SIP/2.0"]);
    assert_eq!(bench.response(&invite(), Status::OK, "them"), None);
    assert_eq!(bench.wait(1), []);
    assert_empty(&bench);
}

#[test]
fn on_a_stream_a_refusal_is_acknowledged_once_and_nothing_lingers() {
    let mut bench = Bench::new();
    bench.begin(&invite(), tcp(), 5);
    bench.sent();
    assert!(bench.response(&invite(), Status::BUSY_HERE, "them").is_some());
    assert_eq!(bench.sent(), ["ACK sip:+18005550100@192.0.2.9 SIP/2.0"]);
    assert_empty(&bench);
}

#[test]
fn the_ack_of_a_refusal_is_the_invite_with_the_to_of_the_response() {
    let mut bench = Bench::new();
    let routed = invite().replace(
        "Max-Forwards: 70\r\n",
        "Max-Forwards: 70\r\nRoute: <sip:192.0.2.20;lr>\r\nRoute: <sip:192.0.2.21;lr>\r\nContact: <sip:us@192.0.2.1>\r\n",
    );
    bench.begin(&routed, udp(), 5);
    bench.transactions.poll();
    bench.response(&routed, Status::BUSY_HERE, "them");
    let Some(TransactionEvent::Send { bytes, .. }) = bench.transactions.poll() else { panic!() };
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let ack = request(&text);
    assert_eq!(ack.method, Method::Ack);
    assert_eq!(ack.uri.as_str(), "sip:+18005550100@192.0.2.9");
    assert_eq!(ack.via.branch(), Some("z9hG4bK-one"));
    assert_eq!((ack.from_tag(), ack.to_tag()), ("phone", Some("them")));
    assert_eq!((&*ack.call_id, ack.cseq), ("call@192.0.2.1", 1));
    let routes: Vec<String> = ack.routes().iter().map(|route| route.as_str().to_owned()).collect();
    assert_eq!(routes, ["<sip:192.0.2.20;lr>", "<sip:192.0.2.21;lr>"]);
    assert!(ack.contact().is_none() && ack.message.body().is_empty());
}

#[test]
fn a_non_invite_goes_again_with_pauses_up_to_t2_and_times_out_after_64_t1() {
    let mut bench = Bench::new();
    bench.begin(&options(), udp(), 6);
    let effects = bench.wait(100_000);
    let times = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    let mut expected: Vec<Effect> = times
        .into_iter()
        .map(|at| Effect::Send(at, "OPTIONS sip:+18005550100@192.0.2.9 SIP/2.0".to_owned()))
        .collect();
    expected.push(Effect::TimedOut(32_000, 6));
    assert_eq!(effects, expected);
    assert_empty(&bench);
}

#[test]
fn after_a_provisional_response_a_non_invite_goes_again_every_t2() {
    let mut bench = Bench::new();
    let client = bench.begin(&options(), udp(), 6).unwrap();
    bench.wait(100);
    assert_eq!(bench.response(&options(), Status::TRYING, "them"), Some(Reply { client, user: 6 }));
    assert_eq!(bench.sent_at(13_000), [500, 4_500, 8_500, 12_500]);
    assert_eq!(bench.wait(20_000).last(), Some(&Effect::TimedOut(32_000, 6)));
}

#[test]
fn copies_of_a_final_response_are_absorbed_for_t4() {
    let mut bench = Bench::new();
    let client = bench.begin(&options(), udp(), 6).unwrap();
    bench.sent();
    assert_eq!(bench.response(&options(), Status::OK, "them"), Some(Reply { client, user: 6 }));
    assert_eq!(bench.wait(4_999), []);
    assert_eq!(bench.response(&options(), Status::OK, "them"), None);
    assert_eq!(bench.transactions.len(), (0, 1));
    bench.wait(1);
    assert_empty(&bench);
}

#[test]
fn on_a_stream_a_non_invite_goes_once_and_nothing_lingers() {
    let mut bench = Bench::new();
    bench.begin(&options(), tcp(), 6);
    assert_eq!(bench.sent_at(31_999), [0]);
    assert!(bench.response(&options(), Status::OK, "them").is_some());
    assert_empty(&bench);
}

#[test]
fn a_response_to_nothing_of_ours_is_dropped() {
    let mut bench = Bench::new();
    bench.begin(&invite(), udp(), 5);
    bench.sent();
    assert_eq!(bench.response(&text("INVITE", "z9hG4bK-two", 1), Status::OK, "them"), None);
    assert_eq!(bench.response(&text("BYE", "z9hG4bK-one", 1), Status::OK, "them"), None);
    assert_eq!(bench.sent(), [""; 0]);
}

#[test]
fn a_failed_flow_times_out_what_waits_on_it_and_nothing_else() {
    let mut bench = Bench::new();
    let at = |peer| flow(Way::Datagram(ListenerId(0)), Transport::Udp, peer);
    bench.begin(&text("INVITE", "z9hG4bK-1", 1), tcp(), 1);
    bench.begin(&text("OPTIONS", "z9hG4bK-2", 1), tcp(), 2);
    bench.begin(&text("OPTIONS", "z9hG4bK-3", 1), at("192.0.2.1:5060"), 3);
    bench.begin(&text("OPTIONS", "z9hG4bK-4", 1), at("192.0.2.2:5060"), 4);
    bench.begin(&text("INVITE", "z9hG4bK-5", 1), tcp(), 5);
    bench.response(&text("INVITE", "z9hG4bK-5", 1), Status::OK, "them");
    bench.sent();
    bench.transactions.flow_failed(bench.now(), tcp());
    assert_eq!(bench.effects(), [Effect::TimedOut(0, 1), Effect::TimedOut(0, 2)]);
    bench.transactions.flow_failed(bench.now(), at("192.0.2.2:5060"));
    assert_eq!(bench.effects(), [Effect::TimedOut(0, 4)]);
    assert_eq!(bench.transactions.len(), (0, 2), "what has its final response goes on");
}

#[test]
fn what_is_forgotten_says_nothing_more() {
    let mut bench = Bench::new();
    let client = bench.begin(&invite(), udp(), 5).unwrap();
    bench.sent();
    bench.transactions.forget(client);
    assert_empty(&bench);
    assert_eq!(bench.response(&invite(), Status::OK, "them"), None);
}

#[test]
fn a_branch_has_one_transaction_of_a_method() {
    let mut bench = Bench::new();
    assert!(bench.begin(&invite(), udp(), 5).is_some());
    assert!(bench.begin(&invite(), udp(), 6).is_none());
}
