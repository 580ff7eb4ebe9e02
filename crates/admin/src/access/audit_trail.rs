//! The audit file as it is read: its lines, and which of them are wanted.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;
use tympan_types::{ContactId, WallTime};

/// The audit file and what was put aside of it.
pub trait AuditTrail: Send + Sync {
    /// Whether the server writes one.
    fn is_written(&self) -> bool;

    /// What the machine's clock, by which lines have their time, shows at a time of the services' clock.
    fn machine_time(&self, at: WallTime) -> WallTime;

    /// Hands lines to `visit`, newest first, until it has enough or so much was read as is read at once. Begins before the line
    /// of `after`, a [`AuditWalk::next`]. Files that have no line from `from` to `to` may be left out.
    fn walk(
        &self,
        from: WallTime,
        to: WallTime,
        after: Option<&str>,
        visit: &mut dyn FnMut(&str) -> Visit,
    ) -> AuditWalk;
}

/// Whether a walk goes on after a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// It does.
    GoOn,
    /// The page is full.
    Full,
    /// All lines that follow are too old.
    Past,
}

/// How far a walk came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditWalk {
    /// Where the next one begins; `None` at the end.
    pub next: Option<String>,
    /// Whether nothing on the way could not be read.
    pub is_whole: bool,
}

/// A line, as `audit.jsonl` has it.
#[derive(Debug, Deserialize)]
pub(super) struct AuditLine<'a> {
    #[serde(borrow)]
    pub(super) time: Cow<'a, str>,
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    principal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    access_key_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    session_of: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source_ip: Option<Cow<'a, str>>,
    #[serde(borrow)]
    action: Option<Cow<'a, str>>,
    #[serde(borrow)]
    resource: Option<Cow<'a, str>>,
    status: Option<u16>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow)]
    request_id: Option<Cow<'a, str>>,
    bytes: Option<u64>,
    took_ms: Option<u64>,
    samples: Option<u64>,
    holes: Option<u64>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    lines: Option<u64>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuditOutcome {
    Succeeded,
    Denied,
    Failed,
}

impl AuditOutcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Denied => "DENIED",
            Self::Failed => "FAILED",
        }
    }
}

impl AuditLine<'_> {
    /// `None` of a line that is about no request.
    fn outcome(&self) -> Option<AuditOutcome> {
        match (&*self.event, self.status) {
            ("denial", _) => Some(AuditOutcome::Denied),
            (_, Some(status)) if status >= 400 => Some(AuditOutcome::Failed),
            _ => self.action.as_ref().map(|_| AuditOutcome::Succeeded),
        }
    }

    /// The name of a user, `ROLE/SESSION` of a session of a role; of any other principal its ARN.
    fn user(&self) -> Option<&str> {
        let arn = self.principal.as_deref()?;
        let named = [":user/", ":assumed-role/"].iter().find_map(|kind| arn.split_once(kind));
        Some(named.filter(|_| is_identity(arn)).map_or(arn, |(_, name)| name))
    }

    /// The line as it is answered.
    pub(super) fn to_json(&self) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                members.insert(name.to_owned(), value);
            }
        };
        put("Time", json!(self.time));
        put("Kind", json!(self.event));
        put("Principal", json!(self.principal));
        put("User", json!(self.user()));
        put("AccessKeyId", json!(self.access_key_id));
        put("SessionOf", json!(self.session_of));
        put("SourceAddress", json!(self.source_ip));
        put("Action", json!(self.action));
        put("Resource", json!(self.resource));
        put("Outcome", json!(self.outcome().map(AuditOutcome::name)));
        put("Status", json!(self.status));
        put("Reason", json!(self.error.as_ref().or(self.reason.as_ref())));
        put("RequestId", json!(self.request_id));
        put("Bytes", json!(self.bytes));
        put("TookMilliseconds", json!(self.took_ms));
        put("Samples", json!(self.samples));
        put("Holes", json!(self.holes));
        put("Count", json!(self.lines));
        Value::Object(members)
    }
}

/// Whether an ARN is one of a user or a session, whose names may hold anything but colons.
fn is_identity(arn: &str) -> bool {
    arn.starts_with("arn:aws:iam:") || arn.starts_with("arn:aws:sts:")
}

/// Which lines are wanted: those that meet all of it.
#[derive(Debug, Default)]
pub(super) struct AuditFilter {
    /// The earliest and the latest time, as lines write it.
    pub(super) from: String,
    pub(super) to: String,
    pub(super) user: Option<String>,
    pub(super) action: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) outcome: Option<AuditOutcome>,
    pub(super) contact: Option<OfContact>,
}

/// What lines about a contact are about.
#[derive(Debug)]
pub(super) struct OfContact {
    pub(super) id: ContactId,
    /// ARNs of the streams that have its audio.
    pub(super) streams: BTreeSet<String>,
    /// Before it began a stream had no audio of it.
    pub(super) began: String,
}

impl AuditFilter {
    pub(super) fn meets(&self, line: &AuditLine<'_>) -> bool {
        let is_in_range = *self.from <= *line.time && *line.time <= *self.to;
        is_in_range
            && self.kind.as_ref().is_none_or(|kind| *kind == line.event)
            && self.outcome.is_none_or(|outcome| line.outcome() == Some(outcome))
            && self.user.as_ref().is_none_or(|user| is_by(line, user))
            && self.action.as_ref().is_none_or(|wanted| is_action(line, wanted))
            && self.resource.as_ref().is_none_or(|part| holds(line.resource.as_deref(), part))
            && self.contact.as_ref().is_none_or(|contact| contact.meets(line))
    }
}

/// A user is named by their name, their ARN, or their access key.
fn is_by(line: &AuditLine<'_>, user: &str) -> bool {
    let names =
        [line.user(), line.principal.as_deref(), line.access_key_id.as_deref(), line.session_of.as_deref()];
    names.contains(&Some(user))
}

/// `kinesisvideo:GetMedia`, `GetMedia`, or the beginning of either before a `*`.
fn is_action(line: &AuditLine<'_>, wanted: &str) -> bool {
    let Some(action) = line.action.as_deref() else { return false };
    let action = match wanted.contains(':') {
        true => action,
        false => action.split_once(':').map_or(action, |(_, operation)| operation),
    };
    match wanted.strip_suffix('*') {
        Some(beginning) => {
            action.get(..beginning.len()).is_some_and(|own| own.eq_ignore_ascii_case(beginning))
        }
        None => action.eq_ignore_ascii_case(wanted),
    }
}

fn holds(text: Option<&str>, part: &str) -> bool {
    text.is_some_and(|text| text.to_ascii_lowercase().contains(&part.to_ascii_lowercase()))
}

impl OfContact {
    fn meets(&self, line: &AuditLine<'_>) -> bool {
        let Some(resource) = line.resource.as_deref() else { return false };
        let is_itself = resource
            .rsplit_once("contact/")
            .is_some_and(|(place, id)| place.ends_with([':', '/']) && self.id.to_string() == id);
        is_itself || (*self.began <= *line.time && self.streams.contains(resource))
    }
}
