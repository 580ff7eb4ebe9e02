use crate::{
    AttributesTooLarge, Contact, DialRequest, DisconnectReason, HistoryError, InstanceRef, PromptVoice,
    Recording, RoutingRequest,
};
use serde_json::Value;
use std::sync::Arc;
use tympan_flow::{BotRef, Prompt};
use tympan_lex::turn::Recognition;
use tympan_telephony::sdp::session::Agreement;
use tympan_telephony::words::{MediaCommand, Tracks};
use tympan_types::{
    CaptureId, ContactId, DialId, ExchangeId, InstanceId, InvocationId, LegId, PromptId, Redacted, ReferId,
    RequestId, StreamSettings, WriteId,
};

/// What a contact wants done. Every effect names what it is about.
#[derive(Debug)]
pub enum Effect {
    /// Give up a capture that no Start block has succeeded with, or that failed: if no upload was opened for it yet, nothing of it comes
    /// into a stream. Comes instead of [`Effect::CloseCapture`].
    AbandonCapture {
        /// The captured leg.
        leg: LegId,
        /// Which capture.
        capture: CaptureId,
    },
    /// Answer the leg's INVITE: 200 with this description, an answer or an offer.
    Answer {
        /// Which leg.
        leg: LegId,
        /// The session description.
        sdp: String,
    },
    /// Give the upload that was opened for a capture to the leg's media.
    AttachUpload {
        /// The captured leg.
        leg: LegId,
        /// Which capture.
        capture: CaptureId,
    },
    /// From here on capture only these tracks; the others are silent.
    CaptureOnly {
        /// The captured leg.
        leg: LegId,
        /// Which capture.
        capture: CaptureId,
        /// What to go on with.
        tracks: Tracks,
    },
    /// Stop capturing at the sample that is due now, and end the upload; one that was not opened yet is waited for. Each capture is closed
    /// or abandoned once.
    CloseCapture {
        /// The captured leg.
        leg: LegId,
        /// Which capture.
        capture: CaptureId,
    },
    /// Give up the leg's media: its port is free for another call, and what was captured is completed.
    CloseMedia {
        /// Which leg.
        leg: LegId,
    },
    /// Make ready to call: reserve a leg and its port for each telephone that is to ring. [`Input::DialReady`](crate::Input::DialReady) or
    /// [`Input::DialFailed`](crate::Input::DialFailed) follows.
    Dial {
        /// Names the call.
        dial: DialId,
        /// Whom to call.
        request: Box<DialRequest>,
    },
    /// Give up a call that has no legs yet: nothing of it is answered.
    DropDial {
        /// Which call.
        dial: DialId,
    },
    /// Give up the upload that was opened for a capture, unused: nothing was written to it.
    DropUpload {
        /// Which capture.
        capture: CaptureId,
    },
    /// End the leg, whatever it takes: BYE, or a refusal.
    Hangup {
        /// Which leg.
        leg: LegId,
        /// Why.
        reason: DisconnectReason,
    },
    /// Ring the telephone of a leg that [`Input::DialReady`](crate::Input::DialReady) brought: INVITE with this offer.
    Invite {
        /// Which leg.
        leg: LegId,
        /// Our offer.
        sdp: String,
    },
    /// Make one attempt to invoke a function.
    Invoke {
        /// Names the invocation.
        invocation: InvocationId,
        /// Which attempt, from 1.
        attempt: u32,
        /// The function.
        function_arn: String,
        /// What to send, as JSON.
        event: Redacted<Arc<[u8]>>,
        /// How long the attempt may take; at least 1.
        limit_ms: u32,
        /// Whether a block waits for what the function returns; otherwise it is enough that it was handed over.
        is_awaited: bool,
    },
    /// One entry for the flow log, without values of callers or attributes.
    Log(Value),
    /// Tell the leg's media.
    Media {
        /// Which leg.
        leg: LegId,
        /// What.
        command: MediaCommand,
    },
    /// Capture from the sample that is due now; meanwhile lease a stream and open an upload.
    OpenCapture {
        /// The leg to capture.
        leg: LegId,
        /// Names the capture, to the end.
        capture: CaptureId,
        /// What to capture, and where to.
        request: CaptureRequest,
    },
    /// Begin to send and to receive on the leg's port.
    OpenMedia {
        /// Which leg.
        leg: LegId,
        /// What offer and answer agreed.
        agreement: Box<Agreement>,
    },
    /// Keep one entry of the trace of the contact's flow, as JSON. It holds values of callers and attributes.
    Trace(Redacted<Value>),
    /// Write this state of the contact; [`Input::Written`](crate::Input::Written) says how that went. One is under way at a time.
    Persist {
        /// Names the writing.
        write: WriteId,
        /// What is to be done with the state.
        stage: Stage,
        /// The contact.
        contact: Arc<Contact>,
    },
    /// Turn a prompt into sound.
    Prepare {
        /// Names it.
        prompt: PromptId,
        /// What to say or play.
        content: Prompt,
        /// Who is to say it, where a flow has set that.
        voice: Option<PromptVoice>,
        /// What the instance has for a recording that it knows.
        recording: Option<Recording>,
        /// The language of the contact, where one was set: `en-AU`.
        language: Option<String>,
    },
    /// Say how far the transfer is that a leg asked for by REFER; a final status ends the subscription (RFC 3515 section 2.4.4).
    NotifyRefer {
        /// The leg that asked.
        leg: LegId,
        /// Which REFER.
        refer: ReferId,
        /// 100 to 699.
        status: u16,
    },
    /// Answer a REFER: 202, or a refusal.
    ReplyRefer {
        /// The leg that asked.
        leg: LegId,
        /// Which REFER.
        refer: ReferId,
        /// 202, or 400 to 699.
        status: u16,
    },
    /// Ask a bot. [`Input::Recognized`](crate::Input::Recognized) follows.
    Recognize {
        /// Names the question.
        invocation: InvocationId,
        /// Which bot.
        bot: BotRef,
        /// The session with the bot: the contact's.
        session: ContactId,
        /// The instance of the contact.
        instance: Box<InstanceRef>,
        /// The language of the contact: `en-US`.
        language: String,
        /// What the caller said, and what goes with it.
        recognition: Box<Recognition>,
        /// How long the answer may take.
        limit_ms: u32,
    },
    /// Ask the routing.
    Routing(RoutingRequest),
    /// Refuse the answer to an offer of ours: the session stays as it was before the offer.
    RejectAnswer {
        /// Which leg.
        leg: LegId,
        /// Which exchange.
        exchange: ExchangeId,
    },
    /// Refuse an offer of the far end: the session stays as it was (RFC 3261 section 14.2).
    RefuseOffer {
        /// Which leg.
        leg: LegId,
        /// Which exchange.
        exchange: ExchangeId,
    },
    /// Answer a request.
    Reply {
        /// Which one.
        request: RequestId,
        /// What became of it.
        reply: Reply,
    },
    /// Answer an offer of the far end, or make the offer that it left to us.
    ReplyOffer {
        /// Which leg.
        leg: LegId,
        /// Which exchange.
        exchange: ExchangeId,
        /// The session description.
        sdp: String,
    },
}

/// What is to be done with a state of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The contact exists: open it in the history.
    Opened,
    /// It has changed: journal it.
    Changed,
    /// It is over: close it, and deliver its record.
    Ended,
}

/// What became of attributes, or of another change, that a request wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Too many requests of the contact wait to be written; nothing was set.
    Busy,
    /// The contact has them, and the history could not be written.
    NotWritten(HistoryError),
    /// The contact has ended, and the history has its last state: the history takes late changes.
    Over,
    /// The change is refused, and nothing was changed: the reason.
    Refused(String),
    /// They are set, and durable.
    Set,
    /// Too many bytes in all; nothing was set.
    TooLarge(AttributesTooLarge),
}

/// What is to be captured, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureRequest {
    /// The contact.
    pub contact: ContactId,
    /// Its instance.
    pub instance: InstanceId,
    /// Which directions.
    pub tracks: Tracks,
    /// Which streams, how long, under which key.
    pub settings: StreamSettings,
    /// It goes on at the sample at which another capture of the contact ends, on the same stream: without a lead-in.
    pub goes_on: bool,
}
