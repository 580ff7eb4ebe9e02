//! `[rtp]`: the sound of calls on the wire.

use serde::{Deserialize, Serialize};

/// `[rtp]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rtp {
    /// First port of the range; 0 lets the kernel choose each port.
    pub port_first: u16,
    /// Last port of the range.
    pub port_last: u16,
    /// Media threads; 0: cores less one, at least one.
    pub threads: usize,
    /// How often a media thread drains its sockets; 5 ms at least while it holds more than 1,000 legs.
    pub tick_ms: u64,
    /// How far the captured timeline may fall behind the clock before silence is written.
    pub silence_grace_ms: u64,
}

impl Default for Rtp {
    fn default() -> Self {
        Self { port_first: 20_000, port_last: 29_999, threads: 0, tick_ms: 2, silence_grace_ms: 500 }
    }
}
