//! Elements and text of a document: as much of XML 1.0 as a `<speak>` document has. Bounded, and total.

/// Why a text is no document that can be spoken. Places are characters from 1; no text of the document is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SsmlError {
    /// More text than a prompt may have.
    #[error("the prompt has {chars} characters of the {limit_chars} allowed")]
    TooLong {
        /// What came.
        chars: usize,
        /// What may come.
        limit_chars: usize,
    },
    /// Something else than one `<speak>` element.
    #[error("the SSML must be one <speak> element")]
    NotSpeak,
    /// More than 32 elements within each other.
    #[error("the SSML has more than {MAX_DEPTH} elements within each other, at character {at}")]
    TooDeep {
        /// Where.
        at: usize,
    },
    /// A `break` of another length than is allowed.
    #[error("a break of the SSML needs a time of at most 10s (10000ms), or a strength, at character {at}")]
    Break {
        /// Where.
        at: usize,
    },
    /// Not well formed.
    #[error(
        "the SSML is not well formed at character {at}: {what} (values of references are put in before it is read: their & and < too)"
    )]
    Malformed {
        /// Where.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// Elements within each other.
pub(super) const MAX_DEPTH: usize = 32;

pub(super) enum Token<'a> {
    /// Entities replaced.
    Text(String),
    /// An empty element is opened and closed.
    Open(Element<'a>),
    Close {
        name: &'a str,
        /// That of the element's beginning.
        depth: usize,
    },
}

pub(super) struct Element<'a> {
    pub(super) name: &'a str,
    attributes: Vec<(&'a str, String)>,
    /// How many elements are open, this one included.
    pub(super) depth: usize,
    /// The character that it begins with.
    pub(super) at: usize,
}

impl Element<'_> {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// Gives the tokens of a document in their order.
pub(super) struct Scanner<'a> {
    text: &'a str,
    rest: &'a str,
    open: Vec<&'a str>,
    /// An empty element that is to be closed.
    closing: Option<&'a str>,
    has_root: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, rest: text, open: Vec::new(), closing: None, has_root: false }
    }

    /// `None` at the end of the document.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, SsmlError> {
        if let Some(name) = self.closing.take() {
            let depth = self.open.len();
            self.open.pop();
            return Ok(Some(Token::Close { name, depth }));
        }
        loop {
            if self.rest.is_empty() {
                return if self.has_root && self.open.is_empty() {
                    Ok(None)
                } else if self.has_root {
                    Err(self.malformed("an element is not closed"))
                } else {
                    Err(SsmlError::NotSpeak)
                };
            }
            if let Some(after) = self.rest.strip_prefix("<!--") {
                self.skip(after, "-->", "a comment is not closed")?;
            } else if let Some(after) = self.rest.strip_prefix("<?") {
                self.skip(after, "?>", "an instruction is not closed")?;
            } else if let Some(after) = self.rest.strip_prefix("<![CDATA[") {
                let text = self.skip(after, "]]>", "a CDATA section is not closed")?;
                return self.outside(text.to_owned()).map(Some);
            } else if self.rest.starts_with("<!") {
                return Err(self.malformed("a document type is not allowed"));
            } else if let Some(after) = self.rest.strip_prefix("</") {
                return self.close(after).map(Some);
            } else if self.rest.starts_with('<') {
                return self.open().map(Some);
            } else {
                let end = self.rest.find('<').unwrap_or(self.rest.len());
                let (text, rest) = self.rest.split_at(end);
                let text = self.unescaped(text)?;
                self.rest = rest;
                if self.open.is_empty() && text.chars().all(is_space) {
                    continue;
                }
                return self.outside(text).map(Some);
            }
        }
    }

    /// Text is allowed within the root only.
    fn outside(&self, text: String) -> Result<Token<'a>, SsmlError> {
        if self.open.is_empty() { Err(SsmlError::NotSpeak) } else { Ok(Token::Text(text)) }
    }

    fn skip(&mut self, from: &'a str, end: &str, what: &'static str) -> Result<&'a str, SsmlError> {
        let (skipped, rest) = from.split_once(end).ok_or_else(|| self.malformed(what))?;
        self.rest = rest;
        Ok(skipped)
    }

    fn close(&mut self, after: &'a str) -> Result<Token<'a>, SsmlError> {
        let (name, rest) = after.split_once('>').ok_or_else(|| self.malformed("a tag is not closed"))?;
        let name = name.trim_end_matches(is_space);
        let depth = self.open.len();
        if self.open.last() != Some(&name) {
            return Err(self.malformed("an element is closed that is not the open one"));
        }
        self.open.pop();
        self.rest = rest;
        Ok(Token::Close { name, depth })
    }

    fn open(&mut self) -> Result<Token<'a>, SsmlError> {
        let at = self.at();
        let (name, rest) = name(self.rest.get(1..).unwrap_or_default());
        if name.is_empty() {
            return Err(self.malformed("< begins no element"));
        }
        if self.open.is_empty() && (self.has_root || name != "speak") {
            return Err(SsmlError::NotSpeak);
        }
        let mut attributes = Vec::new();
        let mut rest = rest;
        let rest = loop {
            let trimmed = rest.trim_start_matches(is_space);
            if let Some(after) = trimmed.strip_prefix('>') {
                break after;
            }
            if let Some(after) = trimmed.strip_prefix("/>") {
                self.closing = Some(name);
                break after;
            }
            // White space stands before each attribute.
            if trimmed.len() == rest.len() {
                return Err(self.malformed("a tag is not closed"));
            }
            let (attribute, value, after) = self.attribute(trimmed)?;
            if attributes.iter().any(|(known, _)| *known == attribute) {
                return Err(self.malformed("an attribute stands twice in an element"));
            }
            attributes.push((attribute, value));
            rest = after;
        };
        if self.open.len() == MAX_DEPTH {
            return Err(SsmlError::TooDeep { at });
        }
        self.open.push(name);
        self.has_root = true;
        self.rest = rest;
        Ok(Token::Open(Element { name, attributes, depth: self.open.len(), at }))
    }

    fn attribute(&self, text: &'a str) -> Result<(&'a str, String, &'a str), SsmlError> {
        let (attribute, after) = name(text);
        let value = after
            .trim_start_matches(is_space)
            .strip_prefix('=')
            .map(|value| value.trim_start_matches(is_space));
        let quote = value.and_then(|value| value.chars().next()).filter(|quote| matches!(quote, '"' | '\''));
        let (Some(value), Some(quote), false) = (value, quote, attribute.is_empty()) else {
            return Err(self.malformed("an attribute needs a name, = and a value in quotes"));
        };
        let (value, after) = value
            .get(1..)
            .and_then(|value| value.split_once(quote))
            .ok_or_else(|| self.malformed("the value of an attribute is not closed"))?;
        if value.contains('<') {
            return Err(self.malformed("the value of an attribute has a <"));
        }
        Ok((attribute, self.unescaped(value)?, after))
    }

    /// The text with its entities replaced (XML 1.0, section 4.6, and character references).
    fn unescaped(&self, text: &str) -> Result<String, SsmlError> {
        let mut parts = text.split('&');
        let mut unescaped = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let replaced = part.split_once(';').and_then(|(entity, rest)| Some((character(entity)?, rest)));
            let (character, rest) = replaced.ok_or_else(|| self.malformed("& begins no entity"))?;
            unescaped.push(character);
            unescaped.push_str(rest);
        }
        Ok(unescaped)
    }

    fn malformed(&self, what: &'static str) -> SsmlError {
        SsmlError::Malformed { at: self.at(), what }
    }

    fn at(&self) -> usize {
        let read = self.text.len() - self.rest.len();
        self.text.get(..read).map_or(0, |read| read.chars().count()) + 1
    }
}

fn character(entity: &str) -> Option<char> {
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                    u32::from_str_radix(hex, 16).ok()?
                }
                None if number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok()?,
                _ => return None,
            };
            char::from_u32(code).filter(|character| !character.is_control() || is_space(*character))?
        }
    })
}

/// A name, and what follows it.
fn name(text: &str) -> (&str, &str) {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.');
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let starts_well = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    text.split_at(if starts_well { end } else { 0 })
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}
