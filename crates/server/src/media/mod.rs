//! The media plane: dedicated threads that drain sockets on a tick and never wait for anything else.
//!
//! A call reserves a port, answers with it, and then starts its leg. From there the leg lives on its media thread;
//! the call holds a [`MediaLeg`] to command it and hears [`MediaNotice`]s. What a leg does with packets and sound is
//! its session's ([`tympan_media::Session`]); here are its socket, its thread and its captures. Captured audio leaves through the
//! capture's upload, which only fills a queue.

mod inbox;
mod leg;
mod plane;
mod ports;
mod stats;
#[cfg(test)]
mod tests;
mod thread;

pub(crate) use leg::{LegSpec, MediaNotice};
pub(crate) use plane::{MediaLeg, MediaPlane, MediaPlaneOptions, MediaStalled, ReservedPort};
pub(crate) use stats::MediaStats;
