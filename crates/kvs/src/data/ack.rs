//! What PutMedia answers while media arrives: one JSON object per line.
//!
//! Source: the PutMedia page for the events and ids; real logs of the C producer SDK for the shape (the page's own
//! "format" block is not what is on the wire), a report of one for that of errors (producer-sdk-cpp#315); names of the ids
//! from the SDKs.

use std::fmt::Write;
use tympan_store::{ErrorKind, StoreError};
use tympan_types::FragmentNumber;

/// One ack. It must travel in an HTTP chunk of its own: the C SDK refuses a delivery of more than 1,024 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// What happened.
    pub event: AckEvent,
    /// The Cluster's timecode as the producer wrote it: not scaled, and not added to the start of a RELATIVE session.
    pub timecode: Option<u64>,
    /// The fragment, once it has a number.
    pub number: Option<FragmentNumber>,
}

/// What happened to a fragment or a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckEvent {
    /// The first bytes of the fragment are here.
    Buffering,
    /// The fragment is complete, in memory.
    Received,
    /// The fragment is durable. Never told of a stream without retention.
    Persisted,
    /// Nothing has arrived for a while.
    Idle,
    /// The session is over; nothing of this fragment is kept.
    Error(ErrorId),
}

impl AckEvent {
    /// `EventType` on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Buffering => "BUFFERING",
            Self::Received => "RECEIVED",
            Self::Persisted => "PERSISTED",
            Self::Idle => "IDLE",
            Self::Error(_) => "ERROR",
        }
    }
}

impl Ack {
    pub(crate) const IDLE: Self = Self { event: AckEvent::Idle, timecode: None, number: None };

    /// The JSON object and a line feed, exactly as it goes over the wire.
    pub fn to_line(&self) -> String {
        let mut line = String::with_capacity(160);
        // Writing to a String cannot fail.
        let _ = write!(line, "{{\"EventType\":\"{}\"", self.event.name());
        if let Some(timecode) = self.timecode {
            let _ = write!(line, ",\"FragmentTimecode\":{timecode}");
        }
        if let Some(number) = self.number {
            let _ = write!(line, ",\"FragmentNumber\":\"{number}\"");
        }
        if let AckEvent::Error(id) = self.event {
            let _ = write!(line, ",\"ErrorCode\":\"{}\",\"ErrorId\":{}", id.code(), id.id());
        }
        line.push_str("}\n");
        line
    }
}

macro_rules! error_ids {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $code:literal;)*) => {
        /// Why a PutMedia session ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorId {
            $($(#[$doc])* $name,)*
        }

        impl ErrorId {
            /// `ErrorId` on the wire.
            pub fn id(self) -> u16 {
                match self {
                    $(Self::$name => $id,)*
                }
            }

            /// `ErrorCode` on the wire.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// The id's meaning; `None` for an id that the service never sends.
            pub fn from_id(id: u16) -> Option<Self> {
                match id {
                    $($id => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

error_ids! {
    /// The body is not what its signature says, or cannot be read.
    StreamReadError = 4000, "STREAM_READ_ERROR";
    /// The fragment is larger than allowed.
    MaxFragmentSize = 4001, "MAX_FRAGMENT_SIZE_REACHED";
    /// The fragment is longer than allowed.
    MaxFragmentDuration = 4002, "MAX_FRAGMENT_DURATION_REACHED";
    /// The session has lived its time; the producer opens another.
    MaxConnectionDuration = 4003, "MAX_CONNECTION_DURATION_REACHED";
    /// The Cluster's timecode is less than the one before.
    TimecodeLesserThanPrevious = 4004, "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS";
    /// The bytes are not one Matroska document.
    InvalidMkvData = 4006, "INVALID_MKV_DATA";
    /// Start and timecode make no time.
    InvalidProducerTimestamp = 4007, "INVALID_PRODUCER_TIMESTAMP";
    /// The stream was deleted, or takes no media.
    StreamNotActive = 4008, "STREAM_NOT_ACTIVE";
    /// Too many tags, too long ones, or reserved names.
    FragmentMetadataLimit = 4009, "FRAGMENT_METADATA_LIMIT_REACHED";
    /// A block of a track that Tracks does not declare.
    TrackNumberMismatch = 4010, "TRACK_NUMBER_MISMATCH";
    /// A declared track without a block in the fragment.
    FramesMissingForTrack = 4011, "FRAMES_MISSING_FOR_TRACK";
    /// More tracks than allowed.
    MoreThanAllowedTracks = 4012, "MORE_THAN_ALLOWED_TRACKS_FOUND";
    /// The KMS key refuses the service.
    KmsKeyAccessDenied = 4500, "KMS_KEY_ACCESS_DENIED";
    /// The KMS key is switched off.
    KmsKeyDisabled = 4501, "KMS_KEY_DISABLED";
    /// The KMS key is not what it should be.
    KmsKeyValidation = 4502, "KMS_KEY_VALIDATION_ERROR";
    /// The KMS does not answer.
    KmsKeyUnavailable = 4503, "KMS_KEY_UNAVAILABLE";
    /// The KMS key is for something else.
    KmsKeyInvalidUsage = 4504, "KMS_KEY_INVALID_USAGE";
    /// The KMS key is in a state that forbids its use.
    KmsKeyInvalidState = 4505, "KMS_KEY_INVALID_STATE";
    /// There is no such KMS key.
    KmsKeyNotFound = 4506, "KMS_KEY_NOT_FOUND";
    /// Something failed inside.
    Internal = 5000, "INTERNAL_ERROR";
    /// The fragment could not be stored.
    Archival = 5001, "ARCHIVAL_ERROR";
}

impl ErrorId {
    /// What a failure of the store is called when it happens at once.
    pub(crate) fn of_store(error: &StoreError) -> Self {
        match error.kind() {
            ErrorKind::Key(cause) => Self::from_id(cause.kvs_code()).unwrap_or(Self::Internal),
            ErrorKind::NotFound | ErrorKind::NotActive => Self::StreamNotActive,
            _ => Self::Internal,
        }
    }

    /// What a failure of the store is called when it comes after the fragment was received.
    pub(crate) fn of_persisting(error: &StoreError) -> Self {
        match Self::of_store(error) {
            Self::Internal => Self::Archival,
            known => known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "91343852333181432392682062607743920146159169392";

    #[test]
    fn lines_are_exactly_what_real_logs_show() {
        let ack = |event| Ack { event, timecode: Some(1_711_124_585_823), number: NUMBER.parse().ok() };
        let rest = format!(r#""FragmentTimecode":1711124585823,"FragmentNumber":"{NUMBER}""#);
        for (event, name) in [
            (AckEvent::Buffering, "BUFFERING"),
            (AckEvent::Received, "RECEIVED"),
            (AckEvent::Persisted, "PERSISTED"),
        ] {
            assert_eq!(ack(event).to_line(), format!("{{\"EventType\":\"{name}\",{rest}}}\n"));
        }
        assert_eq!(Ack::IDLE.to_line(), "{\"EventType\":\"IDLE\"}\n");
        assert_eq!(
            ack(AckEvent::Error(ErrorId::MaxFragmentDuration)).to_line(),
            format!(
                "{{\"EventType\":\"ERROR\",{rest},\"ErrorCode\":\"MAX_FRAGMENT_DURATION_REACHED\",\"ErrorId\":4002}}\n"
            )
        );
    }

    #[test]
    fn no_line_can_exceed_what_the_c_sdk_takes_at_once() {
        let longest = Ack {
            event: AckEvent::Error(ErrorId::TimecodeLesserThanPrevious),
            timecode: Some(u64::MAX),
            number: Some(FragmentNumber::MAX),
        };
        assert!(longest.to_line().len() < 256);
    }
}
