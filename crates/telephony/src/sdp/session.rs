//! The offer/answer session of one leg: what its descriptions say, from the first offer to the last.
//!
//! Source: RFC 3264; RFC 6337 for what may be offered when; RFC 3261 section 14 for offers that cross. When a body may be sent is
//! SIP's to decide, and which message carries it is of no interest here: an answer in an ACK, a PRACK or a 200 is the same answer.
//!
//! | state | `receive_offer` | `make_offer`, `repeat_offer` | `receive_answer` | `roll_back` |
//! |---|---|---|---|---|
//! | no offer of ours is open | answers it: the agreement is new | opens an offer | [`SdpError::NoOffer`] | changes nothing |
//! | an offer of ours is open | [`SdpError::OfferOpen`] | [`SdpError::OfferOpen`] | closes it: the agreement is new | closes it |
//!
//! An error of `receive_offer` or `receive_answer` leaves the agreement as it was; a bad answer closes the offer.
//!
//! We answer with one codec, so that no peer changes it in mid-call without being asked, and understand every one that was offered.
//! Hold is read as in RFC 3264 section 8.4 and, for old peers, from the address 0.0.0.0. The media sections keep their order, and
//! their number never falls (section 8); one that is over may come to life again.
//!
//! Not implemented: SRTP (`RTP/SAVP` sections are refused), ICE, bundling.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

pub use super::agreement::{Agreement, Codec, StreamAgreement};
use super::agreement::{Reading, excerpt};
use super::description::{Description, PayloadTypes, Section};
use super::direction::Direction;
use super::error::SdpError;
use super::local::LocalMedia;
use super::write::{self, AudioSection};
use crate::audio::codec::AudioCodec;
use crate::rtp::payload::{PayloadKind, PayloadMap};

/// The offer/answer session of one leg.
#[derive(Clone, Debug)]
pub struct Session {
    local: LocalMedia,
    /// The media sections as they were agreed last, also those without a stream.
    slots: Vec<Slot>,
    agreement: Option<Agreement>,
    /// Our description that is in effect.
    current: Option<Own>,
    /// Our offer that is open.
    open: Option<Own>,
    /// The version of the origin line of our next description that says something new.
    next_version: u64,
    /// The offer that [`Session::current`] answers, as a number.
    answered: Option<u64>,
}

/// A description of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Own {
    text: String,
    version: u64,
}

/// A media section of the session.
#[derive(Clone, Debug)]
struct Slot {
    kind: Box<str>,
    transport: Box<str>,
    /// A format to name while the section is refused.
    format: Box<str>,
    /// Which of our ports it has; `None` while it is refused.
    stream: Option<usize>,
    /// Payload types that have had a meaning in it, which must not change (RFC 3264 section 8.3.2).
    payload_types: PayloadTypes,
}

/// Our answer to an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The description to send.
    pub text: String,
    /// What the offer did to the agreement.
    pub change: Change,
}

/// What an exchange did to the agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The agreement says what it said before: media need not be told.
    Unchanged,
    /// The agreement is new.
    Changed,
}

impl Session {
    /// A session in which nothing has been said.
    pub fn new(local: LocalMedia) -> Self {
        Self {
            slots: Vec::new(),
            agreement: None,
            current: None,
            open: None,
            next_version: local.version,
            answered: None,
            local,
        }
    }

    /// What both sides have agreed; `None` before the first answer.
    pub const fn agreement(&self) -> Option<&Agreement> {
        self.agreement.as_ref()
    }

    /// The first live audio stream of the agreement.
    pub fn audio(&self) -> Option<&StreamAgreement> {
        self.agreement.as_ref()?.audio()
    }

    /// Our description that is in effect: the answer to send in every response to one INVITE. `None` before the first answer.
    pub fn description(&self) -> Option<&str> {
        Some(&self.current.as_ref()?.text)
    }

    /// Whether an offer of ours waits for its answer.
    pub const fn is_offering(&self) -> bool {
        self.open.is_some()
    }

    /// Our side.
    pub const fn local(&self) -> &LocalMedia {
        &self.local
    }

    /// Changes what we are willing to do, e.g. to put the peer on hold; it takes effect with the next offer or answer.
    pub fn set_direction(&mut self, direction: Direction) {
        if self.local.direction != direction {
            self.local.direction = direction;
            self.answered = None;
        }
    }

    /// Answers an offer: takes as many usable audio sections as there are ports, refuses all others. Those that live keep their ports.
    ///
    /// The version of our origin line goes up by one where we say something new, and stays otherwise (RFC 3264 section 8). An offer that
    /// is the same as the last one is not looked at again.
    pub fn receive_offer(&mut self, offer: &str) -> Result<Answer, SdpError> {
        if self.open.is_some() {
            return Err(SdpError::OfferOpen);
        }
        let fingerprint = fingerprint(offer);
        if let Some(current) = &self.current
            && self.answered == Some(fingerprint)
        {
            return Ok(Answer { text: current.text.clone(), change: Change::Unchanged });
        }
        let description = Description::parse(offer)?;
        if description.len() < self.slots.len() {
            return Err(SdpError::FewerSections { offered: description.len(), known: self.slots.len() });
        }
        let agreement = self.take(&description)?;
        let own = self.own(|version| self.answer_text(&description, &agreement, version));
        let slots = description.sections().enumerate().map(|(index, section)| {
            let known = self.slots.get(index).map(|slot| slot.payload_types).unwrap_or_default();
            let stream = agreement.streams.get(index).and_then(|stream| Some(stream.as_ref()?.local));
            Slot::offered(&section, stream, known)
        });
        self.slots = slots.collect();
        self.answered = Some(fingerprint);
        let text = own.text.clone();
        Ok(Answer { text, change: self.agree(agreement, own) })
    }

    /// Makes an offer of all that we are capable of, whatever was agreed before, so that a session that is on hold is resumed (RFC 3261
    /// section 14.2, RFC 6337 section 5.3). Payload types keep their meaning, and sections that are over their place.
    pub fn make_offer(&mut self) -> Result<String, SdpError> {
        if self.open.is_some() {
            return Err(SdpError::OfferOpen);
        }
        let own = self.own(|version| self.offer_text(version));
        self.next_version = self.next_version.max(own.version.saturating_add(1));
        let text = own.text.clone();
        self.open = Some(own);
        Ok(text)
    }

    /// Offers our description that is in effect once more, as a refresh of the session does; without one, as [`Session::make_offer`].
    pub fn repeat_offer(&mut self) -> Result<String, SdpError> {
        match &self.current {
            Some(current) if self.open.is_none() => {
                self.open = Some(current.clone());
                Ok(current.text.clone())
            }
            _ => self.make_offer(),
        }
    }

    /// Takes the answer to our offer, whichever message it came in. The offer is closed also where the answer cannot be used.
    pub fn receive_answer(&mut self, answer: &str) -> Result<Change, SdpError> {
        let own = self.open.take().ok_or(SdpError::NoOffer)?;
        let (slots, agreement) = self.read_answer(answer)?;
        self.slots = slots;
        self.answered = None;
        Ok(self.agree(agreement, own))
    }

    /// What a preview of the answer would agree, as an unreliable provisional response carries it: the offer stays open.
    pub fn preview_answer(&self, answer: &str) -> Result<Agreement, SdpError> {
        if self.open.is_none() {
            return Err(SdpError::NoOffer);
        }
        Ok(self.read_answer(answer)?.1)
    }

    /// Closes our offer, which was refused or crossed one of the peer: the session is as it was agreed before (RFC 3261 section 14.1).
    pub fn roll_back(&mut self) {
        self.open = None;
    }

    fn agree(&mut self, agreement: Agreement, own: Own) -> Change {
        let is_same = self.agreement.as_ref() == Some(&agreement);
        self.next_version = self.next_version.max(own.version.saturating_add(1));
        self.current = Some(own);
        self.agreement = Some(agreement);
        if is_same { Change::Unchanged } else { Change::Changed }
    }

    /// A description of ours: with the version in effect where it says the same, otherwise with the next one. A version that went out
    /// in an offer that failed is not used again for anything else.
    fn own(&self, text: impl Fn(u64) -> String) -> Own {
        if let Some(current) = &self.current
            && text(current.version) == current.text
        {
            return current.clone();
        }
        Own { text: text(self.next_version), version: self.next_version }
    }

    /// Chooses the sections of an offer that become streams.
    fn take(&self, offer: &Description) -> Result<Agreement, SdpError> {
        let mut free = vec![true; self.local.streams_max()];
        let living = |index: usize| self.slots.get(index).and_then(|slot| slot.stream);
        for stream in self.slots.iter().filter_map(|slot| slot.stream) {
            if let Some(free) = free.get_mut(stream) {
                *free = false;
            }
        }
        let mut streams: Vec<Option<StreamAgreement>> = (0..offer.len()).map(|_| None).collect();
        let mut refused = None;
        // Those that live come first: no new section takes a port from them.
        for wants_living in [true, false] {
            for (index, section) in offer.sections().enumerate() {
                if living(index).is_some() != wants_living {
                    continue;
                }
                let Some(stream) = living(index).or_else(|| free.iter().position(|free| *free)) else {
                    break;
                };
                if !section.is_usable() {
                    free_again(&mut free, living(index));
                    continue;
                }
                match StreamAgreement::read(&section, stream, &self.local, Reading::Offer) {
                    Ok(agreed) => {
                        if let Some(free) = free.get_mut(stream) {
                            *free = false;
                        }
                        if let Some(place) = streams.get_mut(index) {
                            *place = Some(agreed);
                        }
                    }
                    Err(error) => {
                        free_again(&mut free, living(index));
                        refused = refused.or(Some(error));
                    }
                }
            }
        }
        if streams.iter().all(Option::is_none) {
            return Err(refused.unwrap_or_else(|| no_audio(offer)));
        }
        Ok(Agreement { streams })
    }

    /// Reads an answer to the offer that is open.
    fn read_answer(&self, answer: &str) -> Result<(Vec<Slot>, Agreement), SdpError> {
        let description = Description::parse(answer)?;
        let mut slots = self.offered_slots().into_owned();
        let mut streams = Vec::with_capacity(slots.len());
        let mut refused = None;
        for (index, slot) in slots.iter_mut().enumerate() {
            // An answer with too few sections refuses the rest; with too many, nothing was offered that they could answer.
            let section = description.section(index).filter(Section::is_usable);
            let agreed = match (slot.stream, &section) {
                (Some(stream), Some(section)) => {
                    match StreamAgreement::read(section, stream, &self.local, Reading::Answer) {
                        Ok(agreed) => Some(self.with_offered_types(index, slot, agreed)),
                        Err(error) => {
                            refused = refused.or(Some(error));
                            None
                        }
                    }
                }
                _ => None,
            };
            slot.stream = agreed.as_ref().map(|agreed| agreed.local);
            if let Some(section) = section.filter(|_| agreed.is_some()) {
                slot.payload_types = slot.payload_types.and(section.payload_types());
            }
            streams.push(agreed);
        }
        if streams.iter().all(Option::is_none) {
            return Err(refused.unwrap_or_else(|| no_audio(&description)));
        }
        Ok((slots, Agreement { streams }))
    }

    /// The peer sends with the payload types of our offer (RFC 3264 section 6.1), also where its answer has others.
    fn with_offered_types(&self, index: usize, slot: &Slot, agreed: StreamAgreement) -> StreamAgreement {
        let (codecs, events) = self.offered_types(index, slot);
        let answered: Vec<_> = agreed.payloads.iter().collect();
        let accepts = |kind: PayloadKind| answered.iter().any(|(_, known)| *known == kind);
        let offered = codecs.iter().map(|codec| (codec.payload_type, PayloadKind::Audio(codec.kind)));
        let clock_hz = AudioCodec::RTP_CLOCK_HZ;
        let offered = offered.chain(events.map(|number| (number, PayloadKind::TelephoneEvent { clock_hz })));
        let payloads = offered.filter(|(_, kind)| accepts(*kind)).chain(answered.iter().copied());
        let payloads = payloads.fold(PayloadMap::new(), |map, (number, kind)| map.with(number, kind));
        StreamAgreement { payloads, ..agreed }
    }

    /// The media sections of an offer of ours.
    fn offered_slots(&self) -> Cow<'_, [Slot]> {
        if self.slots.is_empty() {
            Cow::Owned((0..self.local.streams_max()).map(Slot::ours).collect())
        } else {
            Cow::Borrowed(&self.slots)
        }
    }

    /// What an offer of ours calls our codecs and telephone events in a section.
    fn offered_types(&self, index: usize, slot: &Slot) -> (Vec<Codec>, Option<u8>) {
        let agreed = self.agreement.as_ref().and_then(|agreement| agreement.streams.get(index)?.as_ref());
        let mut given = PayloadTypes::default();
        let mut number = |agreed: Option<u8>, usual: u8| {
            let used = given.and(slot.payload_types);
            let chosen = agreed
                .filter(|number| !given.contains(*number))
                .or_else(|| (!used.contains(usual)).then_some(usual))
                .or_else(|| (96..=127).find(|number| !used.contains(*number)))?;
            given.insert(chosen);
            Some(chosen)
        };
        let events = agreed.and_then(|agreed| agreed.dtmf);
        let codecs = self.local.codecs.iter().filter_map(|&kind| {
            let known = agreed.and_then(|agreed| agreed.payloads.of_audio(kind));
            Some(Codec { kind, payload_type: number(known, kind.static_payload_type())? })
        });
        let codecs = codecs.collect();
        (codecs, number(events, OFFERED_EVENT_TYPE))
    }

    fn offer_text(&self, version: u64) -> String {
        let mut text = write::session(&self.local, version);
        for (index, slot) in self.offered_slots().iter().enumerate() {
            let Some(&port) = slot.stream.and_then(|stream| self.local.ports.get(stream)) else {
                write::refused_section(&mut text, &slot.kind, &slot.transport, &slot.format);
                continue;
            };
            let agreed = self.agreement.as_ref().and_then(|agreement| agreement.streams.get(index)?.as_ref());
            let (codecs, dtmf) = self.offered_types(index, slot);
            AudioSection {
                port,
                transport: &slot.transport,
                codecs: &codecs,
                dtmf,
                ptime_ms: agreed.map_or(OFFERED_PTIME_MS, |agreed| agreed.ptime_ms),
                rtcp_mux: self.local.rtcp_mux,
                direction: self.local.direction,
                label: agreed.and_then(|agreed| agreed.label.as_deref()),
            }
            .write(&mut text);
        }
        text
    }

    fn answer_text(&self, offer: &Description, agreement: &Agreement, version: u64) -> String {
        let mut text = write::session(&self.local, version);
        for (index, offered) in offer.sections().enumerate() {
            let agreed = agreement.streams.get(index).and_then(Option::as_ref);
            let port = agreed.and_then(|agreed| Some((agreed, *self.local.ports.get(agreed.local)?)));
            let Some((agreed, port)) = port else {
                write::refused_section(&mut text, offered.kind(), offered.transport(), offered.format_list());
                continue;
            };
            AudioSection {
                port,
                transport: offered.transport(),
                codecs: &[agreed.codec],
                dtmf: agreed.dtmf,
                ptime_ms: agreed.ptime_ms,
                rtcp_mux: agreed.rtcp_mux,
                direction: agreed.direction,
                label: agreed.label.as_deref(),
            }
            .write(&mut text);
        }
        text
    }
}

impl Slot {
    /// A section that we offer first.
    fn ours(stream: usize) -> Self {
        Self {
            kind: "audio".into(),
            transport: "RTP/AVP".into(),
            format: "0".into(),
            stream: Some(stream),
            payload_types: PayloadTypes::default(),
        }
    }

    /// A section of an offer.
    fn offered(section: &Section<'_>, stream: Option<usize>, known: PayloadTypes) -> Self {
        Self {
            kind: section.kind().into(),
            transport: section.transport().into(),
            format: section.format_list().split_ascii_whitespace().next().unwrap_or("0").into(),
            stream,
            payload_types: if stream.is_some() { known.and(section.payload_types()) } else { known },
        }
    }
}

fn free_again(free: &mut [bool], stream: Option<usize>) {
    if let Some(free) = stream.and_then(|stream| free.get_mut(stream)) {
        *free = true;
    }
}

fn no_audio(description: &Description) -> SdpError {
    let sections =
        description.sections().map(|section| format!("{} {}", section.kind(), section.transport()));
    SdpError::NoAudio(excerpt(&sections.take(SECTIONS_NAMED).collect::<Vec<_>>().join(", ")))
}

/// A number for a text, which is the same for the same text and hardly ever for another.
fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Payload type for events in our own offers: what nearly all peers use.
const OFFERED_EVENT_TYPE: u8 = 101;
const OFFERED_PTIME_MS: u32 = 20;
/// How many sections an error names.
const SECTIONS_NAMED: usize = 8;

#[cfg(test)]
mod tests;
