//! `[sip]`: telephones and trunks.

use super::choices::DigestAlgorithm;
use super::phone::SipPhone;
use super::trunk::SipTrunk;
use super::written::text_or_empty;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// `[sip]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sip {
    /// Address and port for UDP and TCP; port 0 lets the kernel choose.
    pub listen: SocketAddr,
    /// The address to put into Contact and SDP; empty: the listening address.
    #[serde(with = "text_or_empty")]
    pub public_address: Option<IpAddr>,
    /// Calls at once; further ones are answered 503.
    pub calls_max: usize,
    /// TCP connections at once; one that carries no call makes room for a new one.
    pub tcp_connections_max: usize,
    /// Of them, from one address.
    pub tcp_connections_per_source_max: usize,
    /// How long nothing may come by a TCP connection that carries no call.
    pub tcp_idle_timeout_ms: u64,
    /// How long a message that came in part may wait for its rest.
    pub tcp_message_timeout_ms: u64,
    /// How long a peer may take nothing of what is written to its TCP connection.
    pub tcp_write_timeout_ms: u64,
    /// What may wait to be written to one TCP connection.
    pub tcp_write_queue_bytes: usize,
    /// Calls of one source that are not acknowledged yet; further ones are answered 503.
    pub half_open_per_source: usize,
    /// Requests outside of calls from one source, per second.
    pub requests_per_source_per_s: u32,
    /// Sources that are remembered for the two limits.
    pub sources_max: usize,
    /// Transactions at once, ours and the peers'.
    pub transactions_max: usize,
    /// The least time that a telephone registers for, in seconds.
    pub registration_min_s: u32,
    /// The longest time that a telephone is registered without a refresh, in seconds.
    pub registration_max_s: u32,
    /// Devices that register under one name.
    pub devices_per_phone_max: usize,
    /// Wrong passwords of one source within a minute.
    pub wrong_passwords_per_source_per_min: u32,
    /// The realm of telephones.
    pub phone_realm: String,
    /// What is offered to a telephone of which the password is known.
    pub phone_algorithms: Vec<DigestAlgorithm>,
    /// URIs elsewhere that may be dialled.
    pub dial_allow: Vec<String>,
    /// Telephones.
    pub phones: Vec<SipPhone>,
    /// What holds for peers by where they come from.
    pub trunks: Vec<SipTrunk>,
}

impl Default for Sip {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5060)),
            public_address: None,
            calls_max: 2_000,
            tcp_connections_max: 1_024,
            tcp_connections_per_source_max: 512,
            tcp_idle_timeout_ms: 300_000,
            tcp_message_timeout_ms: 30_000,
            tcp_write_timeout_ms: 10_000,
            tcp_write_queue_bytes: 1_048_576,
            half_open_per_source: 200,
            requests_per_source_per_s: 200,
            sources_max: 10_000,
            transactions_max: 100_000,
            registration_min_s: 60,
            registration_max_s: 3_600,
            devices_per_phone_max: 8,
            wrong_passwords_per_source_per_min: 20,
            phone_realm: "tympan".into(),
            phone_algorithms: vec![DigestAlgorithm::Md5],
            dial_allow: Vec::new(),
            phones: Vec::new(),
            trunks: Vec::new(),
        }
    }
}
