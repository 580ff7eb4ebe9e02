//! What a flow knows: its own memory, and the contact that it looks up everything else in.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::interpreter::ContactView;
use crate::reference::Reference;
use crate::template::Template;

/// A part of what a flow remembers, by the root of its references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Namespace {
    /// The last response of a function.
    External,
    /// Attributes of the flow; end with it.
    FlowAttributes,
    /// How the last conversation with a bot ended.
    Lex,
    /// The last metrics that were asked for.
    Metrics,
    /// What a module was given, and what the last module returned.
    Modules,
    /// The last stored input.
    StoredCustomerInput,
}

impl Namespace {
    fn of(root: &str) -> Option<Self> {
        Some(match root {
            "External" => Self::External,
            "FlowAttributes" => Self::FlowAttributes,
            "Lex" => Self::Lex,
            "Metrics" => Self::Metrics,
            "Modules" => Self::Modules,
            "StoredCustomerInput" => Self::StoredCustomerInput,
            _ => return None,
        })
    }

    /// Whether it goes along to the next flow. Every module has a memory of its own.
    const fn outlives_a_flow(self) -> bool {
        !matches!(self, Self::FlowAttributes)
    }
}

/// What the interpreter itself remembers for one flow or module.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    namespaces: BTreeMap<Namespace, Value>,
}

impl Memory {
    /// The memory of a module that was given this.
    pub(crate) fn of_module(input: Value) -> Self {
        let mut memory = Self::default();
        memory.put_below(Namespace::Modules, "Input", input);
        memory
    }

    /// Replaces what a namespace holds.
    pub(crate) fn put(&mut self, namespace: Namespace, value: Value) {
        self.namespaces.insert(namespace, value);
    }

    /// Replaces one member of what a namespace holds.
    pub(crate) fn put_below(&mut self, namespace: Namespace, name: &str, value: Value) {
        let held = self.namespaces.entry(namespace).or_insert_with(|| Value::Object(Map::new()));
        if !held.is_object() {
            *held = Value::Object(Map::new());
        }
        if let Value::Object(members) = held {
            members.insert(name.to_owned(), value);
        }
    }

    /// What a namespace holds.
    pub(crate) fn get(&self, namespace: Namespace) -> &Value {
        self.namespaces.get(&namespace).unwrap_or(&Value::Null)
    }

    /// The last stored input; `$.StoredCustomerInput`.
    pub(crate) fn store_input(&mut self, input: String) {
        self.put(Namespace::StoredCustomerInput, input.into());
    }

    /// Forgets what belongs to one flow.
    pub(crate) fn leave_flow(&mut self) {
        self.namespaces.retain(|namespace, _| namespace.outlives_a_flow());
    }
}

/// Turns taken by each `Loop` block of a call, by flow and identifier: they outlive the flow.
pub(crate) type Loops = BTreeMap<(String, String), u32>;

/// What a flow leaves to the flows that begin after it in the same call, such as the queue flow after the one that answered: the turns of
/// its loops, and whether the flow log is on. Everything else that a flow remembers is its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallMemory {
    pub(crate) loops: Loops,
    pub(crate) logging: bool,
}

impl CallMemory {
    /// What a contact with this setting begins with.
    pub fn with_logging(logging: bool) -> Self {
        Self { loops: Loops::new(), logging }
    }

    /// What the next contact of the chain begins with, after a transfer: loops begin anew.
    #[must_use]
    pub fn of_next_contact(&self) -> Self {
        Self::with_logging(self.logging)
    }

    /// Whether the flow log is on.
    pub fn is_logging(&self) -> bool {
        self.logging
    }
}

/// A block's view of the world while it runs.
pub(crate) struct Scene<'a> {
    /// The ARN of the flow or module that runs.
    pub(crate) flow: &'a str,
    /// The identifier of the block that runs.
    pub(crate) block: &'a str,
    pub(crate) memory: &'a mut Memory,
    pub(crate) loops: &'a mut Loops,
    pub(crate) contact: &'a dyn ContactView,
    /// Whether the block is a loop of prompts whose flow had its turn.
    pub(crate) is_resumed: bool,
    /// Whether the flow log is on.
    pub(crate) logging: &'a mut bool,
    /// `ExternalResults` of the block's log entry.
    pub(crate) external_results: Option<Value>,
}

impl Scene<'_> {
    /// The value of a reference; `None` where it is unset.
    pub(crate) fn value(&self, reference: &Reference) -> Option<String> {
        match Namespace::of(reference.root()) {
            Some(namespace) => look_up(self.memory.get(namespace), reference),
            None => self.contact.value(reference),
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

    /// How often the loop that runs has turned.
    pub(crate) fn turns(&mut self) -> &mut u32 {
        self.loops.entry((self.flow.to_owned(), self.block.to_owned())).or_insert(0)
    }
}

/// Follows a path into a namespace. Objects and lists are given as their JSON text.
fn look_up(held: &Value, reference: &Reference) -> Option<String> {
    let nested = reference.below_root().iter().try_fold(held, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name.as_str()),
    });
    match nested.or_else(|| held.get(reference.key()))? {
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

    #[test]
    fn what_belongs_to_one_flow_ends_with_it() {
        let mut memory = Memory::default();
        for namespace in [Namespace::External, Namespace::FlowAttributes, Namespace::StoredCustomerInput] {
            memory.put(namespace, json!("kept"));
        }
        memory.leave_flow();
        assert_eq!(memory.get(Namespace::FlowAttributes), &Value::Null);
        assert_eq!(memory.get(Namespace::External), "kept");
        assert_eq!(memory.get(Namespace::StoredCustomerInput), "kept");
    }
}
