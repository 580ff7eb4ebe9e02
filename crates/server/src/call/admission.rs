//! Which calls are taken: routes an invitation to a flow, agrees on media, and starts the call's task.

use super::dialling::Dialling;
use super::flow_log::FlowLog;
use super::legs::TaskLeg;
use super::registry::CallRegistry;
use super::task::CallTask;
use crate::audit::Audit;
use crate::centre::Centre;
use crate::clock::ServiceClock;
use crate::config::TrunkMediaRules;
use crate::descriptors::{DescriptorBudget, PER_CALL, Use};
use crate::lambda::Lambda;
use crate::lex::Bots;
use crate::media::{MediaPlane, ReservedPort};
use crate::metrics::Metrics;
use crate::sip::{Invitation, Refusal};
use crate::speech::Speech;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tympan_capture::{Leases, MediaSink, TrackProfile};
use tympan_connect::service::{ConnectService, Routed};
use tympan_contact::{
    Contact, ContactOptions, ContactSetup, History, InitiationMethod, Leg, LegSpec, LiveContact, NewContact,
};
use tympan_telephony::sdp::LocalMedia;
use tympan_types::{ContactFlowId, ContactId};

/// Takes calls, and holds what each of them needs. Clones share all of it.
#[derive(Clone)]
pub(crate) struct Admission {
    /// Routes numbers, and answers what calls ask.
    pub connect: ConnectService,
    /// Where contacts are remembered.
    pub history: Arc<dyn History>,
    /// The calls that are up.
    pub registry: CallRegistry,
    /// Places calls.
    pub dialling: Dialling,
    /// Queues and agents.
    pub centre: Centre,
    /// Sockets and threads for media.
    pub media: Arc<MediaPlane>,
    /// Streams for captures.
    pub leases: Leases,
    /// Where captures go.
    pub sink: Arc<dyn MediaSink>,
    /// Makes prompts.
    pub speech: Arc<Speech>,
    /// Invokes functions.
    pub lambda: Arc<Lambda>,
    /// Asks bots.
    pub bots: Arc<Bots>,
    /// Says what flows did.
    pub flow_log: Arc<FlowLog>,
    /// Says who listened to whom.
    pub audit: Audit,
    /// What calls may open.
    pub descriptors: DescriptorBudget,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// What each call's own clock is taken from.
    pub clock: ServiceClock,
    /// Limits and waits.
    pub options: AdmissionOptions,
}

/// How calls are taken.
#[derive(Debug, Clone)]
pub(crate) struct AdmissionOptions {
    /// Calls at once; further ones are answered 503.
    pub calls_max: usize,
    /// How far a timeline may fall behind before silence is written.
    pub silence_grace: Duration,
    /// What the trunks say of media.
    pub media: TrunkMediaRules,
    /// How tracks are named.
    pub track_profile: TrackProfile,
    /// How long contacts wait for what.
    pub contact: ContactOptions,
}

impl Admission {
    /// Takes invitations until there are no more. Cancel-safe: an invitation is taken whole or not at all.
    pub(crate) async fn serve(&self, invitations: &mut mpsc::Receiver<Invitation>) {
        while let Some(invitation) = invitations.recv().await {
            match self.of_a_call(&invitation) {
                Some(call) => self.join(invitation, call),
                None => {
                    let begun = match self.agent_who_dials(&invitation) {
                        Some(agent) => self.begin_agents_call(invitation, agent),
                        None => self.begin(invitation),
                    };
                    if let Err(not_begun) = begun {
                        self.refuse(&not_begun.invitation, not_begun.refusal);
                    }
                }
            }
        }
    }

    pub(super) fn refuse(&self, invitation: &Invitation, refusal: Refusal) {
        tracing::info!(call_id = invitation.call_id, ?refusal, "a call was refused");
        self.metrics.call_refused(refusal);
        invitation.leg.refuse(refusal);
    }

    /// Whether one more call may begin.
    pub(super) fn has_room(&self) -> Result<(), Refusal> {
        if self.registry.len() >= self.options.calls_max {
            return Err(Refusal::Overloaded);
        }
        if !self.history.has_room() {
            tracing::error!(
                "a call is refused: its contact could not be remembered, because the disk is full"
            );
            return Err(Refusal::Overloaded);
        }
        Ok(())
    }

    fn admit(&self, invitation: &Invitation) -> Result<Admitted, Refusal> {
        self.has_room()?;
        let routed = self.connect.route_number(invitation.called.expose()).ok_or(Refusal::UnknownNumber)?;
        let (port, leg) = self.take_leg(invitation)?;
        Ok(Admitted { routed, port, leg })
    }

    /// A port and a leg for an invitation.
    pub(super) fn take_leg(&self, invitation: &Invitation) -> Result<(ReservedPort, Leg), Refusal> {
        let descriptors = self.descriptors.take(Use::Call, PER_CALL).ok_or(Refusal::OutOfDescriptors)?;
        let here = invitation.local.ip();
        let port = self.media.reserve(here, descriptors).map_err(|error| {
            tracing::error!(%error, "no RTP port for a call");
            Refusal::Overloaded
        })?;
        let leg = LegSpec {
            id: invitation.leg.id(),
            local: LocalMedia::new(SocketAddr::new(here, port.address().port()), session_id()),
            offer: invitation.offer.clone(),
            digits: invitation.digits,
        };
        let leg = Leg::invited(leg).map_err(|error| {
            tracing::info!(call_id = invitation.call_id, %error, "an offer cannot be answered");
            Refusal::NotAcceptable
        })?;
        Ok((port, leg))
    }

    fn begin(&self, invitation: Invitation) -> Result<(), Box<NotBegun>> {
        let Admitted { routed, port, leg } = match self.admit(&invitation) {
            Ok(admitted) => admitted,
            Err(refusal) => return Err(NotBegun::boxed(invitation, refusal)),
        };
        let clock = self.clock.for_call();
        let now = clock.now();
        let mut contact = Contact::new(
            now.wall,
            NewContact {
                id: ContactId::from_random(random()),
                instance: routed.instance.reference(),
                initiation_method: InitiationMethod::Inbound,
                customer_number: NewContact::given(&invitation.caller),
                system_number: NewContact::given(&invitation.called),
                sip_headers: invitation.headers.clone(),
            },
        );
        contact.initial_flow = flow_id(&routed.flow.identity.arn);
        tracing::info!(contact_id = %contact.id, call_id = invitation.call_id, "a call has arrived");
        let active = self.metrics.call_taken();
        let setup = ContactSetup {
            contact,
            flow: routed.flow,
            leg,
            instance: Arc::new(self.connect.clone()),
            options: self.options.contact,
        };
        let live = LiveContact::new(now, setup);
        // Counted before the next invitation is looked at, so that a burst cannot pass the limit.
        let leg = TaskLeg::invited(invitation, port);
        let task = CallTask::new(self.clone(), active, clock, Some(leg), live);
        tokio::spawn(task.run());
        Ok(())
    }
}

/// An invitation that begins no call, and why.
pub(super) struct NotBegun {
    invitation: Invitation,
    refusal: Refusal,
}

impl NotBegun {
    pub(super) fn boxed(invitation: Invitation, refusal: Refusal) -> Box<Self> {
        Box::new(Self { invitation, refusal })
    }
}

/// A call that may begin.
struct Admitted {
    routed: Routed,
    port: ReservedPort,
    leg: Leg,
}

/// `arn:...:instance/ID/contact-flow/ID`.
fn flow_id(arn: &str) -> Option<ContactFlowId> {
    ContactFlowId::parse(arn.rsplit_once('/')?.1).ok()
}

/// Sixteen random bytes.
pub(super) fn random() -> [u8; 16] {
    uuid::Uuid::new_v4().into_bytes()
}

/// Thirty-two random bytes.
pub(super) fn random_32() -> [u8; 32] {
    let mut bytes = [0; 32];
    for (byte, random) in bytes.iter_mut().zip(random().into_iter().chain(random())) {
        *byte = random;
    }
    bytes
}

/// A number for the origin line of SDP: 62 random bits, so that it stays positive for peers that read it as signed.
pub(super) fn session_id() -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = random();
    u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 2
}
