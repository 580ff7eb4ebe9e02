//! A request as text, taken apart.

use tympan_auth::RequestParts;

/// A request taken apart.
#[derive(Default)]
pub(crate) struct RequestText {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

#[allow(dead_code, reason = "each test file uses its own part of this module")]
impl RequestText {
    /// Reads a request line, header lines (folded ones too), an empty line and a body.
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, rest) = lines.next().and_then(|line| line.split_once(' ')).expect("a request line");
        let (target, _version) = rest.rsplit_once(' ').expect("a request line");
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            match (line.starts_with(' '), headers.last_mut(), line.split_once(':')) {
                (true, Some((_, value)), _) => value.extend(["\n", line]),
                (_, _, Some((name, value))) => headers.push((name.to_owned(), value.to_owned())),
                _ => panic!("not a header line: {line}"),
            }
        }
        Self { method: method.to_owned(), target: target.to_owned(), headers, body: body.to_owned() }
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.body.as_bytes()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn with_parts<T>(&self, use_them: impl FnOnce(&RequestParts<'_>) -> T) -> T {
        let (raw_path, raw_query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let method = &self.method;
        use_them(&RequestParts { method, raw_path, raw_query, headers: &headers, local_port: Some(8600) })
    }
}
