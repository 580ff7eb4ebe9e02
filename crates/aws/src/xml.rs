//! As much XML as the answers of the query protocol need.

/// An element: text, or elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    name: String,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(String),
    List(Vec<Element>),
}

impl Element {
    /// An element of text.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), content: Content::Text(text.into()) }
    }

    /// An element of elements.
    pub fn list(name: impl Into<String>, elements: Vec<Self>) -> Self {
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
pub(crate) fn document(name: &str, namespace: &str, elements: &[Element]) -> String {
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

/// The text of the first element of this name, entities resolved, in a document of another server.
pub fn text_of(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_read_back() {
        let xml =
            document("R", "https://n/", &[Element::list("L", vec![Element::text("T", "a<b>&\u{1}\r")])]);
        assert_eq!(xml, "<R xmlns=\"https://n/\"><L><T>a&lt;b&gt;&amp;\u{fffd}&#13;</T></L></R>");
        assert_eq!(
            text_of("<a><Message>a &lt;b&gt; &amp;lt;</Message></a>", "Message").unwrap(),
            "a <b> &lt;"
        );
        assert_eq!(text_of("<Code>", "Code"), None);
    }
}
