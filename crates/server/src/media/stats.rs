//! What the media threads counted. Written once a tick, read by `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters of all media threads together.
        #[derive(Debug, Default)]
        pub(crate) struct MediaStats {
            $($(#[$doc])* $name: AtomicU64,)*
        }

        /// The same on one thread, not yet added.
        #[derive(Debug, Default)]
        pub(super) struct Tally {
            $(pub(super) $name: u64,)*
        }

        impl Tally {
            /// Adds what was counted and begins anew.
            pub(super) fn flush(&mut self, into: &MediaStats) {
                $(if self.$name > 0 {
                    into.$name.fetch_add(std::mem::take(&mut self.$name), Relaxed);
                })*
            }
        }

        impl MediaStats {
            /// A call has met the limit of its commands.
            pub(super) fn command_refused(&self) {
                self.refused_commands.fetch_add(1, Relaxed);
            }

            /// Every counter with its name.
            pub(crate) fn values(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name.load(Relaxed)),)*].into_iter()
            }
        }
    };
}

counters! {
    /// RTP packets taken.
    received_packets,
    /// Datagrams that were no RTP, or RTCP.
    other_packets,
    /// Packets from somebody who is not the remote party.
    refused_packets,
    /// RTP packets sent.
    sent_packets,
    /// Packets that could not be sent.
    unsent_packets,
    /// Packets that never came, of legs that ended.
    lost_packets,
    /// Samples of silence in captures that the caller's codec did not carry.
    silence_samples,
    /// Captures that were given up before their upload came, because their call had too many of them.
    displaced_captures,
    /// Samples captured.
    captured_samples,
    /// Commands that a leg had no room for, because its media thread was behind; each ends its call.
    refused_commands,
    /// Legs that were cut off, because their calls took none of their events; each ends its call.
    cut_off_legs,
    /// Ticks that came more than one tick late.
    late_ticks,
}
