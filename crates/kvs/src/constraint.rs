//! The rules that members of a request must keep, and the wording in which a breach is answered.
//!
//! Source: the botocore models (2017-09-30); the wording is that of the service framework behind AWS's APIs.

use crate::KvsError;
use std::collections::BTreeMap;
pub(crate) use tympan_aws::constraint::{Breach, length, one_of, pattern, range, required};
use tympan_types::{StreamArn, StreamName};

pub(crate) fn stream_name(value: &str, member: &str) -> Result<StreamName, KvsError> {
    length(value, member, 1, 256)?;
    StreamName::parse(value).or_else(|_| {
        pattern(value, member, "[a-zA-Z0-9_.-]+", false)?;
        Err(KvsError::invalid("The stream name is invalid."))
    })
}

pub(crate) fn device_name(value: &str) -> Result<(), KvsError> {
    length(value, "deviceName", 1, 128)?;
    Ok(pattern(value, "deviceName", "[a-zA-Z0-9_.-]+", value.bytes().all(is_name_byte))?)
}

/// `type/subtype`, several separated by commas; parameters such as `;rate=8000` are not allowed.
pub(crate) fn media_type(value: &str) -> Result<(), KvsError> {
    const PATTERN: &str = r"[\w\-\.\+]+/[\w\-\.\+]+(,[\w\-\.\+]+/[\w\-\.\+]+)*";
    length(value, "mediaType", 1, 128)?;
    let part = |text: &str| !text.is_empty() && text.bytes().all(|byte| is_name_byte(byte) || byte == b'+');
    let kept = value.split(',').all(|one| one.split_once('/').is_some_and(|(of, sub)| part(of) && part(sub)));
    Ok(pattern(value, "mediaType", PATTERN, kept)?)
}

/// How a request may name the service's own key, beside leaving the member out.
pub(crate) const DEFAULT_KEY: &str = "aws/kinesisvideo";

pub(crate) fn kms_key_id(value: &str) -> Result<(), KvsError> {
    length(value, "kmsKeyId", 1, 2048)?;
    Ok(pattern(value, "kmsKeyId", ".+", !value.contains(['\n', '\r']))?)
}

/// Keys and values of a stream's tags; how many there may be is checked against what is already there.
pub(crate) fn tags(tags: &BTreeMap<String, String>) -> Result<(), KvsError> {
    for (key, value) in tags {
        tag_key(key)?;
        length(value, "tags", 0, 256)?;
        pattern(value, "tags", r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", value.chars().all(is_tag_char))?;
    }
    Ok(())
}

pub(crate) fn tag_key(key: &str) -> Result<(), KvsError> {
    length(key, "tags", 1, 128)?;
    Ok(pattern(key, "tags", r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", key.chars().all(is_tag_char))?)
}

/// A stream's ARN. Well-formed ARNs of other things (channels, other partitions) name nothing here.
pub(crate) fn stream_arn(value: &str, member: &str) -> Result<StreamArn, KvsError> {
    const PATTERN: &str = r"arn:[a-z\d-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:[a-z]+/[a-zA-Z0-9_.-]+/[0-9]+";
    length(value, member, 1, 1024)?;
    if let Ok(arn) = StreamArn::parse(value) {
        return Ok(arn);
    }
    pattern(value, member, PATTERN, is_arn(value))?;
    Err(KvsError::stream_not_found())
}

/// Base64, as paging tokens are.
pub(crate) fn next_token(value: &str, most: usize) -> Result<(), KvsError> {
    length(value, "nextToken", 1, most)?;
    let kept = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    Ok(pattern(value, "nextToken", "[a-zA-Z0-9+/=]*", kept)?)
}

/// A JSON timestamp: epoch seconds, with or without a fraction. Returns Unix milliseconds.
pub(crate) fn timestamp_ms(seconds: f64, member: &str) -> Result<i64, KvsError> {
    // Year 9999. The product of a valid value is exact to well below a millisecond.
    const LAST_SECOND: f64 = 253_402_300_799.0;
    if seconds.is_finite() && (0.0..=LAST_SECOND).contains(&seconds) {
        return Ok((seconds * 1000.0).round() as i64);
    }
    let rule = "Member must be a timestamp in seconds since 1970";
    Err(Breach::new(&seconds.to_string(), member, rule).into())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// `\p{L}`, `\p{Z}`, `\p{N}` and `_.:/=+-@`.
fn is_tag_char(char: char) -> bool {
    let separator = char.is_whitespace() && !char.is_control();
    char.is_alphanumeric() || separator || "_.:/=+-@".contains(char)
}

fn is_arn(text: &str) -> bool {
    let all = |part: &str, kept: fn(u8) -> bool| !part.is_empty() && part.bytes().all(kept);
    let region_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "kinesisvideo", region, account, resource] = parts[..] else { return false };
    let resource: Vec<&str> = resource.split('/').collect();
    let [kind, name, created] = resource[..] else { return false };
    all(partition, region_byte)
        && all(region, region_byte)
        && all(account, |byte| byte.is_ascii_digit())
        && all(kind, |byte| byte.is_ascii_lowercase())
        && all(name, is_name_byte)
        && all(created, |byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KvsErrorCode;

    #[test]
    fn media_types_have_no_parameters() {
        for good in ["audio/L16", "video/h264,audio/aac", "application/vnd.x+y"] {
            assert!(media_type(good).is_ok(), "{good}");
        }
        for bad in ["", "audio", "audio/", "audio/L16;rate=8000", "a/b,", "a/b/c", &"a/".repeat(65)] {
            assert!(media_type(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_breach_is_worded_as_aws_does() {
        let error = stream_name("a b", "streamName").unwrap_err();
        assert_eq!(
            error.message(),
            "1 validation error detected: Value 'a b' at 'streamName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        );
        let error = stream_name(&"x".repeat(257), "streamName").unwrap_err();
        assert!(error.message().ends_with("Member must have length less than or equal to 256"));
        assert!(stream_name(&"x".repeat(256), "streamName").is_ok());
    }

    #[test]
    fn well_formed_arns_of_other_things_are_not_found() {
        let of = |text| stream_arn(text, "streamARN").unwrap_err().code();
        for other in [
            "arn:aws-cn:kinesisvideo:cn-north-1:111122223333:stream/a/1",
            "arn:aws:kinesisvideo:us-west-2:111122223333:channel/a/1",
        ] {
            assert_eq!(of(other), KvsErrorCode::ResourceNotFound, "{other}");
        }
        for bad in ["", "a", "arn:aws:kinesisvideo:us-west-2:111122223333:stream/a", "arn:aws:s3:::a"] {
            assert_eq!(of(bad), KvsErrorCode::InvalidArgument, "{bad}");
        }
    }

    #[test]
    fn tags_keep_to_letters_separators_digits_and_a_few_signs() {
        let one = |key: &str, value: &str| tags(&BTreeMap::from([(key.to_owned(), value.to_owned())]));
        assert!(one("Größe @ x+y=z/1", "").is_ok());
        assert!(one("", "v").is_err());
        assert!(one("k", "a\tb").is_err());
        assert!(one("k", "a,b").is_err());
        assert!(one("k", &"v".repeat(257)).is_err());
        assert!(one(&"k".repeat(129), "v").is_err());
    }

    #[test]
    fn timestamps_are_exact_to_the_millisecond() {
        assert_eq!(timestamp_ms(1_704_164_645.678, "startTimestamp").unwrap(), 1_704_164_645_678);
        assert_eq!(timestamp_ms(0.0, "startTimestamp").unwrap(), 0);
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e12] {
            assert!(timestamp_ms(bad, "startTimestamp").is_err(), "{bad}");
        }
    }
}
