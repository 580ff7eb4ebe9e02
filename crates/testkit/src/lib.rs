//! Dev only: the real binary, spawned on ports that the kernel chose, and a simulated network for SIP agents.

pub mod flows;
mod server;
pub mod sim;
pub mod whole;

pub use server::{TestServer, TestServerBuilder, binary};
