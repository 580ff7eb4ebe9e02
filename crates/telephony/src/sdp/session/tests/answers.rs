//! Offers of ours: answered, refused, crossed, repeated; and calls in the wrong order.

use super::*;

#[test]
fn our_offer_and_our_answer_agree_with_each_other() {
    for kind in AudioCodec::ALL {
        let caller =
            LocalMedia { codecs: vec![kind], ..LocalMedia::new("127.0.0.1:6000".parse().unwrap(), 1) };
        let (mut caller, mut callee) = (Session::new(caller), session());
        let answer = callee.receive_offer(&caller.make_offer().unwrap()).unwrap().text;
        assert_eq!(caller.receive_answer(&answer), Ok(Change::Changed));
        let (ours, theirs) = (caller.audio().unwrap(), callee.audio().unwrap());
        assert_eq!((ours.codec, ours.codec.kind), (theirs.codec, kind));
        assert_eq!((ours.dtmf, theirs.dtmf), (Some(101), Some(101)));
        assert_eq!(
            (ours.remote, theirs.remote),
            ("198.51.100.1:20000".parse().unwrap(), "127.0.0.1:6000".parse().unwrap())
        );
        assert!(ours.rtcp_mux && theirs.rtcp_mux);
        assert_eq!(ours.payloads, theirs.payloads);
    }
}

#[test]
fn a_first_offer_names_all_codecs_and_events_on_101() {
    assert_eq!(
        session().make_offer().unwrap(),
        "v=0\r\no=- 4711 7 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 0 8 9 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n\
         a=rtcp-mux\r\na=sendrecv\r\n"
    );
}

#[test]
fn our_offer_to_hold_is_understood_from_both_sides() {
    let mut caller = Session::new(LocalMedia {
        direction: Direction::SendOnly,
        ..LocalMedia::new("127.0.0.1:6000".parse().unwrap(), 1)
    });
    let mut callee = session();
    let answer = callee.receive_offer(&caller.make_offer().unwrap()).unwrap().text;
    assert_eq!(callee.audio().unwrap().direction, Direction::RecvOnly);
    caller.receive_answer(&answer).unwrap();
    assert_eq!(caller.audio().unwrap().direction, Direction::SendOnly);
}

#[test]
fn an_offer_of_ours_in_mid_call_has_all_capabilities_also_after_hold() {
    let mut session = session();
    session.receive_offer(&offer_with("192.0.2.1", "a=sendonly\r\n")).unwrap();
    let resuming = session.make_offer().unwrap();
    assert!(resuming.contains("a=sendrecv\r\n") && resuming.contains("RTP/AVP 0 8 9 101"), "{resuming}");
    assert_eq!(version(&resuming), 8);
    assert_eq!(session.receive_answer(&offer_with("192.0.2.1", "")), Ok(Change::Changed));
    assert_eq!(session.description(), Some(resuming.as_str()));
    assert!(!session.audio().unwrap().is_held());
    // Repeated, it says nothing new.
    assert_eq!(session.make_offer().unwrap(), resuming);
    assert_eq!(session.receive_answer(&offer_with("192.0.2.1", "")), Ok(Change::Unchanged));
}

#[test]
fn a_late_offer_is_answered_in_the_acknowledgement_and_later_offers_follow_on_it() {
    let mut session = session();
    session.make_offer().unwrap();
    assert!(session.is_offering() && session.agreement().is_none());
    session.receive_answer(&description("m=audio 4000 RTP/AVP 8\r\na=ptime:30\r\n")).unwrap();
    let agreed = session.audio().unwrap();
    assert_eq!((agreed.codec.kind, agreed.dtmf, agreed.ptime_ms), (AudioCodec::Pcma, None, 30));
    let answer = session.receive_offer(&description("m=audio 4000 RTP/AVP 8\r\n")).unwrap();
    assert_eq!(version(&answer.text), 8);
}

#[test]
fn an_answer_may_name_payload_types_of_its_own_and_the_peer_sends_with_ours() {
    let mut session = session();
    session.make_offer().unwrap();
    let answer =
        "m=audio 4000 RTP/AVP 97 96\r\na=rtpmap:97 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\n";
    session.receive_answer(&description(answer)).unwrap();
    let agreed = session.audio().unwrap();
    assert_eq!((agreed.codec.payload_type, agreed.dtmf), (97, Some(96)));
    let events = PayloadKind::TelephoneEvent { clock_hz: 8_000 };
    for (number, kind) in [(8, PayloadKind::Audio(AudioCodec::Pcma)), (101, events), (96, events)] {
        assert_eq!(agreed.payloads.kind(number), kind, "{number}");
    }
    assert_eq!(agreed.payloads.kind(0), PayloadKind::Unknown);
}

#[test]
fn what_a_payload_type_means_is_kept_in_our_later_offers() {
    let mut session = session();
    let offer = "m=audio 4000 RTP/AVP 101 97 98 9\r\na=rtpmap:101 opus/48000/2\r\na=rtpmap:97 PCMA/8000\r\n\
                 a=rtpmap:98 telephone-event/8000\r\na=rtpmap:9 SPEEX/8000\r\n";
    session.receive_offer(&description(offer)).unwrap();
    let ours = session.make_offer().unwrap();
    assert!(ours.contains("m=audio 20000 RTP/AVP 0 97 96 98\r\n"), "{ours}");
    assert!(
        ours.contains("a=rtpmap:96 G722/8000\r\n") && ours.contains("a=rtpmap:98 telephone-event/8000\r\n")
    );
    session.roll_back();
    // Events were never named, and 101 is another thing.
    session
        .receive_offer(&description("m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 opus/48000/2\r\n"))
        .unwrap();
    let ours = session.make_offer().unwrap();
    assert!(!ours.contains("101"), "{ours}");
    assert!(ours.contains("telephone-event"), "{ours}");
}

#[test]
fn an_offer_that_was_refused_leaves_the_session_and_spends_its_version() {
    let mut session = session();
    let first = session.receive_offer(&offer_with("192.0.2.1", "a=sendonly\r\n")).unwrap().text;
    let agreement = session.agreement().cloned();
    assert_eq!(version(&session.make_offer().unwrap()), 8);
    session.roll_back();
    assert!(!session.is_offering());
    assert_eq!((session.agreement().cloned(), session.description()), (agreement, Some(first.as_str())));
    // The peer refreshes what is in effect: nothing new. What is new has a version that never was.
    assert_eq!(session.receive_offer(&offer_with("192.0.2.1", "a=sendonly\r\n")).unwrap().text, first);
    assert_eq!(version(&session.receive_offer(&offer_with("192.0.2.1", "")).unwrap().text), 9);
    session.roll_back();
    assert_eq!(session.audio().unwrap().direction, Direction::SendRecv);
}

#[test]
fn an_answer_that_cannot_be_used_closes_the_offer_and_leaves_the_session() {
    let mut session = session();
    session.receive_offer(&offer_with("192.0.2.1", "")).unwrap();
    let agreement = session.agreement().cloned();
    for answer in [fixture!("g729-only"), "", "v=0\r\n", fixture!("webrtc-encrypted-only")] {
        session.make_offer().unwrap();
        assert!(session.receive_answer(answer).is_err());
        assert!(!session.is_offering());
        assert_eq!(session.agreement().cloned(), agreement);
    }
}

#[test]
fn a_refresh_repeats_our_description_and_its_answer_may_change_the_session() {
    let mut session = session();
    let first = session.receive_offer(&offer_with("192.0.2.1", "a=sendonly\r\n")).unwrap().text;
    assert_eq!(session.repeat_offer().unwrap(), first);
    assert_eq!(session.receive_answer(&offer_with("192.0.2.1", "a=sendonly\r\n")), Ok(Change::Unchanged));
    session.repeat_offer().unwrap();
    assert_eq!(session.receive_answer(&offer_with("192.0.2.5", "")), Ok(Change::Changed));
    assert_eq!(session.description(), Some(first.as_str()));
    assert_eq!(session.audio().unwrap().destination(), Some("192.0.2.5:4000".parse().unwrap()));
    // Before anything was said there is nothing to repeat.
    let mut fresh = super::session();
    assert!(fresh.repeat_offer().unwrap().contains("RTP/AVP 0 8 9 101"));
}

#[test]
fn a_preview_of_the_answer_leaves_the_offer_open() {
    let mut session = session();
    assert_eq!(session.preview_answer(&offer_with("192.0.2.1", "")), Err(SdpError::NoOffer));
    session.make_offer().unwrap();
    let early = session.preview_answer(&offer_with("192.0.2.1", "")).unwrap();
    assert_eq!(early.audio().unwrap().remote, "192.0.2.1:4000".parse().unwrap());
    assert!(session.is_offering() && session.agreement().is_none());
    session.receive_answer(&offer_with("192.0.2.1", "")).unwrap();
    assert_eq!(session.agreement(), Some(&early));
}

#[test]
fn calls_in_the_wrong_order_are_errors_and_change_nothing() {
    let mut session = session();
    assert_eq!(session.receive_answer(&offer_with("192.0.2.1", "")), Err(SdpError::NoOffer));
    session.roll_back();
    let offer = session.make_offer().unwrap();
    assert_eq!(session.make_offer(), Err(SdpError::OfferOpen));
    assert_eq!(session.repeat_offer(), Err(SdpError::OfferOpen));
    // Glare.
    let crossed = session.receive_offer(&offer_with("192.0.2.1", "")).unwrap_err();
    assert_eq!((crossed.sip_status(), &crossed), (491, &SdpError::OfferOpen));
    assert!(session.is_offering() && session.agreement().is_none());
    session.roll_back();
    assert_ne!(session.make_offer().unwrap(), offer, "a version is not used twice");
    session.receive_answer(&offer_with("192.0.2.1", "")).unwrap();
    assert_eq!(session.receive_answer(&offer_with("192.0.2.1", "")), Err(SdpError::NoOffer));
}

#[test]
fn comfort_noise_that_the_peer_lists_may_be_sent_and_is_never_listed_by_us() {
    for lines in ["m=audio 4000 RTP/AVP 0 13\r\n", "m=audio 4000 RTP/AVP 0 98\r\na=rtpmap:98 CN/8000\r\n"] {
        let mut session = session();
        let answer = session.receive_offer(&description(lines)).unwrap().text;
        let noise: Vec<u8> = session
            .audio()
            .unwrap()
            .payloads
            .iter()
            .filter_map(|(number, kind)| (kind == PayloadKind::ComfortNoise).then_some(number))
            .collect();
        assert_eq!(noise.len(), 1, "{lines}");
        assert_eq!(media_lines(&answer), ["m=audio 20000 RTP/AVP 0"]);
    }
    assert!(
        agreed(&description("m=audio 4000 RTP/AVP 0\r\n"))
            .payloads
            .iter()
            .all(|(_, kind)| kind != PayloadKind::ComfortNoise)
    );
}
