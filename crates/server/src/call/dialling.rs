//! Calls that a call places: who is called becomes ways to ring, and each of them a leg.

use crate::centre::{Centre, RungTelephone};
use crate::sip::{Destination, Dial, DialledLeg, NotDialled, Route, SipCalls};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use tympan_contact::{CallerId, DialRequest, DialTarget, TELEPHONES_MAX};
use tympan_types::{LegId, Redacted};

/// Places calls, once the SIP side is there. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Dialling(Arc<OnceLock<SipCalls>>);

/// A way to ring one telephone, and what it shows.
pub(super) struct Ring {
    pub(super) route: Route,
    pub(super) caller: CallerId,
    pub(super) answers_by_itself: bool,
    /// Where a registered device is: behind NAT its media comes from there, too.
    pub(super) source: Option<IpAddr>,
}

impl Dialling {
    /// From now on calls can be placed.
    pub(crate) fn begin(&self, sip: SipCalls) {
        // Once, by the wiring.
        drop(self.0.set(sip));
    }

    /// A number for a leg that will be dialled.
    pub(super) fn next_leg(&self) -> Option<LegId> {
        self.0.get().map(SipCalls::reserve)
    }

    /// Ways to whom a contact wants to call, at least one and at most [`TELEPHONES_MAX`].
    ///
    /// # Errors
    /// Why there is none, for the flow log.
    pub(super) fn routes(&self, centre: &Centre, request: DialRequest) -> Result<Vec<Ring>, String> {
        let DialRequest { target, caller, answers_by_itself } = request;
        let sip = self.0.get().ok_or("the server does not place calls yet")?;
        let telephones = match target {
            DialTarget::Agent(agent) => centre.telephones(&agent),
            DialTarget::Number(number) => place(sip, number.expose())?,
            // The rules of the configuration say whether it may be called.
            DialTarget::Referred { uri, by: _ } => place(sip, uri.expose())?,
        };
        let (mut rings, mut why) = (Vec::new(), None);
        for RungTelephone { destination, answers_by_itself: always } in telephones {
            match sip.route(&destination) {
                Ok(route) => {
                    let source = match destination {
                        Destination::Binding(id) => {
                            sip.locations().get(id).map(|binding| binding.flow.peer.ip())
                        }
                        Destination::Phone(_) | Destination::Number(_) | Destination::Uri(_) => None,
                    };
                    let answers_by_itself = answers_by_itself || always;
                    rings.push(Ring { route, caller: caller.clone(), answers_by_itself, source });
                }
                Err(error) => why = Some(error),
            }
        }
        rings.truncate(TELEPHONES_MAX);
        if rings.is_empty() {
            return Err(
                why.map_or_else(|| "no telephone of the agent is there".to_owned(), |why| why.to_string())
            );
        }
        Ok(rings)
    }

    /// Whether a number or a URI may be called, and there is a way to it.
    pub(super) fn may_dial(&self, target: &str) -> Result<(), NotDialled> {
        let sip = self.0.get().ok_or(NotDialled::Overloaded)?;
        sip.route(&sip.place(target).ok_or(NotDialled::NoPlace)?).map(drop)
    }

    /// Rings.
    ///
    /// # Errors
    /// Too many calls wait to be placed.
    pub(super) fn ring(&self, leg: LegId, ring: Ring, offer: String) -> Result<DialledLeg, NotDialled> {
        let Ring { route, caller, answers_by_itself, source: _ } = ring;
        let exposed = |text: Option<Redacted<String>>| text.map(Redacted::into_exposed);
        let dial = Dial {
            caller: exposed(caller.number).unwrap_or_default(),
            display_name: exposed(caller.name),
            auto_answer: answers_by_itself,
            offer,
            replaces: None,
        };
        self.0.get().ok_or(NotDialled::Overloaded)?.dial(leg, route, dial)
    }
}

/// A number or a URI; of a telephone of ours, each device.
fn place(sip: &SipCalls, target: &str) -> Result<Vec<RungTelephone>, String> {
    let destination = sip.place(target).ok_or_else(|| NotDialled::NoPlace.to_string())?;
    let Destination::Phone(user) = &destination else {
        return Ok(vec![RungTelephone { destination, answers_by_itself: false }]);
    };
    let answers_by_itself = sip.agent_phone(user).is_some_and(|phone| phone.auto_answer);
    let bindings = sip.locations().of(user);
    let devices: Vec<Destination> = match bindings.is_empty() {
        true => vec![destination],
        false => bindings.iter().map(|binding| Destination::Binding(binding.id)).collect(),
    };
    Ok(devices.into_iter().map(|destination| RungTelephone { destination, answers_by_itself }).collect())
}
