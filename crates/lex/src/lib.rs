//! Lex V2: what a voice bot behind a contact flow needs, without a clock, a socket or a runtime.
//!
//! * [`model`] has the JSON of the runtime API as types: what a bot answers, and what it gets;
//! * [`bot`] is a bot of one's own: a file of intents that answers as Lex does;
//! * [`service`] serves it as the runtime API;
//! * [`client`] has the requests of a client and reads the answers to them;
//! * [`turn`] is one conversation of a flow block with a bot: prompt, listening, recognition, reply, until an intent is ready.
//!
//! Source: Amazon Lex V2 API reference, "Amazon Lex Runtime V2"; developer guide, "Configuring session timeouts" and
//! "Configuring timeouts for capturing user input".

pub mod alias;
pub mod audio;
pub mod bot;
pub mod client;
pub mod model;
pub mod packed;
pub mod service;
pub mod turn;
