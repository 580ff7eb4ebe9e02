//! What must hold in an offer/answer session whatever is said in it and in whatever order, shared by the fuzz target and the corpus
//! test.

use std::collections::HashMap;

use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::sdp::{Agreement, Change, Direction, LocalMedia, SdpError, Session};

/// Plays a script.
///
/// Shape: a byte of settings, then records that end with a zero byte: one byte that names what is done, and a description where
/// one is said. `o` offer, `a` answer, `p` preview of an answer, `m` our offer, `r` roll back, `f` refresh, `d` our direction; `x` a peer
/// that keeps to the rules answers our offer, `y` it makes one.
pub(crate) fn check(input: &[u8]) {
    let Some((settings, script)) = input.split_first() else { return };
    let mut play = Play::new(*settings);
    for record in script.split(|byte| *byte == 0).take(RECORDS_MAX) {
        if let Some((step, text)) = record.split_first() {
            play.step(*step, &String::from_utf8_lossy(text));
            play.judge();
        }
    }
}

struct Play {
    session: Session,
    peer: Session,
    /// Our offer that is open.
    offered: Option<String>,
    /// What was in effect before the last one.
    before: (Option<Agreement>, Option<String>),
    /// Every description of ours by its version.
    said: HashMap<u64, String>,
    sections: usize,
}

impl Play {
    fn new(settings: u8) -> Self {
        let ports = [20_000, 20_002, 20_004][..1 + usize::from(settings & 3).min(2)].to_vec();
        let mut codecs = AudioCodec::ALL.to_vec();
        codecs.rotate_left(usize::from(settings >> 2 & 3) % 3);
        codecs.truncate(1 + usize::from(settings >> 4 & 3).min(2));
        let local = LocalMedia::new(([198, 51, 100, 1], 20_000).into(), 4_711);
        let peer = LocalMedia::new(([192, 0, 2, 1], 4_000).into(), 1);
        Self {
            session: Session::new(LocalMedia { ports, codecs, rtcp_mux: settings & 64 == 0, ..local }),
            peer: Session::new(LocalMedia { ports: vec![4_000, 4_002, 4_004], ..peer }),
            offered: None,
            before: (None, None),
            said: HashMap::new(),
            sections: 0,
        }
    }

    fn state(&self) -> (Option<Agreement>, Option<String>) {
        (self.session.agreement().cloned(), self.session.description().map(str::to_owned))
    }

    fn step(&mut self, step: u8, text: &str) {
        match step {
            b'o' => drop(self.receive_offer(text)),
            b'a' => drop(self.receive_answer(text)),
            b'p' => {
                let before = self.state();
                let preview = self.session.preview_answer(text);
                assert_eq!(self.state(), before, "a preview changes nothing");
                if let Ok(preview) = preview {
                    self.receive_answer(text).expect("what was previewed can be answered");
                    assert_eq!(self.session.agreement(), Some(&preview));
                }
            }
            b'm' => self.offer(Session::make_offer),
            b'f' => self.offer(Session::repeat_offer),
            b'r' => {
                self.session.roll_back();
                if self.offered.take().is_some() {
                    assert_eq!(self.state(), self.before, "a roll-back restores the session");
                }
            }
            b'd' => {
                let direction = Direction::from_name(text).unwrap_or(Direction::SendOnly);
                self.session.set_direction(direction);
            }
            b'x' => {
                let Some(offer) = self.offered.clone() else { return };
                match self.peer.receive_offer(&offer) {
                    Ok(answer) => drop(self.receive_answer(&answer.text).expect("a good answer is taken")),
                    Err(error) => assert!(matches!(error, SdpError::FewerSections { .. }), "{error}"),
                }
            }
            b'y' => {
                let offer = self.peer.make_offer().expect("the peer has no offer open");
                match self.receive_offer(&offer) {
                    Ok(answer) => {
                        self.peer.receive_answer(&answer).expect("our answer is good");
                    }
                    Err(error) => {
                        assert!(
                            matches!(error, SdpError::FewerSections { .. } | SdpError::OfferOpen),
                            "{error}"
                        );
                        self.peer.roll_back();
                    }
                }
            }
            _ => {}
        }
    }

    fn receive_offer(&mut self, offer: &str) -> Result<String, SdpError> {
        let (before, is_offering) = (self.state(), self.session.is_offering());
        match self.session.receive_offer(offer) {
            Ok(answer) => {
                assert!(!is_offering, "no offer is answered while one of ours is open");
                assert_eq!(answer.change == Change::Unchanged, self.state().0 == before.0);
                assert_eq!(self.session.description(), Some(answer.text.as_str()));
                let again = self.session.receive_offer(offer).expect("the same offer is acceptable again");
                assert_eq!((&again.text, again.change), (&answer.text, Change::Unchanged));
                self.say(&answer.text);
                Ok(answer.text)
            }
            Err(error) => {
                assert!(matches!(error.sip_status(), 400 | 413 | 488 | 491));
                assert_eq!(error == SdpError::OfferOpen, is_offering);
                assert_eq!(self.state(), before, "a refused offer changes nothing");
                Err(error)
            }
        }
    }

    fn receive_answer(&mut self, answer: &str) -> Result<Change, SdpError> {
        let before = self.state();
        let offered = self.offered.take();
        let outcome = self.session.receive_answer(answer);
        assert!(!self.session.is_offering());
        match &outcome {
            Ok(change) => {
                assert_eq!(self.session.description(), offered.as_deref());
                assert_eq!(*change == Change::Unchanged, self.state().0 == before.0);
            }
            Err(error) => {
                assert_eq!(*error == SdpError::NoOffer, offered.is_none());
                assert_eq!(self.state(), before, "a bad answer changes nothing");
            }
        }
        outcome
    }

    fn offer(&mut self, make: fn(&mut Session) -> Result<String, SdpError>) {
        let (before, is_offering) = (self.state(), self.session.is_offering());
        let outcome = make(&mut self.session);
        assert_eq!(self.state(), before, "an offer changes nothing until it is answered");
        match outcome {
            Ok(offer) => {
                assert!(!is_offering);
                self.say(&offer);
                self.offered = Some(offer);
                self.before = before;
            }
            Err(error) => assert_eq!((error, is_offering), (SdpError::OfferOpen, true)),
        }
    }

    /// Judges a description of ours.
    fn say(&mut self, text: &str) {
        let origin = text.lines().nth(1).and_then(|line| line.split(' ').nth(2));
        let version = origin.and_then(|version| version.parse().ok()).expect("an origin line");
        let known = self.said.entry(version).or_insert_with(|| text.to_owned());
        assert_eq!(known, text, "a version stands for one description");
        if text.len() < 65_536 {
            let mut reader = Session::new(LocalMedia::new(([192, 0, 2, 9], 6_000).into(), 9));
            let answer = reader.receive_offer(text).expect("what we say can be read");
            assert_eq!(count_sections(&answer.text), count_sections(text));
        }
    }

    fn judge(&mut self) {
        assert_eq!(self.session.is_offering(), self.offered.is_some());
        let Some(agreement) = self.session.agreement() else { return };
        assert!(agreement.streams.len() >= self.sections, "sections never vanish");
        self.sections = agreement.streams.len();
        assert_eq!(self.session.description().map(count_sections), Some(self.sections));
        let ports = &self.session.local().ports;
        let mut used = vec![false; ports.len()];
        for stream in agreement.streams.iter().flatten() {
            assert!(!std::mem::replace(&mut used[stream.local], true), "a port has one stream");
            let mut numbers: Vec<u8> = stream.payloads.iter().map(|(number, _)| number).collect();
            numbers.push(stream.codec.payload_type);
            numbers.extend(stream.dtmf);
            assert!(numbers.iter().all(|number| *number < 128));
            assert!([10, 20, 30, 40, 60].contains(&stream.ptime_ms));
            assert!(self.session.local().codecs.contains(&stream.codec.kind));
            assert!(!(stream.rtcp_mux && stream.remote_rtcp.is_some()));
            assert!(stream.direction.sends() || stream.destination().is_none());
        }
        assert!(used.contains(&true), "an agreement has a stream");
    }
}

fn count_sections(text: &str) -> usize {
    text.lines().filter(|line| line.starts_with("m=")).count()
}

/// A script is cut off here.
const RECORDS_MAX: usize = 64;
