//! The media plane: dedicated threads that drain sockets on a 5 ms tick and never wait for anything else.
//!
//! A call reserves a port, answers with it, and then starts its leg. From there the leg lives on its media thread;
//! the call holds a [`MediaLeg`] to command it and hears [`MediaEvent`]s. Captured audio leaves through the capture's
//! upload, which only fills a queue.

mod inbox;
mod leg;
mod plane;
mod ports;
mod stats;
mod thread;

pub(crate) use leg::{LegSpec, MediaEvent};
pub(crate) use plane::{MediaLeg, MediaPlane, MediaPlaneOptions, MediaStalled, ReservedPort};
pub(crate) use stats::MediaStats;
