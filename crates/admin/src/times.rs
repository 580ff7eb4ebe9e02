//! Times as requests and lines of the flow log have them: RFC 3339.

use crate::error::AdminError;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tympan_types::WallTime;

/// Reads a time; `None` for what is none.
pub(crate) fn read(text: &str) -> Option<WallTime> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(WallTime::from_unix_ms)
}

/// Reads a member of a request.
pub(crate) fn member(text: Option<&str>, member: &str) -> Result<Option<WallTime>, AdminError> {
    let Some(text) = text else { return Ok(None) };
    let no_time = || {
        let shown: String = text.chars().take(40).collect();
        AdminError::validation(format!("{member} is {shown:?}: write it as 2024-01-26T03:07:41Z (RFC 3339)."))
    };
    read(text).map(Some).ok_or_else(no_time)
}
