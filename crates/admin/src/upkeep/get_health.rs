use crate::documentation::{Documentation, Documented, Field, Kind, always, nullable};
use crate::error::AdminError;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{BoxFuture, Operation, Output};
use tympan_store::Stream;

/// Says how the server is: what it does, what it has room for, what fails.
pub(crate) struct GetHealth;

/// Looks at the running parts of the server.
pub trait Health: Send + Sync {
    /// The members of GetHealth's answer but the time and the number of streams.
    fn look(&self) -> BoxFuture<'_, Value>;
}

#[derive(Deserialize)]
pub(crate) struct Input {}

/// Streams of a page of the catalogue.
const PAGE: usize = 1_000;

const CALLS: &[Field] = &[
    always("Live", Kind::Integer, "calls that are up"),
    always("Limit", Kind::Integer, "calls that may be up (sip.calls_max)"),
];

const STREAMS: &[Field] = &[
    always("InUse", Kind::Integer, "streams that are leased to calls"),
    nullable(
        "Limit",
        Kind::Integer,
        "streams that an account may have (kvs.streams_per_account); null: any number",
    ),
    always("Kept", Kind::Integer, "streams that the caller's account has"),
];

const DISK: &[Field] = &[
    always("FreeBytes", Kind::Integer, "room that the server may use, on the disk of the data folder"),
    always("TotalBytes", Kind::Integer, "the size of that disk"),
    always("UsedBytes", Kind::Integer, "what is in use of it, by anything"),
    nullable(
        "BytesPerDay",
        Kind::Integer,
        "media that the store has made durable since it was opened, for a day; null in its first hour",
    ),
    nullable(
        "DaysLeft",
        Kind::Integer,
        "until the disk is full if it goes on as since the store was opened; null in its first hour, and where the disk does not fill",
    ),
];

const KEY: &[Field] = &[
    always("KeyId", Kind::Text, "the UUID of a master key, or what an instance calls it"),
    always("Aliases", Kind::List(&Kind::Text), "aliases that lead to it"),
    always(
        "State",
        Kind::OneOf(&["Enabled", "Disabled", "PendingDeletion", "Unavailable"]),
        "whether it may be used; Unavailable: its provider does not say",
    ),
    nullable("Detail", Kind::Text, "when it is deleted, or why its provider does not say"),
];

const LAST_ERROR: &[Field] =
    &[always("Time", Kind::Time, "when"), always("Message", Kind::Text, "as the log says it")];

const SINK: &[Field] = &[
    always("Name", Kind::Text, "a file, or the name of a sink in the log"),
    always("Kind", Kind::OneOf(&["RECORDS", "EVENTS", "FLOW_LOG", "AUDIT"]), "what goes there"),
    always(
        "State",
        Kind::OneOf(&["OK", "FAILING", "OFF"]),
        "FAILING: it did not take what it was given last",
    ),
    always("Waiting", Kind::Integer, "what waits for it"),
    nullable(
        "OldestWaiting",
        Kind::Time,
        "the time that the oldest of it is about; null where it is not known",
    ),
    nullable("LastError", Kind::Object(LAST_ERROR), "since the start"),
    always(
        "Lost",
        Kind::Integer,
        "lines that were lost, or records that went to dead-letter, since the start",
    ),
];

const CAPTURE: &[Field] = &[
    always("SamplesCaptured", Kind::Integer, "of all calls, at 8,000 Hz"),
    always("PacketsLost", Kind::Integer, "packets of telephones that never came"),
    always("SamplesOverrun", Kind::Integer, "that the track to the customer lacks"),
    always("StartsFailed", Kind::Integer, "Start blocks that got no stream"),
    always("CapturesDisplaced", Kind::Integer, "captures given up because their call had too many"),
    always("CapturesCutOff", Kind::Integer, "captures that a slow store ended"),
    always("BytesRefused", Kind::Integer, "captured media that a slow store refused"),
    always("FragmentsRefused", Kind::Integer, "fragments that the disk refused"),
];

const LINE: &[Field] = &[
    always("Time", Kind::Time, "when"),
    always("Level", Kind::OneOf(&["WARN", "ERROR"]), "how bad"),
    always("Target", Kind::Text, "the part of the program that said it"),
    always("Message", Kind::Text, "the line with its fields, as the log has it"),
];

impl Documented for GetHealth {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Says how the server is: calls, streams, disk, keys, sinks, captures, and the newest warnings and errors of its log. Counts are since the start.",
        query: &[],
        body: &[],
        answer: &[
            always("Time", Kind::Time, "what the server's clock shows"),
            always("Since", Kind::Time, "when the program started"),
            always("Calls", Kind::Object(CALLS), "calls"),
            always("Streams", Kind::Object(STREAMS), "streams"),
            always("Listeners", Kind::Integer, "connections that read streams by GetMedia"),
            always("EventReaders", Kind::Integer, "connections that read live events"),
            nullable(
                "Disk",
                Kind::Object(DISK),
                "the disk of the data folder; null where it cannot be looked at",
            ),
            always("KeyProvider", Kind::OneOf(&["LOCAL", "EXTERNAL"]), "where master keys are kept"),
            always(
                "Keys",
                Kind::List(&Kind::Object(KEY)),
                "master keys: all of the local keyring, or those of an external KMS that instances name, at most 20",
            ),
            always("Sinks", Kind::List(&Kind::Object(SINK)), "where records, events and lines go"),
            always("Capture", Kind::Object(CAPTURE), "what captures got, and what they lack"),
            always(
                "Errors",
                Kind::List(&Kind::Object(LINE)),
                "warnings and errors, newest first, at most 100",
            ),
        ],
        errors: &[],
    };
}

impl Operation for GetHealth {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "GetHealth";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, _: Input, (): ()) -> Result<Output, AdminError> {
        let parts = cx.service.parts();
        let kept = streams(cx).await?;
        let mut health = parts.health.look().await;
        health["Time"] = json!(cx.now.rfc3339_ms());
        health["Since"] = json!(parts.started.rfc3339_ms());
        health["Streams"]["Kept"] = json!(kept);
        Ok(Output::json(&health))
    }
}

/// How many streams the caller's account has.
async fn streams(cx: &Context<'_>) -> Result<usize, AdminError> {
    let store = &cx.service.parts().store;
    let (account, region) = (&cx.caller.account, &cx.caller.region);
    let (mut kept, mut after) = (0_usize, None);
    loop {
        let page: Vec<Stream> = store.list_streams(account, region, None, after.as_ref(), PAGE).await?;
        kept = kept.saturating_add(page.len());
        match page.last() {
            Some(last) if page.len() >= PAGE => after = Some(last.arn.name().clone()),
            _ => return Ok(kept),
        }
    }
}
