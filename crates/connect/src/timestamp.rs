use serde_json::Value;
use tympan_types::WallTime;

/// A timestamp in a rest-json body: seconds since 1970 as a number, with the milliseconds as decimals.
pub(crate) fn epoch_seconds(at: WallTime) -> Value {
    // Milliseconds of this century fit a double's 53 bits, so the quotient prints with three decimals.
    Value::from(at.unix_ms() as f64 / 1000.0)
}
