//! The rules that members of a request must keep, and the wording in which a breach is answered.
//!
//! Each service says with `From<Breach>` under which of its codes a breach goes; `?` does the rest. The wording is that of
//! the service framework behind AWS's APIs. Members are named in lower camel case: `streamName`.

use std::fmt;

/// Values are quoted up to this length.
const SHOWN_CHARS: usize = 256;

/// A member that breaks its rule; prints as AWS words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach(String);

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Breach {}

impl Breach {
    /// A value that breaks a rule, such as `Member must have length ...`.
    pub fn new(value: &str, member: &str, rule: &str) -> Self {
        let mut shown: String = value.chars().take(SHOWN_CHARS).collect();
        if shown.len() < value.len() {
            shown.push_str("...");
        }
        Self::of(format_args!("Value '{shown}' at"), member, rule)
    }

    /// A value that is not to be quoted.
    pub fn hidden(member: &str, rule: &str) -> Self {
        Self::of(format_args!("Value at"), member, rule)
    }

    fn of(what: fmt::Arguments<'_>, member: &str, rule: &str) -> Self {
        Self(format!("1 validation error detected: {what} '{member}' failed to satisfy constraint: {rule}"))
    }
}

/// A required member.
///
/// # Errors
/// [`Breach`] where it is not there.
pub fn required<T>(value: Option<T>, member: &str) -> Result<T, Breach> {
    value.ok_or_else(|| Breach::of(format_args!("Value null at"), member, "Member must not be null"))
}

/// A text's length in characters, both bounds included.
///
/// # Errors
/// [`Breach`]
pub fn length(value: &str, member: &str, least: usize, most: usize) -> Result<(), Breach> {
    let length = value.chars().count();
    if length < least {
        let rule = format!("Member must have length greater than or equal to {least}");
        return Err(Breach::new(value, member, &rule));
    }
    if length > most {
        let rule = format!("Member must have length less than or equal to {most}");
        return Err(Breach::new(value, member, &rule));
    }
    Ok(())
}

/// The length of bytes whose value is not to be shown: 1 to `most`.
///
/// # Errors
/// [`Breach`], which does not quote them.
pub fn blob_length(value: &[u8], member: &str, most: usize) -> Result<(), Breach> {
    let bound = match value.len() {
        0 => "greater than or equal to 1".to_owned(),
        length if length > most => format!("less than or equal to {most}"),
        _ => return Ok(()),
    };
    Err(Breach::hidden(member, &format!("Member must have length {bound}")))
}

/// A number between two bounds, both included.
///
/// # Errors
/// [`Breach`]
pub fn range(value: i64, member: &str, least: i64, most: i64) -> Result<i64, Breach> {
    if value < least {
        let rule = format!("Member must have value greater than or equal to {least}");
        return Err(Breach::new(&value.to_string(), member, &rule));
    }
    if value > most {
        let rule = format!("Member must have value less than or equal to {most}");
        return Err(Breach::new(&value.to_string(), member, &rule));
    }
    Ok(value)
}

/// A text that must fit a pattern; `kept` is whether it does.
///
/// # Errors
/// [`Breach`] where it does not.
pub fn pattern(value: &str, member: &str, pattern: &str, kept: bool) -> Result<(), Breach> {
    if kept {
        return Ok(());
    }
    Err(Breach::new(value, member, &format!("Member must satisfy regular expression pattern: {pattern}")))
}

/// One of an enumeration's values.
///
/// # Errors
/// [`Breach`], which names them all.
pub fn one_of<T: Copy>(value: &str, member: &str, values: &[(&str, T)]) -> Result<T, Breach> {
    values.iter().find(|(name, _)| *name == value).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        Breach::new(value, member, &format!("Member must satisfy enum value set: [{}]", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_is_worded_as_aws_does() {
        assert_eq!(
            range(6, "pendingWindowInDays", 7, 30).unwrap_err().to_string(),
            "1 validation error detected: Value '6' at 'pendingWindowInDays' failed to satisfy constraint: \
             Member must have value greater than or equal to 7"
        );
        assert_eq!(
            pattern("a b", "streamName", "[a-zA-Z0-9_.-]+", false).unwrap_err().to_string(),
            "1 validation error detected: Value 'a b' at 'streamName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        );
        assert_eq!(
            required::<()>(None, "keyId").unwrap_err().to_string(),
            "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"
        );
        let rule = one_of("C", "kind", &[("A", 1), ("B", 2)]).unwrap_err().to_string();
        assert!(rule.ends_with("Member must satisfy enum value set: [A, B]"), "{rule}");
        assert_eq!(one_of("B", "kind", &[("A", 1), ("B", 2)]), Ok(2));
        assert!(length(&"x".repeat(2049), "keyId", 1, 2048).unwrap_err().to_string().len() < 500);
        assert!(length("", "keyId", 1, 2048).is_err() && length("é", "keyId", 1, 1).is_ok());
    }

    #[test]
    fn bytes_of_the_wrong_length_are_not_quoted() {
        let breach = blob_length(&[b'Q'; 4097], "plaintext", 4096).unwrap_err().to_string();
        assert!(breach.contains("Value at 'plaintext'") && !breach.contains('Q'), "{breach}");
        assert!(
            blob_length(&[0; 4096], "plaintext", 4096).is_ok()
                && blob_length(&[], "plaintext", 4096).is_err()
        );
    }
}
