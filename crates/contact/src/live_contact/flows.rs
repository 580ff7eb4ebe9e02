//! The flows of a conversation: who runs which, and what becomes of one that is over.

use super::{LiveContact, Phase};
use crate::DisconnectReason;
use crate::RoutedFlow;
use crate::context::Context;
use crate::flow_run::{Ask, FlowEnd, FlowRun, Progress};
use crate::participant::{Participant, Place, Role};
use crate::streaming::Streaming;
use tympan_flow::Input;
use tympan_types::ParticipantId;

impl LiveContact {
    /// Gives the flow of a participant what it waits for, while the conversation lives.
    pub(super) fn with_flow(
        &mut self,
        at: Option<usize>,
        action: impl FnOnce(&mut FlowRun, &mut Context, &mut Streaming) -> Progress,
    ) {
        if self.phase == Phase::Live {
            self.run_flow(at, action);
        }
    }

    /// Gives each flow what one of them waits for.
    pub(super) fn each_flow(
        &mut self,
        action: impl Fn(&mut FlowRun, &mut Context, &mut Streaming) -> Progress,
    ) {
        let ids: Vec<ParticipantId> = self.participants.iter().map(|participant| participant.id).collect();
        for id in ids {
            let at = self.place_of(id);
            self.with_flow(at, &action);
        }
    }

    pub(super) fn run_flow(
        &mut self,
        at: Option<usize>,
        action: impl FnOnce(&mut FlowRun, &mut Context, &mut Streaming) -> Progress,
    ) {
        let Some(participant) = at.and_then(|at| self.participants.get_mut(at)) else { return };
        let (id, contact) = (participant.id, participant.contact);
        let Some(flow) = &mut participant.flow else { return };
        self.cx.focus(contact);
        let progress = action(flow, &mut self.cx, &mut self.streaming);
        self.cx.focus(self.current);
        match progress {
            Progress::Waits => {}
            Progress::Asks => self.asked(id),
            Progress::Over(end) => self.flow_over(id, end),
        }
    }

    pub(super) fn place_of(&self, id: ParticipantId) -> Option<usize> {
        self.participants.iter().position(|participant| participant.id == id)
    }

    pub(super) fn participant(&mut self, id: ParticipantId) -> Option<&mut Participant> {
        self.participants.iter_mut().find(|participant| participant.id == id)
    }

    /// The customer is always there.
    pub(super) fn customer_at(&self) -> Option<usize> {
        self.participants.iter().position(Participant::is_customer)
    }

    /// Where the customer stands.
    pub(super) fn place(&self) -> Option<Place> {
        self.participants.iter().find_map(|participant| match participant.role {
            Role::Customer(place) => Some(place),
            Role::Agent(_) => None,
        })
    }

    pub(super) fn customer_goes(&mut self, to: Place) {
        for participant in &mut self.participants {
            if let Role::Customer(place) = &mut participant.role {
                *place = to;
            }
        }
    }

    /// Runs a flow on a participant, in the place of the one that runs there.
    pub(super) fn begin_flow(&mut self, id: ParticipantId, flow: RoutedFlow) {
        self.stop_flow(id);
        let current = self.current;
        let Some(at) = self.place_of(id) else { return };
        let Some(participant) = self.participants.get_mut(at) else { return };
        let Some(leg) = participant.legs.first().map(crate::Leg::id) else { return };
        participant.contact = if participant.is_customer() { current } else { participant.contact };
        let former = participant.flow.take();
        participant.flow = Some(FlowRun::new(&self.cx, leg, flow).after(former));
        self.with_flow(Some(at), FlowRun::begin);
    }

    /// Cuts the flow of a participant off. It stays until another takes its place: functions that none waits for go on.
    pub(super) fn stop_flow(&mut self, id: ParticipantId) {
        let current = self.current;
        let Some(participant) = self.participants.iter_mut().find(|participant| participant.id == id) else {
            return;
        };
        self.cx.focus(participant.contact);
        if let Some(flow) = &mut participant.flow {
            flow.interrupt(&mut self.cx);
        }
        self.cx.focus(current);
    }

    /// The conversation's answer to what a flow asked.
    pub(super) fn answer(&mut self, id: ParticipantId, input: Input) {
        let at = self.place_of(id);
        self.with_flow(at, |flow, cx, streaming| flow.answer(cx, streaming, input));
    }

    fn asked(&mut self, id: ParticipantId) {
        let ask = self.participant(id).and_then(|participant| participant.flow.as_mut()?.take_ask());
        let Some(ask) = ask else { return };
        match ask {
            Ask::EnterQueue => self.enter_queue(id),
            Ask::ChangeQueue(to) => self.change_queue(id, &to),
            Ask::RouteToAgent(_)
            | Ask::CallThirdParty(_)
            | Ask::CreateCallback(_)
            | Ask::DialCustomer { .. }
            | Ask::SetHold(_) => {
                self.answer(id, Input::Failed { reason: "this is not performed yet".to_owned() });
            }
        }
    }

    /// A flow is over: where its participant stands says what that means.
    ///
    /// Source: Administrator Guide, "End flow / Resume": the end of a queue flow leaves the contact in its queue, that of a whisper joins
    /// the parties, that of any other flow with the customer ends the contact.
    fn flow_over(&mut self, id: ParticipantId, end: FlowEnd) {
        let Some(participant) = self.participant(id) else { return };
        match &participant.role {
            Role::Customer(place) => match (*place, end) {
                (Place::Flow | Place::Entering { .. }, FlowEnd::ToAgent) => self.to_target_agent(id),
                (Place::Flow | Place::Entering { .. }, _)
                | (Place::Queued, FlowEnd::Disconnected | FlowEnd::ToAgent) => {
                    self.end(DisconnectReason::ContactFlowDisconnect, None);
                }
                (Place::Queued | Place::OnHold { .. } | Place::Talking { .. }, _) => {}
                (Place::Whisper { agent, .. }, _) => self.join(agent),
            },
            Role::Agent(_) => self.agent_flow_over(id),
        }
    }
}
