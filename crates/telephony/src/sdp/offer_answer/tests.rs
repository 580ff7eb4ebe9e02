use proptest::prelude::*;

use super::*;

fn local() -> LocalMedia {
    LocalMedia { version: 7, ..LocalMedia::new("198.51.100.1:20000".parse().unwrap(), 4_711) }
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/sdp/", $name, ".sdp"))
    };
}

/// A minimal offer with the given lines in its audio section.
fn offer_with(connection: &str, lines: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 {connection}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n{lines}"
    )
}

#[test]
fn answers_with_the_first_codec_and_the_events_it_understands() {
    let agreed = answer(fixture!("linphone"), &local()).unwrap();
    assert_eq!(
        agreed.answer,
        "v=0\r\no=- 4711 7 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 0 100\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:100 telephone-event/8000\r\n\
         a=fmtp:100 0-15\r\na=ptime:20\r\na=sendrecv\r\nm=video 0 RTP/AVP 96\r\n"
    );
    assert_eq!(agreed.remote, "192.0.2.10:7078".parse().unwrap());
    assert_eq!(agreed.codec, Codec { kind: AudioCodec::Pcmu, payload_type: 0 });
    assert_eq!(agreed.dtmf, Some(100));
    assert_eq!(agreed.payloads.kind(8), crate::rtp::payload::PayloadKind::Audio(AudioCodec::Pcma));
}

#[test]
fn the_offerers_order_decides_unless_ours_is_to() {
    let offer = fixture!("asterisk-alaw-first");
    assert_eq!(answer(offer, &local()).unwrap().codec.kind, AudioCodec::Pcma);
    let ours = LocalMedia { preference: Preference::Local, ..local() };
    assert_eq!(answer(offer, &ours).unwrap().codec.kind, AudioCodec::Pcmu);
    let only_mu = LocalMedia { codecs: vec![AudioCodec::Pcmu], ..local() };
    assert_eq!(answer(offer, &only_mu).unwrap().codec.kind, AudioCodec::Pcmu);
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
        let agreed = answer(&offer_with("192.0.2.1", offered), &local()).unwrap();
        assert!(agreed.answer.ends_with(&format!("a={answered}\r\n")), "{offered:?}: {}", agreed.answer);
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
        let agreed = answer(&offer_with("0.0.0.0", offered), &local()).unwrap();
        assert_eq!(agreed.direction.name(), answered);
        assert_eq!(agreed.destination(), None);
    }
    let agreed = answer(fixture!("hold-zero-address"), &local()).unwrap();
    assert_eq!((agreed.direction, agreed.dtmf), (Direction::RecvOnly, Some(101)));
}

#[test]
fn a_session_level_direction_applies_and_labels_are_repeated() {
    let agreed = answer(fixture!("siprec-two-streams"), &local()).unwrap();
    assert_eq!(agreed.direction, Direction::RecvOnly);
    assert!(agreed.answer.contains("a=label:1\r\n"));
    assert!(agreed.answer.ends_with("m=audio 0 RTP/AVP 0\r\n"));
}

#[test]
fn reads_a_description_with_a_broken_origin_and_no_final_newline() {
    let agreed = answer(fixture!("broken-origin-no-final-newline"), &local()).unwrap();
    assert_eq!(agreed.remote, "192.0.2.1:17456".parse().unwrap());
    assert_eq!((agreed.codec.payload_type, agreed.ptime_ms), (0, 30));
}

#[test]
fn ipv6_is_answered_in_ipv6() {
    let local = LocalMedia::new("[2001:db8::1]:20000".parse().unwrap(), 1);
    let agreed = answer(fixture!("ipv6"), &local).unwrap();
    assert_eq!(agreed.remote, "[2001:db8::5]:50000".parse().unwrap());
    assert!(agreed.answer.contains("c=IN IP6 2001:db8::1\r\n"));
    assert!(agreed.answer.contains("m=audio 20000 RTP/AVPF 0\r\n"));
    assert!(!agreed.answer.contains("rtcp-mux"));
}

#[test]
fn refusals_are_typed_and_carry_a_status() {
    let refusal = |offer: &str| answer(offer, &local()).unwrap_err();
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
    let agreed = answer(offer, &local()).unwrap();
    assert_eq!(agreed.codec, Codec { kind: AudioCodec::Pcma, payload_type: 97 });
}

#[test]
fn a_re_offer_counts_the_version_only_when_the_answer_changes() {
    let first = answer(&offer_with("192.0.2.1", ""), &local()).unwrap();
    let refreshed = reanswer(&offer_with("192.0.2.1", ""), &local(), &first).unwrap();
    assert_eq!(refreshed.answer, first.answer);
    let held = reanswer(&offer_with("192.0.2.1", "a=sendonly\r\n"), &local(), &refreshed).unwrap();
    assert!(held.answer.contains("o=- 4711 8 IN IP4"));
    let resumed = reanswer(&offer_with("192.0.2.9", "a=sendrecv\r\n"), &local(), &held).unwrap();
    assert_eq!((resumed.version, resumed.remote), (9, "192.0.2.9:4000".parse().unwrap()));
}

#[test]
fn an_offer_of_ours_in_mid_call_has_all_capabilities_also_after_hold() {
    let held = answer(&offer_with("192.0.2.1", "a=sendonly\r\n"), &local()).unwrap();
    let (resuming, version) = reoffer(&local(), &held);
    assert!(resuming.contains("a=sendrecv\r\n") && resuming.contains("RTP/AVP 0 8 101"), "{resuming}");
    assert_eq!((version, resuming.contains("o=- 4711 8 IN IP4")), (8, true));
    // Repeated, it says nothing new.
    let agreed = Negotiated { answer: resuming.clone(), version, ..held };
    assert_eq!(reoffer(&local(), &agreed), (resuming, 8));
}

#[test]
fn a_re_offer_that_removes_the_audio_is_refused() {
    let removed = offer_with("192.0.2.1", "").replace("m=audio 4000", "m=audio 0");
    let first = answer(&offer_with("192.0.2.1", ""), &local()).unwrap();
    assert!(matches!(reanswer(&removed, &local(), &first), Err(SdpError::NoAudio(_))));
}

#[test]
fn our_offer_and_our_answer_agree_with_each_other() {
    for kind in [AudioCodec::Pcmu, AudioCodec::Pcma] {
        let caller =
            LocalMedia { codecs: vec![kind], ..LocalMedia::new("127.0.0.1:6000".parse().unwrap(), 1) };
        let callee = local();
        let theirs = answer(&offer(&caller), &callee).unwrap();
        let ours = read_answer(&theirs.answer, &caller).unwrap();
        assert_eq!(ours.codec, theirs.codec);
        assert_eq!((ours.dtmf, theirs.dtmf), (Some(101), Some(101)));
        assert_eq!(
            (ours.remote, theirs.remote),
            ("198.51.100.1:20000".parse().unwrap(), "127.0.0.1:6000".parse().unwrap())
        );
        assert_eq!(ours.version, 7);
    }
}

#[test]
fn our_offer_to_hold_is_understood_from_both_sides() {
    let caller = LocalMedia {
        direction: Direction::SendOnly,
        ..LocalMedia::new("127.0.0.1:6000".parse().unwrap(), 1)
    };
    let theirs = answer(&offer(&caller), &local()).unwrap();
    assert_eq!(theirs.direction, Direction::RecvOnly);
    assert_eq!(read_answer(&theirs.answer, &caller).unwrap().direction, Direction::SendOnly);
}

#[test]
fn a_bare_carriage_return_cannot_smuggle_a_line_into_our_answer() {
    let offer = offer_with("192.0.2.1", "m=video 9 RTP/AVP 96\ra=smuggled\r\n");
    let agreed = answer(&offer, &local()).unwrap();
    assert!(!agreed.answer.contains("smuggled"), "{}", agreed.answer);
}

proptest! {
    #[test]
    fn any_text_is_answered_or_refused(text in "(v=0\r\n)?([vocmabt]=[ -~]{0,40}\r?\n){0,12}[ -~]{0,20}") {
        let _ = answer(&text, &local());
    }

    #[test]
    fn an_answer_has_as_many_sections_as_its_offer(kinds in proptest::collection::vec(0usize..4, 0..6)) {
        let sections = ["m=audio 4000 RTP/AVP 0", "m=audio 0 RTP/AVP 0", "m=video 5000 RTP/AVP 96", "m=audio 4002 RTP/SAVP 0"];
        let mut offer = String::from("v=0\r\nc=IN IP4 192.0.2.1\r\n");
        for kind in &kinds {
            offer += sections[*kind];
            offer += "\r\n";
        }
        if let Ok(agreed) = answer(&offer, &local()) {
            prop_assert_eq!(agreed.answer.matches("m=").count(), kinds.len());
            prop_assert_eq!(agreed.answer.matches(" 20000 RTP/AVP ").count(), 1);
        } else {
            prop_assert!(!kinds.contains(&0));
        }
    }
}
