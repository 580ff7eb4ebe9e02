use super::audit_trail::{AuditFilter, AuditLine, AuditOutcome, OfContact, Visit};
use crate::contacts::is_of;
use crate::documentation::{self, Documentation, Documented, Field, Kind, always, maybe};
use crate::error::AdminError;
use crate::paging::{MAX_RESULTS, NEXT_TOKEN, Page};
use crate::service::{AdminService, Context};
use crate::times;
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output, constraint};
use tympan_contact::Contact;
use tympan_types::{ContactId, WallTime};

/// Lines of the audit file, newest first.
pub(crate) struct ListAuditLines;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    from: Option<String>,
    to: Option<String>,
    user: Option<String>,
    action: Option<String>,
    resource: Option<String>,
    kind: Option<String>,
    outcome: Option<String>,
    contact_id: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

const MOST: usize = 1_000;
/// Longer than anything that a line has.
const TEXT_CHARS: usize = 2_048;
/// A clock that is set back puts lines out of order; a search ends where lines are older than wanted by so much.
const DISORDER_MS: i64 = 3_600_000;
const OUTCOMES: &[(&str, AuditOutcome)] = &[
    ("SUCCEEDED", AuditOutcome::Succeeded),
    ("DENIED", AuditOutcome::Denied),
    ("FAILED", AuditOutcome::Failed),
];

const LINE: &[Field] = &[
    always("Time", Kind::Time, "when"),
    always("Kind", Kind::Text, "event of the line (docs/access.md): media-read, administration, denial ..."),
    maybe("Principal", Kind::Text, "the ARN of who asked"),
    maybe("User", Kind::Text, "its name; ROLE/SESSION of a session of a role; the ARN of any other"),
    maybe("AccessKeyId", Kind::Text, "the key, or that of the session"),
    maybe("SessionOf", Kind::Text, "the access key that the session was begun with"),
    maybe("SourceAddress", Kind::Text, "the other end of the connection"),
    maybe("Action", Kind::Text, "as policies have it"),
    maybe("Resource", Kind::Text, "as policies have it"),
    maybe(
        "Outcome",
        Kind::OneOf(&["SUCCEEDED", "DENIED", "FAILED"]),
        "FAILED: answered with an error that is no denial",
    ),
    maybe("Status", Kind::Integer, "the status of the answer; a denial by a policy has none"),
    maybe("Reason", Kind::Text, "the name of the error of the answer; of listening-end why it ended"),
    maybe("RequestId", Kind::Text, "the request; it may have several lines"),
    maybe("Bytes", Kind::Integer, "bytes of media that went out"),
    maybe("TookMilliseconds", Kind::Integer, "how long that, or listening, took"),
    maybe("Samples", Kind::Integer, "of listening-end: samples that the listener was sent, of all tracks"),
    maybe("Holes", Kind::Integer, "of listening-end: places at which samples are missing between those"),
    maybe("Count", Kind::Integer, "lines that were left out or lost"),
];

impl Documented for ListAuditLines {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Lists lines of the audit file, newest first, those of files that were put aside among them. A page may be short, or empty, and have a next one.",
        query: &[
            maybe("from", Kind::Time, "the earliest time, inclusive"),
            maybe("to", Kind::Time, "the latest time, inclusive"),
            maybe("user", Kind::Text, "a user's name, the ARN, or an access key id"),
            maybe(
                "action",
                Kind::Text,
                "an action such as kinesisvideo:GetMedia, or the operation alone; a * at the end is for any rest",
            ),
            maybe("resource", Kind::Text, "a part of the resource's ARN, in either case"),
            maybe("kind", Kind::Text, "a Kind"),
            maybe("outcome", Kind::OneOf(&["SUCCEEDED", "DENIED", "FAILED"]), "an Outcome"),
            maybe(
                "contactId",
                Kind::Text,
                "lines whose resource is this contact, or from its beginning on a stream that has its audio: other contacts' may be there, too",
            ),
            documentation::MAX_RESULTS,
            documentation::NEXT_TOKEN,
        ],
        body: &[],
        answer: &[
            always("Lines", Kind::List(&Kind::Object(LINE)), "the lines"),
            always("IsWritten", Kind::Boolean, "whether the server writes an audit file: audit.enabled"),
            always(
                "Complete",
                Kind::Boolean,
                "whether this is the last page, and every file that is kept could be read",
            ),
            documentation::NEXT,
        ],
        errors: &[],
    };
}

impl Operation for ListAuditLines {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "ListAuditLines";
    const QUERY: &'static [&'static str] = &[
        "from",
        "to",
        "user",
        "action",
        "resource",
        "kind",
        "outcome",
        "contactId",
        MAX_RESULTS,
        NEXT_TOKEN,
    ];

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, input: Input, (): ()) -> Result<Output, AdminError> {
        let read = |cursor: &str| Some(cursor.to_owned());
        let page = Page::of(cx, [], input.next_token.as_deref(), input.max_results, MOST, read)?;
        let from = times::member(input.from.as_deref(), "from")?.unwrap_or(EARLIEST);
        let to = times::member(input.to.as_deref(), "to")?.unwrap_or(LATEST);
        let filter = input.filter(cx, from, to)?;
        let too_old = written(from.plus_ms(-DISORDER_MS));
        let mut lines: Vec<Value> = Vec::new();
        let mut visit = |text: &str| {
            // What a crash left of a line is none.
            let Ok(line) = serde_json::from_str::<AuditLine<'_>>(text) else { return Visit::GoOn };
            if *line.time < *too_old {
                return Visit::Past;
            }
            if filter.meets(&line) {
                lines.push(line.to_json());
            }
            if lines.len() >= page.size { Visit::Full } else { Visit::GoOn }
        };
        let audit = &cx.service.parts().access.audit;
        let walk = audit.walk(from, to, page.after.as_deref(), &mut visit);
        let mut answer = json!({
            "Lines": lines,
            "IsWritten": audit.is_written(),
            "Complete": walk.is_whole && walk.next.is_none(),
        });
        if let Some(next) = walk.next {
            answer["NextToken"] = json!(page.token(&next));
        }
        Ok(Output::json(&answer))
    }
}

/// Years of four digits, in which texts of times have the order of the times.
const EARLIEST: WallTime = WallTime::from_unix_ms(0);
const LATEST: WallTime = WallTime::from_unix_ms(253_402_300_799_999);

fn written(at: WallTime) -> String {
    at.max(EARLIEST).min(LATEST).rfc3339_ms()
}

impl Input {
    fn filter(&self, cx: &Context<'_>, from: WallTime, to: WallTime) -> Result<AuditFilter, AdminError> {
        for (text, member) in [
            (&self.user, "user"),
            (&self.action, "action"),
            (&self.resource, "resource"),
            (&self.kind, "kind"),
        ] {
            text.as_ref().map(|text| constraint::length(text, member, 1, TEXT_CHARS)).transpose()?;
        }
        let outcome = self.outcome.as_deref();
        Ok(AuditFilter {
            from: written(from),
            to: written(to),
            user: self.user.clone(),
            action: self.action.clone(),
            resource: self.resource.clone(),
            kind: self.kind.clone(),
            outcome: outcome.map(|outcome| constraint::one_of(outcome, "outcome", OUTCOMES)).transpose()?,
            contact: self.contact_id.as_deref().map(|id| of_contact(cx, id)).transpose()?,
        })
    }
}

/// The contact may be erased: lines that name it are found all the same.
fn of_contact(cx: &Context<'_>, id: &str) -> Result<OfContact, AdminError> {
    let no_id = |_| AdminError::validation("contactId is no id: a UUID with hyphens.");
    let id = ContactId::parse(id).map_err(no_id)?;
    let parts = cx.service.parts();
    let live = || parts.live.contact(id);
    // One that cannot be read has no streams that are known.
    let kept = parts.contacts.find(id).ok().flatten();
    let contact: Option<Contact> =
        kept.filter(|contact| is_of(contact, cx.caller)).map(|kept| live().unwrap_or(kept));
    let captures = contact.iter().flat_map(|contact| &contact.captures);
    let began = contact.as_ref().map_or(EARLIEST, |contact| contact.initiation_timestamp);
    Ok(OfContact {
        id,
        streams: captures.map(|audio| audio.stream_arn.to_string()).collect(),
        began: written(parts.access.audit.machine_time(began)),
    })
}
