//! What a session counts.

macro_rules! session_stats {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters of one session since they were last taken.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct SessionStats {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl SessionStats {
            /// The name of every counter.
            pub const NAMES: [&'static str; [$(stringify!($name)),*].len()] = [$(stringify!($name)),*];

            /// Every counter with its name, in the order of [`Self::NAMES`].
            pub fn values(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                Self::NAMES.into_iter().zip([$(self.$name),*])
            }

            /// Adds what another session counted.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

session_stats! {
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
    /// Datagrams that were longer than the buffer, and were left out.
    truncated_packets,
    /// Datagrams for a stream that is not agreed.
    unagreed_packets,
    /// Packets that never came, of streams that ended.
    lost_packets,
    /// Prompts refused because too many wait.
    refused_prompts,
    /// Taps refused because there are too many, or one has that id.
    refused_taps,
    /// Streams of an agreement beyond those that a session may have.
    refused_streams,
    /// Pieces of a bridge refused because too many legs speak.
    refused_speakers,
    /// Samples that [`Track::Sent`](tympan_telephony::words::Track) lacks, because it had run too far ahead of the received track.
    overrun_samples,
    /// Utterances heard.
    utterances,
    /// Utterances among them that were too long, and cut.
    cut_utterances,
    /// Media time-outs.
    media_timeouts,
}
