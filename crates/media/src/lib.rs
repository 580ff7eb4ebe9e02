//! The media session of a leg, sans-IO: streams, latch, timeline, player, digits, taps, bridge.
//!
//! One law: `handle(now, input)`, drain `poll`, come back no later than `next_deadline`. No call allocates per packet.
