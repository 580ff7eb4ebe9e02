use super::rig::{LEG, OFFER, Rig, number, stream};
use super::whole_calls::seed;
use crate::invoke::AttemptError;
use crate::{
    CaptureEvent, ContactOptions, Effect, EndedBy, HistoryError, Input, LegEvent, Phase, PromptEvent, Stage,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tympan_telephony::Digit;
use tympan_telephony::words::{MediaCommand, MediaEvent, Sound};
use tympan_types::{CaptureId, ExchangeId, InvocationId, LegId, PromptId, Redacted, RequestId};

/// Something that may happen at any time, likely or not. Ids count back from the last one given out.
#[derive(Debug, Clone)]
enum Anything {
    Leg(u8),
    Capture(u64, u8),
    Digit(u8),
    Prompt(u64, u8),
    Attempt(u64, u8),
    Deadline,
    Wait(u16),
    Drain,
    Attributes(u64),
    Written(bool),
    Stranger,
}

fn anything() -> impl Strategy<Value = Anything> {
    prop_oneof![
        4 => (0u8..5).prop_map(Anything::Leg),
        8 => (0u64..3, 0u8..6).prop_map(|(before_last, event)| Anything::Capture(before_last, event)),
        3 => (0u8..16).prop_map(Anything::Digit),
        8 => (0u64..2, 0u8..3).prop_map(|(before_last, event)| Anything::Prompt(before_last, event)),
        3 => (0u64..2, 0u8..4).prop_map(|(before_last, event)| Anything::Attempt(before_last, event)),
        3 => Just(Anything::Deadline),
        2 => (0u16..4_000).prop_map(Anything::Wait),
        1 => Just(Anything::Drain),
        2 => any::<u64>().prop_map(Anything::Attributes),
        6 => any::<bool>().prop_map(Anything::Written),
        1 => Just(Anything::Stranger),
    ]
}

fn before(last: usize, before_last: u64) -> u64 {
    (last as u64).saturating_sub(before_last)
}

impl Rig {
    fn happens(&mut self, what: Anything, sequence: u64) {
        let exchange = ExchangeId::new(sequence + 2);
        match what {
            Anything::Leg(0) => self.leg(LegEvent::Confirmed),
            Anything::Leg(1) => self.leg(LegEvent::Offered { exchange, sdp: OFFER.to_owned() }),
            Anything::Leg(2) => self.leg(LegEvent::OfferWanted { exchange }),
            Anything::Leg(3) => self.leg(LegEvent::Answered { exchange, sdp: OFFER.to_owned() }),
            Anything::Leg(_) => self.leg(LegEvent::OfferFailed),
            Anything::Capture(before_last, event) => {
                let event = match event {
                    0 | 1 => CaptureEvent::Opened { stream: stream(1) },
                    2 | 3 => CaptureEvent::Acknowledged { number: number(sequence + 1) },
                    4 => CaptureEvent::Failed { reason: "broke".to_owned() },
                    _ => CaptureEvent::Closed,
                };
                let last = self.count(|effect| matches!(effect, Effect::OpenCapture { .. }));
                let capture = CaptureId::new(before(last, before_last));
                self.handle(Input::Capture { capture, event });
            }
            Anything::Digit(event) => self.media(MediaEvent::Digit(Digit::from_event(event).unwrap())),
            Anything::Prompt(before_last, event) => {
                let last = self.count(|effect| matches!(effect, Effect::Prepare { .. }));
                let prompt = PromptId::new(before(last, before_last));
                match event {
                    0 => {
                        self.prompt(prompt, PromptEvent::Prepared { sound: Sound::silence(100), note: None })
                    }
                    1 => self.media(MediaEvent::PromptFinished(prompt)),
                    _ => self.prompt(prompt, PromptEvent::Failed { reason: "no voice".to_owned() }),
                }
            }
            Anything::Attempt(before_last, event) => {
                let last = self.find(|effect| match effect {
                    Effect::Invoke { invocation, attempt, .. } => Some((*invocation, *attempt)),
                    _ => None,
                });
                let Some((invocation, attempt)) = last else { return };
                let invocation = InvocationId::new(invocation.number().saturating_sub(before_last));
                let reason = "no".to_owned();
                let result = match event {
                    0 | 1 => Ok(Redacted::new(b"{}".to_vec())),
                    2 => Err(AttemptError::Transient { reason }),
                    _ => Err(AttemptError::Refused { reason }),
                };
                self.handle(Input::Attempt { invocation, attempt, result });
            }
            Anything::Deadline => {
                if self.live.next_deadline().is_some() {
                    self.wait_for_deadline();
                }
            }
            Anything::Wait(ms) => self.wait_ms(ms.into()),
            Anything::Drain => self.handle(Input::Drain { until: self.now.mono.plus_ms(60_000) }),
            Anything::Attributes(value) => {
                self.set_attributes("k", &value.to_string());
            }
            Anything::Written(is_ok) => {
                if self.held.as_ref().is_some_and(|held| !held.is_empty()) {
                    let failed = HistoryError { message: "full".to_owned() };
                    self.written(if is_ok { Ok(()) } else { Err(failed) });
                }
            }
            Anything::Stranger => {
                let leg = LegId::new(LEG.number() + 1);
                self.handle(Input::Leg { leg, event: LegEvent::Ended(EndedBy::Peer) });
                self.handle(Input::Media { leg, event: MediaEvent::MediaTimedOut });
            }
        }
    }

    fn check_effects(&self) {
        let mut offers = 0;
        let (mut opened, mut closed, mut asked, mut attached) = (vec![], vec![], vec![], BTreeSet::new());
        let (mut media, mut playing) = (false, BTreeMap::new());
        for effect in &self.effects {
            match effect {
                Effect::OpenCapture { leg: LEG, capture, .. } => opened.push(*capture),
                Effect::CloseCapture { leg: LEG, capture } | Effect::AbandonCapture { leg: LEG, capture } => {
                    closed.push(*capture);
                }
                Effect::AttachUpload { leg: LEG, capture } => {
                    assert!(attached.insert(*capture), "attached once");
                }
                Effect::ReplyOffer { .. } | Effect::RefuseOffer { .. } => offers += 1,
                Effect::Prepare { prompt, .. } => asked.push(*prompt),
                Effect::OpenMedia { leg: LEG, .. } => {
                    assert!(!media);
                    media = true;
                }
                Effect::Media { leg: LEG, command: MediaCommand::Play { prompt, .. } } => {
                    assert!(playing.insert(*prompt, ()).is_none(), "played once");
                }
                _ => {}
            }
        }
        assert_eq!(opened, closed, "every capture ends once, in the order of their beginning");
        assert!(asked.is_sorted());
        assert_eq!(self.count(|effect| matches!(effect, Effect::CloseMedia { leg: LEG })), 1);
        assert!(offers <= self.effects.len());
    }
}

proptest! {
    /// Hangs up after any history: a contact that was up leaves exactly one record with no open capture, every capture was closed, every
    /// offer and request is answered once, states reach the history one at a time, and no contact is left without something to wait for.
    #[test]
    fn no_order_of_events_strands_a_caller_or_leaves_a_capture_open(
        history in prop::collection::vec(anything(), 0..80),
        late in prop::collection::vec(anything(), 0..10),
        by_caller in any::<bool>(),
        has_offer in any::<bool>(),
        keys_ahead in any::<bool>(),
    ) {
        let options = ContactOptions { keys_ahead, ..ContactOptions::default() };
        let mut rig = Rig::of(&seed(), Vec::new(), has_offer.then_some(OFFER), options);
        rig.held = Some(Vec::new());
        if !has_offer {
            rig.leg(LegEvent::Answered { exchange: ExchangeId::new(1), sdp: OFFER.to_owned() });
        }
        rig.leg(LegEvent::Confirmed);
        let mut offers = 0;
        for (sequence, what) in history.into_iter().chain(std::iter::empty()).enumerate() {
            offers += usize::from(matches!(what, Anything::Leg(1 | 2)));
            rig.happens(what, sequence as u64);
            match rig.live.phase() {
                Phase::Over => prop_assert_eq!(rig.live.next_deadline(), None),
                _ => prop_assert!(rig.live.next_deadline().is_some(), "nothing would ever happen again"),
            }
            prop_assert!(rig.held.as_ref().unwrap().len() <= 1, "one write at a time");
        }
        if by_caller { rig.hung_up() } else { rig.handle(Input::Stop) };
        // A capture that a Stop block gave a limit of its own may have less time than the others.
        for _ in 0..2 {
            if rig.live.phase() != Phase::Over {
                prop_assert_eq!(rig.live.phase(), Phase::Ending);
                rig.wait_for_deadline();
            }
        }
        prop_assert_eq!(rig.live.phase(), Phase::Over);
        let contact = rig.live.contact().clone();
        prop_assert!(contact.disconnect_timestamp.is_some());
        for audio in &contact.captures {
            prop_assert!(audio.stop_timestamp.is_some());
            prop_assert!(audio.stop_fragment_number >= Some(audio.start_fragment_number));
        }
        prop_assert!(contact.captures.is_sorted_by_key(|audio| audio.start_timestamp));
        prop_assert!(rig.hangups().len() <= 1);
        for (sequence, what) in late.into_iter().enumerate() {
            offers += usize::from(matches!(what, Anything::Leg(1 | 2)));
            rig.happens(what, 100 + sequence as u64);
        }
        while rig.held.as_ref().is_some_and(|held| !held.is_empty()) {
            rig.written(Ok(()));
        }
        prop_assert!(rig.live.is_over());
        rig.check_effects();
        let replied =
            rig.count(|effect| matches!(effect, Effect::ReplyOffer { .. } | Effect::RefuseOffer { .. }));
        prop_assert_eq!(replied, offers, "every offer is answered");
        for request in 1..=rig.requests() {
            prop_assert!(rig.reply(RequestId::new(request)).is_some(), "every request is answered");
        }
        let states = rig.states();
        prop_assert_eq!(states.iter().filter(|(stage, _)| *stage == Stage::Opened).count(), 1);
        prop_assert!(states.iter().any(|(stage, _)| *stage == Stage::Ended));
        let last = &states.last().unwrap().1;
        prop_assert_eq!(last, rig.live.contact().as_ref(), "the history has the last state");
    }
}
