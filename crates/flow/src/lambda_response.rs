//! What a flow accepts from a Lambda function.
//!
//! Source: Admin guide, "Invoke Lambda functions": at most 32 KB of UTF-8; STRING_MAP is a flat object. The
//! guide wants strings; numbers and booleans pass in practice (AWS's own sample functions return them), so
//! they are read as their text. A value that is itself an object or a list does not pass.

use serde_json::{Map, Value};

use crate::effect::ResponseKind;
use crate::parameters::scalar_text;

/// The most that a response may hold, in bytes of its JSON.
pub const LAMBDA_RESPONSE_LIMIT_BYTES: usize = 32 * 1024;

/// The response as `$.External` shall hold it, or why it cannot.
pub(crate) fn accept(kind: ResponseKind, response: Value) -> Result<Value, String> {
    let bytes = response.to_string().len();
    if bytes > LAMBDA_RESPONSE_LIMIT_BYTES {
        return Err(format!(
            "the function returned {bytes} bytes, more than the {LAMBDA_RESPONSE_LIMIT_BYTES} allowed"
        ));
    }
    match kind {
        ResponseKind::Json => Ok(response),
        ResponseKind::StringMap => flat_object(response),
    }
}

fn flat_object(response: Value) -> Result<Value, String> {
    let Value::Object(members) = response else {
        return Err(format!(
            "the function returned {}, the block expects an object of strings (STRING_MAP)",
            kind_of(&response)
        ));
    };
    let mut flat = Map::new();
    for (name, value) in members {
        if value.is_null() {
            continue;
        }
        let Some(text) = scalar_text(&value) else {
            return Err(format!(
                "the function returned {} under {name:?}, the block expects an object of strings (STRING_MAP); \
                 set ResponseType to JSON for nested values",
                kind_of(&value)
            ));
        };
        flat.insert(name, text.into());
    }
    Ok(Value::Object(flat))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_string_map_takes_scalars_as_text() {
        let response = json!({ "statusCode": 200, "ok": true, "name": "x", "none": null });
        assert_eq!(
            accept(ResponseKind::StringMap, response).unwrap(),
            json!({ "statusCode": "200", "ok": "true", "name": "x" })
        );
    }

    #[test]
    fn a_string_map_refuses_what_is_nested_or_no_object() {
        let nested = accept(ResponseKind::StringMap, json!({ "a": { "b": 1 } })).unwrap_err();
        assert!(nested.contains("an object under \"a\""), "{nested}");
        for response in [json!(null), json!("text"), json!([1]), json!(3)] {
            assert!(accept(ResponseKind::StringMap, response).is_err());
        }
    }

    #[test]
    fn json_takes_anything() {
        for response in [json!({ "a": { "b": [1] } }), json!([1]), json!(null)] {
            assert_eq!(accept(ResponseKind::Json, response.clone()), Ok(response));
        }
    }

    #[test]
    fn the_limit_is_on_the_bytes_of_the_json() {
        let frame = r#"{"a":""}"#.len();
        let largest = json!({ "a": "x".repeat(LAMBDA_RESPONSE_LIMIT_BYTES - frame) });
        assert!(accept(ResponseKind::StringMap, largest).is_ok());
        let too_large = json!({ "a": "x".repeat(LAMBDA_RESPONSE_LIMIT_BYTES - frame + 1) });
        assert!(accept(ResponseKind::Json, too_large).unwrap_err().contains("32768"));
    }
}
