use crate::HistoryError;
use crate::invoke::AttemptError;
use std::collections::BTreeMap;
use tympan_telephony::Digit;
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_telephony::words::{MediaEvent, Sound};
use tympan_types::{
    CaptureId, ExchangeId, FragmentNumber, InvocationId, LegId, Mono, PromptId, Redacted, RequestId,
    StreamArn, WriteId,
};

/// What happens to a contact. What names something that is over, or was never there, changes nothing.
#[derive(Debug)]
pub enum Input {
    /// One attempt to invoke a function is over.
    Attempt {
        /// Which invocation.
        invocation: InvocationId,
        /// Which attempt, from 1.
        attempt: u32,
        /// The answer as it came, or why there is none.
        result: Result<Redacted<Vec<u8>>, AttemptError>,
    },
    /// News of a capture that [`Effect::OpenCapture`](crate::Effect::OpenCapture) asked for.
    Capture {
        /// Which one.
        capture: CaptureId,
        /// What happened.
        event: CaptureEvent,
    },
    /// The server is going down: the contact may last until then, and takes no longer.
    Drain {
        /// When it is ended at the latest.
        until: Mono,
    },
    /// Something happened on a leg's signalling.
    Leg {
        /// Which one.
        leg: LegId,
        /// What happened.
        event: LegEvent,
    },
    /// Something happened in a leg's media.
    Media {
        /// Which one.
        leg: LegId,
        /// What happened.
        event: MediaEvent,
    },
    /// News of a prompt that [`Effect::Prepare`](crate::Effect::Prepare) asked for.
    Prompt {
        /// Which one.
        prompt: PromptId,
        /// What happened.
        event: PromptEvent,
    },
    /// The UpdateContactAttributes operation. [`Effect::Reply`](crate::Effect::Reply) follows when the contact is written with them.
    SetAttributes {
        /// Names the reply.
        request: RequestId,
        /// All of these are set, or none.
        changes: Redacted<BTreeMap<String, String>>,
    },
    /// The StopContact operation.
    Stop,
    /// The deadline has passed.
    TimePassed,
    /// A state of the contact that [`Effect::Persist`](crate::Effect::Persist) named is durable, or could not be written.
    Written {
        /// Which writing.
        write: WriteId,
        /// How it went.
        result: Result<(), HistoryError>,
    },
}

/// What happens on a leg's signalling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegEvent {
    /// The far end answered an offer of ours: the one in our 200, a later one, or one that the SIP side repeated to refresh the session.
    Answered {
        /// Which exchange.
        exchange: ExchangeId,
        /// The session description; empty where the answer has none.
        sdp: String,
    },
    /// The far end confirmed the answer: sound flows both ways.
    Confirmed,
    /// The leg is over.
    Ended(EndedBy),
    /// A key was pressed, heard by INFO.
    Info(Digit),
    /// The leg's media fell so far behind that its state is lost.
    MediaLost,
    /// The far end offers a change: hold, resume, a moved address, another codec. A reply is due.
    Offered {
        /// Which exchange.
        exchange: ExchangeId,
        /// The offer.
        sdp: String,
    },
    /// An offer of ours had no answer: the session stays as it was.
    OfferFailed,
    /// The far end invites us again and leaves the offer to us. It is due.
    OfferWanted {
        /// Which exchange.
        exchange: ExchangeId,
    },
}

/// Who or what ended a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// The far end cancelled before it had our answer.
    Cancelled,
    /// No acknowledgement came, or the transport failed.
    Failure,
    /// BYE from the far end.
    Peer,
    /// The session was not refreshed in time (RFC 4028).
    SessionExpired,
    /// The longest call of its trunk.
    TooLong,
    /// Our own BYE or refusal.
    Us,
}

/// What a contact hears of one of its captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureEvent {
    /// One more fragment is as safe as the stream's retention makes it. The first is the lead-in.
    Acknowledged {
        /// Its number.
        number: FragmentNumber,
    },
    /// The session is over; every fragment of it that will ever be acknowledged has been.
    Closed,
    /// The capture could not be opened, or broke. Nothing more comes of it.
    Failed {
        /// Why, for the flow log.
        reason: String,
    },
    /// It has cut its last sample. Comes once of each capture that began on a leg, before or after the end of its session.
    Finished {
        /// What of it was not received.
        ledger: CaptureLedger,
    },
    /// A stream is leased and an upload to it is open: [`Effect::AttachUpload`](crate::Effect::AttachUpload) or
    /// [`Effect::DropUpload`](crate::Effect::DropUpload) says what becomes of it.
    Opened {
        /// The stream.
        stream: StreamArn,
    },
}

/// What a contact hears of one of its prompts before it plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptEvent {
    /// It cannot be played.
    Failed {
        /// Why, for the flow log.
        reason: String,
    },
    /// It is ready to play.
    Prepared {
        /// Its sound.
        sound: Sound,
        /// What the flow log should say of it: that nothing here can speak, for instance.
        note: Option<String>,
    },
}
