//! Where RTCP goes.

use super::*;

fn rtcp(lines: &str) -> (bool, Option<String>) {
    let agreed = agreed(&offer_with("192.0.2.1", lines));
    (agreed.rtcp_mux, agreed.remote_rtcp.map(|address| address.to_string()))
}

#[test]
fn rtcp_shares_the_port_where_that_is_offered() {
    let mut session = session();
    let answer = session.receive_offer(&offer_with("192.0.2.1", "a=rtcp-mux\r\na=rtcp:4001\r\n")).unwrap();
    assert!(answer.text.contains("a=rtcp-mux\r\n"));
    let agreed = session.audio().unwrap();
    assert_eq!((agreed.rtcp_mux, agreed.remote_rtcp), (true, None));
    // A later offer without it declines it.
    let answer = session.receive_offer(&offer_with("192.0.2.1", "")).unwrap();
    assert!(!answer.text.contains("rtcp-mux"));
    assert_eq!(session.audio().unwrap().remote_rtcp, Some("192.0.2.1:4001".parse().unwrap()));
}

#[test]
fn a_local_side_without_multiplexing_neither_takes_it_up_nor_offers_it() {
    let mut session = Session::new(LocalMedia { rtcp_mux: false, ..local() });
    let answer = session.receive_offer(&offer_with("192.0.2.1", "a=rtcp-mux\r\n")).unwrap();
    assert!(!answer.text.contains("rtcp-mux"));
    assert!(!session.audio().unwrap().rtcp_mux);
    assert!(!session.make_offer().unwrap().contains("rtcp-mux"));
}

#[test]
fn an_answer_without_multiplexing_declines_it() {
    let mut session = session();
    assert!(session.make_offer().unwrap().contains("a=rtcp-mux\r\n"));
    session.receive_answer(&offer_with("192.0.2.1", "a=rtcp:5000\r\n")).unwrap();
    let agreed = session.audio().unwrap();
    assert_eq!((agreed.rtcp_mux, agreed.remote_rtcp), (false, Some("192.0.2.1:5000".parse().unwrap())));
}

#[test]
fn rtcp_goes_to_the_next_port_or_to_the_one_that_is_named() {
    let cases = [
        ("", Some("192.0.2.1:4001")),
        ("a=rtcp:53020\r\n", Some("192.0.2.1:53020")),
        ("a=rtcp:53020 IN IP4 192.0.2.9\r\n", Some("192.0.2.9:53020")),
        ("a=rtcp:53020 IN IP6 2001:db8::9\r\n", Some("[2001:db8::9]:53020")),
        ("a=rtcp:0\r\n", None),
        ("a=rtcp:99999\r\n", None),
        ("a=rtcp:53020 IN IP4 host.example\r\n", None),
        ("a=rtcp\r\n", Some("192.0.2.1:4001")),
    ];
    for (lines, expected) in cases {
        assert_eq!(rtcp(lines), (false, expected.map(str::to_owned)), "{lines:?}");
    }
    let highest = description("m=audio 65535 RTP/AVP 0\r\n");
    assert_eq!(agreed(&highest).remote_rtcp, None);
}

#[test]
fn no_rtcp_goes_where_both_bandwidths_are_zero() {
    let cases = [
        ("b=RS:0\r\nb=RR:0\r\n", None),
        ("b=RS:0\r\nb=RR:0\r\na=rtcp-mux\r\n", None),
        ("b=RS:0\r\nb=RR:300\r\n", Some("192.0.2.1:4001")),
        ("b=AS:80\r\nb=TIAS\r\nb=RS:x\r\n", Some("192.0.2.1:4001")),
    ];
    for (lines, expected) in cases {
        assert_eq!(rtcp(lines), (false, expected.map(str::to_owned)), "{lines:?}");
    }
}
