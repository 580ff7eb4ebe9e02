//! Dev only: the real binary, spawned on ports that the kernel chose.

mod server;

pub use server::{TestServer, TestServerBuilder, binary};
