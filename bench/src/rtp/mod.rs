//! The load: stamped RTP packets, sent on time, and found again in PCM.

pub(crate) mod finder;
pub(crate) mod flow;
pub(crate) mod sender;
pub(crate) mod stamp;
