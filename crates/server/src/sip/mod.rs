//! The shell around `tympan_sip`: sockets, time, names, and the seam to calls. It decides nothing.
//!
//! One task ([`shard`]) owns the agent. Datagrams come from a thread ([`udp`]), streams from one task per connection ([`tcp`]),
//! commands from the tasks of calls ([`leg`]).
//!
//! Not implemented: TLS, NAPTR and SRV records, REFER, registrations.

mod address;
mod body;
mod endpoint;
mod leg;
mod resolve;
mod shard;
mod stats;
mod tcp;
mod udp;

pub(crate) use endpoint::{SipEndpoint, SipOptions};
pub(crate) use leg::{Invitation, Leg, Refusal};
pub(crate) use stats::SipStats;
pub(crate) use tcp::{PER_CONNECTION, TcpLimits};

/// Where calls that want to come in go.
type Calls = tokio::sync::mpsc::Sender<Invitation>;
