//! Lex V2: what a voice bot behind a contact flow needs, without a clock, a socket or a runtime.
//!
//! * [`model`] has the JSON of the runtime API as types: what a bot answers, and what it is told;
//! * [`turn`] is one conversation of a flow block with a bot: prompt, listening, recognition, reply, until an intent is ready.
//!
//! Source: Amazon Lex V2 API reference, "Amazon Lex Runtime V2"; developer guide, "Configuring session timeouts" and
//! "Configuring timeouts for capturing user input".

pub mod model;
pub mod turn;
