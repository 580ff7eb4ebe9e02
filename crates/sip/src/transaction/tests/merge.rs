use super::*;

fn copy() -> String {
    text("INVITE", "z9hG4bK-other-path", 1)
}

#[test]
fn the_same_invite_by_another_path_is_merged() {
    let mut bench = Bench::new();
    let first = bench.new_request(&invite(), udp());
    let Arrival::Merged(second) = bench.request(&copy(), udp()) else { panic!() };
    assert_ne!(first, second);
    assert_eq!(
        bench.request(&copy(), udp()),
        Arrival::Repeated,
        "the merged request has a transaction of its own"
    );
    assert!(bench.respond(second, Status::LOOP_DETECTED));
    let Arrival::Merged(_) = bench.request(&text("INVITE", "z9hG4bK-third-path", 1), udp()) else {
        panic!("a 482 of the copy does not free the first one")
    };
}

#[test]
fn a_copy_after_a_2xx_is_merged_as_long_as_the_transaction_lives() {
    let mut bench = Bench::new();
    let first = bench.new_request(&invite(), udp());
    bench.respond(first, Status::OK);
    bench.wait(1_000);
    assert!(matches!(bench.request(&copy(), udp()), Arrival::Merged(_)));
}

#[test]
fn a_proxy_that_hunts_comes_back_with_a_new_branch_after_a_refusal() {
    let mut bench = Bench::new();
    let first = bench.new_request(&invite(), udp());
    bench.respond(first, Status::TEMPORARILY_UNAVAILABLE);
    let second = bench.new_request(&copy(), udp());
    assert!(matches!(bench.request(&text("INVITE", "z9hG4bK-third-path", 1), udp()), Arrival::Merged(_)));
    // The end of the first one frees nothing of the second one.
    bench.request(&ack(), udp());
    bench.wait(10_000);
    assert!(matches!(bench.request(&text("INVITE", "z9hG4bK-fourth-path", 1), udp()), Arrival::Merged(_)));
    assert!(bench.respond(second, Status::OK));
}

#[test]
fn a_request_within_a_dialog_is_never_merged() {
    let mut bench = Bench::new();
    let within = |branch| {
        text("INFO", branch, 2)
            .replace("0.9>\r\nCall", "0.9>;tag=us\r\nCall")
            .replace("2.9>\r\nCall", "2.9>;tag=us\r\nCall")
    };
    bench.new_request(&within("z9hG4bK-one"), udp());
    bench.new_request(&within("z9hG4bK-two"), udp());
}

#[test]
fn another_call_cseq_caller_or_method_is_not_merged() {
    let mut bench = Bench::new();
    bench.new_request(&invite(), udp());
    bench.new_request(&copy().replace("call@", "other@"), udp());
    bench.new_request(&text("INVITE", "z9hG4bK-three", 2), udp());
    bench.new_request(&text("INVITE", "z9hG4bK-four", 1).replace("tag=phone", "tag=other"), udp());
    bench.new_request(&text("OPTIONS", "z9hG4bK-five", 1), udp());
}

#[test]
fn an_options_by_two_paths_is_merged_too() {
    let mut bench = Bench::new();
    bench.new_request(&text("OPTIONS", "z9hG4bK-one", 1), udp());
    assert!(matches!(bench.request(&text("OPTIONS", "z9hG4bK-two", 1), udp()), Arrival::Merged(_)));
}
