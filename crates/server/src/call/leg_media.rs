//! The media of a call's leg: a reserved port, then a leg on its media thread, then what its captures still wait for.

use crate::media::{LegSpec, MediaLeg, MediaNotice, MediaPlane, MediaStalled, ReservedPort};
use tokio::sync::mpsc;
use tympan_telephony::words::MediaCommand;

/// The media of one leg.
pub(super) enum LegMedia {
    /// The port is bound, but nothing is read from it.
    Reserved(ReservedPort),
    /// The leg runs.
    Running(MediaLeg, mpsc::Receiver<MediaNotice>),
    /// The leg is closed. Its captures may wait for their uploads; its last events are still to be taken.
    Closed(MediaLeg, Option<mpsc::Receiver<MediaNotice>>),
    /// The port was given up without a leg.
    None,
}

impl LegMedia {
    /// Starts the leg on its port.
    pub(super) fn open(&mut self, plane: &MediaPlane, spec: LegSpec) {
        *self = match std::mem::replace(self, Self::None) {
            Self::Reserved(port) => {
                let (leg, events) = plane.open(port, spec, None);
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
            closed @ Self::Closed(..) => closed,
            Self::Reserved(_) | Self::None => Self::None,
        };
    }

    /// Does something with a leg that runs or is closed.
    pub(super) fn with(
        &self,
        action: impl FnOnce(&MediaLeg) -> Result<(), MediaStalled>,
    ) -> Result<(), MediaStalled> {
        match self {
            Self::Running(leg, _) | Self::Closed(leg, _) => action(leg),
            Self::Reserved(_) | Self::None => Ok(()),
        }
    }

    /// Tells the leg.
    pub(super) fn command(&self, command: MediaCommand) -> Result<(), MediaStalled> {
        self.with(|leg| leg.command(command))
    }

    /// What the leg tells next; `None` once when it tells no more. Pends while there is no leg. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<MediaNotice> {
        match self {
            Self::Running(_, events) | Self::Closed(_, Some(events)) => {
                let event = events.recv().await;
                if event.is_none()
                    && let Self::Closed(_, events) = self
                {
                    *events = None;
                }
                event
            }
            Self::Reserved(_) | Self::Closed(_, None) | Self::None => std::future::pending().await,
        }
    }

    /// Whether the leg should still tell something.
    pub(super) fn is_running(&self) -> bool {
        matches!(self, Self::Running(..))
    }
}
