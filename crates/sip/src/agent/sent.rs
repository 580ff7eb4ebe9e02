//! Requests of ours that have no final response yet.

use super::{Body, Flow};
use crate::dialog::ExchangeId;
use crate::transaction::ClientKey;
use crate::wire::{Method, Name};
use tympan_types::{Mono, ReferId};

/// Requests of one leg at once, at most; a further one is not sent.
pub(super) const SENT_MAX: usize = 32;

/// How long a re-INVITE may wait behind a provisional response, which ends timer B: as long as a proxy waits (RFC 3261 section
/// 16.6, timer C). Without an end, a final response that is lost leaves its offer open until someone hangs up.
pub(super) const REINVITE_MAX_MS: i64 = 180_000;

/// One request.
#[derive(Debug)]
pub(super) struct Sent {
    /// Which of the leg.
    pub(super) number: u32,
    /// The tag of the peer in whose dialog it goes; empty before there is one.
    pub(super) remote_tag: Box<str>,
    pub(super) method: Method,
    pub(super) purpose: Purpose,
    pub(super) cseq: u32,
    pub(super) headers: Vec<(Name, String)>,
    pub(super) body: Option<Body>,
    pub(super) stage: Stage,
    /// When it counts as unanswered although its transaction goes on.
    pub(super) until: Option<Mono>,
    /// How often a challenge was answered for it.
    pub(super) challenged: u8,
    /// How often its offer crossed one of the peer.
    pub(super) crossed: u8,
    /// How often it was refused because a later one came first.
    pub(super) overtaken: u8,
}

/// How far a request is.
#[derive(Debug)]
pub(super) enum Stage {
    /// The path to the peer is being looked up.
    Waiting,
    /// It is under way.
    Under { client: ClientKey, branch: Box<str>, flow: Flow },
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The INVITE of a call that we place.
    Invite,
    /// A re-INVITE; `refresh`: of the session timer, with the session as it is.
    ReInvite {
        exchange: ExchangeId,
        refresh: bool,
    },
    /// UPDATE with an offer.
    Update {
        exchange: ExchangeId,
    },
    /// UPDATE without one, of the session timer.
    Refresh,
    Info,
    Prack,
    /// NOTIFY of a REFER of the peer.
    Notify {
        refer: ReferId,
    },
    /// REFER.
    Refer {
        refer: ReferId,
    },
    Bye,
}

impl Purpose {
    const fn method(self) -> Method {
        match self {
            Self::Invite | Self::ReInvite { .. } => Method::Invite,
            Self::Update { .. } | Self::Refresh => Method::Update,
            Self::Info => Method::Info,
            Self::Prack => Method::Prack,
            Self::Notify { .. } => Method::Notify,
            Self::Refer { .. } => Method::Refer,
            Self::Bye => Method::Bye,
        }
    }
}

impl Sent {
    /// A request that waits for its path.
    pub(super) fn new(
        number: u32,
        remote_tag: &str,
        purpose: Purpose,
        cseq: u32,
        headers: Vec<(Name, String)>,
        body: Option<Body>,
    ) -> Self {
        Self {
            number,
            remote_tag: remote_tag.into(),
            method: purpose.method(),
            purpose,
            cseq,
            headers,
            body,
            stage: Stage::Waiting,
            until: None,
            challenged: 0,
            crossed: 0,
            overtaken: 0,
        }
    }

    /// True where the session hangs on it: without a response, the dialog ends (RFC 3261 section 12.2.1.2).
    pub(super) const fn is_vital(&self) -> bool {
        // A REFER and its subscription are a usage of their own (RFC 5057).
        !matches!(
            self.purpose,
            Purpose::Bye | Purpose::Invite | Purpose::Notify { .. } | Purpose::Refer { .. }
        )
    }
}
