//! The media of a call's leg: a reserved port, then a leg on its media thread, then what its captures still wait for.

use crate::media::{LegSpec, MediaLeg, MediaNotice, MediaPlane, MediaStalled, ReservedPort};
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The media of one leg.
pub(super) enum LegMedia {
    /// The port is bound, but nothing is read from it.
    Reserved(ReservedPort),
    /// The leg runs.
    Running(MediaLeg, mpsc::Receiver<MediaNotice>),
    /// The leg is closed. Its captures may wait for their uploads; its last events are still to be taken.
    Closed(MediaLeg, Option<mpsc::Receiver<MediaNotice>>),
    /// The thread has cut it off: the call took no notices. It is still to be closed.
    Lost(MediaLeg),
    /// The port was given up without a leg.
    None,
}

impl LegMedia {
    /// Starts the leg on its port, beside another one of its call.
    pub(super) fn open(&mut self, plane: &MediaPlane, spec: LegSpec, beside: Option<&MediaLeg>) {
        *self = match std::mem::replace(self, Self::None) {
            Self::Reserved(port) => {
                let (leg, events) = plane.open(port, spec, beside);
                Self::Running(leg, events)
            }
            other => other,
        };
    }

    /// Gives the port up. What was captured is completed.
    pub(super) fn close(&mut self) {
        *self = match std::mem::replace(self, Self::None) {
            Self::Running(leg, events) => {
                leg.close();
                Self::Closed(leg, Some(events))
            }
            Self::Lost(leg) => {
                leg.close();
                Self::Closed(leg, None)
            }
            closed @ Self::Closed(..) => closed,
            Self::Reserved(_) | Self::None => Self::None,
        };
    }

    /// Does something with a leg that runs or is closed.
    pub(super) fn with(
        &self,
        action: impl FnOnce(&MediaLeg) -> Result<(), MediaStalled>,
    ) -> Result<(), MediaStalled> {
        self.leg().map_or(Ok(()), action)
    }

    /// What the leg tells next; `None` once when it tells no more. Pends while there is no leg.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<MediaNotice>> {
        let (Self::Running(_, events) | Self::Closed(_, Some(events))) = self else { return Poll::Pending };
        let event = std::task::ready!(events.poll_recv(cx));
        if event.is_none() {
            match self {
                Self::Closed(_, events) => *events = None,
                // Its notices have ended before it was told to close: asked no more.
                Self::Running(..) => {
                    if let Self::Running(leg, _) = std::mem::replace(self, Self::None) {
                        *self = Self::Lost(leg);
                    }
                }
                Self::Reserved(_) | Self::Lost(_) | Self::None => {}
            }
        }
        Poll::Ready(event)
    }

    /// The leg on its thread.
    pub(super) fn leg(&self) -> Option<&MediaLeg> {
        match self {
            Self::Running(leg, _) | Self::Closed(leg, _) | Self::Lost(leg) => Some(leg),
            Self::Reserved(_) | Self::None => None,
        }
    }

    /// Nothing more comes of it.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Closed(_, None) | Self::None)
    }

    /// Its notices have ended although it was not closed.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }
}
