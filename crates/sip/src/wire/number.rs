//! Telephone numbers in URIs (RFC 3966; RFC 3261 section 19.1.6; RFC 4694).

use super::Number;
use super::uri::unescape;

/// Splits a user part into the number and its parameters (`;npdi;rn=...`). A name keeps its semicolons: there they are part of it.
pub(super) fn split(user: &str) -> (&str, &str) {
    match user.find(';') {
        Some(at) if is_number(&unescape(user.get(..at).unwrap_or_default())) => user.split_at(at),
        _ => (user, ""),
    }
}

/// A number with the context that it is dialled in.
pub(super) fn number(user: &str, context: Option<&str>) -> Number {
    let user = unescape(user);
    if !is_number(&user) {
        return Number { text: user.into_owned(), context: None };
    }
    let digits = digits(&user);
    let context = context.filter(|context| !context.is_empty() && !digits.starts_with('+')).map(unescape);
    match context {
        Some(prefix) if prefix.starts_with('+') && is_number(&prefix) => {
            Number { text: self::digits(&prefix) + &digits, context: None }
        }
        context => Number { text: digits, context: context.map(|context| context.into_owned()) },
    }
}

/// A number has a digit, `*` or `#`, and nothing that is no part of one. Letters make a name: `bee-cafe` is no hexadecimal number.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('+').unwrap_or(text);
    let is_digit = |char: char| char.is_ascii_digit() || matches!(char, '*' | '#');
    text.contains(is_digit) && text.chars().all(|char| is_digit(char) || is_separator(char))
}

/// RFC 3966 section 5.1.1; space comes escaped.
const fn is_separator(char: char) -> bool {
    matches!(char, '-' | '.' | '(' | ')' | ' ')
}

fn digits(number: &str) -> String {
    number.chars().filter(|&char| !is_separator(char)).collect()
}
