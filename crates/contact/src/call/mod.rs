//! One call from its arrival to its record, as a state machine without sockets, clocks or threads.
//!
//! The law: after each [`Call::handle`], drain [`Call::poll`] until it gives `None`, and come back with
//! [`CallInput::TimePassed`] no later than [`Call::next_deadline`]. Inputs that come too late, or for something
//! that is over, are ignored: no order of inputs can strand a caller or confuse a call.
//!
//! What may go wrong goes to a branch of the flow, with the reason in the flow log; what has no branch ends the
//! call. A failure of the capture never ends the call.
//!
//! Values that callers typed, attributes and phone numbers are in no `Debug` output and in no flow-log entry.

#[allow(clippy::module_inception, reason = "the folder is the subject, the file is its central noun")]
mod call;
mod capture_event;
mod digits;
mod flow_log;
mod input;
mod instance_settings;
mod options;
mod output;
mod prompt;
mod streaming;
#[cfg(test)]
mod tests;

pub use call::{Call, CallSetup, CallState, SetAttributesRefused};
pub use capture_event::CaptureEvent;
pub use input::CallInput;
pub use instance_settings::InstanceSettings;
pub use options::CallOptions;
pub use output::{CallOutput, CaptureRequest};
pub use prompt::reading_time_ms;
