//! What policies mean, said once more and as plainly as possible: nothing here is the product's. For tests and fuzz targets
//! (feature `reference`).
//!
//! A policy is a value, not a text; resources are the canonical ones that the test knows of, never what a request says.
//!
//! Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A policy, before it is written as JSON.
#[derive(Debug, Clone)]
pub struct Policy(pub Vec<Statement>);

/// A statement of a policy.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Allow, else Deny.
    pub allows: bool,
    /// Patterns of actions.
    pub actions: Vec<String>,
    /// All actions but these are meant.
    pub not_actions: bool,
    /// Patterns of resources.
    pub resources: Vec<String>,
    /// All resources but these are meant.
    pub not_resources: bool,
    /// All of them must be met.
    pub conditions: Vec<Condition>,
}

/// One operator on one key.
#[derive(Debug, Clone)]
pub struct Condition {
    /// What of the request is looked at.
    pub key: Key,
    /// What it is compared with; the values are alternatives.
    pub test: Test,
    /// None of the alternatives may fit.
    pub negated: bool,
    /// Met where the request does not have the key.
    pub if_exists: bool,
}

/// A condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Key {
    SourceIp,
    SecureTransport,
    CurrentTime,
    EpochTime,
    UserName,
    PrincipalArn,
    PrincipalAccount,
    RequestedRegion,
    /// A tag of the resource, whose key is found in any case.
    ResourceTag(String),
}

/// An operator, with its values.
#[derive(Debug, Clone)]
pub enum Test {
    /// The text itself.
    Equals(Vec<String>),
    /// The text in any case.
    EqualsIgnoreCase(Vec<String>),
    /// A pattern with `*` and `?`.
    Like(Vec<String>),
    /// An ARN of which each of six parts is a pattern.
    Arn(Vec<String>),
    /// A network by its address and the number of its leading bits.
    Network(Vec<(Ipv4Addr, u8)>),
    /// A truth value.
    Bool(Vec<bool>),
    /// An instant, in seconds since 1970.
    Time(Order, Vec<i64>),
    /// Whether the request lacks the key.
    Null(Vec<bool>),
}

/// How two instants are to stand to each other.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A test of a tag, of those that users write most.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum TagTest {
    Equals,
    NotEquals,
    EqualsIfExists,
    Absent,
}

/// Who asks, and from where.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The account.
    pub account: String,
    /// The user's name, or that of the session of [`Self::role`].
    pub user: String,
    /// The role that a session has assumed.
    pub role: Option<String>,
    /// The other end, where it is known.
    pub address: Option<Ipv4Addr>,
    /// Whether the request came by TLS.
    pub secure: bool,
    /// The region that it was signed for.
    pub region: String,
    /// When it came, in milliseconds since 1970.
    pub now_ms: i64,
}

impl Default for Asker {
    fn default() -> Self {
        Self {
            account: "111122223333".to_owned(),
            user: "reader".to_owned(),
            role: None,
            address: None,
            secure: false,
            region: "us-west-2".to_owned(),
            now_ms: 1_706_270_400_000,
        }
    }
}

/// What is asked for of one resource.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Such as `kinesisvideo:GetMedia`.
    pub action: String,
    /// The canonical ARN, or `*`.
    pub resource: String,
    /// The tags of the resource.
    pub tags: BTreeMap<String, String>,
}

/// What policies come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// All layers allow it, and none denies it.
    Allowed,
    /// A statement of this layer denies it; the first such layer is named.
    Denied(usize),
    /// No statement of this layer allows it; the first such layer is named.
    NotAllowed(usize),
}

/// What layers of policies say about a wish: those of an identity, and those that a session was narrowed with.
pub fn decide(layers: &[Vec<Policy>], asker: &Asker, wish: &Wish) -> Decision {
    let says = |layer: &Vec<Policy>, allows: bool| {
        layer.iter().flat_map(|policy| &policy.0).any(|s| s.allows == allows && applies(s, asker, wish))
    };
    let denied = layers.iter().position(|layer| says(layer, false));
    let silent = layers.iter().position(|layer| !says(layer, true));
    match (denied, silent) {
        (Some(layer), _) => Decision::Denied(layer),
        (None, Some(layer)) => Decision::NotAllowed(layer),
        (None, None) => Decision::Allowed,
    }
}

/// Whether policies allow a wish.
pub fn allows(layers: &[Vec<Policy>], asker: &Asker, wish: &Wish) -> bool {
    decide(layers, asker, wish) == Decision::Allowed
}

/// Whether a statement of these policies denies a wish.
pub fn denies(layers: &[Vec<Policy>], asker: &Asker, wish: &Wish) -> bool {
    matches!(decide(layers, asker, wish), Decision::Denied(_))
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

/// What a request has under a key.
enum Actual {
    Text(String),
    Address(Ipv4Addr),
    Bool(bool),
    /// Milliseconds since 1970.
    Time(i64),
}

fn actual(key: &Key, asker: &Asker, wish: &Wish) -> Vec<Actual> {
    let Asker { account, user, role, .. } = asker;
    let text = |text: &str| vec![Actual::Text(text.to_owned())];
    match key {
        Key::SourceIp => asker.address.map(Actual::Address).into_iter().collect(),
        Key::SecureTransport => vec![Actual::Bool(asker.secure)],
        Key::CurrentTime => vec![Actual::Time(asker.now_ms)],
        // Whole seconds.
        Key::EpochTime => vec![Actual::Time(asker.now_ms.div_euclid(1_000) * 1_000)],
        // A session of a role is no user.
        Key::UserName if role.is_some() => Vec::new(),
        Key::UserName => text(user),
        Key::PrincipalArn => vec![Actual::Text(match role {
            None => format!("arn:aws:iam::{account}:user/{user}"),
            Some(role) => format!("arn:aws:sts::{account}:assumed-role/{role}/{user}"),
        })],
        Key::PrincipalAccount => text(account),
        Key::RequestedRegion => text(&asker.region),
        Key::ResourceTag(name) => {
            let same = |known: &str| known.eq_ignore_ascii_case(name);
            let values = wish.tags.iter().filter(|(known, _)| same(known)).map(|(_, value)| value);
            values.map(|value| Actual::Text(value.clone())).collect()
        }
    }
}

fn is_met(condition: &Condition, asker: &Asker, wish: &Wish) -> bool {
    let values = actual(&condition.key, asker, wish);
    if let Test::Null(absent) = &condition.test {
        return absent.contains(&values.is_empty());
    }
    if values.is_empty() {
        return condition.negated || condition.if_exists;
    }
    values.iter().any(|value| condition.test.fits(value)) != condition.negated
}

impl Test {
    fn fits(&self, value: &Actual) -> bool {
        match (self, value) {
            (Self::Equals(all), Actual::Text(text)) => all.contains(text),
            (Self::EqualsIgnoreCase(all), Actual::Text(text)) => {
                all.iter().any(|one| one.to_lowercase() == text.to_lowercase())
            }
            (Self::Like(all), Actual::Text(text)) => all.iter().any(|pattern| fits(pattern, text)),
            (Self::Arn(all), Actual::Text(text)) => all.iter().any(|pattern| {
                let parts = |arn: &str| arn.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
                let (pattern, text) = (parts(pattern), parts(text));
                pattern.len() == text.len() && pattern.iter().zip(&text).all(|(one, other)| fits(one, other))
            }),
            (Self::Network(all), Actual::Address(address)) => all.iter().any(|(network, bits)| {
                let beginning = |address: &Ipv4Addr| {
                    let digits = format!("{:032b}", u32::from(*address));
                    digits.chars().take(usize::from(*bits)).collect::<String>()
                };
                beginning(network) == beginning(address)
            }),
            (Self::Bool(all), Actual::Bool(value)) => all.contains(value),
            (Self::Time(order, all), Actual::Time(at_ms)) => all.iter().any(|seconds| {
                let (at, than) = (*at_ms, seconds * 1_000);
                match order {
                    Order::Equal => at == than,
                    Order::Less => at < than,
                    Order::LessOrEqual => at <= than,
                    Order::Greater => at > than,
                    Order::GreaterOrEqual => at >= than,
                }
            }),
            // No policy can be written so.
            _ => false,
        }
    }
}

impl Policy {
    /// The policy as users write it.
    pub fn to_json(&self) -> String {
        let statements: Vec<Value> = self.0.iter().map(Statement::to_json).collect();
        json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
    }
}

impl Statement {
    /// Conditions of the same operator on the same key would be one: they must not occur.
    fn to_json(&self) -> Value {
        let not = |negated: bool| if negated { "Not" } else { "" };
        let mut statement = json!({ "Effect": if self.allows { "Allow" } else { "Deny" } });
        statement[format!("{}Action", not(self.not_actions))] = json!(self.actions);
        statement[format!("{}Resource", not(self.not_resources))] = json!(self.resources);
        let mut conditions = json!({});
        for condition in &self.conditions {
            conditions[condition.operator()][condition.key.name()] = condition.test.values();
        }
        if !self.conditions.is_empty() {
            statement["Condition"] = conditions;
        }
        statement
    }
}

impl Condition {
    /// The other end is, or is not, in the network of this first byte.
    pub fn network(first_byte: u8, negated: bool) -> Self {
        let test = Test::Network(vec![(Ipv4Addr::new(first_byte, 0, 0, 0), 8)]);
        Self { key: Key::SourceIp, test, negated, if_exists: false }
    }

    /// The request came by TLS, or did not.
    pub fn secure(secure: bool) -> Self {
        let test = Test::Bool(vec![secure]);
        Self { key: Key::SecureTransport, test, negated: false, if_exists: false }
    }

    /// The user is, or is not, called so.
    pub fn user_name(name: &str, negated: bool) -> Self {
        let test = Test::Equals(vec![name.to_owned()]);
        Self { key: Key::UserName, test, negated, if_exists: false }
    }

    /// The tag `team` of the resource.
    pub fn team(value: &str, test: TagTest) -> Self {
        let key = Key::ResourceTag("team".to_owned());
        let equals = Test::Equals(vec![value.to_owned()]);
        let of = |test, negated, if_exists| Self { key, test, negated, if_exists };
        match test {
            TagTest::Equals => of(equals, false, false),
            TagTest::NotEquals => of(equals, true, false),
            TagTest::EqualsIfExists => of(equals, false, true),
            TagTest::Absent => of(Test::Null(vec![true]), false, false),
        }
    }

    /// The operator's name.
    pub fn operator(&self) -> String {
        let (name, negated) = match &self.test {
            Test::Equals(_) => ("StringEquals", "StringNotEquals"),
            Test::EqualsIgnoreCase(_) => ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
            Test::Like(_) => ("StringLike", "StringNotLike"),
            Test::Arn(_) => ("ArnLike", "ArnNotLike"),
            Test::Network(_) => ("IpAddress", "NotIpAddress"),
            Test::Time(Order::Equal, _) => ("DateEquals", "DateNotEquals"),
            // The others have no negation.
            Test::Time(Order::Less, _) => ("DateLessThan", ""),
            Test::Time(Order::LessOrEqual, _) => ("DateLessThanEquals", ""),
            Test::Time(Order::Greater, _) => ("DateGreaterThan", ""),
            Test::Time(Order::GreaterOrEqual, _) => ("DateGreaterThanEquals", ""),
            Test::Bool(_) => ("Bool", ""),
            Test::Null(_) => ("Null", ""),
        };
        format!(
            "{}{}",
            if self.negated { negated } else { name },
            if self.if_exists { "IfExists" } else { "" }
        )
    }
}

impl Key {
    /// As policies write it.
    pub fn name(&self) -> String {
        let name = match self {
            Self::SourceIp => "SourceIp",
            Self::SecureTransport => "SecureTransport",
            Self::CurrentTime => "CurrentTime",
            Self::EpochTime => "EpochTime",
            Self::UserName => "username",
            Self::PrincipalArn => "PrincipalArn",
            Self::PrincipalAccount => "PrincipalAccount",
            Self::RequestedRegion => "RequestedRegion",
            Self::ResourceTag(key) => return format!("aws:ResourceTag/{key}"),
        };
        format!("aws:{name}")
    }
}

impl Test {
    /// One value stands by itself, several are a list.
    fn values(&self) -> Value {
        let mut values: Vec<Value> = match self {
            Self::Equals(all) | Self::EqualsIgnoreCase(all) | Self::Like(all) | Self::Arn(all) => {
                all.iter().map(|one| json!(one)).collect()
            }
            Self::Network(all) => {
                all.iter().map(|(address, bits)| json!(format!("{address}/{bits}"))).collect()
            }
            Self::Bool(all) | Self::Null(all) => all.iter().map(|one| json!(one.to_string())).collect(),
            Self::Time(_, all) => all.iter().map(|seconds| json!(seconds.to_string())).collect(),
        };
        match values.len() {
            1 => values.remove(0),
            _ => Value::Array(values),
        }
    }
}
