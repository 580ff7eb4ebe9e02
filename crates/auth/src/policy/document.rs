//! A policy as it is written, read once and refused as a whole if anything in it is not understood.

use super::condition::Condition;
use super::json::Node;
use super::pattern::Pattern;
use std::fmt;

/// The size that a named policy may have, in characters without white space: that of a managed policy of IAM.
pub const POLICY_LIMIT_CHARACTERS: usize = 6_144;
/// The size that a session policy may have: that of AssumeRole.
pub const SESSION_POLICY_LIMIT_CHARACTERS: usize = 2_048;
/// No text is read that is longer than this, whatever it consists of.
const TEXT_LIMIT_BYTES: usize = 128 * 1024;

/// What an identity may do: a policy document without `Principal`.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(super) statements: Vec<Statement>,
    text: Box<str>,
}

/// Policies that say the same are equal, however they are written.
impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.statements == other.statements
    }
}

/// Why a policy is not one: where, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    place: String,
    reason: String,
}

impl PolicyError {
    pub(super) fn new(place: &str, reason: impl Into<String>) -> Self {
        Self { place: place.to_owned(), reason: reason.into() }
    }

    /// The element that is meant, such as `Statement[1].Condition.StringEquals`; empty for the whole document.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.reason),
            place => write!(f, "{place}: {}", self.reason),
        }
    }
}

impl std::error::Error for PolicyError {}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) allows: bool,
    pub(super) actions: Selection,
    pub(super) resources: Selection,
    pub(super) conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Selection {
    patterns: Vec<Pattern>,
    /// What fits none of the patterns is meant.
    is_negated: bool,
}

impl Selection {
    pub(super) fn has_action(&self, action: &str) -> bool {
        self.is_negated != self.patterns.iter().any(|pattern| pattern.matches_any_case(action))
    }

    pub(super) fn has_resource(&self, resource: &str) -> bool {
        let fits = if is_of_lower_case(resource) { Pattern::matches_any_case } else { Pattern::matches };
        self.is_negated != self.patterns.iter().any(|pattern| fits(pattern, resource))
    }
}

/// Whether a resource is named by UUIDs alone, so that its ARN has no upper-case letter: one that a policy writes in upper
/// case is meant all the same.
fn is_of_lower_case(resource: &str) -> bool {
    let is_key = || resource.starts_with("arn:aws:kms:") && resource.contains(":key/");
    resource.starts_with("arn:aws:connect:") || resource.starts_with("arn:aws:tympan:") || is_key()
}

impl Policy {
    /// Reads a policy of at most [`POLICY_LIMIT_CHARACTERS`].
    ///
    /// # Errors
    /// [`PolicyError`] for anything that is not understood: an unknown element, operator or key would otherwise allow
    /// or deny something else than its author meant.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Self::parse_within(text, POLICY_LIMIT_CHARACTERS)
    }

    /// Reads a policy that comes with a request, of at most [`SESSION_POLICY_LIMIT_CHARACTERS`].
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_session(text: &str) -> Result<Self, PolicyError> {
        Self::parse_within(text, SESSION_POLICY_LIMIT_CHARACTERS)
    }

    fn parse_within(text: &str, limit: usize) -> Result<Self, PolicyError> {
        let whole = |reason: String| PolicyError::new("", reason);
        let size = policy_characters(text);
        if size > limit || text.len() > TEXT_LIMIT_BYTES {
            return Err(whole(format!(
                "the policy has {size} characters without white space; at most {limit} are taken"
            )));
        }
        let document: Node =
            serde_json::from_str(text).map_err(|error| whole(format!("the policy is not JSON: {error}")))?;
        Ok(Self { statements: statements(&document)?, text: text.into() })
    }

    /// The JSON that it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn statements(document: &Node) -> Result<Vec<Statement>, PolicyError> {
    let members = object(document, "")?;
    let mut version = "2008-10-17";
    let mut statements = None;
    for (name, value) in members {
        match name.as_str() {
            "Version" => version = text(value, name)?,
            "Id" => _ = text(value, name)?,
            "Statement" => statements = Some(value),
            _ => {
                return Err(PolicyError::new(
                    name,
                    "a policy has no such element; it has Version, Id and Statement",
                ));
            }
        }
    }
    if !matches!(version, "2012-10-17" | "2008-10-17") {
        let reason = format!("{version:?} is no version of the policy language: use \"2012-10-17\"");
        return Err(PolicyError::new("Version", reason));
    }
    let rules = Rules { has_variables: version == "2012-10-17" };
    let statements = match statements {
        None => return Err(PolicyError::new("Statement", "the element is missing")),
        Some(one @ Node::Object(_)) => vec![rules.statement(one, "Statement")?],
        Some(Node::List(list)) if !list.is_empty() => list
            .iter()
            .enumerate()
            .map(|(index, one)| rules.statement(one, &format!("Statement[{index}]")))
            .collect::<Result<_, _>>()?,
        Some(Node::List(_)) => return Err(PolicyError::new("Statement", "the list is empty")),
        Some(other) => {
            let reason = format!("{} is neither a statement nor a list of them", other.kind());
            return Err(PolicyError::new("Statement", reason));
        }
    };
    let mut sids: Vec<&str> = statements.iter().filter_map(|(sid, _)| sid.as_deref()).collect();
    sids.sort_unstable();
    if let Some(pair) = sids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(PolicyError::new("Statement", format!("two statements have the Sid {:?}", pair[0])));
    }
    Ok(statements.into_iter().map(|(_, statement)| statement).collect())
}

/// How a version of the language is read.
pub(super) struct Rules {
    /// `${...}` is a variable, and no text.
    has_variables: bool,
}

impl Rules {
    fn statement(&self, node: &Node, place: &str) -> Result<(Option<String>, Statement), PolicyError> {
        let (mut sid, mut allows, mut actions, mut resources) = (None, None, None, None);
        let mut conditions = Vec::new();
        for (name, value) in object(node, place)? {
            let place = format!("{place}.{name}");
            match name.as_str() {
                "Sid" => {
                    let text = text(value, &place)?;
                    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                        return Err(PolicyError::new(&place, "a Sid consists of letters and digits"));
                    }
                    sid = Some(text.to_owned()).filter(|sid| !sid.is_empty());
                }
                "Effect" => {
                    allows = Some(match text(value, &place)? {
                        "Allow" => true,
                        "Deny" => false,
                        other => {
                            let reason = format!("{other:?} is neither \"Allow\" nor \"Deny\"");
                            return Err(PolicyError::new(&place, reason));
                        }
                    });
                }
                "Action" | "NotAction" => {
                    let patterns = self.patterns(value, &place, action)?;
                    put(&mut actions, Selection { patterns, is_negated: name == "NotAction" }, &place)?;
                }
                "Resource" | "NotResource" => {
                    let patterns = self.patterns(value, &place, resource)?;
                    put(&mut resources, Selection { patterns, is_negated: name == "NotResource" }, &place)?;
                }
                "Condition" => conditions = Condition::read_all(value, &place, self)?,
                "Principal" | "NotPrincipal" => {
                    let reason =
                        "a policy of an identity names no principal: it holds for each identity that has it";
                    return Err(PolicyError::new(&place, reason));
                }
                _ => {
                    let reason = "a statement has no such element; it has Sid, Effect, Action or NotAction, Resource \
                                  or NotResource, and Condition";
                    return Err(PolicyError::new(&place, reason));
                }
            }
        }
        let missing = |element: &str| PolicyError::new(place, format!("{element} is missing"));
        let statement = Statement {
            allows: allows.ok_or_else(|| missing("Effect"))?,
            actions: actions.ok_or_else(|| missing("Action or NotAction"))?,
            resources: resources.ok_or_else(|| missing("Resource or NotResource"))?,
            conditions,
        };
        Ok((sid, statement))
    }

    fn patterns(
        &self,
        node: &Node,
        place: &str,
        read: fn(&str) -> Result<Pattern, String>,
    ) -> Result<Vec<Pattern>, PolicyError> {
        let texts = texts(node, place)?;
        let one = |text: &str| {
            self.plain(text, place)?;
            read(text).map_err(|reason| PolicyError::new(place, reason))
        };
        texts.into_iter().map(one).collect()
    }

    /// Refuses a policy variable: taken as text it would mean something else.
    pub(super) fn plain(&self, text: &str, place: &str) -> Result<(), PolicyError> {
        if self.has_variables && text.contains("${") {
            let reason = format!("{text:?} has a policy variable, which this server does not know");
            return Err(PolicyError::new(place, reason));
        }
        Ok(())
    }
}

fn action(text: &str) -> Result<Pattern, String> {
    let is_name = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'*' | b'?'));
    let is_service = |text: &str| text == "*" || text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let fits = text == "*"
        || text.split_once(':').is_some_and(|(service, name)| {
            !service.is_empty() && !name.is_empty() && is_service(service) && is_name(name)
        });
    if fits {
        return Ok(Pattern::new(text));
    }
    Err(format!(
        "{text:?} is no action: it reads \"service:Operation\", with * and ? in the operation, or \"*\""
    ))
}

fn resource(text: &str) -> Result<Pattern, String> {
    if text == "*" || (text.starts_with("arn:") && text.bytes().filter(|byte| *byte == b':').count() >= 2) {
        return Ok(Pattern::new(text));
    }
    Err(format!("{text:?} is no resource: it is an ARN, with * and ? in it, or \"*\""))
}

fn put<T>(slot: &mut Option<T>, value: T, place: &str) -> Result<(), PolicyError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(PolicyError::new(place, "the statement has the element and its negation: keep one")),
    }
}

pub(super) fn object<'a>(node: &'a Node, place: &str) -> Result<&'a [(String, Node)], PolicyError> {
    match node {
        Node::Object(members) => Ok(members),
        other => Err(PolicyError::new(place, format!("{} stands where an object must", other.kind()))),
    }
}

fn text<'a>(node: &'a Node, place: &str) -> Result<&'a str, PolicyError> {
    match node {
        Node::Text(text) => Ok(text),
        other => Err(PolicyError::new(place, format!("{} stands where a text must", other.kind()))),
    }
}

/// A text, or a list of at least one.
fn texts<'a>(node: &'a Node, place: &str) -> Result<Vec<&'a str>, PolicyError> {
    match node {
        Node::List(list) if list.is_empty() => Err(PolicyError::new(place, "the list is empty")),
        Node::List(list) => list.iter().map(|item| text(item, place)).collect(),
        one => Ok(vec![text(one, place)?]),
    }
}

/// Characters of a policy that count to its size, as IAM counts them.
pub fn policy_characters(text: &str) -> usize {
    text.chars().filter(|character| !character.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_and_a_list_of_one_are_the_same() {
        let statement = r#"{"Effect":"Allow","Action":"kinesisvideo:*","Resource":"*"}"#;
        let one = Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)).unwrap();
        let list =
            Policy::parse(&format!(r#"{{"Id":"x","Version":"2012-10-17","Statement":[{statement}]}}"#))
                .unwrap();
        assert_eq!(one, list);
        let lists = r#"{"Effect":"Allow","Action":["kinesisvideo:*"],"Resource":["*"]}"#;
        assert_eq!(Policy::parse(&format!(r#"{{"Statement":{lists}}}"#)).unwrap(), one);
    }

    /// Whatever is not understood is refused, and the message says where it stands.
    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        const ALLOW: &str = r#""Effect":"Allow","Action":"*","Resource":"*""#;
        let statement = |members: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{{{members}}}]}}"#);
        for (text, place, part) in [
            ("", "", "not JSON"),
            ("[]", "", "a list stands where an object must"),
            (r#"{"Version":"2012-10-17"}"#, "Statement", "missing"),
            (r#"{"Statement":[]}"#, "Statement", "empty"),
            (r#"{"Statement":"x"}"#, "Statement", "neither a statement nor a list"),
            (&format!(r#"{{"Version":"2025-01-01","Statement":{{{ALLOW}}}}}"#), "Version", "2012-10-17"),
            (&format!(r#"{{"Statement":{{{ALLOW}}},"Statment":[]}}"#), "Statment", "no such element"),
            (&statement(r#""Action":"*","Resource":"*""#), "Statement[0]", "Effect is missing"),
            (&statement(r#""Effect":"Allow","Resource":"*""#), "Statement[0]", "Action or NotAction"),
            (&statement(r#""Effect":"Allow","Action":"*""#), "Statement[0]", "Resource or NotResource"),
            (
                &statement(r#""Effect":"allow","Action":"*","Resource":"*""#),
                "Statement[0].Effect",
                "\"Allow\"",
            ),
            (&statement(&format!(r#"{ALLOW},"NotAction":"*""#)), "Statement[0].NotAction", "keep one"),
            (&statement(&format!(r#"{ALLOW},"Effect":"Deny""#)), "", "stands there twice"),
            (&statement(&format!(r#"{ALLOW},"Principal":"*""#)), "Statement[0].Principal", "no principal"),
            (&statement(&format!(r#"{ALLOW},"Sid":"a b""#)), "Statement[0].Sid", "letters and digits"),
            (
                &statement(&format!(r#"{ALLOW},"condition":{{}}"#)),
                "Statement[0].condition",
                "no such element",
            ),
            (&statement(r#""Effect":"Allow","Action":[],"Resource":"*""#), "Statement[0].Action", "empty"),
            (
                &statement(r#""Effect":"Allow","Action":"GetMedia","Resource":"*""#),
                "Statement[0].Action",
                "service",
            ),
            (
                &statement(r#""Effect":"Allow","Action":"a:","Resource":"*""#),
                "Statement[0].Action",
                "service",
            ),
            (&statement(r#""Effect":"Allow","Action":1,"Resource":"*""#), "Statement[0].Action", "a number"),
            (
                &statement(r#""Effect":"Allow","Action":"*","Resource":"demo""#),
                "Statement[0].Resource",
                "an ARN",
            ),
            (
                &statement(r#""Effect":"Allow","Action":"*","Resource":"arn:aws:x:::${aws:username}""#),
                "Statement[0].Resource",
                "policy variable",
            ),
            (&statement(&format!(r#"{ALLOW},"Condition":[]"#)), "Statement[0].Condition", "an object"),
            (
                &statement(&format!(r#"{ALLOW},"Condition":{{"StringMatches":{{"aws:username":"x"}}}}"#)),
                "Statement[0].Condition.StringMatches",
                "operator",
            ),
            (
                &statement(&format!(r#"{ALLOW},"Condition":{{"StringLike":{{"aws:Unheard":"x"}}}}"#)),
                "Statement[0].Condition.StringLike.aws:Unheard",
                "key",
            ),
        ] {
            let error = Policy::parse(text).unwrap_err();
            assert_eq!(error.place(), place, "{text}: {error}");
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
        let twice = r#"{"Statement":[{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"},
                                     {"Sid":"A","Effect":"Deny","Action":"*","Resource":"*"}]}"#;
        assert!(Policy::parse(twice).unwrap_err().to_string().contains("Sid \"A\""));
    }

    #[test]
    fn white_space_does_not_count_towards_the_size() {
        let sized = |padding: &str, arn: usize| {
            let arn = format!("arn:aws:kinesisvideo:{}", "x".repeat(arn));
            format!(r#"{{{padding}"Statement":{{"Effect":"Allow","Action":"*","Resource":"{arn}"}}}}"#)
        };
        let rest = policy_characters(&sized("", 0));
        assert!(Policy::parse(&sized(&" \n".repeat(4_000), POLICY_LIMIT_CHARACTERS - rest)).is_ok());
        let error = Policy::parse(&sized("", POLICY_LIMIT_CHARACTERS - rest + 1)).unwrap_err();
        assert!(error.to_string().contains("6145 characters"), "{error}");
        assert!(Policy::parse_session(&sized("", 2_048 - rest)).is_ok());
        assert!(Policy::parse_session(&sized("", 2_049 - rest)).is_err());
    }

    #[test]
    fn an_id_in_a_policy_is_meant_in_either_case_and_a_name_is_not() {
        const ID: &str = "4a573372-1f28-4e26-b97b-0123456789ab";
        let has = |pattern: &str, resource: &str| {
            let policy =
                format!(r#"{{"Statement":{{"Effect":"Deny","Action":"*","Resource":"{pattern}"}}}}"#);
            Policy::parse(&policy).unwrap().statements[0].resources.has_resource(resource)
        };
        let upper = ID.to_uppercase();
        for (place, of) in [
            ("arn:aws:connect:r:a:instance/", "arn:aws:connect:*:*:instance/"),
            ("arn:aws:connect:r:a:instance/x/contact/", "arn:aws:*/contact/"),
            ("arn:aws:tympan:r:a:contact/", "arn:aws:tympan:*:*:contact/"),
            ("arn:aws:kms:r:a:key/", "arn:aws:kms:*:*:key/"),
        ] {
            let resource = format!("{place}{ID}");
            assert!(has(&format!("{of}{upper}"), &resource), "{resource}");
            assert!(has(&format!("{of}{}*", &upper[..9]), &resource), "{resource}");
            assert!(!has(&format!("{of}{}", ID.replace('a', "b")), &resource), "{resource}");
        }
        for name in ["arn:aws:kinesisvideo:r:a:stream/Calls/1", "arn:aws:kms:r:a:alias/Calls"] {
            assert!(has(name, name) && !has(&name.to_lowercase(), name), "{name}");
        }
    }

    #[test]
    fn in_the_old_version_a_dollar_sign_is_text() {
        let policy = r#"{"Version":"2008-10-17","Statement":
            {"Effect":"Allow","Action":"*","Resource":"arn:aws:x:::${a}"}}"#;
        assert!(Policy::parse(policy).unwrap().statements[0].resources.has_resource("arn:aws:x:::${a}"));
    }
}
