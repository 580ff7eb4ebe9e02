//! Calls that the server begins: for the API, for an agent who dials, and for a callback that is due.

use super::admission::{Admission, NotBegun, random};
use super::legs::TaskLeg;
use super::task::CallTask;
use crate::centre::agent_key;
use crate::sip::{Invitation, NotDialled, Refusal};
use std::sync::Arc;
use tympan_connect::live_calls::{OutboundCall, OutboundError};
use tympan_contact::{
    AgentCallSetup, AgentRef, CallbackSetup, CallerId, Contact, InitiationMethod, LiveContact, NewContact,
    OutboundSetup,
};
use tympan_types::{ContactId, Redacted};

impl Admission {
    /// StartOutboundVoiceContact: returns before it rings.
    ///
    /// # Errors
    /// Why there is no call.
    pub(super) fn start_outbound(&self, call: OutboundCall) -> Result<(), OutboundError> {
        let OutboundCall { mut contact, destination, caller_id, caller_name, flow, queue, ring_s } = call;
        self.has_room().map_err(|_| OutboundError::Full)?;
        self.dialling.may_dial(&destination).map_err(|error| match error {
            NotDialled::NotAllowed => OutboundError::NotAllowed(error.to_string()),
            NotDialled::Overloaded => OutboundError::Full,
            _ => OutboundError::NoWayOut(error.to_string()),
        })?;
        if queue.is_some() {
            contact.details.target_queue = queue;
        }
        let clock = self.clock.for_call();
        let caller =
            CallerId { number: Some(Redacted::new(caller_id)), name: caller_name.map(Redacted::new) };
        let setup = OutboundSetup {
            contact,
            flow,
            caller,
            ring_limit_ms: ring_s.saturating_mul(1_000),
            instance: Arc::new(self.connect.clone()),
            options: self.options.contact,
        };
        let live = LiveContact::outbound(clock.now(), setup);
        let task = CallTask::new(self.clone(), self.metrics.call_taken(), clock, None, live);
        tokio::spawn(task.run());
        Ok(())
    }

    /// Begins the call of a callback that an agent is to be offered; false where there is no room for it.
    pub(crate) fn call_back(&self, contact: Contact) -> bool {
        if self.has_room().is_err() || self.registry.is_up(contact.id) {
            return false;
        }
        let clock = self.clock.for_call();
        let callback = contact.id;
        let setup = CallbackSetup {
            contact,
            instance: Arc::new(self.connect.clone()),
            options: self.options.contact,
        };
        let live = LiveContact::callback(clock.now(), setup);
        let mut task = CallTask::new(self.clone(), self.metrics.call_taken(), clock, None, live);
        task.routed.is_of_callback(callback);
        tokio::spawn(task.run());
        true
    }

    /// The agent whose telephone calls what is no number of a flow: the agent dials out.
    pub(super) fn agent_who_dials(&self, invitation: &Invitation) -> Option<AgentRef> {
        // Only who has proven to be the telephone is taken for its agent.
        let agent = self.centre.agent_at(invitation.user.as_ref()?)?;
        self.connect.route_number(invitation.called.expose()).is_none().then_some(agent)
    }

    /// An agent calls a customer by hand.
    pub(super) fn begin_agents_call(
        &self,
        invitation: Invitation,
        agent: AgentRef,
    ) -> Result<(), Box<NotBegun>> {
        let Some(key) = agent_key(&agent.arn) else {
            return Err(NotBegun::boxed(invitation, Refusal::NotAvailable));
        };
        let taken = self.has_room().and_then(|()| {
            let instance = self.connect.instance(key.instance).ok_or(Refusal::NotAvailable)?;
            self.dialling.may_dial(invitation.called.expose()).map_err(|error| {
                tracing::info!(call_id = invitation.call_id, %error, "an agent's call is refused");
                Refusal::NotAvailable
            })?;
            Ok((instance, self.take_leg(&invitation)?))
        });
        let (instance, (port, leg)) = match taken {
            Ok(taken) => taken,
            Err(refusal) => return Err(NotBegun::boxed(invitation, refusal)),
        };
        let clock = self.clock.for_call();
        let now = clock.now();
        let line = self.connect.outbound_of_agent(key);
        let shown = line.as_ref().and_then(|line| line.caller_id.clone()).unwrap_or_default();
        let mut contact = Contact::new(
            now.wall,
            NewContact {
                id: ContactId::from_random(random()),
                instance: instance.reference(),
                initiation_method: InitiationMethod::Outbound,
                customer_number: NewContact::given(&invitation.called),
                system_number: NewContact::given(&Redacted::new(shown)),
                sip_headers: invitation.headers.clone(),
            },
        );
        contact.details.target_queue = line.map(|line| line.queue);
        tracing::info!(contact_id = %contact.id, call_id = invitation.call_id, "an agent calls a customer");
        let setup = AgentCallSetup {
            contact,
            agent,
            leg,
            instance: Arc::new(self.connect.clone()),
            options: self.options.contact,
        };
        let live = LiveContact::called_by_agent(now, setup);
        let leg = TaskLeg::invited(invitation, port);
        let task = CallTask::new(self.clone(), self.metrics.call_taken(), clock, Some(leg), live);
        tokio::spawn(task.run());
        Ok(())
    }
}
