//! What a node holds in memory is bounded by its calls.

pub(crate) const NAME: &str = "memory per call is bounded";

/// A node without calls: tables that keep their room, the store's queues and caches.
const NODE_BYTES: u64 = 2 << 20;
/// A live call with its capture: the fragments that are not durable yet, and those that readers may want, included.
const CALL_BYTES: u64 = 256 << 10;
/// A stream that the store has loaded.
const STREAM_BYTES: u64 = 256 << 10;

/// The node held so much, with so many calls and streams.
pub(crate) fn check(bytes: i64, calls: usize, streams: u64) -> Result<(), String> {
    let calls = u64::try_from(calls).unwrap_or(u64::MAX);
    let bound = NODE_BYTES + calls * CALL_BYTES + streams * STREAM_BYTES;
    if u64::try_from(bytes).is_ok_and(|bytes| bytes > bound) {
        return Err(format!("{bytes} bytes with {calls} calls and {streams} streams, above {bound}"));
    }
    Ok(())
}
