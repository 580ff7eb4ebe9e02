//! What a flow knows: its own memory, and the contact that it looks up everything else in.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::interpreter::ContactView;
use crate::reference::Reference;
use crate::template::Template;

/// What the interpreter itself remembers.
#[derive(Default)]
pub(crate) struct Memory {
    /// The last Lambda response; `$.External`.
    pub(crate) external: Value,
    /// The last stored input; `$.StoredCustomerInput`.
    pub(crate) stored_input: Option<String>,
    /// `$.FlowAttributes`; ends with the flow.
    pub(crate) flow_attributes: BTreeMap<String, String>,
    /// Turns taken by each running `Loop` block, by block index; ends with the flow.
    pub(crate) loops: HashMap<usize, u32>,
}

impl Memory {
    /// Forgets what belongs to one flow; the last Lambda response and input go along to the next one.
    pub(crate) fn leave_flow(&mut self) {
        self.flow_attributes.clear();
        self.loops.clear();
    }
}

/// A block's view of the world while it runs.
pub(crate) struct Scene<'a> {
    /// Which block runs.
    pub(crate) block: usize,
    pub(crate) memory: &'a mut Memory,
    pub(crate) contact: &'a dyn ContactView,
}

impl Scene<'_> {
    /// The value of a reference; `None` where it is unset.
    pub(crate) fn value(&self, reference: &Reference) -> Option<String> {
        match reference.root() {
            "External" => look_up(&self.memory.external, reference),
            "FlowAttributes" => self.memory.flow_attributes.get(&reference.key()).cloned(),
            "StoredCustomerInput" => self.memory.stored_input.clone(),
            _ => self.contact.value(reference),
        }
    }

    /// A parameter's value, references replaced; what is unset is empty.
    pub(crate) fn resolve(&self, template: &Template) -> String {
        template.resolve(|reference| self.value(reference))
    }

    /// A parameter's value; `None` where it is one reference and that is unset.
    pub(crate) fn resolve_optional(&self, template: &Template) -> Option<String> {
        template.resolve_optional(|reference| self.value(reference))
    }
}

/// Follows a path into a Lambda response. Objects and lists are given as their JSON text.
fn look_up(external: &Value, reference: &Reference) -> Option<String> {
    let nested = reference.below_root().iter().try_fold(external, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name.as_str()),
    });
    match nested.or_else(|| external.get(reference.key()))? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn external(response: &Value, path: &str) -> Option<String> {
        look_up(response, &Reference::parse(path).unwrap())
    }

    #[test]
    fn a_response_is_looked_up_by_path_and_by_dotted_key() {
        let response = json!({ "a": { "b": [1, { "c": "deep" }] }, "x.y": "flat", "no": null, "yes": true });
        assert_eq!(external(&response, "$.External.a.b[1].c").as_deref(), Some("deep"));
        assert_eq!(external(&response, "$.External.a.b[0]").as_deref(), Some("1"));
        assert_eq!(external(&response, "$.External.x.y").as_deref(), Some("flat"));
        assert_eq!(external(&response, "$.External.yes").as_deref(), Some("true"));
        assert_eq!(external(&response, "$.External.a.b").as_deref(), Some(r#"[1,{"c":"deep"}]"#));
        assert_eq!(external(&response, "$.External.no"), None);
        assert_eq!(external(&response, "$.External.missing.deep"), None);
        assert_eq!(external(&Value::Null, "$.External.a"), None);
    }
}
