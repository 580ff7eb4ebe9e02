//! Parameters `;name=value` of headers and URIs.

use super::head::{Span, is_token};

/// Header parameters, from the first semicolon to the end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Params(Span);

impl Params {
    /// Header parameters that begin at `start`: nothing, or `;name`, `;name=value`, `;name="quoted"`, with space between.
    /// `None` where they are none.
    pub(super) fn parse(text: &str, start: usize) -> Option<Self> {
        let params = text.get(start..)?;
        let mut scan = Scan { rest: params };
        while scan.next().is_some() {}
        scan.rest.is_empty().then_some(())?;
        Some(Self(Span::new(start, text.len())?))
    }

    /// The first parameter of this name, without quotes around its value.
    pub(super) fn get<'a>(&self, text: &'a str, name: &str) -> Option<&'a str> {
        self.iter(text).find(|param| param.name.eq_ignore_ascii_case(name)).map(|param| param.value)
    }

    pub(super) fn iter<'a>(&self, text: &'a str) -> impl Iterator<Item = Param<'a>> {
        Scan { rest: self.0.of_str(text) }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Param<'a> {
    pub(super) name: &'a str,
    /// Without the quotes around it.
    pub(super) value: &'a str,
    /// All of it, from its semicolon on.
    pub(super) whole: &'a str,
}

struct Scan<'a> {
    /// Empty once all was right; what is wrong stays.
    rest: &'a str,
}

const SPACE: [char; 2] = [' ', '\t'];

impl<'a> Iterator for Scan<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        let begin = self.rest.trim_start_matches(SPACE);
        let after = begin.strip_prefix(';')?.trim_start_matches(SPACE);
        let name_end = after.bytes().position(|byte| !is_name(byte)).unwrap_or(after.len());
        let (name, after) = after.split_at(name_end);
        if name.is_empty() {
            return None;
        }
        let after = after.trim_start_matches(SPACE);
        let (value, after) = match after.strip_prefix('=') {
            None => ("", after),
            Some(after) => value(after.trim_start_matches(SPACE))?,
        };
        let after = after.trim_start_matches(SPACE);
        if !after.is_empty() && !after.starts_with(';') {
            return None;
        }
        self.rest = after;
        Some(Param { name, value, whole: begin.get(..begin.len() - after.len()).unwrap_or_default() })
    }
}

/// A value and what follows it.
fn value(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted_end(quoted)?;
            Some((quoted.get(..end)?, quoted.get(end + 1..)?))
        }
        None => {
            let end = text.bytes().position(|byte| !is_value(byte)).unwrap_or(text.len());
            Some(text.split_at(end))
        }
    }
}

/// Where a quoted string ends, that begins after its first quote: the offset of its last quote.
pub(super) fn quoted_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })
}

const fn is_name(byte: u8) -> bool {
    is_token(byte) || byte >= 0x80
}

// More than the RFC allows, for peers that write it; nothing that could end the parameter or the header.
const fn is_value(byte: u8) -> bool {
    !matches!(byte, 0..=b' ' | b';' | b',' | b'<' | b'>' | b'"' | 0x7f)
}
