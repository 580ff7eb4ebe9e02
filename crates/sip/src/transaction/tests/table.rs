use super::*;
use allocation_counter::measure;
use proptest::prelude::*;

#[test]
fn a_request_beyond_the_limit_finds_no_room_and_known_ones_go_on() {
    let mut bench = Bench::with_limits(2, 0);
    let first = bench.new_request(&invite(), udp());
    bench.new_request(&text("OPTIONS", "z9hG4bK-two", 1), udp());
    assert_eq!(bench.request(&text("OPTIONS", "z9hG4bK-three", 2), udp()), Arrival::Full);
    assert_eq!(bench.request(&text("CANCEL", "z9hG4bK-one", 1), udp()), Arrival::Full);
    assert_eq!(bench.request(&invite(), udp()), Arrival::Repeated);
    bench.respond(first, Status::BUSY_HERE);
    assert_eq!(bench.request(&ack(), udp()), Arrival::Acknowledged(first));
    bench.wait(5_000);
    bench.new_request(&text("OPTIONS", "z9hG4bK-three", 2), udp());
}

#[test]
fn a_request_of_ours_beyond_the_limit_is_not_sent() {
    let mut bench = Bench::with_limits(0, 1);
    assert!(bench.begin(&invite(), udp(), 1).is_some());
    bench.sent();
    assert!(bench.begin(&text("OPTIONS", "z9hG4bK-two", 1), udp(), 2).is_none());
    assert_eq!(bench.sent(), [""; 0]);
}

#[test]
fn what_belongs_to_a_transaction_is_known() {
    let mut bench = Bench::new();
    bench.new_request(&invite(), udp());
    for method in ["INVITE", "ACK", "CANCEL"] {
        assert!(bench.transactions.knows(&request(&text(method, "z9hG4bK-one", 1))), "{method}");
        assert!(!bench.transactions.knows(&request(&text(method, "z9hG4bK-two", 1))), "{method}");
    }
    assert!(!bench.transactions.knows(&request(&text("OPTIONS", "z9hG4bK-one", 1))));
}

#[test]
fn a_caller_that_is_late_sends_once() {
    let mut bench = Bench::new();
    bench.begin(&text("OPTIONS", "z9hG4bK-two", 1), udp(), 6);
    bench.sent();
    bench.now_ms = 20_000;
    bench.transactions.advance(bench.now());
    assert_eq!(bench.sent().len(), 1);
    bench.now_ms = 50_000;
    bench.transactions.advance(bench.now());
    assert_eq!(bench.effects(), [Effect::TimedOut(50_000, 6)]);
    assert_empty(&bench);
}

#[test]
fn timers_of_zero_end_at_once_and_do_not_spin() {
    let limits = TransactionLimits { server_max: 10, client_max: 10 };
    let timers = Timers { t1_ms: 0, t2_ms: 0, t4_ms: 0 };
    let mut bench = Bench { transactions: Transactions::new(timers, limits), now_ms: 0 };
    let server = bench.new_request(&invite(), udp());
    bench.begin(&invite(), udp(), 1);
    bench.begin(&text("OPTIONS", "z9hG4bK-two", 1), udp(), 2);
    bench.respond(server, Status::BUSY_HERE);
    bench.wait(1_000);
    assert_empty(&bench);
}

const METHODS: [&str; 5] = ["INVITE", "OPTIONS", "CANCEL", "ACK", "INFO"];
const STATUSES: [Status; 4] = [Status::TRYING, Status::RINGING, Status::OK, Status::BUSY_HERE];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever comes in whatever order: no deadline is left behind, and once all INVITEs are answered nothing is left.
    #[test]
    fn nothing_is_left_after_64_t1_and_what_lingers(
        steps in proptest::collection::vec((0u8..4, 0usize..5, 0u8..6, 0usize..4, any::<bool>(), 0u64..9_000), 1..60),
    ) {
        let mut bench = Bench::with_limits(8, 8);
        let mut servers = Vec::new();
        for (action, method, branch, status, stream, pause_ms) in steps {
            let flow = if stream { tcp() } else { udp() };
            let text = text(METHODS[method], &format!("z9hG4bK-{branch}"), u32::from(branch));
            let status = STATUSES[status];
            match action {
                0 => match bench.request(&text, flow) {
                    Arrival::New(server) | Arrival::Merged(server) => servers.push(server),
                    Arrival::Cancel { cancel, .. } => servers.push(cancel),
                    _ => {}
                },
                1 => {
                    bench.begin(&text, flow, u32::from(branch));
                }
                2 => {
                    bench.response(&text, status, "them");
                }
                _ => for server in &servers {
                    bench.respond(*server, status);
                },
            }
            bench.wait(pause_ms);
            let (server, client) = bench.transactions.len();
            prop_assert!(server <= 8 && client <= 8);
            prop_assert!(bench.transactions.deadlines() <= server + client);
        }
        for server in &servers {
            bench.respond(*server, Status::BUSY_HERE);
        }
        for branch in 0..6 {
            bench.response(&text("INVITE", &format!("z9hG4bK-{branch}"), branch), Status::BUSY_HERE, "them");
        }
        bench.wait(64 * 500 + 5_000);
        assert_empty(&bench);
        prop_assert!(bench.transactions.holds_no_name());
    }
}

#[test]
fn a_transaction_that_waits_takes_its_last_message_and_below_one_kilobyte() {
    const COUNT: u32 = 1_000;
    let mut bench = Bench::with_limits(2_000, 2_000);
    let requests: Vec<Request> = (0..COUNT)
        .map(|n| {
            let text = text("OPTIONS", &format!("z9hG4bK-a-branch-of-usual-length-{n}"), n);
            request(&text.replace("call@", &format!("a-call-id-of-usual-length-{n}@")))
        })
        .collect();
    let answer = Bytes::from_static(b"SIP/2.0 200 OK\r\n\r\n");
    let memory = measure(|| {
        for request in &requests {
            let Arrival::New(server) = bench.transactions.receive_request(bench.now(), request, udp()) else {
                panic!()
            };
            bench.transactions.respond(bench.now(), server, Status::OK, answer.clone());
            bench.transactions.poll();
        }
    });
    let each = memory.bytes_current / i64::from(COUNT);
    println!("a completed server transaction: {each} bytes beside its response");
    assert!(each < 1_000, "{each} bytes");

    let mut bench = Bench::with_limits(2_000, 2_000);
    let request = Bytes::from_static(b"OPTIONS sip:192.0.2.1 SIP/2.0\r\n\r\n");
    let memory = measure(|| {
        for n in 0..COUNT {
            let branch = format!("z9hG4bK-a-branch-of-usual-length-{n}").into();
            let outgoing =
                Outgoing { branch, method: Method::Options, bytes: request.clone(), flow: udp(), user: n };
            bench.transactions.begin(bench.now(), outgoing);
            bench.transactions.poll();
        }
    });
    let each = memory.bytes_current / i64::from(COUNT);
    println!("an open client transaction: {each} bytes beside its request");
    assert!(each < 1_000, "{each} bytes");
}

#[test]
fn a_flood_leaves_no_memory_behind() {
    let mut bench = Bench::with_limits(20_000, 0);
    let requests: Vec<Request> =
        (0..5_000).map(|n| request(&text("OPTIONS", &format!("z9hG4bK-{n}"), n))).collect();
    let memory = measure(|| {
        for request in &requests {
            let Arrival::New(server) = bench.transactions.receive_request(bench.now(), request, udp()) else {
                panic!()
            };
            bench.transactions.respond(
                bench.now(),
                server,
                Status::OK,
                Bytes::from_static(b"SIP/2.0 200 OK\r\n\r\n"),
            );
            bench.transactions.poll();
        }
        bench.transactions.advance(Mono::from_millis(32_000));
    });
    assert_empty(&bench);
    assert!(memory.bytes_current < 4_000, "{} bytes are left of {}", memory.bytes_current, memory.bytes_max);
}
