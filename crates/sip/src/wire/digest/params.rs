//! `Digest name=value, name="value"`: challenges and answers (RFC 3261 section 25.1).

use std::fmt::Write;

/// No challenge and no answer is as long as that.
const VALUE_BYTES_MAX: usize = 8 * 1024;
const PARAMS_MAX: usize = 32;

/// The parameters of one challenge or answer, unquoted.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// `None`: another scheme, or broken. A name that stands twice is broken: two readers could read two things.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= VALUE_BYTES_MAX)?.trim();
        let (scheme, rest) = text.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case("digest") || !rest.starts_with([' ', '\t']) {
            return None;
        }
        let mut params: Vec<(String, String)> = Vec::new();
        let mut rest = rest.trim_start_matches(SEPARATORS);
        while !rest.is_empty() {
            let (name, after) = rest.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            let is_token = |char: char| char.is_ascii_alphanumeric() || "-_.!%*+`'~".contains(char);
            let (value, after) = value_of(after.trim_start())?;
            if name.is_empty()
                || !name.chars().all(is_token)
                || params.len() >= PARAMS_MAX
                || params.iter().any(|(other, _)| *other == name)
            {
                return None;
            }
            params.push((name, value));
            let next = after.trim_start();
            if !next.is_empty() && !next.starts_with(',') {
                return None;
            }
            rest = next.trim_start_matches(SEPARATORS);
        }
        Some(Self(params))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

const SEPARATORS: [char; 3] = [',', ' ', '\t'];

/// A quoted string or token, and what follows.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(SEPARATORS).unwrap_or(text.len());
        let (token, rest) = text.split_at(end);
        return Some((token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(chars.next()?.1),
            char => value.push(char),
        }
    }
    None
}

/// Adds `name="value"`, with what must be escaped escaped.
pub(super) fn push_quoted(text: &mut String, name: &str, value: &str) {
    let separator = if text.is_empty() { "Digest " } else { ", " };
    let _ = write!(text, "{separator}{name}=\"");
    for char in value.chars() {
        if matches!(char, '"' | '\\') {
            text.push('\\');
        }
        text.push(char);
    }
    text.push('"');
}

/// Adds `name=value` for a token.
pub(super) fn push_token(text: &mut String, name: &str, value: &str) {
    let separator = if text.is_empty() { "Digest " } else { ", " };
    let _ = write!(text, "{separator}{name}={value}");
}
