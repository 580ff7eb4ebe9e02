/// Why a text is not a flow at all. What is merely wrong *inside* a flow is a [`Problem`](crate::Problem).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// More text than a flow may have.
    #[error("flow content of {bytes} bytes is larger than the {limit_bytes} allowed")]
    TooLarge {
        /// What came.
        bytes: usize,
        /// What may come.
        limit_bytes: usize,
    },
    /// Not JSON.
    #[error("flow content is not JSON: line {line}, column {column}: {message}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What the JSON parser missed.
        message: String,
    },
    /// JSON of neither format.
    #[error(
        "flow content is neither a flow of version 2019-10-30 (no \"Actions\") nor a designer export (no \"modules\")"
    )]
    NotAFlow,
    /// A value of the wrong kind where the shape of a flow is at stake.
    #[error("flow content: {pointer} must be {expected}")]
    Shape {
        /// JSON pointer (RFC 6901), such as `/Actions/3/Identifier`; empty for the whole document.
        pointer: String,
        /// What must stand there, in words.
        expected: &'static str,
    },
}
