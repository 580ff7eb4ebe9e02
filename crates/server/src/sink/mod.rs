//! Where captures go: the store of this process, through a queue that a media thread can never block on.

mod directory;
mod local;
mod queue;

pub(crate) use directory::LocalDirectory;
pub(crate) use local::LocalSink;
pub(crate) use queue::CaptureQueue;
