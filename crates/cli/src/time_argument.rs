use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tympan_types::WallTime;

/// Reads a time as people and scripts write it: RFC 3339, or epoch seconds with or without a fraction.
pub(crate) fn parse(text: &str) -> Result<WallTime, String> {
    if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
        let unix_ms = at.unix_timestamp_nanos() / 1_000_000;
        return i64::try_from(unix_ms)
            .map(WallTime::from_unix_ms)
            .map_err(|_| "that is no year of ours".to_owned());
    }
    let seconds: f64 = text
        .parse()
        .ok()
        .filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
        .ok_or("a time is RFC 3339 (2024-01-26T03:07:41Z) or epoch seconds (1706238461.5)")?;
    if seconds >= MILLISECONDS_FROM {
        return Err("these look like milliseconds: epoch seconds are wanted".to_owned());
    }
    Ok(WallTime::from_unix_ms((seconds * 1_000.0).round() as i64))
}

/// The year 5138 in seconds, 1973 in milliseconds.
const MILLISECONDS_FROM: f64 = 1e11;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms() {
        for (text, unix_ms) in [
            ("2024-01-26T03:07:41Z", 1_706_238_461_000),
            ("2024-01-26T04:07:41.5+01:00", 1_706_238_461_500),
            ("1706238461", 1_706_238_461_000),
            ("1706238461.5", 1_706_238_461_500),
            ("0", 0),
        ] {
            assert_eq!(parse(text).unwrap().unix_ms(), unix_ms, "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "yesterday", "-1", "inf", "2024-01-26", "1706238461000"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
