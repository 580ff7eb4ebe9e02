//! Media sections over the life of a session: their order, their number, their ports.

use super::*;

fn two_streams() -> Session {
    Session::new(LocalMedia { ports: vec![20_000, 20_002], ..local() })
}

/// The local port index of each section.
fn ports(session: &Session) -> Vec<Option<usize>> {
    let streams = &session.agreement().unwrap().streams;
    streams.iter().map(|stream| stream.as_ref().map(|stream| stream.local)).collect()
}

const AUDIO_A: &str = "m=audio 4000 RTP/AVP 0\r\na=label:a\r\n";
const AUDIO_B: &str = "m=audio 4002 RTP/AVP 8\r\na=label:b\r\n";
const VIDEO: &str = "m=video 5000 RTP/AVP 96 97\r\n";
const NO_AUDIO_A: &str = "m=audio 0 RTP/AVP 0\r\n";
const NO_AUDIO_B: &str = "m=audio 0 RTP/AVP 8\r\n";

fn offer(sections: &[&str]) -> String {
    description(&sections.concat())
}

#[test]
fn as_many_streams_are_taken_as_there_are_ports() {
    let mut session = two_streams();
    let answer = session.receive_offer(fixture!("siprec-two-streams")).unwrap().text;
    assert_eq!(ports(&session), [Some(0), Some(1)]);
    assert!(
        answer.contains("m=audio 20000 RTP/AVP 0") && answer.contains("m=audio 20002 RTP/AVP 0"),
        "{answer}"
    );
    assert!(answer.contains("a=label:1\r\n") && answer.contains("a=label:2\r\n"), "{answer}");
    assert_eq!(session.local().streams_max(), 2);

    let mut session = two_streams();
    let answer = session.receive_offer(&offer(&[VIDEO, AUDIO_A, AUDIO_B, AUDIO_A])).unwrap().text;
    assert_eq!(ports(&session), [None, Some(0), Some(1), None]);
    assert_eq!(
        media_lines(&answer),
        [
            "m=video 0 RTP/AVP 96 97",
            "m=audio 20000 RTP/AVP 0",
            "m=audio 20002 RTP/AVP 8",
            "m=audio 0 RTP/AVP 0"
        ]
    );
}

#[test]
fn a_stream_keeps_its_port_while_others_come_and_go() {
    let mut session = two_streams();
    session.receive_offer(&offer(&[AUDIO_A, AUDIO_B])).unwrap();
    session.receive_offer(&offer(&[NO_AUDIO_A, AUDIO_B])).unwrap();
    assert_eq!(ports(&session), [None, Some(1)]);
    // A new section gets what is free, a living one stays.
    session.receive_offer(&offer(&[NO_AUDIO_A, AUDIO_B, AUDIO_A])).unwrap();
    assert_eq!(ports(&session), [None, Some(1), Some(0)]);
    // No port is left for the first one; a new section takes none from the living.
    session.receive_offer(&offer(&[AUDIO_A, AUDIO_B, AUDIO_A])).unwrap();
    assert_eq!(ports(&session), [None, Some(1), Some(0)]);
    session.receive_offer(&offer(&[AUDIO_A, NO_AUDIO_B, AUDIO_A])).unwrap();
    assert_eq!(ports(&session), [Some(1), None, Some(0)]);
}

#[test]
fn a_refused_section_is_taken_where_the_living_one_ends() {
    let mut session = session();
    session.receive_offer(&offer(&[AUDIO_A, AUDIO_B])).unwrap();
    assert_eq!(ports(&session), [Some(0), None]);
    session.receive_offer(&offer(&[NO_AUDIO_A, AUDIO_B])).unwrap();
    assert_eq!(
        (ports(&session), session.audio().unwrap().codec.kind),
        (vec![None, Some(0)], AudioCodec::Pcma)
    );
    session.receive_offer(&offer(&[AUDIO_A, AUDIO_B])).unwrap();
    assert_eq!(ports(&session), [None, Some(0)]);
}

#[test]
fn our_offers_keep_the_place_of_every_section() {
    let mut session = session();
    session.receive_offer(&offer(&[VIDEO, AUDIO_A, AUDIO_B])).unwrap();
    let ours = session.make_offer().unwrap();
    assert_eq!(
        media_lines(&ours),
        ["m=video 0 RTP/AVP 96", "m=audio 20000 RTP/AVP 0 8 9 101", "m=audio 0 RTP/AVP 8"]
    );
    assert!(ours.contains("a=label:a\r\n"));
    session.receive_answer(&offer(&["m=video 0 RTP/AVP 96\r\n", AUDIO_A, NO_AUDIO_B])).unwrap();
    assert_eq!(ports(&session), [None, Some(0), None]);
    // A section that we refuse is not brought to life by an answer.
    session.make_offer().unwrap();
    session.receive_answer(&offer(&[VIDEO, AUDIO_A, AUDIO_B])).unwrap();
    assert_eq!(ports(&session), [None, Some(0), None]);
}

#[test]
fn an_answer_may_refuse_one_of_our_streams_or_leave_it_out() {
    for answer in [offer(&[AUDIO_A, NO_AUDIO_B]), offer(&[AUDIO_A])] {
        let mut session = two_streams();
        assert_eq!(media_lines(&session.make_offer().unwrap()).len(), 2);
        session.receive_answer(&answer).unwrap();
        assert_eq!(ports(&session), [Some(0), None]);
        assert_eq!(
            media_lines(&session.make_offer().unwrap()),
            ["m=audio 20000 RTP/AVP 0 8 9 101", "m=audio 0 RTP/AVP 0"]
        );
        session.roll_back();
        // The peer brings it to life again.
        session.receive_offer(&offer(&[AUDIO_A, AUDIO_B])).unwrap();
        assert_eq!(ports(&session), [Some(0), Some(1)]);
    }
    let mut session = two_streams();
    session.make_offer().unwrap();
    session.receive_answer(&offer(&[AUDIO_A, AUDIO_B, VIDEO])).unwrap();
    assert_eq!(ports(&session), [Some(0), Some(1)], "what was not offered cannot be answered");
}

#[test]
fn an_offer_with_fewer_sections_than_the_session_has_is_refused_and_the_call_goes_on() {
    let mut session = session();
    session.receive_offer(&offer(&[AUDIO_A, VIDEO])).unwrap();
    let refused = session.receive_offer(&offer(&[AUDIO_A])).unwrap_err();
    assert_eq!(refused, SdpError::FewerSections { offered: 1, known: 2 });
    assert_eq!(refused.sip_status(), 488);
    assert_eq!(ports(&session), [Some(0), None]);
}

#[test]
fn a_place_may_change_its_kind_of_media_after_it_was_refused() {
    let mut session = two_streams();
    session.receive_offer(&offer(&[AUDIO_A, VIDEO])).unwrap();
    session.receive_offer(&offer(&[AUDIO_A, AUDIO_B])).unwrap();
    assert_eq!(ports(&session), [Some(0), Some(1)]);
    session.receive_offer(&offer(&[AUDIO_A, VIDEO])).unwrap();
    assert_eq!(
        media_lines(&session.make_offer().unwrap()),
        ["m=audio 20000 RTP/AVP 0 8 9 101", "m=video 0 RTP/AVP 96"]
    );
}
