//! Transactions (RFC 3261 section 17, RFC 6026): what repeats a message until it is answered, and absorbs what comes twice.

mod client;
mod invite_client;
mod invite_server;
mod key;
mod schedule;
mod server;
mod table;
#[cfg(test)]
mod tests;
mod timers;

pub use key::{ClientKey, ServerKey};
pub use table::{Arrival, Outgoing, Reply, TransactionEvent, TransactionLimits, Transactions};
pub use timers::Timers;
