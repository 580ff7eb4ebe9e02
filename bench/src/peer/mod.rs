//! What tympan is measured against, in the same run on the same input.

pub(crate) mod ffmpeg;
pub(crate) mod kernel;
pub(crate) mod nginx;
pub(crate) mod read_loop;
pub(crate) mod rtpengine;
pub(crate) mod webm;
