//! What is sent while there is nothing to say.

/// What a stream sends while nothing is played and its leg is in no bridge.
///
/// A silent stream looks like a broken one: session border controllers end calls after seconds without RTP (AudioCodes:
/// `BrokenConnectionEventTimeout`, 10 s), and switches send less often to a peer that sends nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SilenceSending {
    /// A frame of silence each 15 s, which keeps translators' bindings open (RFC 6263 section 4.3).
    Off,
    /// A frame of digital silence for each packet time.
    #[default]
    Silence,
    /// A packet of comfort noise (RFC 3389) for each packet time where the peer understands it, else silence.
    ComfortNoise,
}
