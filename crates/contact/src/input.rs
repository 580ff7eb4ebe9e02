use crate::invoke::AttemptError;
use crate::{AgentRef, HistoryError, Leg, QueueRef, RoutingEvent};
use std::collections::BTreeMap;
use tympan_flow::{ContactChange, ResourceRef};
use tympan_lex::turn::{RecognizeError, Reply};
use tympan_telephony::Digit;
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_telephony::digit_source::DigitSource;
use tympan_telephony::sdp::LocalMedia;
use tympan_telephony::words::{MediaEvent, Sound};
use tympan_types::{
    CaptureId, ContactId, DialId, ExchangeId, FragmentNumber, InvocationId, LegId, Mono, PromptId, Redacted,
    ReferId, RequestId, StreamArn, WriteId,
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
    /// The telephone of an agent who takes part calls while the contact lives: a consultation by hand, or the agent's way back in.
    Called {
        /// The leg, which was invited.
        leg: Box<Leg>,
        /// Who calls.
        agent: AgentRef,
        /// What was dialled.
        called: Redacted<String>,
    },
    /// The telephones of a call that [`Effect::Dial`](crate::Effect::Dial) asked for may be rung: one leg for each, at least one.
    DialReady {
        /// Which call.
        dial: DialId,
        /// The legs.
        legs: Vec<DialledLeg>,
    },
    /// The call cannot be placed: no telephone, no trunk, no port.
    DialFailed {
        /// Which call.
        dial: DialId,
        /// Why, for the flow log.
        reason: String,
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
    /// A bot has answered a question that [`Effect::Recognize`](crate::Effect::Recognize) asked, or has not.
    Recognized {
        /// Which question.
        invocation: InvocationId,
        /// The answer.
        result: Result<Box<Reply>, RecognizeError>,
    },
    /// An INVITE with Replaces (RFC 3891) takes the place of a leg.
    Replaced {
        /// The leg whose place is taken.
        leg: LegId,
        /// The leg that takes it, which was invited.
        by: Box<Leg>,
    },
    /// News of the routing.
    Routing(RoutingEvent),
    /// The UpdateContactAttributes operation. [`Effect::Reply`](crate::Effect::Reply) follows when the contact is written with them.
    SetAttributes {
        /// Names the reply.
        request: RequestId,
        /// All of these are set, or none.
        changes: Redacted<BTreeMap<String, String>>,
    },
    /// Operations that change what else is set about a contact: its name, references, tags, routing. [`Effect::Reply`](crate::Effect::Reply)
    /// follows when it is written so.
    Change {
        /// Names the reply.
        request: RequestId,
        /// The contact, one of the conversation.
        contact: ContactId,
        /// All of it is made, or nothing.
        change: Box<ContactChange>,
    },
    /// Something that the API orders.
    Ordered(Order),
    /// The StopContact operation, of the current contact and all that it is linked to.
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

/// A leg to be dialled.
#[derive(Debug, Clone)]
pub struct DialledLeg {
    /// Names it.
    pub id: LegId,
    /// Where we receive, and what we understand.
    pub local: LocalMedia,
    /// Where its digits come from.
    pub digits: DigitSource,
}

/// What the API orders a live contact to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// A supervisor listens to the agent of a contact. The contact of the supervisor has this id.
    Monitor {
        /// The contact that is listened to.
        contact: ContactId,
        /// The id of the supervisor's contact.
        monitor: ContactId,
        /// The supervisor.
        supervisor: AgentRef,
        /// The supervisor may be heard as well.
        may_barge: bool,
    },
    /// UpdateContactRoutingData.
    Route {
        /// The contact.
        contact: ContactId,
        /// 1 is the best; `None` leaves it.
        priority: Option<u32>,
        /// Seconds that are added to its age; `None` leaves it.
        age_adjustment_s: Option<i32>,
    },
    /// The agent puts the customer on hold, or takes the customer back.
    Hold {
        /// The contact.
        contact: ContactId,
        /// On hold from here on.
        is_on: bool,
    },
    /// The agent passes the contact on without a consultation.
    Transfer {
        /// The contact.
        contact: ContactId,
        /// The id of the contact that follows.
        next: ContactId,
        /// Where to.
        to: TransferTarget,
    },
}

/// Where an agent passes a contact on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferTarget {
    /// A quick connect of an agent, with its flow.
    Agent {
        /// The agent.
        agent: AgentRef,
        /// The flow of the quick connect.
        flow: Option<ResourceRef>,
    },
    /// A quick connect of a queue, with its flow.
    Queue {
        /// The queue.
        queue: QueueRef,
        /// The flow of the quick connect.
        flow: Option<ResourceRef>,
    },
    /// A flow.
    Flow(ResourceRef),
    /// A number outside.
    Number(Redacted<String>),
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
    /// The far end asks that it be connected with another: a transfer. A reply is due.
    Referred {
        /// Names the REFER.
        refer: ReferId,
        /// Refer-To, as a URI without headers.
        target: Redacted<String>,
        /// The leg of this server that Replaces names, where it names one.
        replaces: Option<LegId>,
    },
    /// The telephone that we call rings, or its network says something: 180, 183.
    Ringing {
        /// 101 to 199.
        status: u16,
        /// What it sends before it answers.
        sdp: Option<String>,
    },
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
    /// The final response of a telephone that we called: 300 to 699.
    Refused(u16),
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
