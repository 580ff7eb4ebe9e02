//! name-addr and addr-spec (RFC 3261 section 20.10): From, To, Contact, Route, P-Asserted-Identity.

use super::head::Span;
use super::params::{Params, quoted_end};
use super::{Text, Uri};

/// A display name, a URI and header parameters. Prints as it was written.
#[derive(Debug, Clone)]
pub struct Address {
    text: Text,
    /// The display name, with its quotes.
    display: Span,
    uri: Uri,
    params: Params,
}

impl Address {
    /// Parses one value. In the bare form every parameter is the header's, not the URI's.
    pub fn parse(text: &Text) -> Option<Self> {
        let trimmed = text.as_str().trim_matches(SPACE);
        let start = text.len() - text.as_str().trim_start_matches(SPACE).len();
        let text = text.slice(start..start + trimmed.len())?;
        let whole = text.as_str();
        // A quoted name ends at its own quote, so that nothing within it is read as a URI.
        let after_name = match whole.strip_prefix('"') {
            Some(quoted) => quoted_end(quoted)? + 2,
            None => 0,
        };
        let rest = whole.get(after_name..)?;
        match rest.find(['<', ';', '"']).and_then(|at| Some((at, rest.get(at..)?.strip_prefix('<')?))) {
            Some((at, _)) => {
                let open = after_name + at;
                if after_name > 0 && !whole.get(after_name..open)?.trim_matches(SPACE).is_empty() {
                    return None;
                }
                let close = open + whole.get(open..)?.find('>')?;
                let uri = Uri::parse(&text.slice(open + 1..close)?)?;
                let params = Params::parse(whole, close + 1)?;
                let display = whole.get(..open)?.trim_end_matches(SPACE).len();
                Some(Self { display: Span::new(0, display)?, uri, params, text })
            }
            // Bare: no display name may stand here.
            None if after_name > 0 => None,
            None => {
                let end = whole.find(';').unwrap_or(whole.len());
                let uri = Uri::parse(&text.slice(0..whole.get(..end)?.trim_end_matches(SPACE).len())?)?;
                let params = Params::parse(whole, end)?;
                Some(Self { display: Span::default(), uri, params, text })
            }
        }
    }

    /// The display name, unquoted and unescaped; `None` where there is none.
    pub fn display_name(&self) -> Option<String> {
        let name = self.display.of_str(&self.text);
        let name = match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
            Some(quoted) => unquoted(quoted),
            None => name.to_owned(),
        };
        Some(name).filter(|name| !name.is_empty())
    }

    /// The URI.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The `tag` parameter, where it is not empty.
    pub fn tag(&self) -> Option<&str> {
        self.param("tag").filter(|tag| !tag.is_empty())
    }

    /// A header parameter: `Some("")` for one without a value. Names compare without case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(&self.text, name)
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// A copy that keeps no packet alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self { text: self.text.detached(), uri: self.uri.detached(), ..self.clone() }
    }
}

const SPACE: [char; 2] = [' ', '\t'];

fn unquoted(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => text.extend(chars.next()),
            _ => text.push(char),
        }
    }
    text
}
