//! The flows of a conversation: who runs which, and what becomes of one that is over.

use super::{LiveContact, Phase};
use crate::DisconnectReason;
use crate::RoutedFlow;
use crate::context::Context;
use crate::flow_run::{Ask, FlowEnd, FlowRun, Progress};
use crate::participant::{Awaited, Place};
use crate::streaming::Streaming;
use tympan_flow::Input;
use tympan_types::{LegId, ParticipantId};

impl LiveContact {
    pub(super) fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

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
            let at = self.index_of(id);
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

    /// Runs a flow on a participant, in the place of the one that runs there.
    pub(super) fn begin_flow(&mut self, id: ParticipantId, flow: RoutedFlow) {
        self.stop_flow(id);
        let Some(at) = self.index_of(id) else { return };
        let Some(participant) = self.participants.get_mut(at) else { return };
        // The flow before an agent's call is dialled has no one to hear it.
        let leg = participant.ear().unwrap_or(LegId::new(0));
        let former = participant.flow.take();
        participant.flow = Some(FlowRun::new(&mut self.cx, leg, flow).after(former));
        self.with_flow(Some(at), FlowRun::begin);
    }

    /// Cuts the flow of a participant off. It stays until another takes its place: functions that none waits for go on.
    pub(super) fn stop_flow(&mut self, id: ParticipantId) {
        let current = self.current;
        let Some(at) = self.index_of(id) else { return };
        let Some(participant) = self.participants.get_mut(at) else { return };
        let awaited = participant.awaits.take();
        self.cx.focus(participant.contact);
        if let Some(flow) = &mut participant.flow {
            flow.interrupt(&mut self.cx);
        }
        self.cx.focus(current);
        if let Some(Awaited::Party(party)) = awaited {
            self.drop_party(party, DisconnectReason::Other);
        }
    }

    /// The conversation's answer to what a flow asked.
    pub(super) fn answer(&mut self, id: ParticipantId, input: Input) {
        self.answers.push_back((id, input));
        if self.is_answering {
            return;
        }
        self.is_answering = true;
        while let Some((id, input)) = self.answers.pop_front() {
            let at = self.index_of(id);
            self.with_flow(at, |flow, cx, streaming| flow.answer(cx, streaming, input));
        }
        self.is_answering = false;
    }

    /// The flow of a participant waits for this.
    pub(super) fn awaits(&mut self, id: ParticipantId, what: Awaited) {
        if let Some(participant) = self.participant_mut(id) {
            participant.awaits = Some(what);
        }
    }

    /// Whether the flow of a participant has waited for this; it waits no longer.
    pub(super) fn takes_awaited(&mut self, id: ParticipantId, what: Awaited) -> bool {
        let participant = self.participant_mut(id);
        participant.and_then(|participant| participant.awaits.take_if(|awaited| *awaited == what)).is_some()
    }

    fn asked(&mut self, id: ParticipantId) {
        let ask = self.participant_mut(id).and_then(|participant| participant.flow.as_mut()?.take_ask());
        let Some(ask) = ask else { return };
        match ask {
            Ask::CallThirdParty(call) => self.call_third_party(id, call),
            Ask::ChangeQueue(to) => self.change_queue(id, &to),
            Ask::CreateCallback(spec) => self.create_callback(id, &spec),
            Ask::DialCustomer { caller_id } => self.dial_customer(id, caller_id),
            Ask::EnterQueue => self.enter_queue(id),
            Ask::RouteToAgent(agent) => self.route_to_agent(id, &agent),
            Ask::SetHold(state) => self.set_hold(id, state),
        }
    }

    /// A flow is over: where its participant stands says what that means.
    ///
    /// Source: Administrator Guide, "End flow / Resume": the end of a queue flow leaves the contact in its queue, that of a whisper joins
    /// the parties, that of any other flow with the customer ends the contact.
    fn flow_over(&mut self, id: ParticipantId, end: FlowEnd) {
        let Some(place) = self.place_of(id) else { return self.agent_flow_over(id) };
        match (place, end) {
            (Place::Flow | Place::Entering { .. }, FlowEnd::ToAgent) => self.offer_to_target(id),
            (Place::Flow | Place::Entering { .. }, _)
            | (Place::Queued, FlowEnd::Disconnected | FlowEnd::ToAgent) => {
                self.caller_ends(id, DisconnectReason::ContactFlowDisconnect, None);
            }
            (Place::Called { .. }, _) => self.whispered_to_no_one(),
            (Place::Whisper { agent, .. }, _) => self.join(agent),
            (
                Place::Queued
                | Place::OnHold { .. }
                | Place::Talking { .. }
                | Place::Calling { .. }
                | Place::WithParty { .. },
                _,
            ) => {}
        }
    }
}
