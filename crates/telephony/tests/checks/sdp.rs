//! What must hold for any text offered as a session description, shared by the fuzz target and the corpus test.

use tympan_telephony::sdp::{Change, LocalMedia, Session};

/// Answers the text, twice, and reads the answer as the offerer would.
pub(crate) fn check(input: &[u8]) {
    let offer = String::from_utf8_lossy(input);
    let mut session = Session::new(LocalMedia::new(([198, 51, 100, 1], 20_000).into(), 4_711));
    let answer = match session.receive_offer(&offer) {
        Ok(answer) => answer,
        Err(error) => {
            assert!(matches!(error.sip_status(), 400 | 413 | 488));
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let respelled = format!("{offer}\r\n");
    for again in [&*offer, &respelled] {
        let again = session.receive_offer(again).expect("the same offer is acceptable again");
        assert_eq!(
            (again.text, again.change),
            (answer.text.clone(), Change::Unchanged),
            "a refresh changes nothing"
        );
    }

    let sections = session.agreement().map_or(0, |agreement| agreement.streams.len());
    let ports = (0..sections).map(|nth| u16::try_from(2 * nth + 4_000).unwrap_or(4_000)).collect();
    let offerer = LocalMedia { ports, ..LocalMedia::new(([192, 0, 2, 1], 4_000).into(), 1) };
    let mut offerer = Session::new(offerer);
    offerer.make_offer().expect("no offer is open");
    offerer.receive_answer(&answer.text).expect("our own answer can be read");
    let (read, agreed) = (offerer.audio().expect("a stream"), session.audio().expect("a stream"));
    assert_eq!(read.codec, agreed.codec);
    assert_eq!(read.dtmf, agreed.dtmf);
    assert_eq!(read.direction, agreed.direction.reversed());
    assert_eq!(read.remote, ([198, 51, 100, 1], 20_000).into());
}
