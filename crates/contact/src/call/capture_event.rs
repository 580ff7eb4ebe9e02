use tympan_types::{FragmentNumber, StreamArn};

/// What a call hears of one of its captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureEvent {
    /// A stream is leased and an upload to it is open.
    Opened {
        /// The stream.
        stream: StreamArn,
    },
    /// One more fragment is as safe as the stream's retention makes it. The first is the lead-in.
    Acknowledged {
        /// Its number.
        number: FragmentNumber,
    },
    /// The capture could not be opened, or broke. Nothing more comes of it.
    Failed {
        /// Why, for the flow log.
        reason: String,
    },
    /// The session is over; every fragment of it that will ever be acknowledged has been.
    Closed,
}
