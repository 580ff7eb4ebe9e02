//! Path templates such as `/contact-flows/{InstanceId}/{ContactFlowId}/name`, and what a request's line holds.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Path and query of a request, as received, and the template that the path fits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestLine<'a> {
    pub(crate) template: &'static str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
}

impl<'a> RequestLine<'a> {
    /// That of the services that have one path.
    pub(crate) const NONE: Self = Self { template: "/", path: "/", query: "" };

    /// Names and decoded values of the path's labels, in their order.
    pub(crate) fn labels(self) -> impl Iterator<Item = (&'static str, Cow<'a, str>)> {
        let segments = self.path.strip_prefix('/').unwrap_or(self.path).split('/');
        parts(self.template)
            .zip(segments)
            .filter_map(|(part, segment)| Some((label(part)?, decoded(segment))))
    }

    /// Decoded names and values of the query.
    pub(crate) fn query_pairs(self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        self.query.split('&').filter(|text| !text.is_empty()).map(|text| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            (decoded(name), decoded(value))
        })
    }

    /// All values of one query parameter.
    pub(crate) fn query_values(self, name: &'static str) -> impl Iterator<Item = Cow<'a, str>> {
        self.query_pairs().filter(move |(known, _)| known == name).map(|(_, value)| value)
    }
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

fn parts(template: &'static str) -> std::str::Split<'static, char> {
    template.strip_prefix('/').unwrap_or(template).split('/')
}

/// The first segment, by which templates are looked up: no operation begins with a label.
pub(crate) fn first_segment(path: &str) -> &str {
    path.strip_prefix('/').and_then(|path| path.split('/').next()).unwrap_or_default()
}

/// The name of a label, if this part of a template is one.
pub(crate) fn label(part: &'static str) -> Option<&'static str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

/// Whether a template has a label of this name.
pub(crate) fn has_label(template: &'static str, name: &str) -> bool {
    parts(template).filter_map(label).any(|label| label == name)
}

/// How many segments of a template are literals, if the path fits it. A label takes no empty segment.
pub(crate) fn literals_of_match(template: &'static str, path: &str) -> Option<usize> {
    let mut segments = path.strip_prefix('/')?.split('/');
    let mut literals = 0;
    for part in parts(template) {
        let segment = segments.next()?;
        match label(part) {
            Some(_) if !segment.is_empty() => {}
            None if part == segment => literals += 1,
            _ => return None,
        }
    }
    segments.next().is_none().then_some(literals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_decoded_and_never_empty() {
        let template = "/contact-flows/{InstanceId}/{ContactFlowId}/name";
        assert_eq!(literals_of_match(template, "/contact-flows/a/b/name"), Some(2));
        for other in
            ["/contact-flows/a//name", "/contact-flows/a/b", "/contact-flows/a/b/name/", "contact-flows"]
        {
            assert_eq!(literals_of_match(template, other), None, "{other}");
        }
        let line = RequestLine { template, path: "/contact-flows/a/arn%3Ax%2Fy/name", query: "" };
        let labels: Vec<_> = line.labels().map(|(name, value)| (name, value.into_owned())).collect();
        assert_eq!(labels, [("InstanceId", "a".to_owned()), ("ContactFlowId", "arn:x/y".to_owned())]);
    }

    #[test]
    fn a_query_parameter_may_have_several_values() {
        let line = RequestLine { template: "/", path: "/", query: "a=1&b&a=%20x&&c=2=3" };
        assert_eq!(line.query_values("a").collect::<Vec<_>>(), ["1", " x"]);
        assert_eq!(line.query_values("b").collect::<Vec<_>>(), [""]);
        assert_eq!(line.query_values("c").collect::<Vec<_>>(), ["2=3"]);
    }
}
