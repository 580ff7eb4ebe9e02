//! As much XML as answers need.

/// An element: text, or elements.
pub(super) struct Element {
    name: String,
    content: Content,
}

enum Content {
    Text(String),
    List(Vec<Element>),
}

impl Element {
    pub(super) fn text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), content: Content::Text(text.to_owned()) }
    }

    pub(super) fn list(name: impl Into<String>, elements: Vec<Self>) -> Self {
        Self { name: name.into(), content: Content::List(elements) }
    }

    fn write(&self, out: &mut String) {
        let Self { name, content } = self;
        out.extend(["<", name, ">"]);
        match content {
            Content::Text(text) => escape(text, out),
            Content::List(elements) => elements.iter().for_each(|element| element.write(out)),
        }
        out.extend(["</", name, ">"]);
    }
}

/// A document of one element in a namespace.
pub(super) fn document(name: &str, namespace: &str, elements: &[Element]) -> String {
    let mut out = format!("<{name} xmlns=\"{namespace}\">");
    elements.iter().for_each(|element| element.write(&mut out));
    out.extend(["</", name, ">"]);
    out
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(character),
            // Not allowed in XML, however it is written.
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
}
