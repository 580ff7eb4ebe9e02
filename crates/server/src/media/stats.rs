//! What the media threads counted. Written once a tick, read by `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tympan_media::SessionStats;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters of all media threads together.
        #[derive(Debug, Default)]
        pub(crate) struct MediaStats {
            /// As [`SessionStats::NAMES`] has them.
            sessions: [AtomicU64; SessionStats::NAMES.len()],
            $($(#[$doc])* $name: AtomicU64,)*
        }

        /// The same on one thread, not yet added.
        #[derive(Debug, Default)]
        pub(super) struct Tally {
            sessions: SessionStats,
            $(pub(super) $name: u64,)*
        }

        impl Tally {
            /// Adds what a session counted.
            pub(super) fn add(&mut self, stats: &SessionStats) {
                self.sessions.add(stats);
            }

            /// Adds what was counted and begins anew.
            pub(super) fn flush(&mut self, into: &MediaStats) {
                let counted = std::mem::take(&mut self.sessions);
                for (total, (_, counted)) in into.sessions.iter().zip(counted.values()) {
                    if counted > 0 {
                        total.fetch_add(counted, Relaxed);
                    }
                }
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

            /// A leg goes without RTCP.
            pub(super) fn report_unbound(&self) {
                self.unbound_reports.fetch_add(1, Relaxed);
            }

            /// Every counter with its name.
            pub(crate) fn values(&self) -> impl Iterator<Item = (&'static str, u64)> {
                let sessions = self.sessions.iter().map(|total| total.load(Relaxed));
                let of_threads = [$((stringify!($name), self.$name.load(Relaxed)),)*];
                SessionStats::NAMES.into_iter().zip(sessions).chain(of_threads)
            }
        }
    };
}

counters! {
    /// RTP packets sent, and the reports among them.
    sent_packets,
    /// Packets that could not be sent.
    unsent_packets,
    /// Samples of silence in captures that the caller's codec did not carry.
    silence_samples,
    /// Captures that were given up before their upload came, because their call had too many of them.
    displaced_captures,
    /// Samples captured.
    captured_samples,
    /// Commands that a leg had no room for, because its media thread was behind; each ends its call.
    refused_commands,
    /// Legs without RTCP, because its port or a descriptor was taken.
    unbound_reports,
    /// Legs that were refused a place in a bridge that was full.
    refused_joins,
    /// Legs that were cut off, because their calls took none of their notices; each ends its call.
    cut_off_legs,
    /// Ticks that came more than one tick late.
    late_ticks,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sessions_and_threads_count_is_added_once_under_its_name() {
        let (stats, mut tally) = (MediaStats::default(), Tally::default());
        tally.add(&SessionStats { received_packets: 5, media_timeouts: 1, ..SessionStats::default() });
        tally.add(&SessionStats { received_packets: 2, ..SessionStats::default() });
        tally.sent_packets += 3;
        tally.flush(&stats);
        tally.flush(&stats);
        let counted: Vec<_> = stats.values().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("received_packets", 7), ("media_timeouts", 1), ("sent_packets", 3)]);
    }
}
