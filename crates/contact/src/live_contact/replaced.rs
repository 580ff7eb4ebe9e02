//! A leg takes the place of another: an INVITE with Replaces (RFC 3891), by which a telephone hands its call to another telephone.
//!
//! The new leg is answered at once; the old one is ended when it is up. The customer's own leg is not replaced: it is what is captured.

use super::LiveContact;
use crate::DisconnectReason;
use crate::leg::Leg;
use crate::participant::{Participant, Place, Role};
use tympan_types::{LegId, ParticipantId};

impl LiveContact {
    pub(super) fn replaced(&mut self, leg: LegId, mut by: Leg) {
        let is_live = self.is_live();
        let owner = self.participants.iter_mut().find(|participant| {
            let is_up = participant.legs.iter().any(|one| one.id() == leg && one.is_up());
            is_live && is_up && !participant.is_customer() && participant.successor.is_none()
        });
        let Some(owner) = owner else {
            return by.close(&mut self.cx, DisconnectReason::Other);
        };
        by.answer(&mut self.cx);
        owner.successor = Some(by.id());
        owner.legs.push(by);
    }

    /// A leg that was to take the place of another is up. False where it was not.
    pub(super) fn succeeds(&mut self, id: ParticipantId, leg: LegId) -> bool {
        let Some(participant) = self.participant_mut(id) else { return false };
        if participant.successor.take_if(|successor| *successor == leg).is_none() {
            return false;
        }
        let former = participant.legs.first().map(Leg::id).filter(|former| *former != leg);
        self.keep_leg(id, leg);
        for other in &mut self.participants {
            if other.hears_on.is_some() && other.hears_on == former {
                other.hears_on = Some(leg);
                if let Some(flow) = &mut other.flow {
                    flow.moves(&mut self.cx, leg);
                }
            }
        }
        self.moves_ear(id, Some(leg));
        self.joins_again(id);
        true
    }

    /// The new leg hears what the old one did.
    fn joins_again(&mut self, id: ParticipantId) {
        match self.participant(id).map(|participant| &participant.role) {
            Some(Role::Agent(_)) => {
                let Some(caller) = self.caller_of(id) else { return };
                match self.place_of(caller) {
                    Some(Place::Talking { agent }) if agent == id => self.bridge(caller, id, true),
                    Some(Place::OnHold { agent })
                        if agent == id && !self.participant(id).is_some_and(Participant::is_held) =>
                    {
                        self.hold(id, false);
                    }
                    _ => {}
                }
            }
            Some(Role::Transferring(transfer)) => match transfer.place {
                Place::Talking { agent: other } | Place::WithParty { party: other } => {
                    self.bridge(id, other, true);
                    self.supervisors_follow(other);
                }
                _ => {}
            },
            Some(Role::ThirdParty(party)) => {
                let (with, is_joined) = (party.with, party.is_joined);
                if is_joined {
                    self.bridge(with, id, true);
                }
            }
            Some(Role::Supervisor(supervisor)) => {
                let agent = supervisor.agent;
                self.supervisors_follow(agent);
            }
            Some(Role::Customer(_)) | None => {}
        }
    }
}
