//! Where the values of a document stand in its text, by the paths that problems have.

use std::collections::{BTreeMap, BTreeSet};

/// A place in a text. Both are counted from 1; a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// The positions of values by their paths: `Actions[9].Parameters.PromptId`, in an older export also
/// `modules[3].parameters.Timeout` for the parameter of that name. A path whose value is not in the text has the position of the
/// nearest value around it; a text that is not JSON has none.
pub fn positions<'p>(content: &str, paths: impl IntoIterator<Item = &'p str>) -> BTreeMap<String, Position> {
    let paths: Vec<&str> = paths.into_iter().collect();
    let wanted: BTreeSet<&str> = paths.iter().flat_map(|path| with_those_around(path)).collect();
    let mut scan =
        Scan { text: content.as_bytes(), at: 0, path: String::new(), wanted, found: BTreeMap::new() };
    if scan.value(0).is_none() {
        return BTreeMap::new();
    }
    let lines = Lines::of(content);
    let nearest = |path: &str| with_those_around(path).find_map(|path| scan.found.get(path).copied());
    paths.iter().filter_map(|path| Some(((*path).to_owned(), lines.position(nearest(path)?)))).collect()
}

/// A path and the paths of the values around its value, innermost first; the last one is empty.
fn with_those_around(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| around(path))
}

fn around(path: &str) -> Option<&str> {
    if path.is_empty() {
        return None;
    }
    Some(path.rfind(['.', '[']).map_or("", |end| path.get(..end).unwrap_or_default()))
}

/// The lines of a text, by the offset that each begins at.
struct Lines<'a> {
    text: &'a str,
    begin: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, begin: std::iter::once(0).chain(after).collect() }
    }

    fn position(&self, offset: usize) -> Position {
        let line = self.begin.partition_point(|begin| *begin <= offset);
        let begin = line.checked_sub(1).and_then(|line| self.begin.get(line)).copied().unwrap_or_default();
        let before = self.text.get(begin..offset).unwrap_or_default();
        // A byte order mark has no width.
        let column = before.chars().filter(|letter| *letter != '\u{feff}').count() + 1;
        Position { line, column }
    }
}

/// A walk through JSON that notes where the wanted values begin.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    path: String,
    wanted: BTreeSet<&'a str>,
    found: BTreeMap<String, usize>,
}

impl Scan<'_> {
    /// Reads a value; `None` where the text is not JSON.
    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        let begin = self.skip_space();
        self.note(begin);
        match self.text.get(begin)? {
            b'{' => self.object(depth),
            b'[' => self.list(depth),
            b'"' => self.string().map(drop),
            _ => {
                let is_end = |byte: &u8| b",]}".contains(byte) || byte.is_ascii_whitespace();
                let rest = self.text.get(begin..)?;
                let length = rest.iter().position(is_end).unwrap_or(rest.len());
                self.at = begin + length;
                (length > 0).then_some(())
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        let length = self.path.len();
        // A parameter of an older export is found by its name, wherever that stands in it.
        let (mut name, mut value) = (None, None);
        loop {
            match self.text.get(self.skip_space())? {
                b'}' => break self.at += 1,
                b',' => self.at += 1,
                b'"' => {
                    let key = self.string()?;
                    if *self.text.get(self.skip_space())? != b':' {
                        return None;
                    }
                    self.at += 1;
                    let begin = self.skip_space();
                    if length > 0 {
                        self.path.push('.');
                    }
                    self.path.push_str(&key);
                    self.value(depth + 1)?;
                    self.path.truncate(length);
                    match key.as_str() {
                        "name" => name = self.text.get(begin..self.at).and_then(unescaped),
                        "value" => value = Some(begin),
                        _ => {}
                    }
                }
                _ => return None,
            }
        }
        if let (Some(name), Some(value)) = (name, value)
            && let Some(list) = self.path.strip_suffix(']').and_then(|path| path.rsplit_once('['))
            && list.0.ends_with(".parameters")
        {
            self.note_as(format!("{}.{name}", list.0), value);
        }
        Some(())
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        let length = self.path.len();
        let mut index = 0_usize;
        loop {
            match self.text.get(self.skip_space())? {
                b']' => break self.at += 1,
                b',' => self.at += 1,
                _ => {
                    self.path.push_str(&format!("[{index}]"));
                    self.value(depth + 1)?;
                    self.path.truncate(length);
                    index += 1;
                }
            }
        }
        Some(())
    }

    /// Reads a string.
    fn string(&mut self) -> Option<String> {
        let begin = self.at;
        self.at += 1;
        loop {
            match self.text.get(self.at)? {
                b'\\' => self.at += 2,
                b'"' => break self.at += 1,
                _ => self.at += 1,
            }
        }
        self.text.get(begin..self.at).and_then(unescaped)
    }

    /// Goes to what is not white space, a byte order mark included.
    fn skip_space(&mut self) -> usize {
        let is_space = |byte: &u8| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte);
        while self.text.get(self.at).is_some_and(is_space) {
            self.at += 1;
        }
        self.at
    }

    fn note(&mut self, begin: usize) {
        if self.wanted.contains(self.path.as_str()) {
            self.found.entry(self.path.clone()).or_insert(begin);
        }
    }

    fn note_as(&mut self, path: String, begin: usize) {
        if self.wanted.contains(path.as_str()) {
            self.found.entry(path).or_insert(begin);
        }
    }
}

/// The text of a string as JSON writes it.
fn unescaped(json: &[u8]) -> Option<String> {
    serde_json::from_slice(json).ok()
}

/// As deep as the parser of documents goes.
const DEPTH: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(content: &str, path: &str) -> Option<(usize, usize)> {
        positions(content, [path]).get(path).map(|found| (found.line, found.column))
    }

    #[test]
    fn a_value_is_found_by_its_path_and_one_that_is_missing_by_what_is_around_it() {
        let text = "{ \"Version\": \"x\",\n  \"Actions\": [\n    {\"Identifier\": \"ä\\\"]\", \"Parameters\": { \"PromptId\": 1 } },\n    {}\n] }";
        assert_eq!(at(text, "Version"), Some((1, 14)));
        assert_eq!(at(text, "Actions[0].Parameters.PromptId"), Some((3, 56)));
        assert_eq!(at(text, "Actions[0].Parameters.Text"), Some((3, 42)));
        assert_eq!(at(text, "Actions[1].Type"), Some((4, 5)));
        assert_eq!(at(text, "Actions[7].Type"), Some((2, 14)));
        assert_eq!(at(text, "StartAction"), Some((1, 1)));
        assert_eq!(at(text, ""), Some((1, 1)));
        assert_eq!(at(&format!("\u{feff}{text}"), "Version"), Some((1, 14)));
    }

    #[test]
    fn a_parameter_of_an_older_export_is_found_by_its_name() {
        let text = "{\"modules\":[{\"parameters\":[\n{\"value\": 1, \"name\":\"Timeout\"},\n{\"name\":\"Text\",\"value\":\"a\"}]}]}";
        assert_eq!(at(text, "modules[0].parameters.Timeout"), Some((2, 11)));
        assert_eq!(at(text, "modules[0].parameters.Text"), Some((3, 24)));
        assert_eq!(at(text, "modules[0].parameters.Other"), Some((1, 27)));
    }

    #[test]
    fn what_is_no_json_has_no_positions_and_ends() {
        for text in ["", "{", "[", "{\"a\"", "{\"a\":", "\"\\", "{a}", "[,", "}", "{\"a\":}"] {
            assert_eq!(at(text, "a.b[1]"), None, "{text}");
        }
        assert_eq!(at(&"[".repeat(100_000), "a"), None);
    }
}
