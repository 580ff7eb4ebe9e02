use crate::documentation::{Documentation, Documented, Field, Kind, always, maybe};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output};
use tympan_kvs::{Ack, AckEvent, ToldAck};
use tympan_store::StreamRef;
use tympan_types::StreamName;

/// What the producers of a stream were told.
pub(crate) struct ListAcknowledgements;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    stream_name: String,
}

const ACKNOWLEDGEMENT: &[Field] = &[
    always(
        "Sequence",
        Kind::Integer,
        "its place among those of the stream, from 1; a hole is what is no longer kept",
    ),
    always("Session", Kind::Integer, "the upload that was told, by its number since the start of the server"),
    always("Time", Kind::Time, "when"),
    always(
        "EventType",
        Kind::OneOf(&["BUFFERING", "RECEIVED", "PERSISTED", "IDLE", "ERROR"]),
        "as it was sent. A capture is told the last one of each fragment only",
    ),
    maybe("FragmentTimecode", Kind::Integer, "the timecode of the Cluster, as its producer wrote it"),
    maybe("FragmentNumber", Kind::Text, "the fragment, where it has a number"),
    maybe("ErrorCode", Kind::Text, "of ERROR"),
    maybe("ErrorId", Kind::Integer, "of ERROR"),
];

impl Documented for ListAcknowledgements {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Lists the acknowledgements that PutMedia gave for a stream, oldest first: the last 16 since the start of the server, of the 4,096 streams that were uploaded to last.",
        query: &[],
        body: &[],
        answer: &[always("Acknowledgements", Kind::List(&Kind::Object(ACKNOWLEDGEMENT)), "what was told")],
        errors: &[ErrorCode::Validation, ErrorCode::NotFound],
    };
}

impl Operation for ListAcknowledgements {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "ListAcknowledgements";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, input: Input, (): ()) -> Result<Output, AdminError> {
        let name = StreamName::parse(&input.stream_name)
            .map_err(|error| AdminError::validation(format!("StreamName: {error}")))?;
        let (account, region) = (&cx.caller.account, &cx.caller.region);
        let parts = cx.service.parts();
        let stream = parts.store.stream(StreamRef::Name { account, region, name: &name }).await?;
        let told: Vec<Value> = parts.kvs.told_acks(stream.id).iter().map(acknowledgement).collect();
        Ok(Output::json(&json!({ "Acknowledgements": told })))
    }
}

fn acknowledgement(&ToldAck { sequence, session, at, ack }: &ToldAck) -> Value {
    let Ack { event, timecode, number } = ack;
    let mut told = json!({
        "Sequence": sequence,
        "Session": session,
        "Time": at.rfc3339_ms(),
        "EventType": event.name(),
    });
    if let Some(timecode) = timecode {
        told["FragmentTimecode"] = json!(timecode);
    }
    if let Some(number) = number {
        told["FragmentNumber"] = json!(number);
    }
    if let AckEvent::Error(error) = event {
        told["ErrorCode"] = json!(error.code());
        told["ErrorId"] = json!(error.id());
    }
    told
}
