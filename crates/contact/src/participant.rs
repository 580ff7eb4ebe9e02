//! One participant of a contact: who takes part, on which legs, and in which flow.

use crate::flow_run::FlowRun;
use crate::leg::Leg;
use tympan_types::LegId;

/// A participant. Each has at least one leg; a flow runs on each.
pub(crate) struct Participant {
    pub(crate) role: Role,
    pub(crate) legs: Vec<Leg>,
    pub(crate) flow: FlowRun,
}

/// What a participant is to the contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The contact is the customer's: it ends when the customer is gone, and captures the customer's leg.
    Customer,
}

impl Participant {
    /// The customer who called.
    pub(crate) fn customer(leg: Leg, flow: FlowRun) -> Self {
        Self { role: Role::Customer, legs: vec![leg], flow }
    }

    pub(crate) fn leg_is(&self, id: LegId) -> bool {
        self.legs.iter().any(|leg| leg.id() == id)
    }

    pub(crate) fn leg(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.id() == id)
    }
}
