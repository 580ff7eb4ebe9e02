//! What holds of a conversation between any two inputs; for tests.

use super::{LiveContact, Phase};
use crate::leg::Leg;
use crate::participant::{AgentState, Awaited, Participant, Place, Role, SupervisorState};
use tympan_types::LegId;

/// Who hears whom.
#[derive(Debug, Default)]
pub(crate) struct Talks {
    /// The legs that hear each other, the caller's first.
    pub(crate) pairs: Vec<(LegId, LegId)>,
    /// Supervisors' legs, and whether each is heard.
    pub(crate) supervisors: Vec<(LegId, bool)>,
    /// A leg is about to take the place of another, which may be over.
    pub(crate) is_changing: bool,
}

impl LiveContact {
    /// Every caller has something to hear or to wait for, and everyone is there for someone who is there.
    pub(crate) fn assert_consistent(&self) {
        if self.phase != Phase::Live {
            return;
        }
        let customers = self.participants.iter().filter(|participant| participant.is_customer()).count();
        assert_eq!(customers, 1, "one customer");
        for participant in &self.participants {
            let what = format!("{} {:?} awaits {:?}", participant.id, participant.role, participant.awaits);
            if let Some(place) = participant.place() {
                self.assert_caller(participant, place, &what);
            }
            match &participant.role {
                Role::Customer(_) => assert_eq!(participant.contact, self.current, "{what}"),
                Role::Agent(place) => {
                    assert!(self.caller_in(participant.contact).is_some(), "{what} is there for no one");
                    let is_up = participant.legs.iter().any(Leg::is_up) || participant.successor.is_some();
                    match place.state {
                        AgentState::Ringing { .. } => assert!(participant.is_reachable(), "{what}"),
                        AgentState::Calls => assert!(!participant.legs.is_empty(), "{what}"),
                        _ => assert!(is_up, "{what} has no leg"),
                    }
                }
                Role::Transferring(transfer) => {
                    assert!(self.is_joined(transfer.by), "{what} is by no agent");
                    assert!(participant.ear().is_some(), "{what} hears nothing");
                }
                Role::ThirdParty(party) => {
                    assert!(self.participant(party.with).is_some(), "{what} is with no one");
                    assert!(participant.is_reachable(), "{what}");
                }
                Role::Supervisor(supervisor) => {
                    assert!(self.is_joined(supervisor.agent), "{what} listens to no one");
                    assert!(participant.is_reachable(), "{what}");
                }
            }
        }
    }

    fn assert_caller(&self, caller: &Participant, place: Place, what: &str) {
        let waits = caller.hears_flow() || caller.awaits.is_some();
        match place {
            Place::Flow => {
                let is_prepared = matches!(&caller.role, Role::Transferring(one) if one.target.is_some());
                assert!(waits || is_prepared, "{what} has nothing to go on with");
            }
            Place::Entering { .. } | Place::Queued => {}
            Place::Called { .. } => {
                assert!(caller.deadline().is_some(), "{what} waits without an end");
            }
            Place::Whisper { agent, .. } | Place::Talking { agent } | Place::OnHold { agent } => {
                let agent = self.participant(agent).expect("the agent is there");
                assert_eq!(agent.contact, caller.contact, "{what}");
            }
            Place::Calling { party } | Place::WithParty { party } => {
                let party = self.participant(party).expect("the third party is there");
                assert!(matches!(&party.role, Role::ThirdParty(one) if one.with == caller.id), "{what}");
            }
        }
        if let Some(Awaited::Party(party)) = caller.awaits {
            assert!(self.participant(party).is_some(), "{what} waits for no one");
        }
    }

    /// Who hears whom.
    pub(crate) fn talks(&self) -> Talks {
        let Talks { mut pairs, mut supervisors, .. } = Talks::default();
        let is_changing = self.participants.iter().any(|participant| participant.successor.is_some());
        for participant in &self.participants {
            if let Some(Place::Talking { agent: other } | Place::WithParty { party: other }) =
                participant.place()
            {
                let other = self.participant(other).and_then(Participant::ear);
                pairs.extend(participant.ear().zip(other));
            }
            if let Role::Supervisor(supervisor) = &participant.role {
                let is_heard = supervisor.state == SupervisorState::Barges;
                if !matches!(supervisor.state, SupervisorState::Ringing { .. }) {
                    supervisors.extend(participant.ear().map(|ear| (ear, is_heard)));
                }
            }
        }
        Talks { pairs, supervisors, is_changing }
    }
}

impl Participant {
    fn is_reachable(&self) -> bool {
        self.dial.is_some() || !self.legs.is_empty()
    }
}
