//! Offers of the peer: what is answered, and what an answer agrees.

use super::*;

#[test]
fn answers_with_the_first_codec_and_the_events_it_understands() {
    let mut session = session();
    let answer = session.receive_offer(fixture!("linphone")).unwrap();
    assert_eq!(
        answer.text,
        "v=0\r\no=- 4711 7 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 0 100\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:100 telephone-event/8000\r\n\
         a=fmtp:100 0-15\r\na=ptime:20\r\na=sendrecv\r\nm=video 0 RTP/AVP 96\r\n"
    );
    assert_eq!(answer.change, Change::Changed);
    assert_eq!(session.description(), Some(answer.text.as_str()));
    let agreed = session.audio().unwrap();
    assert_eq!(agreed.remote, "192.0.2.10:7078".parse().unwrap());
    assert_eq!(agreed.codec, Codec { kind: AudioCodec::Pcmu, payload_type: 0 });
    assert_eq!(agreed.dtmf, Some(100));
    assert_eq!(agreed.payloads.kind(8), PayloadKind::Audio(AudioCodec::Pcma));
    assert_eq!(session.agreement().unwrap().streams.len(), 2);
    assert_eq!(session.agreement().unwrap().streams[1], None);
}

#[test]
fn the_offerers_order_decides_unless_ours_is_to() {
    let offer = fixture!("asterisk-alaw-first");
    assert_eq!(agreed(offer).codec.kind, AudioCodec::Pcma);
    let ours = LocalMedia { preference: Preference::Local, ..local() };
    assert_eq!(agreed_by(offer, ours).codec.kind, AudioCodec::Pcmu);
    let only_mu = LocalMedia { codecs: vec![AudioCodec::Pcmu], ..local() };
    assert_eq!(agreed_by(offer, only_mu).codec.kind, AudioCodec::Pcmu);
}

#[test]
fn g722_is_taken_where_nothing_else_is_offered_or_where_our_order_wants_it() {
    let wide = description("m=audio 4000 RTP/AVP 9 0 101\r\na=rtpmap:101 telephone-event/8000\r\n");
    assert_eq!(agreed(&wide).codec.kind, AudioCodec::Pcmu);
    let only = description("m=audio 4000 RTP/AVP 18 9\r\n");
    let mut session = session();
    let answer = session.receive_offer(&only).unwrap();
    assert!(answer.text.contains("m=audio 20000 RTP/AVP 9\r\na=rtpmap:9 G722/8000\r\n"), "{}", answer.text);
    assert_eq!(session.audio().unwrap().payloads.kind(9), PayloadKind::Audio(AudioCodec::G722));
    let ours = LocalMedia {
        preference: Preference::Local,
        codecs: vec![AudioCodec::G722, AudioCodec::Pcmu],
        ..local()
    };
    assert_eq!(agreed_by(&wide, ours).codec, Codec { kind: AudioCodec::G722, payload_type: 9 });
    let narrow = LocalMedia { codecs: vec![AudioCodec::Pcmu, AudioCodec::Pcma], ..local() };
    assert_eq!(
        Session::new(narrow).receive_offer(&only).unwrap_err(),
        SdpError::NoCommonCodec("18 9".into())
    );
}

#[test]
fn every_direction_is_answered_by_its_counterpart() {
    let cases = [
        ("", "sendrecv"),
        ("a=sendrecv\r\n", "sendrecv"),
        ("a=sendonly\r\n", "recvonly"),
        ("a=recvonly\r\n", "sendonly"),
        ("a=inactive\r\n", "inactive"),
    ];
    for (offered, answered) in cases {
        let mut session = session();
        let answer = session.receive_offer(&offer_with("192.0.2.1", offered)).unwrap().text;
        assert!(answer.ends_with(&format!("a={answered}\r\n")), "{offered:?}: {answer}");
        let agreed = session.audio().unwrap();
        assert_eq!(agreed.is_held(), matches!(answered, "recvonly" | "inactive"));
        assert_eq!(agreed.destination().is_some(), !agreed.is_held());
    }
}

#[test]
fn hold_by_zero_address_is_never_answered_sendrecv() {
    let cases = [
        ("", "recvonly"),
        ("a=sendonly\r\n", "recvonly"),
        ("a=recvonly\r\n", "inactive"),
        ("a=inactive\r\n", "inactive"),
    ];
    for (offered, answered) in cases {
        let agreed = agreed(&offer_with("0.0.0.0", offered));
        assert_eq!(agreed.direction.name(), answered);
        assert_eq!(agreed.destination(), None);
        assert_eq!(agreed.remote_rtcp, None);
    }
    let agreed = agreed(fixture!("hold-zero-address"));
    assert_eq!((agreed.direction, agreed.dtmf), (Direction::RecvOnly, Some(101)));
}

#[test]
fn a_call_is_held_and_resumed_in_every_way() {
    let mut session = session();
    session.receive_offer(&offer_with("192.0.2.1", "")).unwrap();
    let holds = [
        ("192.0.2.1", "a=sendonly\r\n", Direction::RecvOnly),
        ("0.0.0.0", "", Direction::RecvOnly),
        ("192.0.2.1", "a=inactive\r\n", Direction::Inactive),
        ("0.0.0.0", "a=inactive\r\n", Direction::Inactive),
    ];
    for (address, direction, held) in holds {
        let answer = session.receive_offer(&offer_with(address, direction)).unwrap();
        assert_eq!((answer.change, session.audio().unwrap().direction), (Change::Changed, held));
        assert_eq!(session.audio().unwrap().destination(), None);
        session.receive_offer(&offer_with("192.0.2.1", "")).unwrap();
        assert_eq!(session.audio().unwrap().destination(), Some("192.0.2.1:4000".parse().unwrap()));
    }
}

#[test]
fn a_session_level_direction_applies_and_labels_are_repeated() {
    let mut session = session();
    let answer = session.receive_offer(fixture!("siprec-two-streams")).unwrap().text;
    assert_eq!(session.audio().unwrap().direction, Direction::RecvOnly);
    assert_eq!(session.audio().unwrap().label.as_deref(), Some("1"));
    assert!(answer.contains("a=label:1\r\n"));
    assert!(answer.ends_with("m=audio 0 RTP/AVP 0\r\n"));
}

#[test]
fn reads_a_description_with_a_broken_origin_and_no_final_newline() {
    let agreed = agreed(fixture!("broken-origin-no-final-newline"));
    assert_eq!(agreed.remote, "192.0.2.1:17456".parse().unwrap());
    assert_eq!((agreed.codec.payload_type, agreed.ptime_ms), (0, 30));
}

#[test]
fn ipv6_is_answered_in_ipv6() {
    let mut session = Session::new(LocalMedia::new("[2001:db8::1]:20000".parse().unwrap(), 1));
    let answer = session.receive_offer(fixture!("ipv6")).unwrap().text;
    assert_eq!(session.audio().unwrap().remote, "[2001:db8::5]:50000".parse().unwrap());
    assert!(answer.contains("c=IN IP6 2001:db8::1\r\n"));
    assert!(answer.contains("m=audio 20000 RTP/AVPF 0\r\n"));
}

#[test]
fn a_mapped_address_is_made_plain() {
    let offer = description("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 ::ffff:192.0.2.7\r\n");
    assert_eq!(agreed(&offer).remote, "192.0.2.7:4000".parse().unwrap());
}

#[test]
fn refusals_are_typed_and_carry_a_status() {
    assert_eq!(
        refusal(fixture!("webrtc-encrypted-only")),
        SdpError::NoAudio("audio UDP/TLS/RTP/SAVPF".into())
    );
    assert_eq!(refusal(fixture!("g729-only")), SdpError::NoCommonCodec("18".into()));
    assert_eq!(refusal("v=0\r\nm=audio 4000 RTP/AVP 0\r\n"), SdpError::NoAddress);
    assert_eq!(refusal(&offer_with("phone.example", "")), SdpError::Address("phone.example".into()));
    assert!(matches!(refusal("hello"), SdpError::Syntax(_)));
    assert_eq!(refusal(fixture!("g729-only")).sip_status(), 488);
    assert_eq!(refusal("").sip_status(), 400);
}

#[test]
fn wideband_formats_of_the_same_name_are_not_g711() {
    let offer = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 96 97\r\na=rtpmap:96 PCMU/16000\r\na=rtpmap:97 pcma/8000\r\n";
    assert_eq!(agreed(offer).codec, Codec { kind: AudioCodec::Pcma, payload_type: 97 });
}

#[test]
fn a_re_offer_counts_the_version_only_when_the_answer_changes() {
    let mut session = session();
    let first = session.receive_offer(&offer_with("192.0.2.1", "")).unwrap().text;
    let refreshed = session.receive_offer(&offer_with("192.0.2.1", "")).unwrap();
    assert_eq!((refreshed.text, refreshed.change), (first.clone(), Change::Unchanged));
    // Not the same text, but it says the same.
    let respelled = session.receive_offer(&offer_with("192.0.2.1", "a=sendrecv\r\n")).unwrap();
    assert_eq!((respelled.text, respelled.change), (first, Change::Unchanged));
    let held = session.receive_offer(&offer_with("192.0.2.1", "a=sendonly\r\n")).unwrap();
    assert!(held.text.contains("o=- 4711 8 IN IP4"));
    let resumed = session.receive_offer(&offer_with("192.0.2.9", "a=sendrecv\r\n")).unwrap();
    assert_eq!(version(&resumed.text), 9);
    assert_eq!(session.audio().unwrap().remote, "192.0.2.9:4000".parse().unwrap());
}

#[test]
fn a_moved_peer_changes_the_agreement_and_not_our_answer() {
    let mut session = session();
    let first = session.receive_offer(&offer_with("192.0.2.1", "")).unwrap();
    let moved = session.receive_offer(&offer_with("192.0.2.2", "")).unwrap();
    assert_eq!((moved.text, moved.change), (first.text, Change::Changed));
}

#[test]
fn a_codec_changes_in_mid_call() {
    let mut session = session();
    session.receive_offer(&description("m=audio 4000 RTP/AVP 0\r\n")).unwrap();
    for (formats, kind) in [("8", AudioCodec::Pcma), ("9", AudioCodec::G722), ("0", AudioCodec::Pcmu)] {
        let answer =
            session.receive_offer(&description(&format!("m=audio 4000 RTP/AVP {formats}\r\n"))).unwrap();
        assert_eq!(session.audio().unwrap().codec.kind, kind);
        assert!(answer.text.contains(&format!("m=audio 20000 RTP/AVP {formats}\r\n")));
    }
}

#[test]
fn an_offer_that_cannot_be_answered_leaves_the_session_as_it_was() {
    let mut session = session();
    session.receive_offer(&offer_with("192.0.2.1", "")).unwrap();
    let (agreement, text) = (session.agreement().cloned(), session.description().map(str::to_owned));
    let removed = offer_with("192.0.2.1", "").replace("m=audio 4000", "m=audio 0");
    assert!(matches!(session.receive_offer(&removed), Err(SdpError::NoAudio(_))));
    assert!(session.receive_offer("nonsense").is_err());
    assert!(session.receive_offer(fixture!("g729-only")).is_err());
    assert_eq!(session.agreement().cloned(), agreement);
    assert_eq!(session.description().map(str::to_owned), text);
}

#[test]
fn our_own_hold_narrows_the_next_answer_and_the_next_offer() {
    let mut session = session();
    session.receive_offer(&offer_with("192.0.2.1", "")).unwrap();
    session.set_direction(Direction::SendOnly);
    let answer = session.receive_offer(&offer_with("192.0.2.1", "")).unwrap();
    assert!(answer.text.ends_with("a=sendonly\r\n"), "{}", answer.text);
    assert!(session.make_offer().unwrap().ends_with("a=sendonly\r\n"));
    session.roll_back();
    session.set_direction(Direction::SendRecv);
    assert!(session.make_offer().unwrap().ends_with("a=sendrecv\r\n"));
}

proptest! {
    #[test]
    fn any_text_is_answered_or_refused(text in "(v=0\r\n)?([vocmabt]=[ -~]{0,40}\r?\n){0,12}[ -~]{0,20}") {
        let _ = session().receive_offer(&text);
        let mut offering = session();
        offering.make_offer().unwrap();
        let _ = offering.receive_answer(&text);
    }

    #[test]
    fn an_answer_has_as_many_sections_as_its_offer(kinds in proptest::collection::vec(0usize..4, 0..6)) {
        let sections = ["m=audio 4000 RTP/AVP 0", "m=audio 0 RTP/AVP 0", "m=video 5000 RTP/AVP 96", "m=audio 4002 RTP/SAVP 0"];
        let mut offer = String::from("v=0\r\nc=IN IP4 192.0.2.1\r\n");
        for kind in &kinds {
            offer += sections[*kind];
            offer += "\r\n";
        }
        if let Ok(answer) = session().receive_offer(&offer) {
            prop_assert_eq!(answer.text.matches("m=").count(), kinds.len());
            prop_assert_eq!(answer.text.matches(" 20000 RTP/AVP ").count(), 1);
        } else {
            prop_assert!(!kinds.contains(&0));
        }
    }
}
