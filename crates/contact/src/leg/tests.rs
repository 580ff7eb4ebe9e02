use super::*;
use crate::DialledLeg;
use crate::fixtures::contact;
use crate::tests::rig::{LEG, OFFER, began, local, no_settings};
use crate::{ContactOptions, DisconnectReason};
use tympan_telephony::sdp::Direction;
use tympan_types::ListenId;

const RE_INVITE: ExchangeId = ExchangeId::new(2);
const OURS: ExchangeId = ExchangeId::new(3);

struct Rig {
    cx: Context,
    leg: Leg,
}

impl Rig {
    /// A leg whose INVITE had this offer, or none.
    fn invited(offer: Option<&str>) -> Self {
        let spec =
            LegSpec { id: LEG, local: local(), offer: offer.map(str::to_owned), digits: DigitSource::Both };
        let cx = Context::new(began(), contact(), no_settings(), ContactOptions::default());
        Self { cx, leg: Leg::invited(spec).unwrap() }
    }

    fn answering(offer: Option<&str>) -> Self {
        let mut rig = Self::invited(offer);
        rig.leg.answer(&mut rig.cx);
        rig
    }

    fn up() -> Self {
        let mut rig = Self::answering(Some(OFFER));
        assert_eq!(rig.event(LegEvent::Confirmed), Some(News::Confirmed));
        rig.done();
        rig
    }

    fn event(&mut self, event: LegEvent) -> Option<News> {
        self.leg.event(&mut self.cx, event)
    }

    fn offered(&mut self, sdp: &str) -> Vec<Effect> {
        self.done();
        let was_held = self.leg.is_held();
        let news = self.event(LegEvent::Offered { exchange: RE_INVITE, sdp: sdp.to_owned() });
        let is_held = self.leg.is_held();
        assert_eq!(news, (is_held != was_held).then_some(News::Held(is_held)));
        self.done()
    }

    fn done(&mut self) -> Vec<Effect> {
        self.cx.effects.drain(..).collect()
    }

    fn agreed(&self) -> (Direction, u16) {
        let audio = self.leg.session.audio().unwrap();
        (audio.direction, audio.remote.port())
    }
}

fn with(change: &[(&str, &str)]) -> String {
    change.iter().fold(OFFER.to_owned(), |sdp, (old, new)| sdp.replace(old, new))
}

fn held(attribute: &str) -> String {
    format!("{}{attribute}\r\n", with(&[("o=- 1 1", "o=- 1 2")]))
}

/// The one reply to an offer, and what media heard of it.
fn replied(effects: &[Effect]) -> (&str, Option<Direction>) {
    match effects {
        [Effect::ReplyOffer { leg: LEG, exchange: RE_INVITE, sdp }] => (sdp, None),
        [
            Effect::Media { leg: LEG, command: MediaCommand::Negotiate(agreement) },
            Effect::ReplyOffer { leg: LEG, exchange: RE_INVITE, sdp },
        ] => (sdp, agreement.audio().map(|audio| audio.direction)),
        other => panic!("{other:?}"),
    }
}

fn is_refused(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::RefuseOffer { leg: LEG, exchange: RE_INVITE }])
}

#[test]
fn an_invitation_with_an_offer_is_answered_and_heard_from_that_instant_on() {
    let mut rig = Rig::invited(Some(OFFER));
    assert!(rig.done().is_empty());
    rig.leg.answer(&mut rig.cx);
    let effects = rig.done();
    let [Effect::OpenMedia { leg: LEG, agreement }, Effect::Answer { leg: LEG, sdp }] = effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!(agreement.audio().unwrap().remote.port(), 40_000);
    assert!(sdp.contains("m=audio 20000"), "{sdp}");
    rig.leg.answer(&mut rig.cx);
    assert!(rig.done().is_empty(), "once");
    assert_eq!(rig.event(LegEvent::Confirmed), Some(News::Confirmed));
    assert_eq!(rig.event(LegEvent::Confirmed), None);
    assert!(rig.done().is_empty() && rig.leg.deadline().is_none());
}

#[test]
fn an_offer_that_cannot_be_answered_makes_no_leg() {
    for offer in
        ["", "v=0\r\n", &with(&[("RTP/AVP 0 101", "RTP/AVP 99"), ("101 tele", "99 opus/48000\r\na=x:")])]
    {
        let offer = Some(offer.to_owned());
        let spec = LegSpec { id: LEG, local: local(), offer, digits: DigitSource::Both };
        assert!(Leg::invited(spec).is_err());
    }
}

#[test]
fn an_invitation_without_an_offer_gets_ours_and_media_begins_with_its_answer() {
    let mut rig = Rig::answering(None);
    let effects = rig.done();
    assert!(
        matches!(effects.as_slice(), [Effect::Answer { leg: LEG, sdp }] if sdp.contains("m=audio 20000"))
    );
    assert_eq!(rig.event(LegEvent::Answered { exchange: ExchangeId::new(1), sdp: OFFER.into() }), None);
    assert!(matches!(rig.done().as_slice(), [Effect::OpenMedia { leg: LEG, .. }]));
    assert_eq!(rig.event(LegEvent::Confirmed), Some(News::Confirmed));
    assert!(rig.done().is_empty(), "media is open already");
}

#[test]
fn a_late_offer_without_an_answer_that_can_be_used_is_no_call() {
    for answer in [None, Some("nonsense")] {
        let mut rig = Rig::answering(None);
        rig.done();
        if let Some(sdp) = answer {
            rig.event(LegEvent::Answered { exchange: ExchangeId::new(1), sdp: sdp.into() });
            assert!(matches!(rig.done().as_slice(), [Effect::RejectAnswer { leg: LEG, .. }]));
        }
        let news = rig.event(LegEvent::Confirmed);
        assert_eq!(news, Some(News::Ended(Ending::NothingAgreed)));
    }
    let mut rig = Rig::answering(None);
    let news = rig.event(LegEvent::Ended(EndedBy::Peer));
    assert_eq!(news, Some(News::Ended(Ending::NothingAgreed)), "a BYE that overtakes an answer that is none");
}

#[test]
fn an_answer_that_is_not_confirmed_in_time_ends_the_leg() {
    let mut rig = Rig::answering(Some(OFFER));
    assert_eq!(rig.leg.deadline(), Some(rig.cx.now.mono.plus_ms(35_000)));
    rig.cx.now = rig.cx.now.plus_ms(34_999);
    assert_eq!(rig.leg.time_passed(&rig.cx), None);
    rig.cx.now = rig.cx.now.plus_ms(1);
    assert_eq!(rig.leg.time_passed(&rig.cx), Some(News::Ended(Ending::NotConfirmed)));
}

#[test]
fn hold_is_answered_and_told_to_the_media_in_every_form() {
    for (offer, direction) in [
        (held("a=sendonly"), Direction::RecvOnly),
        (held("a=inactive"), Direction::Inactive),
        (held("a=recvonly"), Direction::SendOnly),
    ] {
        let mut rig = Rig::up();
        assert_eq!(replied(&rig.offered(&offer)).1, Some(direction), "{offer}");
        assert_eq!(replied(&rig.offered(OFFER)).1, Some(Direction::SendRecv), "resumed");
    }
    let mut rig = Rig::up();
    let effects = rig.offered(&with(&[("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0")]));
    assert!(replied(&effects).1.is_some(), "an old peer holds by its address");
    assert_eq!(rig.leg.session.audio().unwrap().destination(), None);
}

#[test]
fn an_offer_that_says_nothing_new_is_answered_and_media_does_not_hear_of_it() {
    let mut rig = Rig::up();
    assert_eq!(replied(&rig.offered(OFFER)).1, None);
}

#[test]
fn an_offer_that_moves_the_far_end_moves_the_media() {
    let mut rig = Rig::up();
    assert!(replied(&rig.offered(&with(&[("40000", "40010")]))).1.is_some());
    assert_eq!(rig.agreed(), (Direction::SendRecv, 40_010));
}

#[test]
fn an_offer_that_cannot_be_answered_is_refused_and_the_call_goes_on_as_it_was() {
    let mut rig = Rig::up();
    for offer in ["nonsense", &with(&[("m=audio 40000 RTP/AVP 0 101", "m=video 40000 RTP/AVP 31")])] {
        assert!(is_refused(&rig.offered(offer)), "{offer}");
        assert_eq!(rig.agreed(), (Direction::SendRecv, 40_000));
    }
}

#[test]
fn an_invitation_in_mid_call_without_an_offer_gets_all_that_we_are_capable_of_also_on_hold() {
    let mut rig = Rig::up();
    rig.offered(&held("a=sendonly"));
    rig.done();
    rig.event(LegEvent::OfferWanted { exchange: RE_INVITE });
    let effects = rig.done();
    let (sdp, told) = replied(&effects);
    assert!(!sdp.contains("a=recvonly") && told.is_none(), "{sdp}");
    // The answer comes in the ACK, and counts: the far end has moved.
    rig.event(LegEvent::Answered { exchange: RE_INVITE, sdp: with(&[("40000", "40020")]) });
    let effects = rig.done();
    assert!(matches!(effects.as_slice(), [Effect::Media { command: MediaCommand::Negotiate(_), .. }]));
    assert_eq!(rig.agreed(), (Direction::SendRecv, 40_020));
}

#[test]
fn an_offer_that_crosses_ours_is_refused() {
    let mut rig = Rig::up();
    rig.event(LegEvent::OfferWanted { exchange: OURS });
    assert!(is_refused(&rig.offered(OFFER)));
    rig.event(LegEvent::OfferWanted { exchange: RE_INVITE });
    assert!(is_refused(&rig.done()));
}

#[test]
fn an_offer_of_ours_that_fails_leaves_the_session_as_it_was() {
    let mut rig = Rig::up();
    rig.event(LegEvent::OfferWanted { exchange: OURS });
    rig.event(LegEvent::OfferFailed);
    assert_eq!(rig.agreed(), (Direction::SendRecv, 40_000));
    assert_eq!(replied(&rig.offered(&held("a=inactive"))).1, Some(Direction::Inactive));
}

#[test]
fn the_answer_to_a_refresh_that_the_sip_side_made_is_an_answer_to_our_last_description() {
    let mut rig = Rig::up();
    rig.event(LegEvent::Answered { exchange: OURS, sdp: with(&[("40000", "40030")]) });
    assert!(matches!(rig.done().as_slice(), [Effect::Media { command: MediaCommand::Negotiate(_), .. }]));
    assert_eq!(rig.agreed().1, 40_030);
    rig.event(LegEvent::Answered { exchange: OURS, sdp: String::new() });
    assert!(matches!(rig.done().as_slice(), [Effect::RejectAnswer { leg: LEG, exchange: OURS }]));
    assert_eq!(rig.agreed().1, 40_030);
}

#[test]
fn every_offer_is_refused_before_the_answer_and_after_the_end() {
    let mut invited = Rig::invited(Some(OFFER));
    assert!(is_refused(&invited.offered(OFFER)));
    let mut hanging_up = Rig::up();
    hanging_up.leg.close(&mut hanging_up.cx, DisconnectReason::Other);
    assert!(is_refused(&hanging_up.offered(OFFER)));
    assert_eq!(hanging_up.event(LegEvent::Ended(EndedBy::Us)), None, "it is what we wanted");
    assert!(is_refused(&hanging_up.offered(OFFER)));
    assert_eq!(hanging_up.event(LegEvent::Answered { exchange: OURS, sdp: OFFER.into() }), None);
    assert!(hanging_up.done().is_empty());
}

#[test]
fn closing_a_leg_hangs_up_and_gives_the_media_up_once() {
    let mut rig = Rig::up();
    rig.leg.close(&mut rig.cx, DisconnectReason::Other);
    rig.leg.close(&mut rig.cx, DisconnectReason::TelecomProblem);
    let effects = rig.done();
    let [Effect::Hangup { leg: LEG, reason }, Effect::CloseMedia { leg: LEG }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(*reason, DisconnectReason::Other);
    for end in [LegEvent::MediaLost, LegEvent::Ended(EndedBy::Us), LegEvent::Ended(EndedBy::Peer)] {
        assert_eq!(rig.event(end), None, "it is known");
    }
}

#[test]
fn a_leg_that_was_never_answered_is_hung_up_too() {
    let mut rig = Rig::invited(Some(OFFER));
    rig.leg.close(&mut rig.cx, DisconnectReason::Other);
    assert!(matches!(rig.done().as_slice(), [Effect::Hangup { .. }, Effect::CloseMedia { .. }]));
    let mut left = Rig::invited(Some(OFFER));
    assert_eq!(
        left.event(LegEvent::Ended(EndedBy::Cancelled)),
        Some(News::Ended(Ending::By(EndedBy::Cancelled)))
    );
}

#[test]
fn a_far_end_that_left_is_not_hung_up() {
    let mut rig = Rig::up();
    assert_eq!(rig.event(LegEvent::Ended(EndedBy::Peer)), Some(News::Ended(Ending::By(EndedBy::Peer))));
    rig.leg.close(&mut rig.cx, DisconnectReason::CustomerDisconnect);
    assert!(matches!(rig.done().as_slice(), [Effect::CloseMedia { leg: LEG }]));
    assert_eq!(rig.event(LegEvent::Confirmed), None);
}

#[test]
fn a_caller_whose_bye_overtakes_the_acknowledgement_was_connected() {
    let mut rig = Rig::answering(Some(OFFER));
    assert_eq!(rig.event(LegEvent::Ended(EndedBy::Peer)), Some(News::LeftAfterAnswer));
    // One who cancels, and one whose acknowledgement never comes, were not.
    for by in [EndedBy::Cancelled, EndedBy::Failure] {
        let mut rig = Rig::answering(Some(OFFER));
        assert_eq!(rig.event(LegEvent::Ended(by)), Some(News::Ended(Ending::By(by))));
    }
}

#[test]
fn a_key_counts_once_by_whichever_way_it_comes_and_only_while_the_leg_lives() {
    let five = Digit::from_char('5').unwrap();
    let mut rig = Rig::up();
    assert_eq!(rig.event(LegEvent::Info(five)), Some(News::Digit(five)));
    let by_rtp = MediaEvent::Digit(five);
    assert_eq!(rig.leg.media_event(&mut rig.cx, &by_rtp), None, "the same key");
    assert_eq!(rig.leg.media_event(&mut rig.cx, &by_rtp), Some(News::Digit(five)));
    assert_eq!(rig.event(LegEvent::Info(five)), None, "RTP is the source from now on");
    rig.leg.close(&mut rig.cx, DisconnectReason::Other);
    assert_eq!(rig.leg.media_event(&mut rig.cx, &by_rtp), None);
}

#[test]
fn media_that_is_lost_or_silent_ends_the_leg() {
    let mut lost = Rig::up();
    assert_eq!(lost.event(LegEvent::MediaLost), Some(News::Ended(Ending::MediaLost)));
    let mut silent = Rig::up();
    let news = silent.leg.media_event(&mut silent.cx, &MediaEvent::MediaTimedOut);
    assert_eq!(news, Some(News::Ended(Ending::MediaTimedOut)));
    let prompt = PromptId::new(4);
    let finished = silent.leg.media_event(&mut silent.cx, &MediaEvent::PromptFinished(prompt));
    assert_eq!(finished, Some(News::PromptFinished(prompt)));
    let listen = ListenId::new(1);
    let began = silent.leg.media_event(&mut silent.cx, &MediaEvent::SpeechBegan { listen });
    assert_eq!(began, Some(News::Speech { listen, spoken: None }));
}

fn dialled() -> Rig {
    let leg = Leg::dialled(DialledLeg { id: LEG, local: local(), digits: DigitSource::Both });
    Rig { cx: Context::new(began(), contact(), no_settings(), ContactOptions::default()), leg }
}

#[test]
fn a_dialled_leg_is_rung_once_and_up_when_its_answer_is_confirmed() {
    let mut rig = dialled();
    rig.leg.invite(&mut rig.cx);
    rig.leg.invite(&mut rig.cx);
    assert!(matches!(rig.done().as_slice(), [Effect::Invite { leg: LEG, .. }]));
    assert_eq!(rig.event(LegEvent::Ringing { status: 180, sdp: None }), Some(News::Rings));
    assert_eq!(rig.event(LegEvent::Answered { exchange: OURS, sdp: OFFER.to_owned() }), None);
    assert_eq!(rig.event(LegEvent::Confirmed), Some(News::Confirmed));
    assert!(rig.leg.is_up());
    assert!(rig.done().iter().any(|effect| matches!(effect, Effect::OpenMedia { leg: LEG, .. })));
}

#[test]
fn a_dialled_leg_that_is_refused_or_answers_with_nothing_we_can_use_has_ended() {
    let mut rig = dialled();
    rig.leg.invite(&mut rig.cx);
    let refused = LegEvent::Ended(EndedBy::Refused(486));
    assert_eq!(rig.event(refused), Some(News::Ended(Ending::By(EndedBy::Refused(486)))));
    let mut rig = dialled();
    rig.leg.invite(&mut rig.cx);
    assert_eq!(rig.event(LegEvent::Answered { exchange: OURS, sdp: "v=0".to_owned() }), None);
    assert_eq!(rig.event(LegEvent::Confirmed), Some(News::Ended(Ending::NothingAgreed)));
}

#[test]
fn a_transfer_is_passed_on_of_a_leg_that_is_up_and_refused_of_any_other() {
    let refer = ReferId::new(1);
    let asks = || LegEvent::Referred { refer, target: Redacted::new("sip:2@x".into()), replaces: None };
    let mut rig = dialled();
    rig.leg.invite(&mut rig.cx);
    assert_eq!(rig.event(asks()), None);
    assert!(rig.done().iter().any(|effect| matches!(effect, Effect::ReplyRefer { status: 603, .. })));
    rig.event(LegEvent::Answered { exchange: OURS, sdp: OFFER.to_owned() });
    rig.event(LegEvent::Confirmed);
    assert!(matches!(rig.event(asks()), Some(News::Referred(referral)) if referral.refer == refer));
}
