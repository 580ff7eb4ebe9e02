use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tympan_types::WallTime;

/// A timestamp of a request: seconds since 1970, as a number or in ISO 8601.
pub(crate) fn read(value: &Value) -> Option<WallTime> {
    if let Some(seconds) = value.as_f64() {
        let ms = (seconds * 1000.0).round();
        // A double of this size is a whole number that an i64 has.
        let fits = ms.abs() < 9.0e15;
        #[expect(clippy::cast_possible_truncation, reason = "checked by the line before")]
        return fits.then_some(WallTime::from_unix_ms(ms as i64));
    }
    let at = OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(WallTime::from_unix_ms)
}

/// A timestamp in a rest-json body: seconds since 1970 as a number, with the milliseconds as decimals.
pub(crate) fn epoch_seconds(at: WallTime) -> Value {
    // Milliseconds of this century fit a double's 53 bits, so the quotient prints with three decimals.
    Value::from(at.unix_ms() as f64 / 1000.0)
}
