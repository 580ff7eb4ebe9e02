//! What every benchmark sets up: a server process of its own, calls into it, readers out of it.

pub(crate) mod calls;
pub(crate) mod connect;
pub(crate) mod core;
pub(crate) mod flood;
pub(crate) mod follow;
pub(crate) mod http;
pub(crate) mod media;
pub(crate) mod process;
pub(crate) mod server;
pub(crate) mod tls;
pub(crate) mod upload;
pub(crate) mod wire;
