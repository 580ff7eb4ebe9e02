use super::list_policies::document;
use crate::documentation::{Documentation, Documented, Field, Kind, always, maybe, nullable};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use crate::times;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use tympan_auth::{AccessKey, Facts, RefusalCause, Ruling, StatementPlace};
use tympan_aws::{Operation, Output, constraint};
use tympan_store::StreamRef;
use tympan_types::StreamArn;

/// What the policies say of a request that is not made.
pub(crate) struct SimulatePolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    access_key_id: Option<String>,
    user: Option<String>,
    action: String,
    resource: String,
    source_address: Option<String>,
    secure_transport: Option<bool>,
    region: Option<String>,
    time: Option<String>,
    resource_tags: Option<BTreeMap<String, String>>,
}

/// Longer than any action or resource.
const ACTION_CHARS: usize = 128;
const RESOURCE_CHARS: usize = 2_048;
/// Operations that need no policy.
const FOR_ALL: [&str; 2] = ["sts:GetCallerIdentity", "sts:GetSessionToken"];
/// Who may do it stands with the role; a policy can only deny it.
const ASSUME_ROLE: &str = "sts:AssumeRole";

const FACTS: &[Field] = &[
    nullable("SourceAddress", Kind::Text, "the other end of the connection; null: not known"),
    always("SecureTransport", Kind::Boolean, "whether the request came by TLS"),
    always("Region", Kind::Text, "the region that it was signed for"),
    always("Time", Kind::Time, "when it came"),
    nullable("ResourceTags", Kind::Opaque, "tags of the resource by key; null: it has none"),
];

impl Documented for SimulatePolicy {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Says whether a request of an access key would be allowed, and by which statement: the evaluator of requests is asked.",
        query: &[],
        body: &[
            maybe("AccessKeyId", Kind::Text, "a long-term access key; it or User is given"),
            maybe("User", Kind::Text, "a user, by name or ARN, whose keys all have the same policies"),
            always("Action", Kind::Text, "such as kinesisvideo:GetMedia, without wildcards"),
            always("Resource", Kind::Text, "the canonical ARN, or *"),
            maybe("SourceAddress", Kind::Text, "for aws:SourceIp; not known unless given"),
            maybe("SecureTransport", Kind::Boolean, "for aws:SecureTransport; false unless given"),
            maybe("Region", Kind::Text, "for aws:RequestedRegion; that of this request unless given"),
            maybe("Time", Kind::Time, "for aws:CurrentTime and aws:EpochTime; now unless given"),
            maybe("ResourceTags", Kind::Opaque, "for aws:ResourceTag; unless given those of the stream"),
        ],
        answer: &[
            always("AccessKeyId", Kind::Text, "the key whose policies were asked"),
            always("User", Kind::Text, "its user"),
            always(
                "Decision",
                Kind::OneOf(&["ALLOWED", "EXPLICIT_DENY", "IMPLICIT_DENY"]),
                "IMPLICIT_DENY: no statement allows it",
            ),
            nullable("Policy", Kind::Text, "the policy of the statement that decides; null where none does"),
            nullable("Statement", Kind::Integer, "the place of the statement in its policy, from 0"),
            nullable("Sid", Kind::Text, "the Sid of the statement, if it has one"),
            nullable("Document", Kind::Opaque, "the statement"),
            always("Explanation", Kind::Text, "the same in a sentence"),
            always("Facts", Kind::Object(FACTS), "what conditions were compared with"),
        ],
        errors: &[ErrorCode::NotFound],
    };
}

impl Operation for SimulatePolicy {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "SimulatePolicy";

    // The key is looked up once the policies have allowed it: no other caller learns which keys there are.
    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, input: Input, (): ()) -> Result<Output, AdminError> {
        check(&input)?;
        let (key, policies) = subject(cx, &input)?;
        let address = input.source_address.as_deref().map(str::parse::<IpAddr>).transpose();
        let address = address.map_err(|_| AdminError::validation("SourceAddress is no IP address."))?;
        let tags = match input.resource_tags {
            Some(tags) => Some(tags),
            None => tags_of(cx, &input.resource).await?,
        };
        let facts = Facts {
            now: times::member(input.time.as_deref(), "Time")?
                .unwrap_or_else(|| cx.service.parts().access.audit.machine_time(cx.now)),
            source_ip: address,
            secure_transport: input.secure_transport.unwrap_or(false),
            region: input.region.as_deref().unwrap_or_else(|| cx.caller.region.as_str()),
            resource_tags: tags.as_ref(),
        };
        let question =
            Question { key: &key, policies: &policies, action: &input.action, resource: &input.resource };
        let mut answer = question.answer(cx, facts);
        answer["AccessKeyId"] = json!(key.id());
        answer["User"] = json!(key.principal.user_name());
        answer["Facts"] = json!({
            "SourceAddress": facts.source_ip,
            "SecureTransport": facts.secure_transport,
            "Region": facts.region,
            "Time": facts.now.rfc3339_ms(),
            "ResourceTags": facts.resource_tags,
        });
        Ok(Output::json(&answer))
    }
}

fn check(input: &Input) -> Result<(), AdminError> {
    let Input { action, resource, .. } = input;
    constraint::length(action, "action", 1, ACTION_CHARS)?;
    constraint::length(resource, "resource", 1, RESOURCE_CHARS)?;
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if !action.split_once(':').is_some_and(|(service, operation)| is_name(service) && is_name(operation)) {
        return Err(AdminError::validation("Action reads service:Operation, without wildcards."));
    }
    if resource != "*" && !(resource.starts_with("arn:") && resource.matches(':').count() >= 5) {
        return Err(AdminError::validation("Resource is an ARN, or *."));
    }
    let stream = resource.split_once(":stream/").filter(|_| resource.starts_with("arn:aws:kinesisvideo:"));
    if stream.is_some_and(|(_, name)| !name.contains('/')) {
        let message =
            "The ARN of a stream ends in /NAME/CREATED, or in /NAME/* where there is no such stream.";
        return Err(AdminError::validation(message));
    }
    Ok(())
}

/// The key that is meant, with the names of its policies.
fn subject(cx: &Context<'_>, input: &Input) -> Result<(Arc<AccessKey>, Vec<String>), AdminError> {
    let keys = cx.service.parts().access.identities.keys();
    let own = keys.into_iter().filter(|(key, _)| key.account == cx.caller.account);
    let meant: Vec<_> = match (&input.access_key_id, &input.user) {
        (Some(id), None) => own.filter(|(key, _)| key.id() == id).collect(),
        (None, Some(user)) => {
            let is_of = |key: &AccessKey| {
                key.principal.user_name() == Some(user.as_str()) || key.principal.arn == *user
            };
            own.filter(|(key, _)| is_of(key)).collect()
        }
        _ => return Err(AdminError::validation("Either AccessKeyId or User is given.")),
    };
    let Some((first, policies)) = meant.first() else {
        let message = "The configuration has no such access key or user.";
        return Err(AdminError::new(ErrorCode::NotFound, message));
    };
    if meant.iter().any(|(key, _)| key.principal.permissions != first.principal.permissions) {
        let message = "The keys of this user have different policies: name one by AccessKeyId.";
        return Err(AdminError::validation(message));
    }
    Ok(((*first).clone(), policies.to_vec()))
}

/// The tags that a request for a stream is judged by.
async fn tags_of(cx: &Context<'_>, resource: &str) -> Result<Option<BTreeMap<String, String>>, AdminError> {
    let Ok(arn) = StreamArn::parse(resource) else { return Ok(None) };
    if (arn.account(), arn.region()) != (&cx.caller.account, &cx.caller.region) {
        return Ok(None);
    }
    match cx.service.parts().store.stream(StreamRef::Arn(&arn)).await {
        Ok(stream) => Ok(Some(stream.tags)),
        Err(error) if *error.kind() == tympan_store::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is asked of the policies of a key.
struct Question<'a> {
    key: &'a AccessKey,
    policies: &'a [String],
    action: &'a str,
    resource: &'a str,
}

impl Question<'_> {
    fn answer(&self, cx: &Context<'_>, facts: Facts<'_>) -> Value {
        let Self { key, action, resource, .. } = *self;
        if FOR_ALL.iter().any(|for_all| for_all.eq_ignore_ascii_case(action)) {
            return undecided("ALLOWED", format!("{action} needs no permission."));
        }
        let ruling = key.principal.ruling(action, resource, facts);
        let is_denied = matches!(ruling.outcome, Err(RefusalCause::ExplicitDeny { .. }));
        if ASSUME_ROLE.eq_ignore_ascii_case(action) && !is_denied {
            return self.about_a_role(cx);
        }
        self.decided(cx, ruling)
    }

    fn about_a_role(&self, cx: &Context<'_>) -> Value {
        let (id, resource) = (self.key.id(), self.resource);
        let role = cx.service.parts().access.identities.role(resource);
        match role.filter(|role| role.assumed_by.iter().any(|key| key == id)) {
            Some(role) => undecided(
                "ALLOWED",
                format!(
                    "Role {:?} names access key {id} in assumed_by, and no policy of the key denies it.",
                    role.name
                ),
            ),
            None => undecided(
                "IMPLICIT_DENY",
                format!("No role with ARN {resource} names access key {id} in assumed_by."),
            ),
        }
    }

    fn decided(&self, cx: &Context<'_>, ruling: Ruling) -> Value {
        let Self { key, policies, action, resource } = self;
        let user = key.principal.user_name().unwrap_or(&key.principal.arn);
        let (decision, verb) = match ruling.outcome {
            Ok(()) => ("ALLOWED", "allows"),
            Err(RefusalCause::ExplicitDeny { .. }) => ("EXPLICIT_DENY", "denies"),
            Err(RefusalCause::NoAllow { .. }) => ("IMPLICIT_DENY", ""),
        };
        let Some(StatementPlace { policy, statement }) = ruling.statement else {
            let why = match policies.is_empty() {
                true => format!("access key {} has no policies", key.id()),
                false => format!("no statement of its policies ({}) allows it", policies.join(", ")),
            };
            return undecided(
                decision,
                format!("User {user} may not perform {action} on {resource}: {why}."),
            );
        };
        let name = policies.get(policy);
        let document = name.and_then(|name| statement_of(cx, name, statement)).unwrap_or_default();
        let sid = document["Sid"].as_str().filter(|sid| !sid.is_empty()).map(str::to_owned);
        let called = sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default();
        let shown = name.map_or("", String::as_str);
        json!({
            "Decision": decision,
            "Policy": name,
            "Statement": statement,
            "Sid": sid,
            "Document": document,
            "Explanation": format!(
                "Statement[{statement}]{called} of policy {shown:?} {verb} {action} on {resource} for user {user}."
            ),
        })
    }
}

/// A decision that no statement makes.
fn undecided(decision: &str, explanation: String) -> Value {
    json!({
        "Decision": decision,
        "Policy": null,
        "Statement": null,
        "Sid": null,
        "Document": null,
        "Explanation": explanation,
    })
}

/// A statement as it is written. A policy may have one that stands in no list.
fn statement_of(cx: &Context<'_>, policy: &str, statement: usize) -> Option<Value> {
    let policies = cx.service.parts().access.identities.policies();
    let (_, policy) = policies.into_iter().find(|(name, _)| *name == policy)?;
    match document(policy).get_mut("Statement")?.take() {
        Value::Array(mut list) => list.get_mut(statement).map(Value::take),
        one => Some(one),
    }
}
