//! Parameter values that may hold references: a whole one, or several inside a text.

use crate::reference::Reference;

/// A parameter value: text with references in it, resolved anew each time its block runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Reference(Reference),
}

impl Template {
    /// Reads a value. Total: what is not a reference is text.
    pub(crate) fn parse(text: &str) -> Self {
        if let Some(reference) = Reference::parse(text) {
            return Self { pieces: vec![Piece::Reference(reference)] };
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, from_dollar) = rest.split_at(at);
            literal.push_str(before);
            match Reference::scan(from_dollar).filter(|(reference, _)| reference.has_known_root()) {
                Some((reference, length)) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Reference(reference));
                    rest = from_dollar.get(length..).unwrap_or_default();
                }
                None => {
                    literal.push('$');
                    rest = from_dollar.get(1..).unwrap_or_default();
                }
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Self { pieces }
    }

    /// The text, where it holds no reference.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The value with each reference replaced; an unset one is empty. Never longer than
    /// [`RESOLVED_LIMIT_BYTES`]: what is beyond is cut.
    pub(crate) fn resolve(&self, value_of: impl Fn(&Reference) -> Option<String>) -> String {
        let mut resolved = String::new();
        for piece in &self.pieces {
            if resolved.len() >= RESOLVED_LIMIT_BYTES {
                break;
            }
            match piece {
                Piece::Text(text) => push_limited(&mut resolved, text),
                Piece::Reference(reference) => {
                    push_limited(&mut resolved, &value_of(reference).unwrap_or_default());
                }
            }
        }
        resolved
    }

    /// Like [`Template::resolve`], but `None` where the whole value is one reference and that is unset.
    pub(crate) fn resolve_optional(&self, value_of: impl Fn(&Reference) -> Option<String>) -> Option<String> {
        match self.pieces.as_slice() {
            [Piece::Reference(reference)] => value_of(reference),
            _ => Some(self.resolve(value_of)),
        }
    }
}

fn push_limited(resolved: &mut String, text: &str) {
    let mut room = RESOLVED_LIMIT_BYTES.saturating_sub(resolved.len()).min(text.len());
    while !text.is_char_boundary(room) {
        room -= 1;
    }
    resolved.push_str(text.get(..room).unwrap_or_default());
}

/// Twice what all attributes of a contact may hold together.
pub(crate) const RESOLVED_LIMIT_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn resolve(text: &str) -> String {
        Template::parse(text).resolve(|reference| match reference.root() {
            "External" => Some(format!("<{}>", reference.key())),
            _ => None,
        })
    }

    #[test]
    fn references_inside_text_are_replaced() {
        assert_eq!(resolve("located in $.External.State"), "located in <State>");
        assert_eq!(resolve("$.External.a$.External.b."), "<a><b>.");
        assert_eq!(resolve("Dear $.Attributes.name, hello"), "Dear , hello");
    }

    #[test]
    fn money_and_unknown_roots_stay_text() {
        assert_eq!(resolve("that is $1000 or $.50 or $.Price"), "that is $1000 or $.50 or $.Price");
        assert_eq!(Template::parse("$5").literal(), Some("$5"));
    }

    #[test]
    fn a_whole_value_may_have_any_root() {
        assert_eq!(Template::parse("$.SomethingNew.x").literal(), None);
        assert_eq!(Template::parse("$.SomethingNew.x").resolve_optional(|_| None), None);
    }

    #[test]
    fn a_resolved_text_has_a_limit() {
        let many = "$.External.a ".repeat(100);
        let resolved = Template::parse(&many).resolve(|_| Some("\u{e9}".repeat(5_000)));
        assert!(resolved.len() <= RESOLVED_LIMIT_BYTES);
        assert!(resolved.len() > RESOLVED_LIMIT_BYTES - 2);
    }

    proptest! {
        #[test]
        fn text_without_references_is_kept(text in "[^$]{0,64}") {
            prop_assert_eq!(resolve(&text), text);
        }

        #[test]
        fn any_text_resolves(text in ".{0,64}") {
            resolve(&text);
        }
    }
}
