//! Invitations that belong to a call that is up: of an agent who is on it, and those that take the place of one of its legs.

use super::admission::Admission;
use super::registry::{InvitedLeg, NotTaken, Request};
use crate::centre::agent_key;
use crate::sip::{Invitation, Refusal};
use tympan_contact::AgentRef;
use tympan_types::{ContactId, LegId};

/// What an invitation is to a call that is up.
pub(super) enum OfACall {
    /// It takes the place of a leg (RFC 3891).
    Replaces { leg: LegId },
    /// Its telephone is that of an agent who is on the contact.
    Of { contact: ContactId, agent: Box<AgentRef> },
}

impl Admission {
    /// The call that an invitation belongs to; `None`: it begins one.
    pub(super) fn of_a_call(&self, invitation: &Invitation) -> Option<OfACall> {
        if let Some(leg) = invitation.replaces {
            return Some(OfACall::Replaces { leg });
        }
        // Only who has proven to be the telephone is taken for its agent.
        let telephone = invitation.user.as_ref()?;
        let agent = self.centre.agent_at(telephone)?;
        let contact = self.centre.contact_of(agent_key(&agent.arn)?)?;
        self.registry.is_up(contact).then(|| OfACall::Of { contact, agent: Box::new(agent) })
    }

    /// Gives an invitation to the task of the call that it belongs to.
    pub(super) fn join(&self, invitation: Invitation, call: OfACall) {
        let contact = match &call {
            OfACall::Of { contact, .. } => Some(*contact),
            OfACall::Replaces { leg } => self.registry.of_leg(*leg),
        };
        let Some(contact) = contact else { return self.refuse(&invitation, Refusal::NoSuchCall) };
        let (port, leg) = match self.take_leg(&invitation) {
            Ok(taken) => taken,
            Err(refusal) => return self.refuse(&invitation, refusal),
        };
        let invited = Box::new(InvitedLeg { invitation, port, leg });
        let request = match call {
            OfACall::Of { agent, .. } => Request::Called { invited, agent },
            OfACall::Replaces { leg } => Request::Replaced { leg, invited },
        };
        let (request, refusal) = match self.registry.request(contact, request) {
            Ok(()) => return,
            Err(NotTaken::Over(request)) => (request, Refusal::NoSuchCall),
            Err(NotTaken::Full(request)) => (request, Refusal::Overloaded),
        };
        if let Request::Called { invited, .. } | Request::Replaced { invited, .. } = *request {
            self.refuse(&invited.invitation, refusal);
        }
    }
}
