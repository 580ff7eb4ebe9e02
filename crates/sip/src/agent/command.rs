//! What the user of a leg asks for.

use crate::dialog::ExchangeId;
use crate::wire::{Name, Status};
use bytes::Bytes;
use tympan_types::Redacted;

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
        /// Further headers.
        headers: Vec<(Name, String)>,
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
    /// Ends the leg at any moment: CANCEL, a refusal, or BYE, whichever is right.
    HangUp {
        /// For the Reason header, such as `Q.850;cause=16`.
        reason: Option<String>,
    },
}
