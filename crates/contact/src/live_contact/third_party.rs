//! A third party: a number outside that a flow or an agent has called, with a contact of its own.
//!
//! | state | answers | refuses | its time is over | it hangs up | the customer hangs up |
//! |---|---|---|---|---|---|
//! | called, for a flow | joined; a flow that does not go on is over | the error branch: `CallFailed` | `ConnectionTimeLimitExceeded` | - | gone |
//! | called, for an agent | joined with the agent; with the customer where the agent has passed the customer on | the transfer fails | as refuses | - | gone |
//! | joined, for a flow that goes on | - | - | - | the flow goes on | gone |
//! | joined | - | - | - | the customer remains; a transfer fails | gone |
//!
//! A call that cannot be placed at all, because no rule allows it or no trunk takes it, takes the error branch of every error.
//!
//! Source: Administrator Guide, "Transfer to phone number"; "Contact records data model": `TransferredToEndpoint`.

use super::LiveContact;
use super::dialling::status_of;
use crate::leg::Ending;
use crate::participant::{Awaited, Participant, Place, Role, ThirdParty};
use crate::{CallerId, DialTarget, DisconnectReason, Effect, EndedBy, Endpoint, InitiationMethod, Stage};
use tympan_flow::{ErrorType, Input, ThirdPartyCall};
use tympan_telephony::Digit;
use tympan_telephony::audio::tone;
use tympan_telephony::words::{MediaCommand, Sound, SoundPart};
use tympan_types::{ContactId, LegId, ParticipantId, Redacted};

/// How long a number rings that an agent has called.
pub(super) const RING_LIMIT_MS: u32 = 60_000;

/// A call to a third party.
pub(super) struct PartyCall {
    /// The caller who is joined with it.
    pub(super) with: ParticipantId,
    pub(super) target: DialTarget,
    /// For the record.
    pub(super) number: Redacted<String>,
    pub(super) caller: CallerId,
    pub(super) limit_ms: u32,
    pub(super) continues: bool,
    pub(super) digits: Option<String>,
}

/// Why a third party is not joined.
enum NotJoined {
    /// It cannot be called.
    NotPlaced,
    Refused(Ending),
    TimeIsUp,
}

impl LiveContact {
    /// A TransferParticipantToThirdParty block.
    pub(super) fn call_third_party(&mut self, id: ParticipantId, call: ThirdPartyCall) {
        let Some(contact) = self.participant(id).map(|caller| caller.contact) else { return };
        let may_call = match self.place_of(id) {
            Some(Place::Flow) => true,
            Some(Place::Queued) => !self.is_offered(contact),
            _ => false,
        };
        if !may_call {
            return self.refuse_ask(id, "the contact is being joined to an agent");
        }
        let own = self.cx.contact.customer_endpoint.as_ref().map(|endpoint| endpoint.address.clone());
        let number = Redacted::new(call.number);
        let caller = CallerId {
            number: call.caller_id_number.map(Redacted::new).or(own),
            name: call.caller_id_name.map(Redacted::new),
        };
        let party = self.open_party(
            PartyCall {
                with: id,
                target: DialTarget::Number(number.clone()),
                number,
                caller,
                limit_ms: call.limit_ms,
                continues: call.continues,
                digits: call.digits,
            },
            None,
        );
        match party {
            Some(party) => self.awaits(id, Awaited::Party(party)),
            None => self.refuse_ask(id, "the conversation has too many contacts"),
        }
    }

    /// Calls a third party, in a contact of its own.
    pub(super) fn open_party(
        &mut self,
        call: PartyCall,
        contact: Option<ContactId>,
    ) -> Option<ParticipantId> {
        let contact = self.prepare_next(InitiationMethod::ExternalOutbound, contact)?;
        let PartyCall { with, target, number, caller, limit_ms, continues, digits } = call;
        let shown = caller.number.clone().map(Endpoint::telephone);
        self.change(contact, |contact| {
            contact.customer_endpoint = Some(Endpoint::telephone(number));
            contact.system_endpoint = shown;
        });
        self.open_beside(contact);
        if with == self.customer() {
            let current = self.current;
            self.change(current, |former| former.next_contact_id = Some(contact));
            self.save(current, Stage::Changed);
        }
        let until = self.cx.in_ms(limit_ms);
        let id = self.next_participant();
        let role = Role::ThirdParty(ThirdParty { with, until, is_joined: false, continues, digits });
        let mut participant = Participant::new(id, role, contact);
        participant.dial = Some(self.dial(target, caller, false));
        self.participants.push(participant);
        Some(id)
    }

    fn party(&self, id: ParticipantId) -> Option<&ThirdParty> {
        match &self.participant(id)?.role {
            Role::ThirdParty(party) => Some(party),
            _ => None,
        }
    }

    fn party_mut(&mut self, id: ParticipantId) -> Option<&mut ThirdParty> {
        match &mut self.participant_mut(id)?.role {
            Role::ThirdParty(party) => Some(party),
            _ => None,
        }
    }

    /// The third party of a caller is joined with the customer from here on.
    pub(super) fn parties_follow(&mut self, from: ParticipantId, to: ParticipantId) {
        for participant in &mut self.participants {
            if let Role::ThirdParty(party) = &mut participant.role
                && party.with == from
            {
                party.with = to;
            }
        }
    }

    /// A third party has answered.
    pub(super) fn party_answered(&mut self, id: ParticipantId, leg: LegId) {
        let Some(party) = self.party_mut(id).filter(|party| !party.is_joined) else { return };
        party.is_joined = true;
        let (with, continues, digits) = (party.with, party.continues, party.digits.take());
        let Some(contact) = self.participant(id).map(|party| party.contact) else { return };
        let now = self.cx.now.wall;
        self.change(contact, |contact| contact.connected_to_system_timestamp = Some(now));
        self.save(contact, Stage::Changed);
        if let Some(digits) = digits {
            let (prompt, sound) = (self.cx.next_prompt(), keys(&digits));
            self.cx.emit(Effect::Media { leg, command: MediaCommand::Play { prompt, sound } });
        }
        let is_asked = self.participant(with).is_some_and(|one| one.awaits == Some(Awaited::Party(id)));
        if !is_asked {
            self.stop_flow(with);
        }
        if self.place_of(with) == Some(Place::Queued) {
            self.leaves_queue(with);
        }
        self.goes(with, Place::WithParty { party: id });
        if self.is_blind(with) {
            self.pass_on(with);
        } else {
            self.transferred_outside(with, contact);
            self.bridge(with, id, true);
        }
        let Some(with) = self.party(id).map(|party| party.with) else { return };
        if !continues && self.takes_awaited(with, Awaited::Party(id)) {
            self.answer(with, Input::Done);
        }
    }

    /// A caller talks with a third party: the caller's contact says so, where the two have not the same.
    pub(super) fn transferred_outside(&mut self, caller: ParticipantId, outside: ContactId) {
        let endpoint = self.facts(outside).and_then(|contact| contact.customer_endpoint.clone());
        let contact = self.participant(caller).map(|caller| caller.contact);
        let Some(contact) = contact.filter(|contact| *contact != outside) else { return };
        let now = self.cx.now.wall;
        self.change(contact, |contact| {
            contact.transferred_to = endpoint;
            contact.next_contact_id = Some(outside);
            contact.transfer_completed_timestamp = Some(now);
        });
        self.save(contact, Stage::Changed);
    }

    /// The leg of a third party is over.
    pub(super) fn party_leg_ended(&mut self, id: ParticipantId, ending: Ending) {
        let Some(party) = self.party(id) else { return };
        if !party.is_joined {
            return self.party_not_joined(id, NotJoined::Refused(ending));
        }
        let with = party.with;
        let reason = match ending {
            Ending::By(EndedBy::Peer | EndedBy::Cancelled) => DisconnectReason::ThirdPartyDisconnect,
            _ => ending.reason(),
        };
        self.drop_party(id, reason);
        if self.takes_awaited(with, Awaited::Party(id)) {
            self.goes(with, Place::Flow);
            return self.answer(with, Input::Done);
        }
        self.caller_remains(with, reason, None);
    }

    pub(super) fn party_not_placed(&mut self, id: ParticipantId) {
        self.party_not_joined(id, NotJoined::NotPlaced);
    }

    fn party_not_joined(&mut self, id: ParticipantId, why: NotJoined) {
        let Some(with) = self.party(id).map(|party| party.with) else { return };
        let (reason, status, input) = match why {
            NotJoined::NotPlaced => {
                let reason = "the number may not be called, or no trunk takes it".to_owned();
                (DisconnectReason::TelecomProblem, 403, Input::Failed { reason })
            }
            NotJoined::Refused(ending) => {
                let reason = format!("the third party does not take the call: {}", status_of(ending));
                let input = Input::Error { kind: ErrorType::CallFailed, reason };
                (ending.reason(), status_of(ending), input)
            }
            NotJoined::TimeIsUp => {
                let reason = "the third party did not answer in time".to_owned();
                let input = Input::Error { kind: ErrorType::ConnectionTimeLimitExceeded, reason };
                (DisconnectReason::TelecomTimeout, 480, input)
            }
        };
        self.drop_party(id, reason);
        if self.takes_awaited(with, Awaited::Party(id)) {
            return self.answer(with, input);
        }
        if with == self.customer() {
            self.caller_remains(with, reason, None);
        } else {
            self.transfer_fails_as(with, reason, status);
        }
    }

    pub(super) fn party_time_passed(&mut self, id: ParticipantId) {
        let now = self.cx.now.mono;
        if self.party(id).is_some_and(|party| !party.is_joined && party.until <= now) {
            self.party_not_joined(id, NotJoined::TimeIsUp);
        }
    }

    /// Takes a third party out, and ends its contact.
    pub(super) fn drop_party(&mut self, id: ParticipantId, reason: DisconnectReason) {
        let Some(party) = self.party(id) else { return };
        if party.is_joined {
            let ear = self.participant(party.with).and_then(Participant::ear);
            self.leaves_bridge(ear);
        }
        if let Some(party) = self.remove(id, reason) {
            self.end_contact(party.contact, reason);
        }
    }

    /// Takes out the third parties of a caller.
    pub(super) fn parties_leave(&mut self, with: ParticipantId, reason: DisconnectReason) {
        let parties: Vec<ParticipantId> =
            self.participants.iter().map(|participant| participant.id).collect();
        for id in parties {
            if self.party(id).is_some_and(|party| party.with == with) {
                self.drop_party(id, reason);
            }
        }
    }
}

/// Keys as their tones, 100 ms each and 100 ms apart; a comma is a pause of 750 ms.
fn keys(digits: &str) -> Sound {
    const KEY_SAMPLES: usize = 800;
    const AMPLITUDE: f64 = 6_000.0;
    let parts = digits.chars().flat_map(|key| match Digit::from_char(key) {
        Some(digit) => {
            let sound = tone::key(digit, AMPLITUDE, KEY_SAMPLES);
            vec![SoundPart::Samples(sound.into()), SoundPart::silence(100)]
        }
        None => vec![SoundPart::silence(750)],
    });
    // A far end that has just answered may not hear the first samples.
    Sound::of(std::iter::once(SoundPart::silence(200)).chain(parts))
}
