//! What the user of a leg asks for.

use super::BindingId;
use crate::dialog::ExchangeId;
use crate::wire::{Name, Status};
use bytes::Bytes;
use tympan_types::{LegId, Redacted, ReferId};

/// A body with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Content-Type, such as `application/sdp`.
    pub content_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// How a new offer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferBy {
    /// re-INVITE.
    ReInvite,
    /// UPDATE, where the peer allows it; else re-INVITE.
    Update,
}

/// A refusal of an INVITE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 300 to 699.
    pub status: Status,
    /// Seconds for Retry-After.
    pub retry_after_s: Option<u32>,
    /// Further headers.
    pub headers: Vec<(Name, String)>,
}

/// Who we are where a peer asks.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: Redacted<String>,
}

/// What the user of a leg asks for. What cannot be done at that moment is answered by an event, never in silence.
#[derive(Debug, Clone)]
pub enum Command {
    /// Places a call. The leg's id is the caller's choice, above [`super::Config::dialled_legs_from`].
    Dial {
        /// Request URI and To, such as `sip:+18005550100@192.0.2.1`.
        to: String,
        /// From: a URI.
        from: String,
        /// Display name of From.
        display_name: Option<String>,
        /// Preloaded routes; the first is where the INVITE goes. Empty: to the request URI.
        route: Vec<String>,
        /// `udp`, `tcp` or `tls` where the URI does not say.
        transport: Option<crate::wire::Transport>,
        /// For a challenge (401, 407), answered once.
        credentials: Option<Credentials>,
        /// The offer; `None` invites without one.
        offer: Option<Body>,
        /// Further headers; [`super::Presentation`] makes those of a caller's identity and of automatic answers.
        headers: Vec<(Name, String)>,
        /// The call goes to this binding of a registered telephone, by the flow that it registered by: `to` is To alone, and the
        /// request URI is the binding's Contact. 480 where the binding is gone.
        binding: Option<BindingId>,
        /// The call takes the place of this leg at the far end (RFC 3891). 481 where the leg has no dialog.
        replaces: Option<LegId>,
    },
    /// A provisional response: 180 or 183. `reliable` sends it under 100rel where the peer supports it.
    Ring {
        /// 101 to 199.
        status: Status,
        /// An early answer (reliable only) or preview.
        body: Option<Body>,
        /// Under 100rel.
        reliable: bool,
    },
    /// 200 with the answer, or with our offer where the INVITE had none.
    Answer {
        /// The body.
        body: Body,
    },
    /// Refuses the INVITE.
    Refuse(Refusal),
    /// Offers a change of the session.
    Offer {
        /// The offer.
        body: Body,
        /// How.
        by: OfferBy,
    },
    /// Answers an [`super::Event::Offered`] (or makes the offer for [`super::Event::OfferWanted`]).
    ReplyOffer {
        /// Which.
        exchange: ExchangeId,
        /// The answer, or the offer.
        body: Body,
    },
    /// Refuses an offer: 488 or another status; the session stays as it was.
    RefuseOffer {
        /// Which.
        exchange: ExchangeId,
        /// The status.
        status: Status,
    },
    /// The answer of the peer cannot be used: the session ends with BYE, or stays as it was after a failed re-offer.
    RejectAnswer {
        /// Which.
        exchange: ExchangeId,
    },
    /// INFO. They go one after another, in order; at most 64 wait.
    Info {
        /// The body.
        body: Body,
    },
    /// Agrees to an [`super::Event::Referred`]: 202, and a NOTIFY where the peer did not decline the subscription (RFC 3515, RFC
    /// 4488). The leg goes on; what the REFER asks for is the user's to do.
    AcceptRefer {
        /// Which.
        refer: ReferId,
    },
    /// Refuses an [`super::Event::Referred`].
    RefuseRefer {
        /// Which.
        refer: ReferId,
        /// 300 to 699. 481 and 408 would end the peer's call, and go as 603.
        status: Status,
    },
    /// Tells the peer how the request that its REFER asked for goes on. A final status is the last one.
    NotifyRefer {
        /// Which.
        refer: ReferId,
        /// The status of the referred call: 100 to 699.
        status: Status,
    },
    /// REFER: asks the peer of a leg that is up to call another place. One is under way at a time.
    Refer {
        /// The user's number for it.
        refer: ReferId,
        /// Refer-To: a URI.
        target: String,
        /// The call takes the place of this leg at the target: an attended transfer.
        replaces: Option<LegId>,
    },
    /// Ends the leg at any moment: CANCEL, a refusal, or BYE, whichever is right.
    HangUp {
        /// For the Reason header, such as `Q.850;cause=16`.
        reason: Option<String>,
    },
}
