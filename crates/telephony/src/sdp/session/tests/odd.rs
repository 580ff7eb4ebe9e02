//! Descriptions that are odd, wrong or hostile.

use super::*;

#[test]
fn the_packet_time_is_what_is_asked_for_or_20_ms() {
    let cases = [
        ("", 20),
        ("a=ptime:30\r\n", 30),
        ("a=ptime: 40 \r\n", 40),
        ("a=ptime:20.0\r\n", 20),
        ("a=ptime:0\r\n", 20),
        ("a=ptime:7\r\n", 20),
        ("a=ptime:-20\r\n", 20),
        ("a=ptime:99999999999999999999\r\n", 20),
        ("a=ptime\r\n", 20),
        ("a=ptime:0\r\na=ptime:60\r\n", 60),
        ("a=ptime:30\r\na=ptime:60\r\n", 30),
        ("a=maxptime:10\r\n", 10),
        ("a=ptime:60\r\na=maxptime:50\r\n", 40),
        ("a=maxptime:0\r\n", 20),
        ("a=maxptime:5\r\n", 10),
        ("a=maxptime:150\r\n", 20),
        ("a=mptime:30 10\r\n", 30),
        ("a=mptime:- 10\r\n", 20),
        ("a=fmtp:0 ptime=30\r\n", 30),
        ("a=fmtp:8 ptime=30\r\n", 20),
        ("a=fmtp:0 x=1; ptime=60;maxptime=30\r\n", 30),
    ];
    for (lines, expected) in cases {
        let mut session = session();
        let answer = session.receive_offer(&offer_with("192.0.2.1", lines)).unwrap().text;
        assert_eq!(session.audio().unwrap().ptime_ms, expected, "{lines:?}");
        assert!(answer.contains(&format!("a=ptime:{expected}\r\n")), "{lines:?}");
    }
    let of_session = description("a=ptime:40\r\nm=audio 4000 RTP/AVP 0\r\n");
    assert_eq!(agreed(&of_session).ptime_ms, 40);
}

#[test]
fn only_events_at_the_clock_of_the_codec_are_answered() {
    let offer = "m=audio 4000 RTP/AVP 96 97 98 0\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:97 telephone-event/48000\r\n\
                 a=rtpmap:98 telephone-event/8000\r\n";
    let mut session = session();
    let answer = session.receive_offer(&description(offer)).unwrap().text;
    assert!(answer.contains("m=audio 20000 RTP/AVP 0 98\r\n") && !answer.contains("48000"), "{answer}");
    let agreed = session.audio().unwrap();
    assert_eq!(agreed.dtmf, Some(98));
    assert_eq!(agreed.payloads.kind(97), PayloadKind::TelephoneEvent { clock_hz: 48_000 });
    let only = "m=audio 4000 RTP/AVP 0 97\r\na=rtpmap:97 telephone-event/48000\r\n";
    assert_eq!(super::agreed(&description(only)).dtmf, None);
}

#[test]
fn a_payload_type_means_one_thing() {
    // Mapped twice: the first counts, also against the static meaning; listed twice: once.
    let offer = "m=audio 4000 RTP/AVP 0 0 101 101\r\na=rtpmap:0 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
                 a=rtpmap:101 telephone-event/8000\r\na=rtpmap:101 PCMU/8000\r\n";
    let mut session = session();
    let answer = session.receive_offer(&description(offer)).unwrap().text;
    let agreed = session.audio().unwrap();
    assert_eq!(agreed.codec, Codec { kind: AudioCodec::Pcma, payload_type: 0 });
    assert_eq!(agreed.dtmf, Some(101));
    assert!(answer.contains("m=audio 20000 RTP/AVP 0 101\r\n"), "{answer}");
    // What 0 is here, it stays in our offers.
    let ours = session.make_offer().unwrap();
    assert!(
        ours.contains("a=rtpmap:0 PCMA/8000\r\n") && ours.contains("a=rtpmap:96 PCMU/8000\r\n"),
        "{ours}"
    );
}

#[test]
fn numbers_that_are_no_payload_types_are_passed_over() {
    let offer =
        "m=audio 4000 RTP/AVP 128 255 -1 300 x 8\r\na=rtpmap:128 PCMU/8000\r\na=rtpmap:300 PCMU/8000\r\n";
    assert_eq!(agreed(&description(offer)).codec, Codec { kind: AudioCodec::Pcma, payload_type: 8 });
}

#[test]
fn duplicate_lines_and_double_spaces_do_no_harm() {
    let offer = "v=0\r\nv=0\r\no=- 1 1 IN IP4 192.0.2.1\r\no=- 2 2 IN IP4 192.0.2.2\r\nc=IN IP4 192.0.2.1\r\n\
                 c=IN IP4 192.0.2.2\r\nb=AS:64\r\nb=CT:nonsense\r\nm=audio  4000 RTP/AVP   0 8\r\na=sendonly\r\na=sendrecv\r\n";
    let agreed = agreed(offer);
    assert_eq!(agreed.remote, "192.0.2.1:4000".parse().unwrap());
    assert_eq!(agreed.direction, Direction::RecvOnly);
}

#[test]
fn a_bare_carriage_return_cannot_smuggle_a_line_into_our_answer() {
    let offer = offer_with("192.0.2.1", "m=video 9 RTP/AVP 96\ra=smuggled\r\n");
    let answer = session().receive_offer(&offer).unwrap().text;
    assert!(!answer.contains("smuggled"), "{answer}");
}

#[test]
fn two_hundred_sections_are_answered_one_by_one() {
    let mut offer = description("");
    for nth in 0..200 {
        offer += &format!("m=audio {} RTP/AVP 0 8\r\n", 4_000 + 2 * nth);
    }
    let mut session = session();
    let answer = session.receive_offer(&offer).unwrap().text;
    assert_eq!(media_lines(&answer).len(), 200);
    assert_eq!(session.agreement().unwrap().streams.iter().flatten().count(), 1);
    assert_eq!(media_lines(&session.make_offer().unwrap()).len(), 200);
}

#[test]
fn more_sections_than_are_remembered_are_refused() {
    let sections = |count: usize| description(&"m=audio 4000 RTP/AVP 0\r\n".repeat(count));
    assert!(session().receive_offer(&sections(256)).is_ok());
    assert_eq!(refusal(&sections(257)), SdpError::TooManySections(257));
    let long = description(&format!("m=audio 4000 RTP/AVP 0\r\na=x:{}\r\n", "x".repeat(70_000)));
    assert_eq!(refusal(&long).sip_status(), 413);
}

/// Work that grew with the square of the length would take minutes here.
#[test]
fn texts_of_the_greatest_length_are_answered_or_refused() {
    let numbers = "0 ".repeat(8_000);
    let mappings = "a=rtpmap:0 X/8000\r\n".repeat(1_500);
    let directions = "a=ptime:0\r\n".repeat(1_500);
    let worst = [
        description(&format!("m=audio 4000 RTP/AVP {numbers}18\r\n{mappings}{directions}")),
        description(&format!("{directions}{}", "m=audio 4000 RTP/AVP 18\r\n".repeat(256))),
        description(&format!("m=audio 4000 RTP/AVP {}8\r\n{mappings}", "101 ".repeat(8_000))),
    ];
    let outcomes = worst.map(|offer| {
        assert!((20_000..65_536).contains(&offer.len()), "{}", offer.len());
        session()
            .receive_offer(&offer)
            .map(|answer| answer.text.len() < 1_000)
            .map_err(|error| error.sip_status())
    });
    assert_eq!(outcomes, [Err(488), Err(488), Ok(true)]);
}
