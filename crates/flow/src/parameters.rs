//! Reading an action's parameters: typed values out, problems noted with their path.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::document::{Action, Transitions};
use crate::effect::ResourceRef;
use crate::memory::Scene;
use crate::resource::{NamedResource, ResourceKind};
use crate::template::Template;
use crate::validate::{Notes, Problem};

/// The parameters of one action, and a place for what is wrong with them.
pub(crate) struct Parameters<'a> {
    action: &'a Action,
    problems: &'a mut Vec<Problem>,
    resources: Vec<NamedResource>,
}

/// Why a block cannot run: it takes its error branch with this reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misconfigured(pub(crate) String);

impl<'a> Parameters<'a> {
    pub(crate) fn new(action: &'a Action, problems: &'a mut Vec<Problem>) -> Self {
        Self { action, problems, resources: Vec::new() }
    }

    /// The resources that were read and that no call can change.
    pub(crate) fn into_resources(self) -> Vec<NamedResource> {
        self.resources
    }

    /// The ways out of the block: some blocks are told by them what to expect.
    pub(crate) fn transitions(&self) -> &'a Transitions {
        &self.action.transitions
    }

    /// Notes what is wrong with a parameter that the block can run without; "" is all of them.
    pub(crate) fn note(&mut self, name: &str, message: impl Into<String>) {
        Notes::new(self.action, self.problems).parameter(name, message);
    }

    /// Notes what is wrong with a parameter that the block cannot run without.
    pub(crate) fn refuse(&mut self, name: &str, message: &str) -> Misconfigured {
        let mut notes = Notes::new(self.action, self.problems);
        notes.parameter(name, message);
        Misconfigured(format!("{} {message}", notes.place(name)))
    }

    /// Dots go into objects, numbers in brackets into lists: `Messages[0].Text`.
    fn raw(&self, path: &str) -> Option<&'a Value> {
        let mut names = path.split(['.', '[']);
        let first = self.action.parameters.get(names.next()?)?;
        let below = |value: &'a Value, name: &str| match name.strip_suffix(']') {
            Some(index) => value.get(index.parse::<usize>().ok()?),
            None => value.get(name),
        };
        names.try_fold(first, below).filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.raw(path).is_some()
    }

    /// A text; numbers and booleans are read as their text. Dotted paths go into objects.
    pub(crate) fn text(&mut self, path: &str) -> Option<String> {
        let value = self.raw(path)?;
        let text = scalar_text(value);
        if text.is_none() {
            self.note(path, "must be a string");
        }
        text
    }

    pub(crate) fn template(&mut self, path: &str) -> Option<Template> {
        self.text(path).map(|text| Template::parse(&text))
    }

    /// A text that must be there and not be empty.
    pub(crate) fn required_text(&mut self, path: &str) -> Result<String, Misconfigured> {
        match self.text(path) {
            Some(text) if text.is_empty() => Err(self.refuse(path, "must not be empty")),
            Some(text) => Ok(text),
            None => Err(self.refuse(path, "is missing")),
        }
    }

    pub(crate) fn required_template(&mut self, path: &str) -> Result<Template, Misconfigured> {
        self.required_text(path).map(|text| Template::parse(&text))
    }

    /// "True" or "False", in any case.
    pub(crate) fn flag(&mut self, path: &str) -> bool {
        let Some(text) = self.text(path) else { return false };
        match text.to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => {
                self.note(path, "must be \"True\" or \"False\"");
                false
            }
        }
    }

    /// A whole number that cannot be a reference; one outside of the range is noted and brought into it.
    pub(crate) fn number(&mut self, path: &str, default: u32, range: std::ops::RangeInclusive<u32>) -> u32 {
        let Some(text) = self.text(path) else { return default };
        match text.trim().parse::<u32>() {
            Ok(number) if range.contains(&number) => number,
            Ok(number) => {
                self.note(path, out_of_range(&range));
                number.clamp(*range.start(), *range.end())
            }
            Err(_) => {
                self.note(path, out_of_range(&range));
                default
            }
        }
    }

    /// A whole number or a reference to one: what is static is checked now.
    pub(crate) fn dynamic_number(
        &mut self,
        path: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<Template> {
        let template = self.template(path)?;
        if let Some(literal) = template.literal()
            && !literal.trim().parse().is_ok_and(|number| range.contains(&number))
        {
            self.note(path, out_of_range(&range));
        }
        Some(template)
    }

    pub(crate) fn object(&mut self, path: &str) -> Option<&'a Map<String, Value>> {
        let value = self.raw(path)?;
        if value.as_object().is_none() {
            self.note(path, "must be an object");
        }
        value.as_object()
    }

    pub(crate) fn list(&mut self, path: &str) -> &'a [Value] {
        match self.raw(path) {
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.note(path, "must be a list");
                &[]
            }
            None => &[],
        }
    }

    /// Something of the instance, by id or reference; the flow may say what it is called.
    pub(crate) fn resource(&mut self, path: &str) -> Option<ResourceTemplate> {
        let id = self.text(path).filter(|id| !id.is_empty());
        let name = self.action.names.get(path).cloned();
        if id.is_none() && name.is_none() {
            return None;
        }
        let id = Template::parse(&id.unwrap_or_default());
        // What is computed has no name beside it that could be meant.
        let name = name.filter(|_| id.literal().is_some());
        if let (Some(kind), Some(literal)) = (ResourceKind::of_parameter(path), id.literal()) {
            let place = Notes::new(self.action, self.problems).place(path);
            self.resources.push(NamedResource {
                path: format!("{}.{place}", self.action.path),
                block: self.action.identifier.clone(),
                kind,
                id: literal.to_owned(),
                name: name.clone(),
            });
        }
        Some(ResourceTemplate { id, name })
    }

    pub(crate) fn required_resource(&mut self, path: &str) -> Result<ResourceTemplate, Misconfigured> {
        match self.resource(path) {
            Some(resource) => {
                if !self.has(path) {
                    self.note(path, "is missing");
                }
                Ok(resource)
            }
            None => Err(match self.has(path) {
                true => self.refuse(path, "must not be empty"),
                false => self.refuse(path, "is missing"),
            }),
        }
    }

    /// Any JSON whose texts may hold references.
    pub(crate) fn data(&mut self, path: &str) -> DataTemplate {
        DataTemplate::read(self.raw(path).unwrap_or(&Value::Null))
    }

    /// `{name: value}`, where both may hold references.
    pub(crate) fn template_map(&mut self, path: &str) -> TemplateMap {
        let Some(object) = self.object(path) else { return TemplateMap::default() };
        let mut entries = Vec::new();
        for (name, value) in object {
            // A nested value is passed on as its JSON text.
            let text = scalar_text(value).unwrap_or_else(|| value.to_string());
            entries.push((Template::parse(name), Template::parse(&text)));
        }
        TemplateMap { entries }
    }
}

/// Names and values that may hold references.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TemplateMap {
    entries: Vec<(Template, Template)>,
}

impl TemplateMap {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn push(&mut self, name: Template, value: Template) {
        self.entries.push((name, value));
    }

    /// Names and values with their references replaced.
    ///
    /// Errors: more than [`ATTRIBUTES_LIMIT_BYTES`] in all, as a reason for the log.
    pub(crate) fn resolve(
        &self,
        resolve: impl Fn(&Template) -> String,
    ) -> Result<BTreeMap<String, String>, String> {
        let mut resolved = BTreeMap::new();
        let mut bytes = 0;
        for (name, value) in &self.entries {
            let (name, value) = (resolve(name), resolve(value));
            bytes += name.len() + value.len();
            if bytes > ATTRIBUTES_LIMIT_BYTES {
                return Err(format!("the values are more than {ATTRIBUTES_LIMIT_BYTES} bytes together"));
            }
            resolved.insert(name, value);
        }
        Ok(resolved)
    }
}

/// Something of the instance that a block names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceTemplate {
    id: Template,
    name: Option<String>,
}

impl ResourceTemplate {
    pub(crate) fn resolve(&self, scene: &Scene<'_>) -> ResourceRef {
        ResourceRef { id: scene.resolve(&self.id), name: self.name.clone() }
    }
}

/// JSON whose texts may hold references; numbers and flags keep their type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum DataTemplate {
    Text(Template),
    Other(Value),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl DataTemplate {
    fn read(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(Template::parse(text)),
            Value::Array(items) => Self::List(items.iter().map(Self::read).collect()),
            Value::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (name.clone(), Self::read(value))).collect())
            }
            other => Self::Other(other.clone()),
        }
    }

    /// The data with its references replaced.
    ///
    /// Errors: more than [`ATTRIBUTES_LIMIT_BYTES`] in all, as a reason for the log.
    pub(crate) fn resolve(&self, scene: &Scene<'_>) -> Result<Value, String> {
        let mut room = ATTRIBUTES_LIMIT_BYTES;
        self.within(scene, &mut room)
            .ok_or_else(|| format!("the values are more than {ATTRIBUTES_LIMIT_BYTES} bytes together"))
    }

    fn within(&self, scene: &Scene<'_>, room: &mut usize) -> Option<Value> {
        Some(match self {
            Self::Text(template) => {
                let text = scene.resolve(template);
                *room = room.checked_sub(text.len())?;
                text.into()
            }
            Self::Other(value) => value.clone(),
            Self::List(items) => {
                items.iter().map(|item| item.within(scene, room)).collect::<Option<Vec<_>>>()?.into()
            }
            Self::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    *room = room.checked_sub(name.len())?;
                    Some((name.clone(), value.within(scene, room)?))
                });
                Value::Object(members.collect::<Option<_>>()?)
            }
        })
    }
}

/// Whether a flag is set, in the spelling of any tool.
pub(crate) fn is_true(value: &Value) -> bool {
    scalar_text(value).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// Whether a text is a flag.
pub(crate) fn is_true_or_false(text: &str) -> bool {
    ["true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What the attributes of a contact may hold together.
pub(crate) const ATTRIBUTES_LIMIT_BYTES: usize = 32 * 1024;

/// The text of a string, number or boolean; empty for null.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn out_of_range(range: &std::ops::RangeInclusive<u32>) -> String {
    format!("must be a whole number from {} to {}", range.start(), range.end())
}
