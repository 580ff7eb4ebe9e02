use crate::documentation::{Documentation, Documented, Field, Kind, always, nullable};
use crate::error::AdminError;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output};
use tympan_kvs::ReaderStatus;
use tympan_types::WallTime;

/// Who follows streams by GetMedia.
pub(crate) struct ListReaders;

#[derive(Deserialize)]
pub(crate) struct Input {
    #[serde(rename = "streamName")]
    stream_name: Option<String>,
}

/// A reader.
pub(super) const READER: &[Field] = &[
    always("ReaderId", Kind::Text, "its number since the start of the server"),
    always("StreamARN", Kind::Text, "what it reads"),
    always("StreamName", Kind::Text, "the same by name"),
    always("AccessKeyId", Kind::Text, "the key that its request was signed with"),
    always("Since", Kind::Time, "when it began"),
    nullable("LastFragmentNumber", Kind::Text, "the fragment that it was sent last; null before the first"),
    nullable("LastSentTimestamp", Kind::Time, "when that was"),
    always("SentBytes", Kind::Integer, "bytes so far"),
    nullable(
        "HeadFragmentNumber",
        Kind::Text,
        "the newest fragment of the stream; null where none is in memory",
    ),
    nullable(
        "LagMilliseconds",
        Kind::Integer,
        "from the server time of the last fragment sent to that of the newest; null before the first",
    ),
];

impl Documented for ListReaders {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Lists who follows streams by GetMedia, oldest first, and how far behind each of them is. At most 4,096 are listed.",
        query: &[crate::documentation::maybe("streamName", Kind::Text, "only readers of this stream")],
        body: &[],
        answer: &[always("Readers", Kind::List(&Kind::Object(READER)), "the readers")],
        errors: &[],
    };
}

impl Operation for ListReaders {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "ListReaders";
    const QUERY: &'static [&'static str] = &["streamName"];

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, input: Input, (): ()) -> Result<Output, AdminError> {
        let readers = cx.service.parts().kvs.readers(cx.caller);
        let name = input.stream_name.as_deref();
        let wanted =
            readers.iter().filter(|reader| name.is_none_or(|name| reader.stream.name().as_str() == name));
        Ok(Output::json(&json!({ "Readers": wanted.map(reader).collect::<Vec<_>>() })))
    }
}

/// A reader as JSON.
pub(super) fn reader(reader: &ReaderStatus) -> Value {
    json!({
        "ReaderId": reader.id.to_string(),
        "StreamARN": reader.stream,
        "StreamName": reader.stream.name(),
        "AccessKeyId": reader.access_key_id,
        "Since": reader.since.rfc3339_ms(),
        "LastFragmentNumber": reader.last,
        "LastSentTimestamp": reader.last_sent.map(WallTime::rfc3339_ms),
        "SentBytes": reader.sent_bytes,
        "HeadFragmentNumber": reader.head,
        "LagMilliseconds": reader.lag_ms,
    })
}
