//! What must hold for any text offered as a session description, shared by the fuzz target and the corpus test.

use tympan_telephony::sdp::offer_answer::{LocalMedia, answer, read_answer, reanswer};

/// Answers the text, twice, and reads the answer as the offerer would.
pub(crate) fn check(input: &[u8]) {
    let offer = String::from_utf8_lossy(input);
    let local = LocalMedia::new(([198, 51, 100, 1], 20_000).into(), 4_711);
    let agreed = match answer(&offer, &local) {
        Ok(agreed) => agreed,
        Err(error) => {
            assert!(matches!(error.sip_status(), 400 | 488));
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let again = reanswer(&offer, &local, &agreed).expect("the same offer is acceptable again");
    assert_eq!(again, agreed, "a refresh changes nothing");

    let offerer = LocalMedia::new(([192, 0, 2, 1], 4_000).into(), 1);
    let read = read_answer(&agreed.answer, &offerer).expect("our own answer can be read");
    assert_eq!(read.codec, agreed.codec);
    assert_eq!(read.dtmf, agreed.dtmf);
    assert_eq!(read.direction, agreed.direction.reversed());
    assert_eq!(read.remote, ([198, 51, 100, 1], 20_000).into());
}
