//! What a function of a flow may answer.

use serde_json::Value;
use tympan_flow::LAMBDA_RESPONSE_LIMIT_BYTES;

/// Reads the answer of a function.
///
/// Shape: UTF-8 JSON of at most 32 KB. Which JSON a block accepts is for the flow to say.
pub fn response(body: &[u8]) -> Result<Value, ResponseError> {
    if body.len() > LAMBDA_RESPONSE_LIMIT_BYTES {
        return Err(ResponseError::TooLarge { bytes: body.len() });
    }
    serde_json::from_slice(body)
        .map_err(|error| ResponseError::NotJson { line: error.line(), column: error.column() })
}

/// Why the answer of a function was not taken. None of these shows a value of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Not JSON.
    #[error("the function's answer is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line of the first wrong byte, from 1.
        line: usize,
        /// Column of the first wrong byte, from 1.
        column: usize,
    },
    /// Too large.
    #[error("the function's answer has {bytes} bytes, the limit is {LAMBDA_RESPONSE_LIMIT_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_json_of_bounded_size() {
        assert_eq!(response(br#"{"a":[1]}"#), Ok(json!({"a": [1]})));
        assert_eq!(response(b"{\"a\":\n1 x"), Err(ResponseError::NotJson { line: 2, column: 3 }));
        assert!(matches!(response(b""), Err(ResponseError::NotJson { .. })));
        assert!(matches!(response(b"\"\xff\""), Err(ResponseError::NotJson { .. })));
        let huge = format!("\"{}\"", "x".repeat(LAMBDA_RESPONSE_LIMIT_BYTES));
        let bytes = LAMBDA_RESPONSE_LIMIT_BYTES + 2;
        assert_eq!(response(huge.as_bytes()), Err(ResponseError::TooLarge { bytes }));
    }
}
