//! One leg of a participant: its call by SIP as the contact sees it, what offer and answer say, and where its digits come from.
//!
//! When a body may be sent is the SIP side's to decide; what it says is decided here, by the leg's
//! [`Session`](tympan_telephony::sdp::session::Session).
//!
//! | state | `answer` | `invite` | answered | confirmed | `close` | ended | the deadline |
//! |---|---|---|---|---|---|---|---|
//! | invited | answering | - | - | - | hanging up | over | - |
//! | answering | - | - | agreed, or rejected | up; ends where nothing was agreed | hanging up | over; by a BYE it was up where something was agreed | ends |
//! | reserved | - | ringing | - | - | hanging up | - | - |
//! | ringing | - | - | agreed, or rejected | up; ends where nothing was agreed | hanging up | over | - |
//! | up | - | - | agreed, or rejected | - | hanging up | over | - |
//! | hanging up | - | - | - | - | - | over | - |
//! | over | - | - | - | - | - | - | - |
//!
//! A leg that we dial is reserved first, because our offer names its port. What its network says before it answers is not listened to.
//!
//! A leg that ends by itself hears `close` of its contact. While it answers and while it is up:
//!
//! | input | what is done |
//! |---|---|
//! | an offer | answered where the session can, refused where it cannot: the call goes on as it was |
//! | the offer is left to us | all that we are capable of, also where the far end holds (RFC 3261 section 14.2) |
//! | an answer | agreed, or rejected where it cannot be used |
//! | an offer of ours failed | the session is as it was |
//!
//! In the other states each offer is refused, and an answer changes nothing. Media begins with the first agreement once the leg is
//! answered, hears of each one that differs, and is given up at the end.

use crate::context::Context;
use crate::{DialledLeg, DisconnectReason, Effect, EndedBy, LegEvent};
use std::fmt;
use tympan_telephony::Digit;
use tympan_telephony::digit_source::{DigitMerge, DigitSource};
use tympan_telephony::sdp::{LocalMedia, SdpError, Session, session::Change};
use tympan_telephony::words::{MediaCommand, MediaEvent, Sound};
use tympan_types::{ExchangeId, LegId, ListenId, Mono, PromptId, Redacted, ReferId};

/// A leg.
pub struct Leg {
    id: LegId,
    state: State,
    session: Session,
    /// Our answer to the offer of the INVITE; `None` where that had none.
    answer: Option<String>,
    digits: DigitMerge,
    media: Media,
}

/// What a leg begins with.
pub struct LegSpec {
    /// Names it.
    pub id: LegId,
    /// Where we receive, and what we understand.
    pub local: LocalMedia,
    /// The offer of the INVITE; `None` where the caller leaves the offer to us.
    pub offer: Option<String>,
    /// Where the caller's digits come from.
    pub digits: DigitSource,
}

enum State {
    /// It may be rung.
    Reserved,
    /// We have invited it.
    Ringing,
    /// The far end waits for our answer.
    Invited,
    /// Our answer is on its way.
    Answering { deadline: Mono },
    /// The far end has confirmed it.
    Up,
    /// We have ended it; the far end has not heard so yet.
    HangingUp,
    /// Nothing more comes.
    Over,
}

enum Media {
    /// Nothing was agreed yet.
    None,
    /// It sends and receives.
    Open,
    /// It was given up.
    Closed,
}

/// What the contact hears of a leg.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is up.
    Confirmed,
    /// A key was pressed.
    Digit(Digit),
    /// The far end has put us on hold, or takes us back.
    Held(bool),
    /// The far end asks for a transfer.
    Referred(Referral),
    /// The far end's telephone rings.
    Rings,
    /// The far end begins to speak, or has spoken.
    Speech { listen: ListenId, spoken: Option<(Sound, bool)> },
    /// It is over, or is to be ended.
    Ended(Ending),
    /// The far end has hung up without a confirmation of our answer, which it has had: the leg was up.
    LeftAfterAnswer,
    /// A prompt was heard.
    PromptFinished(PromptId),
}

/// A transfer that a far end asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Referral {
    pub(crate) refer: ReferId,
    pub(crate) target: Redacted<String>,
    pub(crate) replaces: Option<LegId>,
}

/// Why a leg ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The SIP side says so.
    By(EndedBy),
    /// The far end confirmed our answer, and nothing was agreed.
    NothingAgreed,
    /// The far end did not confirm our answer in time.
    NotConfirmed,
    /// The leg's media is lost.
    MediaLost,
    /// The far end sends nothing.
    MediaTimedOut,
}

impl Ending {
    /// What the record says.
    pub(crate) fn reason(self) -> DisconnectReason {
        match self {
            Self::By(EndedBy::Cancelled | EndedBy::Peer) => DisconnectReason::CustomerDisconnect,
            Self::By(EndedBy::Us | EndedBy::TooLong) => DisconnectReason::Other,
            Self::By(EndedBy::Refused(status)) => DisconnectReason::of_refusal(status),
            Self::By(EndedBy::Failure | EndedBy::SessionExpired)
            | Self::MediaLost
            | Self::MediaTimedOut
            | Self::NothingAgreed
            | Self::NotConfirmed => DisconnectReason::TelecomProblem,
        }
    }

    /// What the flow log says, where the record's reason does not tell it from others.
    pub(crate) fn remark(self) -> Option<&'static str> {
        match self {
            Self::By(EndedBy::SessionExpired) => {
                Some("the session was not refreshed in time: the caller's side is gone (RFC 4028)")
            }
            Self::By(EndedBy::TooLong) => Some("the call has lasted as long as its trunk allows"),
            Self::MediaTimedOut => {
                Some("no audio came for the media time-out of the trunk: the caller's side is gone")
            }
            Self::MediaLost => Some("the media of the call has fallen too far behind"),
            Self::By(
                EndedBy::Cancelled | EndedBy::Failure | EndedBy::Peer | EndedBy::Refused(_) | EndedBy::Us,
            )
            | Self::NothingAgreed
            | Self::NotConfirmed => None,
        }
    }
}

impl fmt::Debug for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leg({})", self.id)
    }
}

impl Leg {
    /// A leg that was invited. An offer that cannot be answered makes none: the INVITE is refused.
    pub fn invited(spec: LegSpec) -> Result<Self, SdpError> {
        let LegSpec { id, local, offer, digits } = spec;
        let mut session = Session::new(local);
        let answer = offer.map(|offer| session.receive_offer(&offer)).transpose()?.map(|answer| answer.text);
        Ok(Self {
            id,
            state: State::Invited,
            session,
            answer,
            digits: DigitMerge::new(digits),
            media: Media::None,
        })
    }

    /// A leg that is to be dialled.
    pub(crate) fn dialled(leg: DialledLeg) -> Self {
        let DialledLeg { id, local, digits } = leg;
        Self {
            id,
            state: State::Reserved,
            session: Session::new(local),
            answer: None,
            digits: DigitMerge::new(digits),
            media: Media::None,
        }
    }

    /// Rings the far end.
    pub(crate) fn invite(&mut self, cx: &mut Context) {
        if !matches!(self.state, State::Reserved) {
            return;
        }
        self.state = State::Ringing;
        // Nothing was offered before.
        let sdp = self.session.make_offer().unwrap_or_default();
        cx.emit(Effect::Invite { leg: self.id, sdp });
    }

    /// Its id.
    pub fn id(&self) -> LegId {
        self.id
    }

    /// Answers the INVITE, with our offer where it had none. Packets may come before the answer is confirmed.
    pub(crate) fn answer(&mut self, cx: &mut Context) {
        if !matches!(self.state, State::Invited) {
            return;
        }
        let sdp = match self.answer.take() {
            Some(answer) => answer,
            // Nothing was offered before.
            None => self.session.make_offer().unwrap_or_default(),
        };
        self.state = State::Answering { deadline: cx.in_ms(cx.options.answer_limit_ms) };
        self.open_media(cx);
        cx.emit(Effect::Answer { leg: self.id, sdp });
    }

    /// Takes in what happened to its signalling.
    pub(crate) fn event(&mut self, cx: &mut Context, event: LegEvent) -> Option<News> {
        match event {
            LegEvent::Confirmed => self.confirmed(cx),
            LegEvent::Offered { exchange, sdp } => {
                let was_held = self.is_held();
                self.offered(cx, exchange, |session| {
                    let answer = session.receive_offer(&sdp)?;
                    Ok((answer.text, answer.change))
                });
                self.held_since(was_held)
            }
            LegEvent::OfferWanted { exchange } => {
                self.offered(cx, exchange, |session| Ok((session.make_offer()?, Change::Unchanged)));
                None
            }
            LegEvent::Answered { exchange, sdp } => {
                let was_held = self.is_held();
                self.answered(cx, exchange, &sdp);
                self.held_since(was_held)
            }
            LegEvent::Referred { refer, target, replaces } if matches!(self.state, State::Up) => {
                Some(News::Referred(Referral { refer, target, replaces }))
            }
            LegEvent::Referred { refer, .. } => {
                cx.emit(Effect::ReplyRefer { leg: self.id, refer, status: 603 });
                None
            }
            LegEvent::Ringing { .. } => matches!(self.state, State::Ringing).then_some(News::Rings),
            LegEvent::OfferFailed => {
                self.session.roll_back();
                None
            }
            LegEvent::Info(digit) => {
                let digit = self.digits.by_info(cx.now.mono, digit).filter(|_| self.is_live());
                digit.map(News::Digit)
            }
            LegEvent::MediaLost => self.ends(Ending::MediaLost),
            LegEvent::Ended(by) => self.ends(Ending::By(by)),
        }
    }

    /// Takes in what happened in its media.
    pub(crate) fn media_event(&mut self, cx: &mut Context, event: &MediaEvent) -> Option<News> {
        match event {
            MediaEvent::Digit(digit) => {
                let digit = self.digits.by_rtp(cx.now.mono, *digit).filter(|_| self.is_live());
                digit.map(News::Digit)
            }
            MediaEvent::PromptFinished(prompt) => Some(News::PromptFinished(*prompt)),
            MediaEvent::MediaTimedOut => self.ends(Ending::MediaTimedOut),
            MediaEvent::TapOpened { .. } | MediaEvent::TapClosed { .. } => None,
            MediaEvent::SpeechBegan { listen } => Some(News::Speech { listen: *listen, spoken: None }),
            MediaEvent::Heard { listen, utterance, cut } => {
                Some(News::Speech { listen: *listen, spoken: Some((utterance.clone(), *cut)) })
            }
        }
    }

    pub(crate) fn time_passed(&mut self, cx: &Context) -> Option<News> {
        match self.state {
            State::Answering { deadline } if deadline <= cx.now.mono => self.ends(Ending::NotConfirmed),
            _ => None,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Mono> {
        match self.state {
            State::Answering { deadline } => Some(deadline),
            State::Reserved
            | State::Ringing
            | State::Invited
            | State::Up
            | State::HangingUp
            | State::Over => None,
        }
    }

    /// Ends it, where it has not ended, and gives up its media.
    pub(crate) fn close(&mut self, cx: &mut Context, reason: DisconnectReason) {
        if !matches!(self.state, State::HangingUp | State::Over) {
            self.state = State::HangingUp;
            cx.emit(Effect::Hangup { leg: self.id, reason });
        }
        if !matches!(self.media, Media::Closed) {
            self.media = Media::Closed;
            cx.emit(Effect::CloseMedia { leg: self.id });
        }
    }

    /// It answers, is rung, or is up.
    fn is_live(&self) -> bool {
        matches!(self.state, State::Answering { .. } | State::Ringing | State::Up)
    }

    /// It is up.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Up)
    }

    /// Whether the far end has put us on hold: it does not want to hear us.
    pub(crate) fn is_held(&self) -> bool {
        self.session.audio().is_some_and(|audio| !audio.direction.sends())
    }

    fn held_since(&self, was_held: bool) -> Option<News> {
        let is_held = self.is_held();
        (self.is_up() && is_held != was_held).then_some(News::Held(is_held))
    }

    /// The far end has acknowledged, and has answered before where the offer was ours.
    fn confirmed(&mut self, cx: &mut Context) -> Option<News> {
        if !matches!(self.state, State::Answering { .. } | State::Ringing) {
            return None;
        }
        if self.session.agreement().is_none() {
            return self.ends(Ending::NothingAgreed);
        }
        self.state = State::Up;
        self.open_media(cx);
        Some(News::Confirmed)
    }

    /// The contact closes a leg of which it hears this.
    fn ends(&mut self, ending: Ending) -> Option<News> {
        let news = match (&self.state, ending) {
            (State::HangingUp | State::Over, _) => None,
            // A BYE may overtake the acknowledgement.
            (State::Answering { .. }, Ending::By(EndedBy::Peer)) if self.session.agreement().is_some() => {
                Some(News::LeftAfterAnswer)
            }
            (State::Answering { .. }, Ending::By(EndedBy::Peer)) => Some(News::Ended(Ending::NothingAgreed)),
            _ => Some(News::Ended(ending)),
        };
        if let Ending::By(_) = ending {
            self.state = State::Over;
        }
        news
    }

    fn offered(
        &mut self,
        cx: &mut Context,
        exchange: ExchangeId,
        reply: impl FnOnce(&mut Session) -> Result<(String, Change), SdpError>,
    ) {
        let leg = self.id;
        let result = if self.is_live() { reply(&mut self.session) } else { Err(SdpError::NoOffer) };
        match result {
            Ok((sdp, change)) => {
                self.negotiate(cx, change);
                cx.emit(Effect::ReplyOffer { leg, exchange, sdp });
            }
            Err(error) => {
                let contact_id = cx.contact.id;
                tracing::info!(%contact_id, %leg, %error, "a new offer was refused; the call goes on as it was");
                cx.emit(Effect::RefuseOffer { leg, exchange });
            }
        }
    }

    /// The answer to an offer of ours: that of a late offer, or that of a refresh by the SIP side, which repeats our last description.
    fn answered(&mut self, cx: &mut Context, exchange: ExchangeId, sdp: &str) {
        if !self.is_live() {
            return;
        }
        let leg = self.id;
        if !self.session.is_offering() {
            // Without an offer of ours there is one that the SIP side has repeated.
            let _ = self.session.repeat_offer();
        }
        match self.session.receive_answer(sdp) {
            Ok(change) => self.negotiate(cx, change),
            Err(error) => {
                let contact_id = cx.contact.id;
                tracing::info!(%contact_id, %leg, %error, "the answer to our offer cannot be used");
                cx.emit(Effect::RejectAnswer { leg, exchange });
            }
        }
    }

    fn negotiate(&mut self, cx: &mut Context, change: Change) {
        let (Change::Changed, Some(agreement)) = (change, self.session.agreement()) else { return };
        if matches!(self.media, Media::Open) {
            let command = MediaCommand::Negotiate(Box::new(agreement.clone()));
            cx.emit(Effect::Media { leg: self.id, command });
        } else {
            self.open_media(cx);
        }
    }

    fn open_media(&mut self, cx: &mut Context) {
        let Some(agreement) = self.session.agreement().filter(|_| matches!(self.media, Media::None)) else {
            return;
        };
        cx.emit(Effect::OpenMedia { leg: self.id, agreement: Box::new(agreement.clone()) });
        self.media = Media::Open;
    }
}

#[cfg(test)]
mod tests;
