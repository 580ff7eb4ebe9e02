//! What the media threads counted. Written once a tick, read by `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tympan_media::SessionStats;

macro_rules! counters {
    (of_sessions { $($(#[$session_doc:meta])* $session:ident,)* } of_threads { $($(#[$doc:meta])* $name:ident,)* }) => {
        /// Counters of all media threads together.
        #[derive(Debug, Default)]
        pub(crate) struct MediaStats {
            $($(#[$session_doc])* $session: AtomicU64,)*
            $($(#[$doc])* $name: AtomicU64,)*
        }

        /// The same on one thread, not yet added.
        #[derive(Debug, Default)]
        pub(super) struct Tally {
            $(pub(super) $session: u64,)*
            $(pub(super) $name: u64,)*
        }

        impl Tally {
            /// Adds what a session counted.
            pub(super) fn add(&mut self, stats: &SessionStats) {
                // Every counter of a session has its place here, or this does not compile.
                let SessionStats { $($session,)* } = stats;
                $(self.$session += $session;)*
            }

            /// Adds what was counted and begins anew.
            pub(super) fn flush(&mut self, into: &MediaStats) {
                $(if self.$session > 0 {
                    into.$session.fetch_add(std::mem::take(&mut self.$session), Relaxed);
                })*
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
                [
                    $((stringify!($session), self.$session.load(Relaxed)),)*
                    $((stringify!($name), self.$name.load(Relaxed)),)*
                ]
                .into_iter()
            }
        }
    };
}

counters! {
    of_sessions {
        /// RTP packets taken.
        received_packets,
        /// Datagrams that were neither RTP nor RTCP.
        other_packets,
        /// Datagrams of RTCP taken.
        received_reports,
        /// Datagrams of RTCP sent.
        sent_reports,
        /// Packets of a source that is not the remote party.
        refused_packets,
        /// Datagrams longer than any packet of a phone; left out.
        truncated_packets,
        /// Datagrams for a stream that is not agreed.
        unagreed_packets,
        /// Packets that never came, of legs that ended.
        lost_packets,
        /// Prompts that were refused, because too many of their leg waited.
        refused_prompts,
        /// Taps that were refused, because their leg had too many.
        refused_taps,
        /// Streams of an agreement beyond those that a leg may have.
        refused_streams,
        /// Pieces of a bridge that were refused, because too many legs spoke.
        refused_speakers,
        /// Samples that the sent track lacks, because it had run too far ahead of the received one.
        overrun_samples,
        /// Peers that sent nothing for the media time-out of their trunk.
        media_timeouts,
    }
    of_threads {
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
}
