//! Calls that this server places: to telephones, and to numbers by trunks.

use super::address::LocalAddress;
use super::leg::{Leg, LegEntry, ToShard, sdp_body};
use super::locations::Locations;
use super::outbound::Outbound;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;
use tympan_contact::LegEvent;
use tympan_sip::agent::{
    self, BindingId, Command, Credentials, DialPlace, Phones, Presentation, TrunkId, Trunks,
};
use tympan_sip::wire::{Text, Uri};
use tympan_telephony::digit_source::DigitSource;
use tympan_types::LegId;

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// One device of a registered telephone.
    Binding(BindingId),
    /// A telephone: its preferred device, else the contact that stands for it in the configuration. To ring all its devices, each
    /// binding of [`Locations::of`] is dialled.
    Phone(String),
    /// A number, by the trunk that the configuration names for it.
    Number(String),
    /// A `sip` URI elsewhere, where `sip.dial_allow` has it.
    Uri(String),
}

/// Why a call is not placed. None of it reached the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotDialled {
    /// No telephone of this name stands in the configuration.
    #[error("no telephone of this name stands in the configuration")]
    UnknownPhone,
    /// The telephone has no binding and no contact.
    #[error("the telephone is not registered")]
    NotRegistered,
    /// No trunk is configured for the number.
    #[error("no trunk is configured for this number (dial_prefixes)")]
    NoTrunk,
    /// No rule allows the place.
    #[error("no rule allows this place to be dialled (dial_allow)")]
    NotAllowed,
    /// The place is no number and no URI that SIP can call.
    #[error("this is no number and no URI that SIP can call")]
    NoPlace,
    /// Too many commands wait for the SIP side.
    #[error("too many calls wait to be placed")]
    Overloaded,
}

/// How a call gets to its destination.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    to: String,
    binding: Option<BindingId>,
    route: Vec<String>,
    credentials: Option<Credentials>,
    /// True where the far end may hear who calls by P-Asserted-Identity.
    asserts: bool,
    /// The address at which the far end reaches us: for SDP.
    pub(crate) local: IpAddr,
    /// The trunk whose rules hold for the call.
    pub(crate) trunk: TrunkId,
    /// Where the far end's digits come from.
    pub(crate) digits: DigitSource,
}

/// What a call that is placed says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dial {
    /// Who calls: a number or name; it becomes the user part of From. Empty: anonymous.
    pub caller: String,
    /// The display name of From.
    pub display_name: Option<String>,
    /// The telephone is asked to answer at once.
    pub auto_answer: bool,
    /// Our offer.
    pub offer: String,
    /// The call takes the place of this leg at the far end.
    pub replaces: Option<LegId>,
}

/// A call that is on its way: a leg, and what happens on it, ends after [`LegEvent::Ended`].
pub(crate) struct DialledLeg {
    /// Commands.
    pub leg: Leg,
    /// What happens on it.
    pub events: mpsc::Receiver<LegEvent>,
}

/// Whose telephone it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgentPhone {
    /// Its user name.
    pub phone: Arc<str>,
    /// The alias of an instance, and the user name of an agent in it.
    pub agent: Option<(String, String)>,
    /// It is asked to answer by itself.
    pub auto_answer: bool,
}

/// What calls are placed with.
pub(super) struct CallsParts {
    /// To the agent's task.
    pub(super) commands: mpsc::Sender<ToShard>,
    /// The number of the first leg.
    pub(super) first_leg: u64,
    pub(super) local: LocalAddress,
    pub(super) locations: Locations,
    pub(super) phones: Phones,
    pub(super) trunks: Trunks,
    pub(super) outbound: Outbound,
    /// Whose telephones they are, in the order of the configuration.
    pub(super) agents: Vec<AgentPhone>,
}

/// Places calls and knows where telephones are. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SipCalls(Arc<Shared>);

struct Shared {
    commands: mpsc::Sender<ToShard>,
    next_leg: AtomicU64,
    local: LocalAddress,
    locations: Locations,
    phones: Phones,
    trunks: Trunks,
    outbound: Outbound,
    agents: Vec<AgentPhone>,
}

impl SipCalls {
    pub(super) fn new(parts: CallsParts) -> Self {
        let CallsParts { commands, first_leg, local, locations, phones, trunks, outbound, agents } = parts;
        let next_leg = AtomicU64::new(first_leg);
        Self(Arc::new(Shared { commands, next_leg, local, locations, phones, trunks, outbound, agents }))
    }

    /// Where registered telephones are.
    pub(crate) fn locations(&self) -> &Locations {
        &self.0.locations
    }

    /// The telephones of the configuration.
    pub(crate) fn phones(&self) -> &Phones {
        &self.0.phones
    }

    /// Whose telephones they are, in the order of the configuration.
    pub(crate) fn agents(&self) -> &[AgentPhone] {
        &self.0.agents
    }

    /// What the configuration says of a telephone.
    pub(crate) fn agent_phone(&self, phone: &str) -> Option<&AgentPhone> {
        self.0.agents.iter().find(|known| &*known.phone == phone)
    }

    /// A number for a leg that will be dialled. It is used once.
    pub(crate) fn reserve(&self) -> LegId {
        LegId::new(self.0.next_leg.fetch_add(1, Ordering::Relaxed))
    }

    /// What a REFER, a flow or an API names as a place to call: a telephone of ours, a number, or a URI elsewhere.
    pub(crate) fn place(&self, target: &str) -> Option<Destination> {
        let is_ours =
            |host: &str| host.parse::<IpAddr>().is_ok_and(|ip| self.0.local.is_own(ip.to_canonical()));
        match DialPlace::parse(target, is_ours)? {
            DialPlace::Number(number) if self.0.phones.get(&number).is_some() => {
                Some(Destination::Phone(number))
            }
            DialPlace::Number(number) => Some(Destination::Number(number)),
            DialPlace::Elsewhere { .. } => Some(Destination::Uri(target.trim().to_owned())),
        }
    }

    /// How a call gets there, where it may. Numbers and URIs are checked against the rules of the configuration (toll fraud).
    pub(crate) fn route(&self, to: &Destination) -> Result<Route, NotDialled> {
        let shared = &*self.0;
        match to {
            Destination::Binding(id) => {
                let binding = shared.locations.get(*id).ok_or(NotDialled::NotRegistered)?;
                let user = &binding.user;
                let local = binding.flow.local;
                let to = format!("sip:{user}@{local}");
                let uri = Uri::parse(&Text::from(to.as_str())).ok_or(NotDialled::NoPlace)?;
                let trunk =
                    shared.trunks.select(binding.flow.peer.ip(), binding.flow.transport, &uri).id.clone();
                Ok(Route {
                    to,
                    binding: Some(*id),
                    route: Vec::new(),
                    credentials: None,
                    asserts: true,
                    local: local.ip(),
                    digits: digits_of(&shared.trunks, &trunk),
                    trunk,
                })
            }
            Destination::Phone(user) => {
                let phone = shared.phones.get(user).ok_or(NotDialled::UnknownPhone)?;
                match (shared.locations.of(user).first(), &phone.contact) {
                    (Some(binding), _) => self.route(&Destination::Binding(binding.id)),
                    (None, Some(contact)) => Ok(self.to_uri(contact.clone(), None, true)),
                    (None, None) => Err(NotDialled::NotRegistered),
                }
            }
            Destination::Number(number) => {
                let found = shared.outbound.route(number)?;
                let mut route = self.to_uri(found.uri, Some(found.trunk), found.asserts);
                route.credentials = found.credentials;
                route.route = found.route;
                Ok(route)
            }
            Destination::Uri(uri) => {
                shared.outbound.allows_uri(uri)?;
                Ok(self.to_uri(uri.clone(), None, false))
            }
        }
    }

    fn to_uri(&self, to: String, trunk: Option<TrunkId>, asserts: bool) -> Route {
        let shared = &*self.0;
        let uri = Uri::parse(&Text::from(to.as_str()));
        let peer = uri.as_ref().and_then(|uri| {
            let ip: IpAddr = uri.host().parse().ok()?;
            Some(SocketAddr::new(ip, uri.port().unwrap_or(5_060)))
        });
        // Of a name the place is not known yet; what it resolves to is likely to be reached by the same address.
        let local = match peer {
            Some(peer) => shared.local.reached_by(peer, None),
            None => shared.local.by_default(),
        };
        let selected = || match (peer, &uri) {
            (Some(peer), Some(uri)) => {
                shared.trunks.select(peer.ip(), tympan_sip::wire::Transport::Udp, uri).id.clone()
            }
            _ => shared.trunks.default_trunk().id.clone(),
        };
        let trunk = trunk.unwrap_or_else(selected);
        Route {
            to,
            binding: None,
            route: Vec::new(),
            credentials: None,
            asserts,
            local: local.ip(),
            digits: digits_of(&shared.trunks, &trunk),
            trunk,
        }
    }

    /// Sends the INVITE. What becomes of it comes as events: [`LegEvent::Ringing`], [`LegEvent::Answered`],
    /// [`LegEvent::Confirmed`], and [`LegEvent::Ended`] in every case.
    pub(crate) fn dial(&self, id: LegId, route: Route, dial: Dial) -> Result<DialledLeg, NotDialled> {
        let Dial { caller, display_name, auto_answer, offer, replaces } = dial;
        let host = SocketAddr::new(route.local, self.0.local.bound().port());
        let is_anonymous = caller.is_empty();
        let (from, display_name) = if is_anonymous {
            ("sip:anonymous@anonymous.invalid".to_owned(), Some("Anonymous".to_owned()))
        } else {
            (format!("sip:{}@{host}", user_part(&caller)), display_name)
        };
        let presentation = Presentation {
            asserted: (route.asserts && !is_anonymous).then(|| from.clone()),
            display_name: display_name.clone(),
            auto_answer,
        };
        let command = Command::Dial {
            to: route.to,
            from,
            display_name,
            route: route.route,
            transport: None,
            credentials: route.credentials,
            offer: Some(sdp_body(offer)),
            headers: presentation.headers(),
            binding: route.binding,
            replaces,
        };
        let (entry, leg, events) = LegEntry::dialled(id, self.0.commands.clone());
        match self.0.commands.try_send(ToShard::Dial { leg: id, entry, command: Box::new(command) }) {
            Ok(()) => Ok(DialledLeg { leg, events }),
            Err(_) => {
                leg.ends();
                Err(NotDialled::Overloaded)
            }
        }
    }
}

/// Where digits of a trunk's calls come from.
pub(super) fn digits_of(trunks: &Trunks, trunk: &TrunkId) -> DigitSource {
    match trunks.get(trunk).map(|trunk| trunk.digits) {
        Some(agent::DigitSource::Rtp) => DigitSource::Rtp,
        Some(agent::DigitSource::Info) => DigitSource::Info,
        Some(agent::DigitSource::Both) | None => DigitSource::Both,
    }
}

/// Text as the user part of a URI (RFC 3261 section 25.1: user-unreserved), escaped where it has to be.
pub(super) fn user_part(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut user, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,".contains(&byte) {
            user.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(user, "%{byte:02X}");
        }
        user
    })
}
