//! An open fragment that passes from one writer to another: a producer whose connection broke sends it again, and the
//! writer of its next session goes on with what is there.
//!
//! The tail knows who owns an open fragment, and lets another writer take it over as long as that one has seen all of
//! it. Whether the two are the same fragment is not the store's to judge.

use super::{Live, LiveState, SessionId, Tail};
use crate::OpenFragment;
use crate::codec::Piece;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use tympan_types::FragmentNumber;

/// Called when something about the handover of a writer's fragment has changed; the writer then looks at its
/// [`Standing`]. Never called under the tail's lock.
pub type HandoverBell = Arc<dyn Fn() + Send + Sync>;

/// Whose an open fragment is.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) session: SessionId,
    /// Present if another session may take its fragments over.
    pub(crate) bell: Option<HandoverBell>,
}

/// What became of an attempt to take an open fragment over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeOver {
    /// The fragment is this writer's open fragment now.
    Taken,
    /// Its writer has added these pieces meanwhile: nothing has changed.
    Grown(Vec<Bytes>),
    /// It is not open any more, or is no longer to be had.
    Gone,
}

/// How a writer stands to the fragment that it opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has none open, or the stream is deleted.
    None,
    /// It owns the open fragment, and no session may still take it over.
    Alone,
    /// It owns the open fragment, and a session has begun that may still take it over.
    Sought,
    /// Another writer has taken it over.
    TakenOver,
}

impl Tail {
    /// A session may go on with a fragment that waits; until it has decided, none is sealed for its age.
    pub(crate) fn begin_search(&mut self) {
        self.searching += 1;
    }

    /// A session has decided. Returns the bells of those that waited for that.
    pub(crate) fn end_search(&mut self) -> Vec<HandoverBell> {
        self.searching = self.searching.saturating_sub(1);
        if self.searching > 0 {
            return Vec::new();
        }
        self.live.iter().filter(|live| live.waits).filter_map(|live| live.owner.bell.clone()).collect()
    }

    /// The open fragments that `seeker` may take over.
    pub(crate) fn on_offer(&self, seeker: SessionId) -> Vec<OpenFragment> {
        let offered = |live: &&Live| {
            matches!(live.state, LiveState::Open) && live.owner.session != seeker && live.owner.bell.is_some()
        };
        self.live.iter().filter(offered).map(Live::so_far).collect()
    }

    /// The open fragment of `owner`, as far as it has come.
    pub(crate) fn open_of(&self, owner: SessionId, number: FragmentNumber) -> Option<OpenFragment> {
        let at = self.live.binary_search_by(|live| live.number.cmp(&number)).ok()?;
        self.live.get(at).filter(|live| live.is_open_of(owner)).map(Live::so_far)
    }

    /// The producer of an open fragment has gone: it waits.
    pub(crate) fn leave_waiting(&mut self, owner: SessionId, number: FragmentNumber) {
        if let Some(live) = self.live_mut(number).filter(|live| live.is_open_of(owner)) {
            live.waits = true;
        }
    }

    /// Makes an open fragment that `owner` has seen the first `seen` pieces of its own. Returns the bell of the writer
    /// that had it.
    pub(crate) fn take_over(
        &mut self,
        owner: &Owner,
        number: FragmentNumber,
        seen: usize,
        only_waiting: bool,
    ) -> (TakeOver, Option<HandoverBell>) {
        let gone = (TakeOver::Gone, None);
        let Some(live) = self.live_mut(number) else { return gone };
        if !matches!(live.state, LiveState::Open)
            || live.owner.bell.is_none()
            || (only_waiting && !live.waits)
        {
            return gone;
        }
        match live.bodies.get(seen..) {
            None => gone,
            Some([]) => {
                live.waits = false;
                let before = std::mem::replace(&mut live.owner, owner.clone());
                (TakeOver::Taken, before.bell)
            }
            Some(grown) => (TakeOver::Grown(grown.iter().map(Piece::plain).collect()), None),
        }
    }

    /// See [`Standing`].
    pub(crate) fn standing(&self, session: SessionId, number: FragmentNumber) -> Standing {
        let at = self.live.binary_search_by(|live| live.number.cmp(&number)).ok();
        match at.and_then(|at| self.live.get(at)) {
            None => Standing::None,
            Some(live) if live.owner.session != session => Standing::TakenOver,
            Some(live) if !matches!(live.state, LiveState::Open) => Standing::None,
            Some(_) if self.searching > 0 => Standing::Sought,
            Some(_) => Standing::Alone,
        }
    }
}

impl Live {
    pub(super) fn is_open_of(&self, owner: SessionId) -> bool {
        matches!(self.state, LiveState::Open) && self.owner.session == owner
    }

    fn so_far(&self) -> OpenFragment {
        OpenFragment {
            number: self.number,
            producer: self.producer,
            head: self.head.clone(),
            pieces: self.bodies.iter().map(Piece::plain).collect(),
            waits: self.waits,
        }
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("session", &self.session).finish_non_exhaustive()
    }
}
