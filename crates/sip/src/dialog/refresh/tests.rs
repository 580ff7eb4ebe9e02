use super::*;
use crate::wire::{Cut, Judged, cut_packet, judge};

const HEADS: &str = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>;tag=2\r\n\
                     Call-ID: 1\r\nCSeq: 1 INVITE\r\n";

fn judged(start: &str, headers: &[&str]) -> Judged {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let text = format!("{start}\r\n{HEADS}{headers}Content-Length: 0\r\n\r\n");
    let Cut::Message(message) = cut_packet(text.into_bytes().into()) else { panic!("no message") };
    judge(message, None)
}

fn request(headers: &[&str]) -> Request {
    let Judged::Request(request) = judged("INVITE sip:b@b SIP/2.0", headers) else { panic!("no request") };
    *request
}

fn response(status: u16, headers: &[&str]) -> Response {
    let Judged::Response(response) = judged(&format!("SIP/2.0 {status} Reason"), headers) else {
        panic!("no response")
    };
    *response
}

fn at(s: u64) -> Mono {
    Mono::from_millis(5_000 + s * 1_000)
}

fn refresh(session_expires_s: Option<u32>, min_se_s: u32) -> Refresh {
    Refresh::new(TimerRules { session_expires_s, min_se_s })
}

/// What is answered: `1800;refresher=uas`, with ` required` where Require goes with it.
fn accepted(refresh: &mut Refresh, now: Mono, headers: &[&str]) -> String {
    match refresh.accept(now, &request(headers)) {
        Ok(Some((answer, true))) => format!("{answer} required"),
        Ok(Some((answer, false))) => answer.to_string(),
        Ok(None) => "none".to_owned(),
        Err(TooSmall { min_se_s }) => format!("422 {min_se_s}"),
    }
}

/// What a request of ours says: Session-Expires and Min-SE.
fn asked(refresh: &Refresh) -> String {
    let (interval, min_se_s) = refresh.request_headers();
    let interval = interval.map_or("none".to_owned(), |interval| interval.to_string());
    min_se_s.map_or(interval.clone(), |min_se_s| format!("{interval} {min_se_s}"))
}

/// Everything that comes due by itself, in seconds.
fn due(refresh: &mut Refresh) -> Vec<(i64, RefreshDue)> {
    let mut all = Vec::new();
    while let Some(deadline) = refresh.next_deadline() {
        let what = refresh.poll(deadline).expect("a deadline without anything due");
        assert!(all.len() < 10, "it never ends");
        all.push((deadline.ms_since(at(0)) / 1_000, what));
    }
    all
}

const TIMER: &str = "Supported: 100rel, timer";

#[test]
fn table_2_says_who_refreshes() {
    for (headers, answer) in [
        (&[][..], "1800;refresher=uas"),
        (&["Session-Expires: 1800;refresher=uac"], "1800;refresher=uas"),
        (&["Session-Expires: 1800;refresher=uas"], "1800;refresher=uas"),
        (&[TIMER], "1800;refresher=uas required"),
        (&[TIMER, "Session-Expires: 1800"], "1800;refresher=uas required"),
        (&[TIMER, "Session-Expires: 1800;refresher=uac"], "1800;refresher=uac required"),
        (&[TIMER, "x: 1800;refresher=uas"], "1800;refresher=uas required"),
        (&["Require: timer", "Session-Expires: 1800;refresher=uac"], "1800;refresher=uac required"),
    ] {
        assert_eq!(accepted(&mut refresh(Some(1_800), 90), at(0), headers), answer, "{headers:?}");
    }
}

#[test]
fn a_trunk_that_asks_for_no_timer_does_what_the_peer_asks() {
    assert_eq!(accepted(&mut refresh(None, 90), at(0), &[TIMER]), "none");
    assert_eq!(asked(&refresh(None, 300)), "none");
    let mut asked_by_peer = refresh(None, 90);
    let headers = [TIMER, "Session-Expires: 600;refresher=uas"];
    assert_eq!(accepted(&mut asked_by_peer, at(0), &headers), "600;refresher=uas required");
    assert_eq!(asked(&asked_by_peer), "600;refresher=uac", "a request of ours keeps the timer");
}

#[test]
fn the_interval_is_lowered_to_ours_but_never_below_the_peers_min_se() {
    let headers = [TIMER, "Session-Expires: 3600", "Min-SE: 120"];
    assert_eq!(accepted(&mut refresh(Some(1_800), 90), at(0), &headers), "1800;refresher=uas required");
    let mut short = refresh(Some(100), 90);
    assert_eq!(accepted(&mut short, at(0), &headers), "120;refresher=uas required");
    assert_eq!(asked(&short), "120;refresher=uac 120", "and later requests keep to it");
    let no_interval = [TIMER, "Min-SE: 240;x=y"];
    assert_eq!(accepted(&mut refresh(Some(100), 90), at(0), &no_interval), "240;refresher=uas required");
}

#[test]
fn an_interval_below_min_se_is_refused_422_where_the_peer_knows_timers() {
    let mut strict = refresh(None, 300);
    assert_eq!(accepted(&mut strict, at(0), &[TIMER, "Session-Expires: 299"]), "422 300");
    assert_eq!(strict.next_deadline(), None);
    assert_eq!(accepted(&mut strict, at(0), &[TIMER, "Session-Expires: 300"]), "300;refresher=uas required");
    assert_eq!(accepted(&mut strict, at(0), &["Session-Expires: 120"]), "120;refresher=uas");
    assert_eq!(accepted(&mut strict, at(0), &["Session-Expires: 1"]), "90;refresher=uas", "the floor");
}

#[test]
fn the_refresher_refreshes_at_half_and_the_other_side_waits() {
    let mut ours = refresh(Some(1_800), 90);
    accepted(&mut ours, at(0), &[TIMER]);
    assert_eq!(due(&mut ours), [(900, RefreshDue::Refresh), (1_768, RefreshDue::Expired)]);
    let mut theirs = refresh(Some(1_800), 90);
    accepted(&mut theirs, at(0), &[TIMER, "Session-Expires: 1800;refresher=uac"]);
    assert_eq!(due(&mut theirs), [(1_768, RefreshDue::Expired)]);
    let mut short = refresh(None, 90);
    accepted(&mut short, at(0), &[TIMER, "Session-Expires: 90;refresher=uac"]);
    assert_eq!(due(&mut short), [(60, RefreshDue::Expired)], "a third of 90 s is below 32 s");
}

#[test]
fn each_refresh_begins_the_interval_again() {
    let mut theirs = refresh(None, 90);
    let headers = [TIMER, "Session-Expires: 1800;refresher=uac"];
    accepted(&mut theirs, at(0), &headers);
    assert_eq!(theirs.poll(at(1_700)), None);
    accepted(&mut theirs, at(1_700), &headers);
    assert_eq!(theirs.next_deadline(), Some(at(1_700 + 1_768)));
}

#[test]
fn a_2xx_to_our_request_says_who_refreshes() {
    let mut caller = refresh(Some(1_800), 90);
    assert_eq!(asked(&caller), "1800");
    caller.accepted(at(0), &response(200, &["Session-Expires: 600;refresher=uas"]));
    assert_eq!(asked(&caller), "600;refresher=uas");
    assert_eq!(due(&mut caller.clone()), [(568, RefreshDue::Expired)]);
    caller.accepted(at(0), &response(200, &["Session-Expires: 600;refresher=uac"]));
    assert_eq!(asked(&caller), "600;refresher=uac");
    assert_eq!(due(&mut caller), [(300, RefreshDue::Refresh), (568, RefreshDue::Expired)]);
}

#[test]
fn the_refresher_changes_by_a_request_of_either_side() {
    let mut x = refresh(Some(1_800), 90);
    x.accepted(at(0), &response(200, &["Session-Expires: 1800;refresher=uac"]));
    // A re-INVITE of the peer, in which it is the UAC, takes it over; one that says nothing leaves it.
    let taking = [TIMER, "Session-Expires: 1800;refresher=uac"];
    assert_eq!(accepted(&mut x, at(10), &taking), "1800;refresher=uac required");
    assert_eq!(accepted(&mut x, at(20), &[TIMER, "Session-Expires: 1800"]), "1800;refresher=uac required");
    assert_eq!(accepted(&mut x, at(25), &[TIMER]), "1800;refresher=uac required", "it left the header out");
    assert_eq!(asked(&x), "1800;refresher=uas");
    assert_eq!(x.next_deadline(), Some(at(25 + 1_768)));
    let giving = [TIMER, "Session-Expires: 1800;refresher=uas"];
    assert_eq!(accepted(&mut x, at(30), &giving), "1800;refresher=uas required");
    assert_eq!(x.next_deadline(), Some(at(930)));
    assert_eq!(accepted(&mut x, at(40), &[TIMER, "Session-Expires: 1800"]), "1800;refresher=uas required");
}

#[test]
fn a_422_raises_the_interval_and_the_request_goes_again_twice() {
    let mut caller = refresh(Some(120), 90);
    assert!(!caller.refused(&response(422, &[])), "no Min-SE");
    assert!(caller.refused(&response(422, &["Min-SE: 300"])));
    assert_eq!(asked(&caller), "300 300");
    assert!(caller.refused(&response(422, &["Min-SE: 600"])), "the next hop wants more");
    assert_eq!(asked(&caller), "600 600");
    assert!(!caller.refused(&response(422, &["Min-SE: 900"])));
    caller.accepted(at(0), &response(200, &["Session-Expires: 600;refresher=uac"]));
    assert_eq!(asked(&caller), "600;refresher=uac 600", "Min-SE stays for the dialog");
    assert!(caller.refused(&response(422, &["Min-SE: 700"])), "a later request counts anew");
    assert_eq!(asked(&caller), "700;refresher=uac 700");
}

#[test]
fn with_a_peer_without_timers_we_refresh_alone() {
    let mut caller = refresh(Some(1_800), 90);
    caller.accepted(at(0), &response(200, &[]));
    assert_eq!(due(&mut caller.clone()), [(900, RefreshDue::Refresh), (1_768, RefreshDue::Expired)]);
    assert_eq!(caller.poll(at(900)), Some(RefreshDue::Refresh));
    caller.accepted(at(901), &response(200, &[]));
    assert_eq!(caller.next_deadline(), Some(at(1_801)), "its 2xx without the header goes on");
    caller.poll(at(1_801)).unwrap();
    caller.refresh_failed(at(1_802), false);
    assert_eq!(caller.next_deadline(), Some(at(2_702)), "a refusal shows that it is there");
    caller.refresh_failed(at(1_803), true);
    assert_eq!(caller.poll(at(1_803)), Some(RefreshDue::Expired));

    let mut called = refresh(Some(1_800), 90);
    assert_eq!(accepted(&mut called, at(0), &[]), "1800;refresher=uas");
    called.accepted(at(900), &response(200, &[]));
    assert_eq!(called.next_deadline(), Some(at(1_800)));
    assert_eq!(accepted(&mut called, at(1_000), &[]), "1800;refresher=uas", "it re-invites");
}

#[test]
fn a_later_2xx_without_session_expires_stops_the_timer() {
    let mut caller = refresh(Some(1_800), 90);
    caller.accepted(at(0), &response(200, &["Session-Expires: 1800;refresher=uas"]));
    caller.accepted(at(10), &response(200, &[]));
    assert_eq!((caller.next_deadline(), caller.poll(at(99_999))), (None, None));
    let mut quiet = refresh(None, 90);
    quiet.accepted(at(0), &response(200, &[]));
    assert_eq!(quiet.next_deadline(), None, "nothing was asked and nothing agreed");
    quiet.accepted(at(0), &response(200, &["Session-Expires: 90;refresher=uas"]));
    assert_eq!(accepted(&mut quiet, at(10), &[TIMER]), "none", "the peer's request stops it too");
    assert_eq!(quiet.next_deadline(), None);
}

#[test]
fn a_refresh_without_an_outcome_ends_in_bye() {
    let mut x = refresh(Some(90), 90);
    accepted(&mut x, at(0), &[TIMER]);
    assert_eq!(due(&mut x), [(45, RefreshDue::Refresh), (60, RefreshDue::Expired)]);
    assert_eq!(x.poll(at(1_000)), None, "once each");
}

#[test]
fn a_refused_refresh_is_tried_again_before_the_session_ends() {
    let mut x = refresh(Some(1_800), 90);
    accepted(&mut x, at(0), &[TIMER]);
    let mut tries = Vec::new();
    loop {
        let now = x.next_deadline().unwrap();
        match x.poll(now).unwrap() {
            RefreshDue::Refresh => tries.push(now.ms_since(at(0)) / 1_000),
            RefreshDue::Expired => break assert_eq!(now, at(1_768)),
        }
        x.refresh_failed(now, false);
        assert!(tries.len() < 20);
    }
    assert_eq!(tries.first_chunk(), Some(&[900, 1_334, 1_551, 1_659]));
}

#[test]
fn a_refresh_that_could_not_be_sent_is_no_sign_of_life() {
    let mut alone = refresh(Some(1_800), 90);
    alone.accepted(at(0), &response(200, &[]));
    assert_eq!(alone.poll(at(900)), Some(RefreshDue::Refresh));
    alone.refresh_postponed(at(900));
    assert_eq!(alone.next_deadline(), Some(Mono::from_millis(5_000 + 902_500)));
    let expired_at = loop {
        let now = alone.next_deadline().unwrap();
        match alone.poll(now).unwrap() {
            RefreshDue::Refresh => alone.refresh_postponed(now),
            RefreshDue::Expired => break now,
        }
    };
    assert_eq!(expired_at, at(1_768), "it expires where it never can be sent");
    let mut theirs = refresh(None, 90);
    theirs.accepted(at(0), &response(200, &["Session-Expires: 90;refresher=uas"]));
    theirs.refresh_postponed(at(1));
    assert_eq!(theirs.next_deadline(), Some(at(60)));
}

#[test]
fn a_fatal_failure_expires_the_session_at_once() {
    let mut x = refresh(Some(1_800), 90);
    accepted(&mut x, at(0), &[TIMER]);
    assert_eq!(x.poll(at(900)), Some(RefreshDue::Refresh));
    x.refresh_failed(at(932), true);
    assert_eq!(x.next_deadline(), Some(at(932)));
    assert_eq!(x.poll(at(932)), Some(RefreshDue::Expired));
    x.refresh_failed(at(933), true);
    assert_eq!(x.next_deadline(), None);
}

#[test]
fn hostile_values_neither_overflow_nor_make_us_refresh_without_pause() {
    let mut x = refresh(Some(1_800), 90);
    x.accepted(at(0), &response(200, &["Session-Expires: 0;refresher=uac"]));
    assert_eq!(x.next_deadline(), Some(at(45)));
    x.accepted(at(0), &response(200, &["Session-Expires: 4294967295"]));
    assert!(x.next_deadline().unwrap() > at(2_000_000_000));
    assert_eq!(
        accepted(&mut x, at(0), &[TIMER, "Session-Expires: 99999999999"]),
        "1800;refresher=uas required"
    );
    assert_eq!(accepted(&mut x, at(0), &[TIMER, "Min-SE: 4294967295"]), "4294967295;refresher=uas required");
}
