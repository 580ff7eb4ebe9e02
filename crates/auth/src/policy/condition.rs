//! `Condition`: `{"IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}}`. All of them must be met.
//!
//! Several values are alternatives; of a negated operator none may fit. A key that a request does not have meets a
//! negated operator and `...IfExists`, and no other.

use super::document::{PolicyError, Rules, object};
use super::evaluate::Question;
use super::json::Node;
use super::pattern::Pattern;
use crate::Network;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// One operator on one key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    key: Key,
    test: Test,
    is_negated: bool,
    /// Met where the request does not have the key.
    if_exists: bool,
}

/// What is known of a request. Names do not tell case apart.
#[derive(Debug, Clone, PartialEq)]
enum Key {
    SourceIp,
    SecureTransport,
    CurrentTime,
    EpochTime,
    UserName,
    UserId,
    PrincipalArn,
    PrincipalAccount,
    RequestedRegion,
    /// A tag of the resource.
    ResourceTag(String),
}

/// Key by its lower-case name.
const KEYS: &[(&str, Key)] = &[
    ("aws:sourceip", Key::SourceIp),
    ("aws:securetransport", Key::SecureTransport),
    ("aws:currenttime", Key::CurrentTime),
    ("aws:epochtime", Key::EpochTime),
    ("aws:username", Key::UserName),
    ("aws:userid", Key::UserId),
    ("aws:principalarn", Key::PrincipalArn),
    ("aws:principalaccount", Key::PrincipalAccount),
    ("aws:requestedregion", Key::RequestedRegion),
];
const RESOURCE_TAG: &str = "aws:resourcetag/";

#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// One of these patterns; of equality they have been made so that only the text itself fits.
    Like(Vec<Pattern>),
    Equals(Vec<String>),
    EqualsIgnoreCase(Vec<String>),
    Arn(Vec<ArnPattern>),
    Network(Vec<Network>),
    Bool(Vec<bool>),
    /// Unix milliseconds.
    Time(Order, Vec<i64>),
    /// The key is absent, or is not.
    Absent(Vec<bool>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An operator by its name, without `IfExists`.
#[derive(Clone, Copy)]
enum Operator {
    Like,
    Equals,
    EqualsIgnoreCase,
    Arn,
    Network,
    Bool,
    Time(Order),
    Absent,
}

/// Name, operator, whether it is negated.
const OPERATORS: &[(&str, Operator, bool)] = &[
    ("StringEquals", Operator::Equals, false),
    ("StringNotEquals", Operator::Equals, true),
    ("StringEqualsIgnoreCase", Operator::EqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Operator::EqualsIgnoreCase, true),
    ("StringLike", Operator::Like, false),
    ("StringNotLike", Operator::Like, true),
    ("ArnEquals", Operator::Arn, false),
    ("ArnLike", Operator::Arn, false),
    ("ArnNotEquals", Operator::Arn, true),
    ("ArnNotLike", Operator::Arn, true),
    ("IpAddress", Operator::Network, false),
    ("NotIpAddress", Operator::Network, true),
    ("Bool", Operator::Bool, false),
    ("DateEquals", Operator::Time(Order::Equal), false),
    ("DateNotEquals", Operator::Time(Order::Equal), true),
    ("DateLessThan", Operator::Time(Order::Less), false),
    ("DateLessThanEquals", Operator::Time(Order::LessOrEqual), false),
    ("DateGreaterThan", Operator::Time(Order::Greater), false),
    ("DateGreaterThanEquals", Operator::Time(Order::GreaterOrEqual), false),
    ("Null", Operator::Absent, false),
];

impl Condition {
    pub(super) fn read_all(node: &Node, place: &str, rules: &Rules) -> Result<Vec<Self>, PolicyError> {
        let mut conditions = Vec::new();
        for (operator, keys) in object(node, place)? {
            let place = format!("{place}.{operator}");
            let (name, if_exists) = match operator.strip_suffix("IfExists") {
                Some(name) if name != "Null" => (name, true),
                _ => (operator.as_str(), false),
            };
            let known = OPERATORS.iter().find(|(known, ..)| *known == name);
            let Some((_, operator, is_negated)) = known else {
                let reason = "this server does not know the operator; docs/access.md lists those it knows";
                return Err(PolicyError::new(&place, reason));
            };
            for (name, values) in object(keys, &place)? {
                let place = format!("{place}.{name}");
                let Some(key) = key(name) else {
                    let reason =
                        "this server does not know the condition key; docs/access.md lists those it knows";
                    return Err(PolicyError::new(&place, reason));
                };
                let values = values_of(values, &place)?;
                for value in &values {
                    rules.plain(value, &place)?;
                }
                let test =
                    test(*operator, &key, &values).map_err(|reason| PolicyError::new(&place, reason))?;
                conditions.push(Self { key, test, is_negated: *is_negated, if_exists });
            }
        }
        Ok(conditions)
    }

    pub(super) fn is_met(&self, question: &Question<'_>) -> bool {
        let facts = question.facts;
        let principal = question.principal;
        let one = |text: &str| self.about_texts(&[text]);
        let at = |unix_ms: i64| {
            let Test::Time(order, values) = &self.test else { return false };
            self.is_negated != values.iter().any(|value| order.holds(unix_ms, *value))
        };
        match &self.key {
            Key::SourceIp => match (&self.test, facts.source_ip) {
                (Test::Network(networks), Some(address)) => {
                    self.is_negated != networks.iter().any(|network| network.has(address))
                }
                (Test::Network(_), None) => self.is_negated || self.if_exists,
                (_, address) => self.presence(address.is_some()),
            },
            Key::SecureTransport => match &self.test {
                Test::Bool(values) => values.contains(&facts.secure_transport),
                _ => self.presence(true),
            },
            Key::CurrentTime => match &self.test {
                Test::Time(..) => at(facts.now.unix_ms()),
                _ => self.presence(true),
            },
            // Whole seconds, as the key is defined.
            Key::EpochTime => match &self.test {
                Test::Time(..) => at(facts.now.unix_ms().div_euclid(1_000) * 1_000),
                _ => self.presence(true),
            },
            Key::UserName => match principal.user_name() {
                Some(name) => one(name),
                None => self.about_texts(&[]),
            },
            Key::UserId => one(&principal.user_id),
            Key::PrincipalArn => one(&principal.arn),
            Key::PrincipalAccount => one(principal.account.as_str()),
            Key::RequestedRegion => one(facts.region),
            Key::ResourceTag(key) => {
                let tags = facts.resource_tags.into_iter().flatten();
                let values: Vec<&str> = tags
                    .filter(|(name, _)| name.eq_ignore_ascii_case(key))
                    .map(|(_, value)| value.as_str())
                    .collect();
                self.about_texts(&values)
            }
        }
    }

    /// The key has these values: none where the request does not have it.
    fn about_texts(&self, texts: &[&str]) -> bool {
        if matches!(self.test, Test::Absent(_)) {
            return self.presence(!texts.is_empty());
        }
        if texts.is_empty() {
            return self.is_negated || self.if_exists;
        }
        let fits = |text: &str| match &self.test {
            Test::Like(patterns) => patterns.iter().any(|pattern| pattern.matches(text)),
            Test::Equals(values) => values.iter().any(|value| value == text),
            Test::EqualsIgnoreCase(values) => {
                values.iter().any(|value| value.to_lowercase() == text.to_lowercase())
            }
            Test::Arn(patterns) => patterns.iter().any(|pattern| pattern.matches(text)),
            // Not of texts: reading has refused it.
            Test::Network(_) | Test::Bool(_) | Test::Time(..) | Test::Absent(_) => false,
        };
        self.is_negated != texts.iter().any(|text| fits(text))
    }

    fn presence(&self, is_there: bool) -> bool {
        matches!(&self.test, Test::Absent(absent) if absent.contains(&!is_there))
    }
}

fn key(name: &str) -> Option<Key> {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with(RESOURCE_TAG) {
        return name
            .get(RESOURCE_TAG.len()..)
            .filter(|tag| !tag.is_empty())
            .map(|tag| Key::ResourceTag(tag.to_owned()));
    }
    KEYS.iter().find(|(known, _)| *known == lower).map(|(_, key)| key.clone())
}

/// The values as texts: numbers and truth values may stand without quotes.
fn values_of(node: &Node, place: &str) -> Result<Vec<String>, PolicyError> {
    let one = |node: &Node| match node {
        Node::Text(text) | Node::Number(text) => Ok(text.clone()),
        Node::Bool(value) => Ok(value.to_string()),
        other => Err(PolicyError::new(place, format!("{} stands where a value must", other.kind()))),
    };
    match node {
        Node::List(list) if list.is_empty() => Err(PolicyError::new(place, "the list is empty")),
        Node::List(list) => list.iter().map(one).collect(),
        node => Ok(vec![one(node)?]),
    }
}

fn test(operator: Operator, key: &Key, values: &[String]) -> Result<Test, String> {
    let is_text = !matches!(key, Key::SourceIp | Key::SecureTransport | Key::CurrentTime | Key::EpochTime);
    fn all<T>(values: &[String], read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
        values.iter().map(|value| read(value)).collect()
    }
    let truth = |value: &str| match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{value:?} is neither \"true\" nor \"false\"")),
    };
    match (operator, key) {
        (Operator::Absent, _) => all(values, truth).map(Test::Absent),
        (Operator::Equals, _) if is_text => Ok(Test::Equals(values.to_vec())),
        (Operator::EqualsIgnoreCase, _) if is_text => Ok(Test::EqualsIgnoreCase(values.to_vec())),
        (Operator::Like, _) if is_text => {
            Ok(Test::Like(values.iter().map(|value| Pattern::new(value)).collect()))
        }
        (Operator::Arn, Key::PrincipalArn) => all(values, ArnPattern::parse).map(Test::Arn),
        (Operator::Network, Key::SourceIp) => all(values, Network::parse).map(Test::Network),
        (Operator::Bool, Key::SecureTransport) => all(values, truth).map(Test::Bool),
        (Operator::Time(order), Key::CurrentTime | Key::EpochTime) => {
            Ok(Test::Time(order, all(values, instant)?))
        }
        _ => Err("the operator is not for this key: texts take String..., aws:PrincipalArn also Arn..., \
                  aws:SourceIp IpAddress and NotIpAddress, aws:SecureTransport Bool, times Date..."
            .to_owned()),
    }
}

impl Order {
    fn holds(self, is: i64, than: i64) -> bool {
        match self {
            Self::Equal => is == than,
            Self::Less => is < than,
            Self::LessOrEqual => is <= than,
            Self::Greater => is > than,
            Self::GreaterOrEqual => is >= than,
        }
    }
}

/// `2024-01-26T03:07:41Z`, `2024-01-26`, or epoch seconds; in Unix milliseconds.
fn instant(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no time: write 2024-01-26T03:07:41Z, 2024-01-26, or epoch seconds");
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1_000).ok_or_else(wrong);
    }
    let at = match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(at) => at,
        Err(_) => Date::parse(text, format_description!("[year]-[month]-[day]"))
            .map_err(|_| wrong())?
            .midnight()
            .assume_utc(),
    };
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).map_err(|_| wrong())
}

/// An ARN with `*` and `?`, compared part by part: a `*` does not reach over a colon.
#[derive(Debug, Clone, PartialEq)]
struct ArnPattern(Vec<Pattern>);

const ARN_PARTS: usize = 6;

impl ArnPattern {
    fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<Pattern> = text.splitn(ARN_PARTS, ':').map(Pattern::new).collect();
        match parts.len() {
            ARN_PARTS => Ok(Self(parts)),
            _ => Err(format!("{text:?} is no ARN: it has six parts with colons between")),
        }
    }

    fn matches(&self, arn: &str) -> bool {
        let parts: Vec<&str> = arn.splitn(ARN_PARTS, ':').collect();
        parts.len() == self.0.len() && self.0.iter().zip(parts).all(|(pattern, part)| pattern.matches(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_three_forms() {
        assert_eq!(instant("2024-01-26T03:07:41Z"), Ok(1_706_238_461_000));
        assert_eq!(instant("2024-01-26T04:07:41+01:00"), Ok(1_706_238_461_000));
        assert_eq!(instant("2024-01-26"), Ok(1_706_227_200_000));
        assert_eq!(instant("1706238461"), Ok(1_706_238_461_000));
        assert!(instant("yesterday").is_err() && instant("9223372036854775807").is_err());
    }
}
