//! Session descriptions: agreeing on the audio streams of a call.
//!
//! Source: RFC 8866 (SDP), RFC 3264 (offer/answer), RFC 3551 (G.711, G.722), RFC 4733 (telephone events), RFC 5761 and RFC 3605 (RTCP).
//!
//! [`session::Session`] is the machine; what it says is read by `description` and written by `write`.

pub mod agreement;
pub mod direction;
pub mod error;
pub mod local;
pub mod session;

pub use agreement::{Agreement, Codec, StreamAgreement};
pub use direction::Direction;
pub use error::SdpError;
pub use local::{LocalMedia, Preference};
pub use session::{Answer, Change, Session};

mod description;
mod write;
