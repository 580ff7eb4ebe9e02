//! `Version`: the optimistic lock of a stream's metadata.

use crate::{KvsError, KvsErrorCode, constraint};

/// A stream's version as text: opaque to clients, alphanumeric, of constant length.
pub(crate) fn print(version: u64) -> String {
    format!("{version:020}")
}

/// Reads `CurrentVersion`. A well-formed text that no version has is a stale version, not an invalid one.
pub(crate) fn parse(text: &str) -> Result<u64, KvsError> {
    constraint::length(text, "currentVersion", 1, 64)?;
    let alphanumeric = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    constraint::pattern(text, "currentVersion", "[a-zA-Z0-9]+", alphanumeric)?;
    let version = text.parse().ok().filter(|version| print(*version) == text);
    version.ok_or_else(|| {
        KvsError::new(
            KvsErrorCode::VersionMismatch,
            "The stream version that you specified is not the latest version. Call DescribeStream for the latest one.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_printed_and_takes_other_texts_for_stale() {
        assert_eq!(parse(&print(7)).unwrap(), 7);
        assert_eq!(parse(&print(u64::MAX)).unwrap(), u64::MAX);
        assert_eq!(parse("kMB0nDRGRiQ2QCnZxbqK").unwrap_err().code(), KvsErrorCode::VersionMismatch);
        assert_eq!(parse("7").unwrap_err().code(), KvsErrorCode::VersionMismatch);
        assert_eq!(parse("a b").unwrap_err().code(), KvsErrorCode::InvalidArgument);
        assert_eq!(parse("").unwrap_err().code(), KvsErrorCode::InvalidArgument);
    }
}
