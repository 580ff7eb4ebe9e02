use super::contact_index::Intervals;
use crate::documentation::{Documentation, Documented, Field, Kind, always, maybe};
use crate::error::AdminError;
use crate::service::{AdminService, Context};
use crate::times;
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output, constraint};

/// Counts contacts by the time of their beginning.
pub(crate) struct GetContactCounts;

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// Unless the request says otherwise.
const INTERVAL_MINUTES: i64 = 60;
/// Intervals of one answer.
const MOST: i64 = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    from: Option<String>,
    to: Option<String>,
    interval_minutes: Option<i64>,
}

const INTERVAL: &[Field] = &[
    always("From", Kind::Time, "its first instant"),
    always("To", Kind::Time, "the first instant behind it"),
    always("Contacts", Kind::Integer, "contacts that began in it, live and ended"),
];

impl Documented for GetContactCounts {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Counts contacts by the time of their beginning, in intervals of one length.",
        query: &[
            maybe("from", Kind::Time, "where the first interval begins; 24 hours before `to` unless given"),
            maybe("to", Kind::Time, "where the last one ends, exclusive; now unless given"),
            maybe(
                "intervalMinutes",
                Kind::Integer,
                "minutes of an interval: 1 to 1440, 60 unless given; at most 1000 intervals, the last one may be shorter",
            ),
        ],
        body: &[],
        answer: &[always(
            "Intervals",
            Kind::List(&Kind::Object(INTERVAL)),
            "oldest first; contacts that were erased are not counted",
        )],
        errors: &[],
    };
}

impl Operation for GetContactCounts {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "GetContactCounts";
    const QUERY: &'static [&'static str] = &["from", "to", "intervalMinutes"];

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, input: Input, (): ()) -> Result<Output, AdminError> {
        let minutes = input.interval_minutes.unwrap_or(INTERVAL_MINUTES);
        constraint::range(minutes, "intervalMinutes", 1, 1_440)?;
        let to = times::member(input.to.as_deref(), "to")?.unwrap_or(cx.now);
        let from = times::member(input.from.as_deref(), "from")?.unwrap_or(to.plus_ms(-DAY_MS));
        let length_ms = minutes * MINUTE_MS;
        if to.unix_ms().saturating_sub(from.unix_ms()) > length_ms * MOST {
            let message = format!("from and to hold more than {MOST} intervals of {minutes} minutes.");
            return Err(AdminError::validation(message));
        }
        let intervals = Intervals { from, to, length_ms };
        let counts = cx.service.parts().contacts.count(&cx.caller.account, &intervals)?;
        let counted: Vec<Value> = intervals
            .each()
            .zip(counts)
            .map(|((from, to), count)| {
                json!({ "From": from.rfc3339_ms(), "To": to.rfc3339_ms(), "Contacts": count })
            })
            .collect();
        Ok(Output::json(&json!({ "Intervals": counted })))
    }
}
