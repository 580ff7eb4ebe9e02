//! The state diagrams of RFC 3261 (figures 5 to 8), as RFC 6026 (section 7) changes them, row by row: in every state every input, and the
//! state that it leads to, which is found by what the transaction does next.

use super::*;

/// What happens to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum In {
    Provisional,
    Success,
    Refusal,
    /// The request comes again.
    Repeated,
    Ack,
    /// The next deadline.
    Timer,
    FlowFailed,
}

use In::{Ack, FlowFailed, Provisional, Refusal, Repeated, Success, Timer};

/// A row: the state, the input, what is seen of it, and the next state.
type Row = (&'static str, In, &'static str, &'static str);

fn status_of(input: In) -> Status {
    match input {
        Provisional => Status::RINGING,
        Success => Status::OK,
        Refusal => Status::BUSY_HERE,
        other => panic!("{other:?} has no status"),
    }
}

/// What was sent, and whom the transaction told of what.
fn seen(effects: Vec<Effect>, is_told: bool) -> String {
    let mut words: Vec<String> = effects
        .into_iter()
        .map(|effect| match effect {
            Effect::Send(_, line) => {
                let mut words = line.split(' ');
                let first = words.next().unwrap_or_default();
                let what = if first == "SIP/2.0" { words.next().unwrap_or_default() } else { first };
                format!("sends {what}")
            }
            Effect::TimedOut(..) => "times out".to_owned(),
            Effect::NeverAcknowledged(_) => "is never acknowledged".to_owned(),
        })
        .collect();
    if is_told {
        words.insert(0, "tells".to_owned());
    }
    words.join(", ")
}

fn next_deadline_passes(bench: &mut Bench) -> Vec<Effect> {
    if let Some(at) = bench.transactions.next_deadline() {
        bench.now_ms = at.as_millis();
        bench.transactions.advance(bench.now());
    }
    bench.effects()
}

fn fails(bench: &mut Bench, flow: Flow) -> Vec<Effect> {
    bench.transactions.flow_failed(bench.now(), flow);
    bench.effects()
}

/// A client transaction of a request, in a state of its diagram.
fn client_in(request: &str, flow: Flow, state: &str) -> Bench {
    let mut bench = Bench::new();
    bench.begin(request, flow, 5);
    let response = match state {
        "calling" | "trying" => None,
        "proceeding" => Some(Status::RINGING),
        "accepted" => Some(Status::OK),
        "completed" => Some(Status::BUSY_HERE),
        other => panic!("{other}"),
    };
    if let Some(status) = response {
        assert!(bench.response(request, status, "them").is_some());
    }
    bench.sent();
    bench
}

fn client_takes(bench: &mut Bench, request: &str, flow: Flow, input: In) -> String {
    match input {
        Timer => seen(next_deadline_passes(bench), false),
        FlowFailed => seen(fails(bench, flow), false),
        _ => {
            let is_told = bench.response(request, status_of(input), "them").is_some();
            seen(bench.effects(), is_told)
        }
    }
}

/// Finds the state of an INVITE client transaction; what it does to find it ends the transaction.
fn invite_client_state(bench: &mut Bench) -> &'static str {
    if bench.transactions.len() == (0, 0) {
        return "over";
    }
    let has_timer = bench.transactions.next_deadline().is_some();
    let is_told = bench.response(&invite(), Status::BUSY_HERE, "probe").is_some();
    let is_acknowledged = !bench.effects().is_empty();
    match (has_timer, is_told, is_acknowledged) {
        (true, true, true) => "calling",
        (false, true, true) => "proceeding",
        (true, false, true) => "completed",
        (true, false, false) => "accepted",
        other => panic!("{other:?}"),
    }
}

#[test]
fn figure_5_an_invite_client_transaction_row_by_row() {
    let rows: [Row; 20] = [
        ("calling", Provisional, "tells", "proceeding"),
        ("calling", Success, "tells", "accepted"),
        ("calling", Refusal, "tells, sends ACK", "completed"),
        ("calling", Timer, "sends INVITE", "calling"),
        ("calling", FlowFailed, "times out", "over"),
        ("proceeding", Provisional, "tells", "proceeding"),
        ("proceeding", Success, "tells", "accepted"),
        ("proceeding", Refusal, "tells, sends ACK", "completed"),
        ("proceeding", Timer, "", "proceeding"),
        ("proceeding", FlowFailed, "times out", "over"),
        ("accepted", Provisional, "", "accepted"),
        ("accepted", Success, "tells", "accepted"),
        ("accepted", Refusal, "", "accepted"),
        ("accepted", Timer, "", "over"),
        ("accepted", FlowFailed, "", "accepted"),
        ("completed", Provisional, "", "completed"),
        ("completed", Success, "", "completed"),
        ("completed", Refusal, "sends ACK", "completed"),
        ("completed", Timer, "", "over"),
        ("completed", FlowFailed, "", "completed"),
    ];
    for (state, input, expected, next) in rows {
        let mut bench = client_in(&invite(), udp(), state);
        assert_eq!(client_takes(&mut bench, &invite(), udp(), input), expected, "{state}: {input:?}");
        assert_eq!(invite_client_state(&mut bench), next, "{state}: {input:?}");
    }
    // Timer D is zero on a reliable transport, and nothing goes again.
    let mut bench = client_in(&invite(), tcp(), "calling");
    assert_eq!(client_takes(&mut bench, &invite(), tcp(), Refusal), "tells, sends ACK");
    assert_empty(&bench);
    let mut bench = client_in(&invite(), tcp(), "calling");
    assert_eq!(client_takes(&mut bench, &invite(), tcp(), Timer), "times out");
    assert_empty(&bench);
}

#[test]
fn figure_6_a_client_transaction_of_another_method_row_by_row() {
    let options = text("OPTIONS", "z9hG4bK-two", 1);
    let rows: [Row; 15] = [
        ("trying", Provisional, "tells", "open"),
        ("trying", Success, "tells", "completed"),
        ("trying", Refusal, "tells", "completed"),
        ("trying", Timer, "sends OPTIONS", "open"),
        ("trying", FlowFailed, "times out", "over"),
        ("proceeding", Provisional, "tells", "open"),
        ("proceeding", Success, "tells", "completed"),
        ("proceeding", Refusal, "tells", "completed"),
        ("proceeding", Timer, "sends OPTIONS", "open"),
        ("proceeding", FlowFailed, "times out", "over"),
        ("completed", Provisional, "", "completed"),
        ("completed", Success, "", "completed"),
        ("completed", Refusal, "", "completed"),
        ("completed", Timer, "", "over"),
        ("completed", FlowFailed, "", "completed"),
    ];
    for (state, input, expected, next) in rows {
        let mut bench = client_in(&options, udp(), state);
        assert_eq!(client_takes(&mut bench, &options, udp(), input), expected, "{state}: {input:?}");
        let found = match bench.transactions.len() {
            (0, 0) => "over",
            _ if bench.response(&options, Status::RINGING, "probe").is_some() => "open",
            _ => "completed",
        };
        assert_eq!(found, next, "{state}: {input:?}");
    }
    for input in [Success, Refusal] {
        let mut bench = client_in(&options, tcp(), "trying");
        assert_eq!(client_takes(&mut bench, &options, tcp(), input), "tells");
        assert_empty(&bench);
    }
}

/// A server transaction of a request, in a state of its diagram.
fn server_in(request: &str, flow: Flow, state: &str) -> (Bench, ServerKey) {
    let mut bench = Bench::new();
    let server = bench.new_request(request, flow);
    let answers: &[Status] = match state {
        "fresh" | "trying" => &[],
        "proceeding" => &[Status::RINGING],
        "accepted" => &[Status::OK],
        "completed" | "confirmed" => &[Status::BUSY_HERE],
        other => panic!("{other}"),
    };
    for status in answers {
        assert!(bench.respond(server, *status));
    }
    if state == "confirmed" {
        assert_eq!(bench.request(&ack(), flow), Arrival::Acknowledged(server));
    }
    bench.sent();
    (bench, server)
}

fn server_takes(bench: &mut Bench, server: ServerKey, request: &str, flow: Flow, input: In) -> String {
    match input {
        Timer => seen(next_deadline_passes(bench), false),
        FlowFailed => seen(fails(bench, flow), false),
        Repeated => {
            assert_eq!(bench.request(request, flow), Arrival::Repeated);
            seen(bench.effects(), false)
        }
        Ack => {
            let is_told = bench.request(&ack(), flow) != Arrival::Repeated;
            seen(bench.effects(), is_told)
        }
        _ => {
            bench.respond(server, status_of(input));
            seen(bench.effects(), false)
        }
    }
}

/// Finds the state of an INVITE server transaction by a copy of the INVITE, and by the time that it has left.
fn invite_server_state(bench: &mut Bench) -> &'static str {
    if bench.transactions.len() == (0, 0) {
        return "over";
    }
    let left_ms = bench.transactions.next_deadline().map(|at| at.as_millis() - bench.now_ms);
    bench.request(&invite(), udp());
    let repeats = !bench.effects().is_empty();
    match (repeats, left_ms) {
        (false, Some(0..=200)) => "fresh",
        (true, None) => "proceeding",
        (true, Some(0..=4_000)) => "completed",
        (false, Some(left_ms)) if left_ms > 32_000 => "accepted",
        (false, Some(_)) => "confirmed",
        other => panic!("{other:?}"),
    }
}

#[test]
fn figure_7_an_invite_server_transaction_row_by_row() {
    let rows: [Row; 29] = [
        ("fresh", Provisional, "sends 180", "proceeding"),
        ("fresh", Success, "sends 200", "accepted"),
        ("fresh", Refusal, "sends 486", "completed"),
        ("fresh", Repeated, "", "fresh"),
        ("fresh", Timer, "sends 100", "proceeding"),
        ("proceeding", Provisional, "sends 180", "proceeding"),
        ("proceeding", Success, "sends 200", "accepted"),
        ("proceeding", Refusal, "sends 486", "completed"),
        ("proceeding", Repeated, "sends 180", "proceeding"),
        ("proceeding", Timer, "", "proceeding"),
        ("accepted", Provisional, "", "accepted"),
        ("accepted", Success, "sends 200", "accepted"),
        ("accepted", Refusal, "", "accepted"),
        ("accepted", Repeated, "", "accepted"),
        ("accepted", Ack, "tells", "accepted"),
        ("accepted", Timer, "", "over"),
        ("completed", Provisional, "", "completed"),
        ("completed", Success, "", "completed"),
        ("completed", Refusal, "", "completed"),
        ("completed", Repeated, "sends 486", "completed"),
        ("completed", Ack, "tells", "confirmed"),
        ("completed", Timer, "sends 486", "completed"),
        ("completed", FlowFailed, "", "completed"),
        ("confirmed", Provisional, "", "confirmed"),
        ("confirmed", Success, "", "confirmed"),
        ("confirmed", Refusal, "", "confirmed"),
        ("confirmed", Repeated, "", "confirmed"),
        ("confirmed", Ack, "", "confirmed"),
        ("confirmed", Timer, "", "over"),
    ];
    for (state, input, expected, next) in rows {
        let (mut bench, server) = server_in(&invite(), udp(), state);
        let seen = server_takes(&mut bench, server, &invite(), udp(), input);
        assert_eq!(seen, expected, "{state}: {input:?}");
        assert_eq!(invite_server_state(&mut bench), next, "{state}: {input:?}");
    }
    // Timer G is none on a reliable transport; timer H is there.
    let (mut bench, _) = server_in(&invite(), tcp(), "completed");
    assert_eq!(bench.wait(32_000), [Effect::NeverAcknowledged(32_000)]);
}

#[test]
fn figure_8_a_server_transaction_of_another_method_row_by_row() {
    let info = text("INFO", "z9hG4bK-two", 1);
    let rows: [Row; 13] = [
        ("trying", Provisional, "sends 180", "repeats"),
        ("trying", Success, "sends 200", "repeats"),
        ("trying", Refusal, "sends 486", "repeats"),
        ("trying", Repeated, "", "is silent"),
        ("proceeding", Provisional, "sends 180", "repeats"),
        ("proceeding", Success, "sends 200", "repeats"),
        ("proceeding", Refusal, "sends 486", "repeats"),
        ("proceeding", Repeated, "sends 180", "repeats"),
        ("completed", Provisional, "", "repeats"),
        ("completed", Success, "", "repeats"),
        ("completed", Refusal, "", "repeats"),
        ("completed", Repeated, "sends 486", "repeats"),
        ("completed", Timer, "", "over"),
    ];
    for flow in [udp(), tcp()] {
        for (state, input, expected, next) in rows {
            let (mut bench, server) = server_in(&info, flow, state);
            let found = server_takes(&mut bench, server, &info, flow, input);
            assert_eq!(found, expected, "{state}: {input:?}");
            let found = match bench.transactions.len() {
                (0, 0) => "over",
                _ => {
                    assert_eq!(bench.request(&info, flow), Arrival::Repeated);
                    if bench.effects().is_empty() { "is silent" } else { "repeats" }
                }
            };
            assert_eq!(found, next, "{state}: {input:?}");
        }
    }
}

#[test]
fn timers_of_the_table_end_when_rfc_3261_says() {
    // Table 4, with T1 500 ms, T2 4 s and T4 5 s: how long what is left over lasts. Where a copy may still come by a proxy that
    // bridges transports, it is kept longer than a reliable transport needs.
    let lasts = |bench: &mut Bench| {
        let began = bench.now_ms;
        while bench.transactions.len() != (0, 0) {
            next_deadline_passes(bench);
        }
        bench.now_ms - began
    };
    let options = text("OPTIONS", "z9hG4bK-two", 1);
    for (flow, d, k) in [(udp(), 32_000, 5_000), (tcp(), 0, 0)] {
        assert_eq!(lasts(&mut client_in(&invite(), flow, "calling")), 32_000, "B");
        assert_eq!(lasts(&mut client_in(&invite(), flow, "completed")), d, "D");
        assert_eq!(lasts(&mut client_in(&invite(), flow, "accepted")), 32_000, "M");
        assert_eq!(lasts(&mut client_in(&options, flow, "trying")), 32_000, "F");
        assert_eq!(lasts(&mut client_in(&options, flow, "completed")), k, "K");
        assert_eq!(lasts(&mut server_in(&invite(), flow, "confirmed").0), 5_000, "I");
        assert_eq!(lasts(&mut server_in(&invite(), flow, "accepted").0), 37_000, "L, and T4");
        assert_eq!(lasts(&mut server_in(&options, flow, "completed").0), 32_000, "J");
        // H, after which copies of the INVITE are known for another T4.
        assert_eq!(lasts(&mut server_in(&invite(), flow, "completed").0), 37_000, "H, and T4");
    }
}
