use super::*;
use std::net::Ipv4Addr;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

fn at(ms: u64) -> Mono {
    Mono::from_millis(1_000_000 + ms)
}

fn limits() -> Limits {
    Limits {
        legs_max: 100,
        half_open_per_source: 3,
        requests_per_source_per_s: 10,
        sources_max: 4,
        ..Limits::default()
    }
}

fn source(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))
}

fn limited(why: Counter, retry_after_s: u32) -> Refused {
    Refused { retry_after_s, why }
}

#[test]
fn a_source_has_its_own_rate_and_a_burst_of_two_seconds() {
    let mut admission = Admission::new(limits());
    let admitted = |admission: &mut Admission, ms, count: u32, source| {
        (0..count).filter(|_| admission.admit_request(at(ms), source).is_ok()).count()
    };
    assert_eq!(admitted(&mut admission, 0, 100, HERE), 20);
    assert_eq!(admission.admit_request(at(0), HERE), Err(limited(Counter::SourceLimited, 1)));
    assert_eq!(admitted(&mut admission, 0, 100, THERE), 20, "another source has not suffered");
    assert_eq!(admitted(&mut admission, 1_000, 100, HERE), 10);
    assert_eq!(admitted(&mut admission, 60_000, 100, HERE), 20, "no more than the burst is saved");
}

#[test]
fn requests_below_a_millisecond_apart_lose_no_refill() {
    let mut admission = Admission::new(limits());
    let mut admitted = 0;
    for step in 0..100_000_u64 {
        let now = Mono::from_nanos(1_000_000_000 + step * 100_000);
        admitted += usize::from(admission.admit_request(now, HERE).is_ok());
    }
    assert_eq!(admitted, 20 + 99, "10 s at 10 per second");
}

#[test]
fn time_that_goes_back_gives_nothing() {
    let mut admission = Admission::new(limits());
    for _ in 0..20 {
        admission.admit_request(at(500), HERE).unwrap();
    }
    assert!(admission.admit_request(at(0), HERE).is_err());
    assert!(admission.admit_request(at(599), HERE).is_err());
    assert!(admission.admit_request(at(600), HERE).is_ok());
}

#[test]
fn half_open_calls_of_a_source_are_limited_before_anything_else() {
    let mut admission = Admission::new(limits());
    let trunk = Trunk { calls_max: Some(3), ..Trunk::new("a") };
    let mut tickets: Vec<CallTicket> =
        (0..3).map(|_| admission.open_call(at(0), HERE, &trunk, 0).unwrap()).collect();
    let refused = |admission: &mut Admission| admission.open_call(at(0), HERE, &trunk, 1_000).unwrap_err();
    assert_eq!(refused(&mut admission), limited(Counter::SourceLimited, 10));
    admission.call_confirmed(at(0), tickets.first_mut().unwrap());
    assert_eq!(refused(&mut admission), limited(Counter::TrunkLimited, 10));
    admission.release(tickets.pop().unwrap());
    assert_eq!(refused(&mut admission), limited(Counter::Overloaded, 10));
    assert_eq!(admission.calls(&trunk.id), 2);
    assert!(admission.open_call(at(0), HERE, &trunk, 99).is_ok());
}

#[test]
fn a_call_that_is_confirmed_twice_or_released_confirmed_counts_once() {
    let mut admission = Admission::new(limits());
    let trunk = Trunk::new("a");
    let mut one = admission.open_call(at(0), HERE, &trunk, 0).unwrap();
    let others: Vec<CallTicket> =
        (0..2).map(|_| admission.open_call(at(0), HERE, &trunk, 0).unwrap()).collect();
    admission.call_confirmed(at(0), &mut one);
    admission.call_confirmed(at(0), &mut one);
    admission.release(one);
    let next = admission.open_call(at(0), HERE, &trunk, 0).unwrap();
    assert!(admission.open_call(at(0), HERE, &trunk, 0).is_err());
    for ticket in others.into_iter().chain([next]) {
        admission.release(ticket);
    }
    assert_eq!(admission.calls(&trunk.id), 0);
}

#[test]
fn a_trunk_has_its_own_calls_per_second() {
    let mut admission = Admission::new(Limits { half_open_per_source: 1_000, ..limits() });
    let trunk = Trunk { calls_per_s: Some(5), ..Trunk::new("a") };
    let mut tickets = Vec::new();
    let mut opened = |admission: &mut Admission, ms, trunk: &Trunk| {
        let new: Vec<_> = (0..50).filter_map(|_| admission.open_call(at(ms), HERE, trunk, 0).ok()).collect();
        let count = new.len();
        tickets.extend(new);
        count
    };
    assert_eq!(opened(&mut admission, 0, &trunk), 5);
    assert_eq!(admission.open_call(at(0), HERE, &trunk, 0).unwrap_err(), limited(Counter::TrunkLimited, 1));
    assert_eq!(opened(&mut admission, 0, &Trunk::new("b")), 50, "another trunk has none");
    assert_eq!(opened(&mut admission, 400, &trunk), 2);
    // A call that another limit refused has taken nothing of the rate.
    assert!(admission.open_call(at(600), HERE, &trunk, 100).is_err());
    assert_eq!(opened(&mut admission, 600, &trunk), 1);
}

#[test]
fn an_unconfirmed_source_is_sent_its_multiple_and_one_message() {
    let mut admission = Admission::new(limits());
    assert!(!admission.may_send(at(0), HERE, 100), "nothing came from it");
    admission.received(HERE, 500);
    let mut sent = 0;
    for _ in 0..50 {
        sent += if admission.may_send(at(0), HERE, 400) { 400 } else { 0 };
    }
    assert_eq!(sent, 1_600, "below 3 * 500 + 400");
    admission.received(HERE, 40);
    assert!(admission.may_send(at(0), HERE, 400), "bytes that come earn more");
    assert!(!admission.may_send(at(0), HERE, 400));
}

#[test]
fn what_may_be_sent_never_passes_the_bound_whatever_comes() {
    let mut admission = Admission::new(limits());
    // A small fixed generator: sizes and directions without a pattern.
    let mut state = 1_u64;
    let (mut came, mut sent, mut largest) = (0_usize, 0_usize, 0_usize);
    for step in 0..20_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let bytes = usize::try_from(state >> 52).unwrap() * 16;
        if state & (1 << 40) == 0 {
            came += bytes;
            admission.received(HERE, bytes);
        } else if admission.may_send(at(step), HERE, bytes) {
            sent += bytes;
            largest = largest.max(bytes);
        }
        // Others come and go, so that this source is forgotten now and then.
        if state & (7 << 41) == 0 {
            for other in 0..5 {
                admission.received(source(other), 100);
            }
        }
        assert!(sent <= 3 * came + largest);
    }
}

#[test]
fn credit_is_capped() {
    let mut admission = Admission::new(limits());
    for _ in 0..10_000 {
        admission.received(HERE, 65_000);
    }
    let sent = (0..1_000).filter(|_| admission.may_send(at(0), HERE, 65_536)).count();
    assert_eq!(sent, 3);
}

#[test]
fn a_confirmed_source_is_sent_everything_for_ten_minutes() {
    let mut admission = Admission::new(limits());
    admission.source_confirmed(at(0), HERE);
    assert!((0..100).all(|_| admission.may_send(at(599_999), HERE, 65_000)));
    assert!(!admission.may_send(at(600_000), HERE, 1));
    let trunk = Trunk::new("a");
    let mut ticket = admission.open_call(at(600_000), HERE, &trunk, 0).unwrap();
    admission.call_confirmed(at(600_000), &mut ticket);
    assert!(admission.may_send(at(600_000), HERE, 1), "an ACK confirms");
}

#[test]
fn the_table_of_sources_is_bounded_and_forgets_the_least_recent() {
    let mut admission = Admission::new(limits());
    for number in 0..4 {
        admission.received(source(number), 100);
    }
    admission.received(source(0), 1);
    admission.received(source(9), 100);
    assert_eq!(admission.sources(), 4);
    assert!(admission.may_send(at(0), source(0), 1), "used again: kept");
    assert!(!admission.may_send(at(0), source(1), 1), "the least recent: forgotten");
    for number in 0..10_000 {
        let _ = admission.admit_request(at(0), source(number));
    }
    assert_eq!(admission.sources(), 4);
}

#[test]
fn a_source_with_half_open_calls_stays_while_others_pass_by() {
    let mut admission = Admission::new(limits());
    let trunk = Trunk::new("a");
    let tickets: Vec<CallTicket> =
        (0..3).map(|_| admission.open_call(at(0), HERE, &trunk, 0).unwrap()).collect();
    admission.source_confirmed(at(0), THERE);
    for number in 0..1_000 {
        admission.received(source(number), 100);
    }
    assert!(admission.open_call(at(0), HERE, &trunk, 0).is_err(), "its calls are still counted");
    assert!(admission.may_send(at(0), THERE, 65_000), "and a confirmed source is still confirmed");
    tickets.into_iter().for_each(|ticket| admission.release(ticket));
    for number in 0..1_000 {
        admission.received(source(number), 100);
    }
    assert!(admission.open_call(at(0), HERE, &trunk, 0).is_ok());
}

#[test]
fn where_every_source_has_half_open_calls_a_new_one_still_finds_a_place() {
    let mut admission = Admission::new(limits());
    let trunk = Trunk::new("a");
    let mut tickets = Vec::new();
    for number in 0..100 {
        admission.received(source(number), 100);
        tickets.push(admission.open_call(at(0), source(number), &trunk, 0).unwrap());
        assert!(admission.sources() <= 4);
    }
    // Calls of a forgotten life do not count down those of the new one.
    for _ in 0..3 {
        tickets.push(admission.open_call(at(0), source(0), &trunk, 0).unwrap());
    }
    assert!(admission.open_call(at(0), source(0), &trunk, 0).is_err());
    admission.release(tickets.remove(0));
    assert!(admission.open_call(at(0), source(0), &trunk, 0).is_err());
    tickets.into_iter().for_each(|ticket| admission.release(ticket));
    assert_eq!(admission.calls(&trunk.id), 0);
    assert!(admission.open_call(at(0), source(0), &trunk, 0).is_ok());
}

#[test]
fn an_ipv6_source_is_its_64_and_a_mapped_one_is_ipv4() {
    let mut admission = Admission::new(limits());
    let parse = |text: &str| text.parse::<IpAddr>().unwrap();
    admission.received(parse("2001:db8::1"), 100);
    assert!(admission.may_send(at(0), parse("2001:db8::ffff:1"), 1));
    assert!(!admission.may_send(at(0), parse("2001:db8:0:1::1"), 1));
    admission.received(parse("::ffff:192.0.2.1"), 100);
    assert!(admission.may_send(at(0), HERE, 1));
}

#[test]
fn a_limit_of_nothing_refuses_and_does_not_panic() {
    let none = Limits {
        legs_max: 0,
        half_open_per_source: 0,
        requests_per_source_per_s: 0,
        sources_max: 0,
        amplification_max: 0,
        ..limits()
    };
    let mut admission = Admission::new(none);
    admission.received(HERE, usize::MAX);
    assert!(admission.admit_request(at(0), HERE).is_err());
    assert!(admission.open_call(at(0), HERE, &Trunk::new("a"), 0).is_err());
    assert!(!admission.may_send(at(0), HERE, 1));
}
