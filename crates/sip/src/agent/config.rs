//! How an agent is set up.

use super::Trunks;
use crate::transaction::Timers;

/// Bounds of an agent.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Legs at once; 503 with Retry-After beyond.
    pub legs_max: usize,
    /// INVITEs of one source that are not confirmed yet; 503 beyond, without state.
    pub half_open_per_source: usize,
    /// Requests outside of dialogs from one source, per second (a bucket of twice that).
    pub requests_per_source_per_s: u32,
    /// Sources that are remembered; the least recent is forgotten.
    pub sources_max: usize,
    /// Server and client transactions at once.
    pub transactions_max: usize,
    /// All that an unconfirmed source is sent stays below this multiple of the bytes it sent, plus one response.
    pub amplification_max: u32,
    /// Bindings of one telephone; 403 beyond.
    pub bindings_per_phone_max: usize,
    /// Bindings of all telephones; 503 beyond.
    pub bindings_max: usize,
    /// The least time that a telephone may register for, in seconds; 423 below.
    pub registration_min_s: u32,
    /// The longest time that a telephone is registered without a refresh, in seconds.
    pub registration_max_s: u32,
    /// Wrong passwords of one source within a minute; then its challenges are answered 503 for a while.
    pub wrong_passwords_per_source_per_min: u32,
    /// The largest datagram that is sent, in bytes: 65,507 at most. A larger message goes by TCP, or is refused 513/500.
    pub datagram_max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            legs_max: 100_000,
            half_open_per_source: 200,
            requests_per_source_per_s: 200,
            sources_max: 10_000,
            transactions_max: 100_000,
            amplification_max: 3,
            bindings_per_phone_max: 8,
            bindings_max: 10_000,
            registration_min_s: 60,
            registration_max_s: 3_600,
            wrong_passwords_per_source_per_min: 20,
            datagram_max_bytes: 65_507,
        }
    }
}

/// How an agent is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// For User-Agent and Server.
    pub product: String,
    /// The user part of our Contact.
    pub contact_user: String,
    /// Host names that mean us, beside our addresses: a Route that names another place is refused (this agent relays nothing).
    pub host_names: Vec<String>,
    /// Timers.
    pub timers: Timers,
    /// Bounds.
    pub limits: Limits,
    /// Trunks; the default one takes what no other matches.
    pub trunks: Trunks,
    /// Whether the user takes REFER and INVITE with Replaces: then Allow and Supported say so. Without it, REFER is answered 501,
    /// and Replaces is an extension that is not known.
    pub takes_transfers: bool,
    /// The number of the first leg that is invited; those go up from here. Shards begin at different numbers.
    pub invited_legs_from: u64,
    /// Legs that are dialled have numbers of their user's choice from here.
    pub dialled_legs_from: u64,
}
