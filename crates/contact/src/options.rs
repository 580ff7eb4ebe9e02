/// How long a contact waits for others before it goes on without them, and what it keeps and shows.
///
/// Units: milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactOptions {
    /// For the caller's side to confirm the answer.
    pub answer_limit_ms: u32,
    /// At the end of a contact, for the last fragment to be safe, before the record is closed without it.
    pub close_limit_ms: u32,
    /// Whether flows are logged until they say otherwise.
    pub flow_log: bool,
    /// Whether flow logs show what callers typed, attributes and functions hold.
    pub flow_log_values: bool,
    /// Whether the run of each flow is traced, so that it can be repeated. A trace holds what callers typed and functions returned.
    pub flow_traces: bool,
    /// Whether keys that no block waits for are always kept for the next block that does. Without it they are lost, as they are in
    /// Amazon Connect, until a flow turns its touchtone buffer on (`EnableDTMFBuffer`).
    pub keys_ahead: bool,
    /// For a prompt to be ready to play.
    pub prompt_limit_ms: u32,
    /// In a Start block, for the lead-in fragment to be safe.
    pub start_limit_ms: u32,
    /// In a Stop block, for the last fragment to be safe.
    pub stop_limit_ms: u32,
}

impl Default for ContactOptions {
    fn default() -> Self {
        Self {
            answer_limit_ms: 35_000,
            close_limit_ms: 5_000,
            flow_log: true,
            flow_log_values: false,
            flow_traces: false,
            keys_ahead: true,
            prompt_limit_ms: 10_000,
            start_limit_ms: 5_000,
            stop_limit_ms: 2_000,
        }
    }
}
