use crate::{Contact, DisconnectReason};
use serde_json::Value;
use tympan_flow::Prompt;
use tympan_telephony::words::{Sound, Tracks};
use tympan_types::{CaptureId, ContactId, InstanceId, InvocationId, PromptId, Redacted, StreamSettings};

/// What a call wants done.
#[derive(Debug)]
pub enum CallOutput {
    /// Give up a capture whose Start block has failed, or whose attempt to go on has: if no upload was opened for it yet, nothing of it is to
    /// come into a stream. Comes instead of [`CallOutput::CloseCapture`].
    AbandonCapture {
        /// Which one.
        capture: CaptureId,
    },
    /// Answer the caller; say [`CallInput::Answered`](super::CallInput::Answered) when that is confirmed.
    Answer,
    /// From here on capture only these tracks; the others are silent.
    CaptureOnly {
        /// Which capture.
        capture: CaptureId,
        /// What to go on with.
        tracks: Tracks,
    },
    /// Stop capturing at the sample that is due now, and end the upload. Comes also for captures that were not opened
    /// yet, and then all of them is still to come into a stream, or that have failed.
    CloseCapture {
        /// Which one.
        capture: CaptureId,
    },
    /// The contact has changed: journal it.
    ContactChanged(Box<Contact>),
    /// The contact is over: close its record. The call asks for nothing more, but where news of its capture still
    /// come in after that they make one more [`CallOutput::ContactChanged`].
    ContactEnded(Box<Contact>),
    /// The contact exists: open it in the history.
    ContactOpened(Box<Contact>),
    /// One entry for the flow log, without values of callers or attributes.
    FlowLog(Value),
    /// End the caller's side of the call.
    Hangup {
        /// Why.
        reason: DisconnectReason,
    },
    /// Invoke a function. Retries are the server's, within the time limit; the call itself waits no longer.
    InvokeLambda {
        /// Names the answer.
        invocation: InvocationId,
        /// The function.
        function_arn: String,
        /// What to send.
        event: Redacted<Value>,
        /// The block's time limit.
        time_limit_ms: u32,
    },
    /// Capture from the sample that is due now; meanwhile lease a stream and open an upload.
    OpenCapture {
        /// Names its events.
        capture: CaptureId,
        /// What to capture, and where to.
        request: CaptureRequest,
    },
    /// Play a prompt that was prepared.
    PlayPrompt {
        /// Which one.
        prompt: PromptId,
        /// Its sound.
        sound: Sound,
    },
    /// Turn a prompt into sound.
    PreparePrompt {
        /// Names it.
        prompt: PromptId,
        /// What to say or play.
        content: Prompt,
    },
    /// Stop playing at once.
    StopPrompt {
        /// Which one.
        prompt: PromptId,
    },
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
}
