/// Why one attempt to invoke a function gave no answer. The texts reach the flow log.
///
/// Source: Administrator Guide, "Invoke AWS Lambda functions": throttled invocations, general service failures (500) and errors of the
/// function are tried again, up to three times and for eight seconds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttemptError {
    /// Asking again would be answered the same: a refusal (4xx), an answer that is too large, a function that nothing maps.
    #[error("{reason}")]
    Refused {
        /// What happened.
        reason: String,
    },
    /// No answer within the attempt's limit.
    #[error("the function did not answer within {limit_ms} ms")]
    TimedOut {
        /// The limit of the attempt.
        limit_ms: u32,
    },
    /// Another attempt may succeed: throttled (429), a failure of the service (5xx), an endpoint that cannot be reached, a function that
    /// raised an error, a command that failed.
    #[error("{reason}")]
    Transient {
        /// What happened.
        reason: String,
    },
}
