//! What the API asks of queues and agents.

use super::Centre;
use std::time::Duration;
use tympan_connect::live_centre::{
    AgentContact, AgentContactState, AgentView, CentreError, LiveCentre, QueueNumbers, QueuePlace,
};
use tympan_contact::routing::{
    self, AgentKey, DismissRefusal, OfferRefusal, QueueKey, StatusRefusal, UserData,
};
use tympan_contact::{Contact, InitiationMethod, Now};
use tympan_types::{ContactId, InstanceId, ResourceId};

impl LiveCentre for Centre {
    fn queues(&self, instance: InstanceId) -> Vec<QueueNumbers> {
        let now = self.now();
        let state = self.state();
        let Some(plan) = state.plans.get(&instance) else { return Vec::new() };
        let numbers = plan.queues.keys().map(|queue| {
            let key = QueueKey::standard(instance, *queue);
            let counts = state.routing.queue_contacts(now, key);
            let wait = state.routing.estimated_wait_ms(now, key);
            QueueNumbers {
                queue: *queue,
                waiting: counts.in_queue.into(),
                scheduled: counts.scheduled.into(),
                oldest: (counts.in_queue > 0).then(|| now.wall.plus_ms(-counts.oldest_age_ms)),
                estimated_wait_ms: wait.and_then(|ms| u64::try_from(ms).ok()),
            }
        });
        numbers.collect()
    }

    fn agents(&self, instance: InstanceId) -> Vec<AgentView> {
        let now = self.now();
        let (data, monitoring) = {
            let state = self.state();
            let data: Vec<UserData> =
                state.routing.agents(instance).filter_map(|agent| state.routing.user_data(agent)).collect();
            (data, state.monitors.values().copied().collect::<Vec<AgentKey>>())
        };
        data.into_iter().filter_map(|data| self.view(now, data, &monitoring)).collect()
    }

    fn place(&self, contact: ContactId) -> Option<QueuePlace> {
        let now = self.now();
        let state = self.state();
        let position = state.routing.position(contact)?;
        let wait = state.routing.contact_wait_ms(now, contact);
        let estimated_wait = wait.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        Some(QueuePlace { position: position.into(), estimated_wait })
    }

    fn set_status(
        &self,
        instance: InstanceId,
        agent: ResourceId,
        status: ResourceId,
    ) -> Result<(), CentreError> {
        let now = self.now();
        let set = self.state().routing.put_status(now, AgentKey { instance, user: agent }, status);
        self.wake();
        match set {
            Ok(_) => Ok(()),
            Err(error @ StatusRefusal::NoSuchAgent) => Err(CentreError::NoAgent(error.to_string())),
            Err(error @ StatusRefusal::NoSuchStatus) => Err(CentreError::Conflict(error.to_string())),
        }
    }

    fn dismiss(
        &self,
        instance: InstanceId,
        agent: ResourceId,
        contact: ContactId,
    ) -> Result<(), CentreError> {
        let now = self.now();
        let dismissed = self.state().routing.dismiss(now, AgentKey { instance, user: agent }, contact);
        self.wake();
        dismissed.map_err(|error| match error {
            DismissRefusal::NoSuchAgent => CentreError::NoAgent(error.to_string()),
            DismissRefusal::NoSuchContact => CentreError::NoContact(error.to_string()),
            DismissRefusal::StillHandled => CentreError::Conflict(error.to_string()),
        })
    }

    fn associate(
        &self,
        instance: InstanceId,
        contact: ContactId,
        agent: ResourceId,
    ) -> Result<(), CentreError> {
        let now = self.now();
        let offered = self.state().routing.associate(now, contact, AgentKey { instance, user: agent });
        self.wake();
        match offered {
            // The call hears of it by the output.
            Ok(_) => Ok(()),
            Err(error @ OfferRefusal::NoSuchAgent) => Err(CentreError::NoAgent(error.to_string())),
            Err(error @ OfferRefusal::NotQueued) => Err(CentreError::NoContact(error.to_string())),
            Err(error @ OfferRefusal::TooManyContacts) => Err(CentreError::Full(error.to_string())),
            Err(error @ (OfferRefusal::AlreadyOffered | OfferRefusal::Busy | OfferRefusal::NotAvailable)) => {
                Err(CentreError::Conflict(error.to_string()))
            }
        }
    }
}

impl Centre {
    fn view(&self, _: Now, data: UserData, monitoring: &[AgentKey]) -> Option<AgentView> {
        let contacts = data.contacts.into_iter().map(|contact| self.contact_view(contact)).collect();
        Some(AgentView {
            user: data.agent.user,
            status: data.status?,
            since: data.status_since,
            next_status: data.next_status,
            contacts,
            slots: data.slots.max,
            is_monitoring: monitoring.contains(&data.agent),
        })
    }

    fn contact_view(&self, contact: routing::AgentContact) -> AgentContact {
        let routing::AgentContact { contact: id, state, state_since, queue, queued_at, connected_at, .. } =
            contact;
        // After the call, the history has it.
        let known: Option<Contact> =
            self.0.calls.published(id).or_else(|| self.0.history.find(id).ok().flatten());
        let queue = queue.and_then(|queue| self.0.instances.get()?.queue(queue));
        let method = known.as_ref().map_or(InitiationMethod::Inbound, |contact| contact.initiation_method);
        AgentContact {
            contact: id,
            state: state_of(state),
            since: state_since,
            connected: connected_at,
            queue,
            enqueued: queued_at,
            initiation_method: method,
            initial_contact: known.and_then(|contact| contact.initial_contact_id),
        }
    }
}

fn state_of(state: routing::AgentContactState) -> AgentContactState {
    match state {
        routing::AgentContactState::Incoming => AgentContactState::Incoming,
        routing::AgentContactState::Connecting => AgentContactState::Connecting,
        routing::AgentContactState::Connected => AgentContactState::Connected,
        routing::AgentContactState::ConnectedOnHold => AgentContactState::ConnectedOnHold,
        routing::AgentContactState::Missed => AgentContactState::Missed,
        routing::AgentContactState::Error => AgentContactState::Error,
        routing::AgentContactState::Ended => AgentContactState::Ended,
    }
}
