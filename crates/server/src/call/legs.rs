//! The legs of one call: its customer's, agents', third parties' and supervisors', with their signalling and media.
//!
//! The first leg has a place of its own, so that a plain call allocates nothing for those that it never has.

use super::dialling::Ring;
use super::leg_media::LegMedia;
use super::registry::Listed;
use crate::connections::Work;
use crate::media::{LegSpec, MediaNotice, MediaPlane, ReservedPort};
use crate::metrics::{ActiveCall, Dialled, LegBegan, Metrics};
use crate::sip::{Invitation, Leg};
use std::net::IpAddr;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tympan_contact::{EndedBy, LegEvent};
use tympan_sip::agent::TrunkId;
use tympan_types::{DialId, LegId};

/// Legs that one call has at once: a customer, six parties, telephones that ring, and supervisors.
pub(super) const LEGS_MAX: usize = 16;

/// One leg.
pub(super) struct TaskLeg {
    pub(super) id: LegId,
    pub(super) signalling: Signalling,
    /// `None` once the SIP side has said its last, and before the telephone is rung.
    events: Option<mpsc::Receiver<LegEvent>>,
    /// The TCP connection that the call came by keeps its place.
    _carrier: Option<Work>,
    /// Where its signalling comes from.
    pub(super) source: Option<IpAddr>,
    /// The trunk that it came by or goes out by.
    pub(super) trunk: TrunkId,
    pub(super) media: LegMedia,
    /// Something of it was captured: what is left of its media is wanted to the end of the call.
    pub(super) is_captured: bool,
    /// Others find the call by it, and it is counted.
    listed: Option<(Listed, ActiveCall)>,
    /// We ring it, and it has not answered.
    is_ringing: bool,
}

/// What a leg's signalling is.
pub(super) enum Signalling {
    /// It may be rung; nothing was sent.
    Reserved { dial: DialId, ring: Box<Ring> },
    /// It was invited, by us or by the far end.
    Open(Leg),
    /// It was given up before it was rung.
    Dropped,
}

impl TaskLeg {
    /// A leg that the far end began.
    pub(super) fn invited(invitation: Invitation, port: ReservedPort) -> Self {
        let Invitation { leg, events, source, trunk, carrier, .. } = invitation;
        Self {
            id: leg.id(),
            signalling: Signalling::Open(leg),
            events: Some(events),
            _carrier: carrier,
            source: Some(source.ip()),
            trunk,
            media: LegMedia::Reserved(port),
            is_captured: false,
            listed: None,
            is_ringing: false,
        }
    }

    /// A leg that may be rung.
    pub(super) fn reserved(id: LegId, dial: DialId, ring: Ring, port: ReservedPort) -> Self {
        Self {
            id,
            source: ring.source,
            trunk: ring.route.trunk.clone(),
            signalling: Signalling::Reserved { dial, ring: Box::new(ring) },
            events: None,
            _carrier: None,
            media: LegMedia::Reserved(port),
            is_captured: false,
            listed: None,
            is_ringing: false,
        }
    }

    /// Others find the call by it from here on, and it is counted.
    pub(super) fn is_listed(&mut self, listed: Listed, metrics: &Metrics) {
        let began = match self.signalling {
            Signalling::Reserved { .. } => LegBegan::Dialled,
            Signalling::Open(_) | Signalling::Dropped => LegBegan::Invited,
        };
        self.listed = Some((listed, metrics.leg(began)));
    }

    /// What became of our ringing, once it is known.
    pub(super) fn rung(&mut self, event: &LegEvent) -> Option<Dialled> {
        let outcome = match event {
            LegEvent::Answered { .. } => Dialled::Answered,
            LegEvent::Ended(EndedBy::Refused(_)) => Dialled::Refused,
            LegEvent::Ended(_) => Dialled::Ended,
            _ => return None,
        };
        std::mem::take(&mut self.is_ringing).then_some(outcome)
    }

    /// The way to ring it, once.
    pub(super) fn take_ring(&mut self) -> Option<Ring> {
        match std::mem::replace(&mut self.signalling, Signalling::Dropped) {
            Signalling::Reserved { ring, .. } => Some(*ring),
            other => {
                self.signalling = other;
                None
            }
        }
    }

    /// It is being rung.
    pub(super) fn rings(&mut self, leg: Leg, events: mpsc::Receiver<LegEvent>) {
        self.signalling = Signalling::Open(leg);
        self.events = Some(events);
        self.is_ringing = true;
    }

    /// Its signalling, where it was invited.
    pub(super) fn open(&self) -> Option<&Leg> {
        match &self.signalling {
            Signalling::Open(leg) => Some(leg),
            Signalling::Reserved { .. } | Signalling::Dropped => None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<LegNews> {
        if let Some(events) = &mut self.events
            && let Poll::Ready(event) = events.poll_recv(cx)
        {
            if event.is_none() {
                self.events = None;
            }
            return Poll::Ready(LegNews::Signalling(event));
        }
        self.media.poll_next(cx).map(LegNews::Media)
    }

    /// Nothing more comes of it, and nothing of it is wanted.
    fn is_spent(&self) -> bool {
        let is_reserved = matches!(self.signalling, Signalling::Reserved { .. });
        !is_reserved && !self.is_captured && self.events.is_none() && self.media.is_over()
    }
}

/// What one of the legs says.
pub(super) enum LegNews {
    /// `None` once, at the end.
    Signalling(Option<LegEvent>),
    /// `None` once, at the end.
    Media(Option<MediaNotice>),
}

/// All legs of a call, at most [`LEGS_MAX`].
pub(super) struct Legs {
    /// The one that the call began with; `None` where the server began it.
    first: Option<TaskLeg>,
    /// Empty in a plain call.
    further: Vec<TaskLeg>,
    /// Whose turn it is to be asked first, so that a leg that says much does not silence the others.
    turn: usize,
}

impl Legs {
    pub(super) fn new(first: Option<TaskLeg>) -> Self {
        Self { first, further: Vec::new(), turn: 0 }
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.further.len()
    }

    pub(super) fn has_room(&self) -> bool {
        self.len() < LEGS_MAX
    }

    pub(super) fn add(&mut self, leg: TaskLeg) {
        self.further.push(leg);
    }

    pub(super) fn get(&self, id: LegId) -> Option<&TaskLeg> {
        self.iter().find(|leg| leg.id == id)
    }

    pub(super) fn get_mut(&mut self, id: LegId) -> Option<&mut TaskLeg> {
        self.iter_mut().find(|leg| leg.id == id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &TaskLeg> {
        self.first.iter().chain(&self.further)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut TaskLeg> {
        self.first.iter_mut().chain(&mut self.further)
    }

    /// Starts the media of a leg, on the thread of the others.
    pub(super) fn open_media(&mut self, id: LegId, plane: &MediaPlane, spec: LegSpec) {
        let Self { first, further, .. } = self;
        if let Some(first) = first.as_mut().filter(|first| first.id == id) {
            let beside = further.iter().find_map(|leg| leg.media.leg());
            return first.media.open(plane, spec, beside);
        }
        let Some(index) = further.iter().position(|leg| leg.id == id) else { return };
        let (before, rest) = further.split_at_mut(index);
        let Some((leg, after)) = rest.split_first_mut() else { return };
        let mut others = first.iter().chain(&*before).chain(&*after);
        leg.media.open(plane, spec, others.find_map(|leg| leg.media.leg()));
    }

    /// Legs that were made ready for a call and not rung are given up.
    pub(super) fn drop_dial(&mut self, given_up: DialId) {
        self.further
            .retain(|leg| !matches!(leg.signalling, Signalling::Reserved { dial, .. } if dial == given_up));
    }

    /// What one of them says next. Each is asked first in its turn. Cancel-safe.
    pub(super) async fn next(&mut self) -> (LegId, LegNews) {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(LegId, LegNews)> {
        let count = self.len();
        let begin = if count == 0 { 0 } else { self.turn % count };
        let Self { first, further, turn } = self;
        for index in (begin..count).chain(0..begin) {
            let before = usize::from(first.is_some());
            let leg = match index.checked_sub(before) {
                None => first.as_mut(),
                Some(index) => further.get_mut(index),
            };
            let Some(leg) = leg else { continue };
            if let Poll::Ready(news) = leg.poll(cx) {
                *turn = index + 1;
                return Poll::Ready((leg.id, news));
            }
        }
        Poll::Pending
    }

    /// Forgets the legs of which nothing is left, but the first.
    pub(super) fn forget_spent(&mut self) {
        self.further.retain(|leg| !leg.is_spent());
    }
}
