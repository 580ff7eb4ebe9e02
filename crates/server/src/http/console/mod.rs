//! The web console: its pages, and its API for them on a listener of its own.
//!
//! Whatever a page does is an operation of one of the services. The console takes a session's cookie in place of a
//! signature and hands the request on to what answers the APIs, so that the same policies, throttles and audit lines
//! hold. See docs/console.md.

mod assets;
mod attempts;
mod channel;
mod code;
mod cookie;
mod layer;
mod origin;
mod protect;
mod session;
mod sign_in;
mod sign_in_counts;
mod target;

pub(crate) use code::SignInCode;
pub(crate) use layer::{ConsoleParts, serve};
pub(super) use session::SignedIn;
pub(crate) use session::Users;
pub(crate) use sign_in_counts::SignIns;
