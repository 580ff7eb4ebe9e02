//! A test caller: real SIP and RTP, a call or thousands.
//!
//! Walk of a call: [`Target`] -> `sip` (INVITE, ACK) -> `media` (one thread sends and receives for all calls; the
//! [`Script`] says what) -> the side that ends it -> `sip` (BYE) -> [`Report`].
//!
//! Source: RFC 3261, 3264 (through `tympan_telephony::sdp`), 3550, 4733.
//! Not implemented: authentication, SIPS, SRTP, registration, early media (what is heard before the answer is dropped).

mod error;
mod lateness;
mod leg;
mod load;
mod media;
mod report;
mod script;
mod sip;
mod target;
#[cfg(test)]
mod tests;

pub use error::CallError;
pub use lateness::Lateness;
pub use leg::LegReport;
pub use load::{CallPlan, place};
pub use report::{CallOutcome, EndedBy, Report};
pub use script::{KeyPress, Script};
pub use target::Target;
