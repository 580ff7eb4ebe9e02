use super::CaptureEvent;
use crate::DisconnectReason;
use tympan_telephony::Digit;
use tympan_telephony::words::Sound;
use tympan_types::{CaptureId, InvocationId, PromptId, Redacted, WallTime};

/// What happens to a call.
#[derive(Debug)]
pub enum CallInput {
    /// The caller's side has confirmed the answer; sound flows both ways.
    Answered,
    /// News of a capture that [`CallOutput::OpenCapture`](super::CallOutput::OpenCapture) asked for.
    Capture {
        /// Which one.
        capture: CaptureId,
        /// What happened.
        event: CaptureEvent,
    },
    /// The caller pressed a key.
    Digit(Digit),
    /// The server is going down: the call may last until then, and takes no longer.
    Drain {
        /// When it is ended at the latest.
        until: WallTime,
    },
    /// The caller's side ended the call.
    HungUp {
        /// The caller, or the network.
        reason: DisconnectReason,
    },
    /// A function could not be invoked, or answered with an error, and was retried as often as is allowed.
    LambdaFailed {
        /// Which invocation.
        invocation: InvocationId,
        /// Why, for the flow log.
        reason: String,
    },
    /// A function has answered.
    LambdaReturned {
        /// Which invocation.
        invocation: InvocationId,
        /// The answer as it came.
        body: Redacted<Vec<u8>>,
    },
    /// A prompt cannot be played.
    PromptFailed {
        /// Which one.
        prompt: PromptId,
        /// Why, for the flow log.
        reason: String,
    },
    /// The last sample of a prompt has been sent.
    PromptFinished {
        /// Which one.
        prompt: PromptId,
    },
    /// A prompt is ready to play.
    PromptPrepared {
        /// Which one.
        prompt: PromptId,
        /// Its sound.
        sound: Sound,
        /// What the flow log should say of it: that nothing here can speak, for instance.
        note: Option<String>,
    },
    /// The StopContact operation.
    Stop,
    /// The deadline has passed.
    TimePassed,
}
