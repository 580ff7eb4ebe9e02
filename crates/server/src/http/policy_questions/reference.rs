//! What policies mean, said once more and as plainly as possible: nothing here is the product's. A policy is a value, not a
//! text; resources are the canonical ones that the test knows of, never what a request says.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A policy, before it is written as JSON.
#[derive(Debug, Clone)]
pub(super) struct Policy(pub(super) Vec<Statement>);

#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) allows: bool,
    pub(super) actions: Vec<String>,
    pub(super) not_actions: bool,
    pub(super) resources: Vec<String>,
    pub(super) not_resources: bool,
    pub(super) conditions: Vec<Condition>,
}

/// Each kind of condition that questions are asked with.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    /// The other end is, or is not, in the network of this first byte.
    Network { first_byte: u8, negated: bool },
    /// The request came by TLS, or did not.
    Secure(bool),
    /// The user's name.
    UserName { name: String, negated: bool },
    /// The tag `team` of the resource.
    Team { value: String, test: TagTest },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum TagTest {
    Equals,
    NotEquals,
    EqualsIfExists,
    Absent,
}

/// Who asks, and from where.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub(super) user: String,
    pub(super) address: Ipv4Addr,
    pub(super) secure: bool,
}

/// What is asked for of one resource.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) action: String,
    /// The canonical ARN, or `*`.
    pub(super) resource: String,
    pub(super) tags: BTreeMap<String, String>,
}

/// Whether policies allow a wish: all layers allow it, and none denies it.
pub(super) fn allows(layers: &[Vec<Policy>], asker: &Asker, wish: &Wish) -> bool {
    let says = |layer: &Vec<Policy>, allows: bool| {
        layer.iter().flat_map(|policy| &policy.0).any(|s| s.allows == allows && applies(s, asker, wish))
    };
    layers.iter().all(|layer| says(layer, true)) && !layers.iter().any(|layer| says(layer, false))
}

/// Whether a statement of these policies denies a wish.
pub(super) fn denies(layers: &[Vec<Policy>], asker: &Asker, wish: &Wish) -> bool {
    let mut statements = layers.iter().flatten().flat_map(|policy| &policy.0);
    statements.any(|statement| !statement.allows && applies(statement, asker, wish))
}

fn applies(statement: &Statement, asker: &Asker, wish: &Wish) -> bool {
    let action = statement.actions.iter().any(|pattern| fits_in_any_case(pattern, &wish.action));
    let resource = statement.resources.iter().any(|pattern| fits_resource(pattern, &wish.resource));
    action != statement.not_actions
        && resource != statement.not_resources
        && statement.conditions.iter().all(|condition| is_met(condition, asker, wish))
}

/// The case of a stream's, role's or alias's name matters; where there are only UUIDs it does not.
fn fits_resource(pattern: &str, resource: &str) -> bool {
    let service = resource.split(':').nth(2).unwrap_or_default();
    let is_key = service == "kms" && resource.split(':').nth(5).is_some_and(|rest| rest.starts_with("key/"));
    if matches!(service, "connect" | "tympan") || is_key {
        fits_in_any_case(pattern, resource)
    } else {
        fits(pattern, resource)
    }
}

fn fits_in_any_case(pattern: &str, text: &str) -> bool {
    fits(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

/// `*` is any run of characters, `?` any one.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // reached[n]: what was read of the pattern so far fits the first n characters of the text.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for c in pattern {
        let before = reached.clone();
        for n in 0..=text.len() {
            reached[n] = match c {
                '*' => before[..=n].contains(&true),
                '?' => n > 0 && before[n - 1],
                c => n > 0 && before[n - 1] && text[n - 1] == c,
            };
        }
    }
    reached[text.len()]
}

fn is_met(condition: &Condition, asker: &Asker, wish: &Wish) -> bool {
    match condition {
        Condition::Network { first_byte, negated } => (asker.address.octets()[0] == *first_byte) != *negated,
        Condition::Secure(secure) => asker.secure == *secure,
        Condition::UserName { name, negated } => (asker.user == *name) != *negated,
        Condition::Team { value, test } => match (wish.tags.get("team"), test) {
            (None, TagTest::Equals) => false,
            (None, TagTest::NotEquals | TagTest::EqualsIfExists | TagTest::Absent) => true,
            (Some(team), TagTest::Equals | TagTest::EqualsIfExists) => team == value,
            (Some(team), TagTest::NotEquals) => team != value,
            (Some(_), TagTest::Absent) => false,
        },
    }
}

impl Policy {
    /// The policy as users write it.
    pub(super) fn to_json(&self) -> String {
        let statements: Vec<Value> = self.0.iter().map(Statement::to_json).collect();
        json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
    }
}

impl Statement {
    fn to_json(&self) -> Value {
        let not = |negated: bool| if negated { "Not" } else { "" };
        let mut statement = json!({ "Effect": if self.allows { "Allow" } else { "Deny" } });
        statement[format!("{}Action", not(self.not_actions))] = json!(self.actions);
        statement[format!("{}Resource", not(self.not_resources))] = json!(self.resources);
        let mut conditions = json!({});
        for condition in &self.conditions {
            let (operator, key, value) = condition.to_text();
            conditions[operator][key] = value.into();
        }
        if !self.conditions.is_empty() {
            statement["Condition"] = conditions;
        }
        statement
    }
}

impl Condition {
    fn to_text(&self) -> (&'static str, &'static str, String) {
        match self {
            Self::Network { first_byte, negated } => {
                let operator = if *negated { "NotIpAddress" } else { "IpAddress" };
                (operator, "aws:SourceIp", format!("{first_byte}.0.0.0/8"))
            }
            Self::Secure(secure) => ("Bool", "aws:SecureTransport", secure.to_string()),
            Self::UserName { name, negated } => {
                let operator = if *negated { "StringNotEquals" } else { "StringEquals" };
                (operator, "aws:username", name.clone())
            }
            Self::Team { value, test } => {
                const KEY: &str = "aws:ResourceTag/team";
                match test {
                    TagTest::Equals => ("StringEquals", KEY, value.clone()),
                    TagTest::NotEquals => ("StringNotEquals", KEY, value.clone()),
                    TagTest::EqualsIfExists => ("StringEqualsIfExists", KEY, value.clone()),
                    TagTest::Absent => ("Null", KEY, "true".to_owned()),
                }
            }
        }
    }
}
