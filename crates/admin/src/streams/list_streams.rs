use super::list_readers::{READER, reader};
use crate::documentation::{self, Documentation, Documented, Field, Kind, always, maybe, nullable};
use crate::error::AdminError;
use crate::paging::{MAX_RESULTS, NEXT_TOKEN, Page};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output};
use tympan_kvs::ReaderStatus;
use tympan_store::{ErrorKind, Extent, Stream, StreamStatus};
use tympan_types::{ServerTime, StreamName};

/// Lists streams with what is kept of them and who reads them.
pub(crate) struct ListStreams;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    prefix: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// The most streams of a page: each is looked up in the catalogue.
const MOST: usize = 1_000;

const STREAM: &[Field] = &[
    always("StreamName", Kind::Text, "its name"),
    always("StreamARN", Kind::Text, "its ARN"),
    always("Status", Kind::OneOf(&["ACTIVE", "DELETING"]), "whether it takes fragments"),
    always("CreationTimestamp", Kind::Time, "when it was made"),
    always("RetentionHours", Kind::Integer, "how long a fragment is kept"),
    always("KmsKeyId", Kind::Text, "its master key"),
    always("Fragments", Kind::Integer, "fragments that are kept"),
    always("Bytes", Kind::Integer, "their bytes as they are stored"),
    nullable("OldestTimestamp", Kind::Time, "server time of the oldest; null where nothing is kept"),
    nullable("AgeMilliseconds", Kind::Integer, "since then; null where nothing is kept"),
    nullable(
        "HeadFragmentNumber",
        Kind::Text,
        "the newest fragment that was begun, open or not; null where there is none",
    ),
    nullable("HeadTimestamp", Kind::Time, "its server time"),
    always("Readers", Kind::List(&Kind::Object(READER)), "who follows it"),
];

impl Documented for ListStreams {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Lists streams by name with their size, their age and their readers.",
        query: &[
            maybe("prefix", Kind::Text, "only names that begin with this"),
            documentation::MAX_RESULTS,
            documentation::NEXT_TOKEN,
        ],
        body: &[],
        answer: &[always("Streams", Kind::List(&Kind::Object(STREAM)), "the streams"), documentation::NEXT],
        errors: &[],
    };
}

impl Operation for ListStreams {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "ListStreams";
    const QUERY: &'static [&'static str] = &["prefix", MAX_RESULTS, NEXT_TOKEN];

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, input: Input, (): ()) -> Result<Output, AdminError> {
        let Input { prefix, max_results, next_token } = input;
        let read = |text: &str| StreamName::parse(text).ok();
        let page = Page::of(cx, [], next_token.as_deref(), max_results, MOST, read)?;
        let parts = cx.service.parts();
        let (account, region) = (&cx.caller.account, &cx.caller.region);
        let one_more = page.size.saturating_add(1);
        let mut streams = parts
            .store
            .list_streams(account, region, prefix.as_deref(), page.after.as_ref(), one_more)
            .await?;
        let has_more = streams.len() > page.size;
        streams.truncate(page.size);
        let next = streams.last().filter(|_| has_more).map(|last| page.token(last.arn.name().as_str()));
        let readers = parts.kvs.readers(cx.caller);
        let mut listed = Vec::with_capacity(streams.len());
        for stream in &streams {
            match parts.store.extent(stream.id).await {
                Ok(extent) => listed.push(described(cx, stream, &extent, &readers)),
                // It was deleted meanwhile.
                Err(error) if *error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut answer = json!({ "Streams": listed });
        if let Some(next) = next {
            answer["NextToken"] = json!(next);
        }
        Ok(Output::json(&answer))
    }
}

fn described(cx: &Context<'_>, stream: &Stream, extent: &Extent, readers: &[ReaderStatus]) -> Value {
    let of_it = readers.iter().filter(|reader| reader.stream == stream.arn);
    let age_ms = extent.oldest.map(|oldest| ServerTime::from(cx.now).ms_since(oldest).max(0));
    json!({
        "StreamName": stream.arn.name(),
        "StreamARN": stream.arn,
        "Status": match stream.status {
            StreamStatus::Active => "ACTIVE",
            StreamStatus::Deleting => "DELETING",
        },
        "CreationTimestamp": stream.arn.created().rfc3339_ms(),
        "RetentionHours": stream.retention_hours,
        "KmsKeyId": stream.kms_key_id,
        "Fragments": extent.fragments,
        "Bytes": extent.bytes,
        "OldestTimestamp": extent.oldest.map(ServerTime::rfc3339_ms),
        "AgeMilliseconds": age_ms,
        "HeadFragmentNumber": extent.head,
        "HeadTimestamp": extent.head.map(|head| head.server_time().rfc3339_ms()),
        "Readers": of_it.map(reader).collect::<Vec<_>>(),
    })
}
