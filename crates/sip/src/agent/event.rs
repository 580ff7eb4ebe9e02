//! What a leg tells its user, and what is counted.

use super::{Flow, TrunkId};
use crate::dialog::ExchangeId;
use crate::wire::{Address, Dropped, Message, Number, Part, Status};
use std::net::SocketAddr;
use std::sync::Arc;
use tympan_types::{LegId, Redacted, ReferId};

/// Who calls, as the trunk's rules read it.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The number or name; `None` where it is withheld or there is none.
    pub number: Option<Redacted<Number>>,
    /// The display name.
    pub display_name: Option<Redacted<String>>,
    /// True where it comes from an identity header that the trunk believes.
    pub is_asserted: bool,
}

/// Who ended a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// BYE or CANCEL or a refusal of the peer.
    Peer,
    /// Our command.
    Us,
    /// No acknowledgement, no response, or the transport failed.
    Failure,
    /// The session timer ran out.
    SessionExpired,
    /// The call reached the longest time that its trunk allows.
    TooLong,
}

/// How a leg ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// By whom.
    pub by: EndedBy,
    /// The status of a refusal, of the peer or ours.
    pub status: Option<Status>,
    /// The reason phrase or the Reason header of the peer.
    pub reason: Option<String>,
    /// The Contact of a 3xx: where the peer says that the call should go. The agent follows none by itself.
    pub contact: Option<String>,
}

/// What happens on a leg. [`Event::Ended`] is the last one of each leg, and comes exactly once.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "it is taken at once")]
pub enum Event {
    /// A call wants to come in. A new leg, numbered by the agent.
    Invited {
        /// Call-ID, for logs.
        call_id: String,
        /// The trunk that it came by.
        trunk: TrunkId,
        /// Who is called.
        called: Redacted<Number>,
        /// Who calls.
        caller: Peer,
        /// Where the request came from.
        source: SocketAddr,
        /// The path by which it came.
        flow: Flow,
        /// The telephone that calls, by its user name: it answered a challenge, came by the flow of one of its bindings, or came
        /// from the network that stands for it. `None` for every other caller.
        user: Option<Arc<str>>,
        /// The leg whose place the call takes once it is answered (RFC 3891). The user ends that leg.
        replaces: Option<LegId>,
        /// The exchange that [`super::Command::Answer`] closes.
        exchange: ExchangeId,
        /// The offer and what lies beside it; without a session description where the caller leaves the offer to us.
        parts: Vec<Part>,
        /// True where the caller leaves the offer to us.
        late_offer: bool,
        /// The INVITE itself, for its headers.
        message: Box<Message>,
    },
    /// A call that we placed has a provisional response. A session description in it is a preview, or under 100rel an
    /// [`Event::Answered`].
    Ringing {
        /// 100 to 199. A 100 says only that the next hop has the INVITE.
        status: Status,
        /// The body.
        parts: Vec<Part>,
    },
    /// The peer offers a change; [`super::Command::ReplyOffer`] or [`super::Command::RefuseOffer`] is due.
    Offered {
        /// Which.
        exchange: ExchangeId,
        /// The offer.
        parts: Vec<Part>,
    },
    /// The peer invites us again without an offer: ours is due.
    OfferWanted {
        /// Which.
        exchange: ExchangeId,
    },
    /// The answer to our offer. Also to one that the agent made by itself: a refresh of the session by re-INVITE repeats what was
    /// described last, and the peer may answer it otherwise than before.
    Answered {
        /// Which.
        exchange: ExchangeId,
        /// The answer.
        parts: Vec<Part>,
    },
    /// The call is up: our 2xx was acknowledged, or theirs is. Once.
    Confirmed,
    /// Our offer was refused, crossed another (491, after the pause of RFC 3261 section 14.1 it may go again), or not answered.
    OfferFailed {
        /// Which; `None` where it could not be sent at all.
        exchange: Option<ExchangeId>,
        /// Why.
        status: Status,
    },
    /// The body of an INFO, in order; it was answered 200 already.
    Info {
        /// The parts.
        parts: Vec<Part>,
    },
    /// The session was refreshed.
    Refreshed,
    /// Where the peer wants its requests has changed.
    TargetRefreshed {
        /// Its Contact.
        target: Address,
    },
    /// The peer asks us to call another place (RFC 3515). [`super::Command::AcceptRefer`] or [`super::Command::RefuseRefer`] is due;
    /// after half of the time that the peer waits, the agent refuses by itself. Whether the place may be called is the user's to
    /// decide.
    Referred {
        /// Which.
        refer: ReferId,
        /// The URI, without its headers.
        target: String,
        /// The leg whose place the call takes: an attended transfer. A Replaces of a dialog that is not ours is refused by the agent.
        replaces: Option<LegId>,
        /// Referred-By (RFC 3892), unverified.
        referred_by: Option<String>,
    },
    /// The peer agreed to our REFER, or says how its call goes on: 100 to 199.
    ReferProgress {
        /// Which.
        refer: ReferId,
        /// The status.
        status: Status,
    },
    /// The peer's call succeeded, or the peer agreed and will not say how it goes on. The last of this REFER.
    ReferDone {
        /// Which.
        refer: ReferId,
        /// The status of the call, 200 to 299; 202 where it is not known.
        status: Status,
    },
    /// The peer refused our REFER, or its call failed. The last of this REFER.
    ReferFailed {
        /// Which.
        refer: ReferId,
        /// Why: 491 where another REFER is under way, 408 where the subscription ended without an outcome.
        status: Status,
    },
    /// The leg is over.
    Ended(Ended),
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counter {
    /// A message that was dropped.
    Dropped(Dropped),
    /// A request that was refused because its bytes are in doubt.
    Refused(Status),
    /// A request beyond the limit of its source.
    SourceLimited,
    /// A call beyond a limit of its trunk.
    TrunkLimited,
    /// A request beyond a limit of the whole agent.
    Overloaded,
    /// A response that belongs to nothing.
    StrayResponse,
    /// An ACK that belongs to nothing.
    StrayAck,
    /// A request of a dialog that came out of order and was answered 500.
    OutOfOrder,
    /// A merged request (482).
    Merged,
    /// A challenge that was answered with a nonce that was used before.
    ReplayedNonce,
    /// A wrong answer to a challenge.
    WrongCredentials,
    /// A binding was added.
    Registered,
    /// A binding was refreshed.
    Reregistered,
    /// A binding is gone.
    Unregistered,
    /// A REGISTER beyond a limit of bindings.
    BindingsFull,
    /// A REFER of a peer that reached its user.
    Referred,
    /// A REFER of a peer that the agent refused.
    ReferRefused,
    /// Bytes that were not sent, because an unconfirmed source had got its share.
    Withheld,
}
