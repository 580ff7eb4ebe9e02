//! A flow as files hold it: the content alone, or within an answer to DescribeContactFlow.

use serde_json::Value;
use std::path::Path;

/// A flow out of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FlowFile {
    pub(super) name: String,
    /// The type in the words of the API.
    pub(super) flow_type: String,
    /// Whether it is a module.
    pub(super) is_module: bool,
    pub(super) content: String,
}

impl FlowFile {
    /// Reads the text of a file. A byte order mark is passed over; the name is that of the answer or of the export, or else
    /// that of the file.
    pub(super) fn read(text: &str, path: &Path) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}');
        let whole: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let wrapped = ["ContactFlow", "ContactFlowModule"].iter().find_map(|member| whole.get(member));
        let answer = wrapped.unwrap_or(&whole);
        let content = match answer.get("Content") {
            Some(Value::String(content)) => content.clone(),
            Some(content @ Value::Object(_)) => content.to_string(),
            _ => text.to_owned(),
        };
        let inner: Value =
            serde_json::from_str(&content).map_err(|error| format!("its Content is not JSON: {error}"))?;
        let metadata = [&inner["Metadata"], &inner["metadata"]];
        let of_metadata = |member: &str| metadata.iter().find_map(|metadata| metadata[member].as_str());
        let of_file = || path.file_stem().map_or_else(|| "flow".into(), |stem| stem.to_string_lossy());
        let name =
            answer["Name"].as_str().or_else(|| of_metadata("name")).filter(|name| !name.trim().is_empty());
        let designed = inner["type"].as_str().or_else(|| of_metadata("type")).unwrap_or("contactFlow");
        let is_module = whole.get("ContactFlowModule").is_some()
            || designed == "contactFlowModule"
            || inner.get("Settings").is_some();
        Ok(Self {
            name: name.map_or_else(|| of_file().into_owned(), str::to_owned),
            flow_type: answer["Type"].as_str().map_or_else(|| type_of(designed), str::to_owned),
            is_module,
            content,
        })
    }
}

/// The word of the API for a word of the designer: `customerQueue` is `CUSTOMER_QUEUE`.
fn type_of(designed: &str) -> String {
    let mut word = String::new();
    for letter in designed.chars() {
        if letter.is_ascii_uppercase() {
            word.push('_');
        }
        word.push(letter.to_ascii_uppercase());
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &str = r#"{"Version":"2019-10-30","StartAction":"a","Metadata":{"name":"Inner","type":"customerQueue"},"Actions":[]}"#;

    fn read(text: &str) -> FlowFile {
        FlowFile::read(text, Path::new("flows/welcome.json")).unwrap()
    }

    #[test]
    fn a_content_an_answer_and_a_text_with_a_byte_order_mark_are_read() {
        let bare = read(CONTENT);
        assert_eq!(
            (bare.name.as_str(), bare.flow_type.as_str(), bare.is_module),
            ("Inner", "CUSTOMER_QUEUE", false)
        );
        assert_eq!(read(&format!("\u{feff}{CONTENT}")), bare);
        let answer = serde_json::json!({ "ContactFlow": { "Name": "Outer", "Type": "CONTACT_FLOW", "Content": CONTENT } });
        let answer = read(&answer.to_string());
        assert_eq!((answer.name.as_str(), answer.flow_type.as_str()), ("Outer", "CONTACT_FLOW"));
        assert_eq!(answer.content, CONTENT);
        let older = read(r#"{"modules":[],"version":"1","type":"agentWhisper","metadata":{"name":"Old"}}"#);
        assert_eq!((older.name.as_str(), older.flow_type.as_str()), ("Old", "AGENT_WHISPER"));
        assert_eq!(read(r#"{"Version":"2019-10-30","Actions":[]}"#).name, "welcome");
        let module = serde_json::json!({ "ContactFlowModule": { "Name": "M", "Content": CONTENT } });
        assert!(read(&module.to_string()).is_module);
    }

    #[test]
    fn what_is_no_flow_is_refused() {
        for text in ["", "hello", r#"{"ContactFlow":{"Content":"hello"}}"#] {
            assert!(FlowFile::read(text, Path::new("x")).is_err(), "{text}");
        }
    }
}
