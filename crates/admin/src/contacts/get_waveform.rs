use super::sounds::AxisPart;
use super::target::ContactTarget;
use crate::documentation::{Documentation, Documented, Kind, always, maybe, nullable};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::Value;
use tympan_aws::{BoxFuture, Operation, Output, constraint};
use tympan_contact::Contact;

/// Draws a contact's captured audio.
pub(crate) struct GetWaveform;

/// Draws the captured audio of contacts.
pub trait Waveforms: Send + Sync {
    /// The members of GetWaveform's answer but the contact's id; `columns` is the width of `part`.
    fn draw<'a>(
        &'a self,
        contact: &'a Contact,
        columns: usize,
        part: AxisPart,
    ) -> BoxFuture<'a, Result<Value, WaveformError>>;
}

/// Why there is no waveform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WaveformError {
    /// The key of a stream may not be used.
    #[error("{0}")]
    Key(String),
    /// The store failed.
    #[error("{0}")]
    Store(String),
}

/// Columns, unless `columns` says otherwise.
const COLUMNS: i64 = 1_000;
const MOST_COLUMNS: i64 = 16_384;

#[derive(Deserialize)]
pub(crate) struct Input {
    #[serde(rename = "ContactId")]
    contact_id: String,
    columns: Option<i64>,
    from: Option<i64>,
    to: Option<i64>,
}

impl Documented for GetWaveform {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Draws a contact's captured audio without reading it: levels by column, and exact spans of speech, tones, keys and gaps (docs/operations.md, Waveforms).",
        query: &[
            maybe("columns", Kind::Integer, "the width: 1 to 16384, 1000 unless given"),
            maybe(
                "from",
                Kind::Integer,
                "milliseconds on the axis at which the columns begin; 0 unless given",
            ),
            maybe("to", Kind::Integer, "milliseconds on the axis at which they end; its end unless given"),
        ],
        body: &[],
        answer: &[
            always("ContactId", Kind::Text, "the contact"),
            nullable("StartTimestamp", Kind::Time, "the first sample; null where nothing was captured"),
            always("SampleRateHz", Kind::Integer, "8000"),
            always("Samples", Kind::Integer, "length of the time axis"),
            always("FromMilliseconds", Kind::Integer, "where on the axis the columns begin"),
            always("ToMilliseconds", Kind::Integer, "where they end"),
            always("Captures", Kind::List(&Kind::Opaque), "StreamARN, Fragments, Deleted, Truncated"),
            always(
                "Tracks",
                Kind::List(&Kind::Opaque),
                "Name, RmsDbfs, PeakDbfs, Spans, SpansLeftOut, FromAudio, Incomplete",
            ),
        ],
        errors: &[ErrorCode::NotFound, ErrorCode::KeyAccessDenied],
    };
}

impl Operation for GetWaveform {
    type Service = AdminService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "GetWaveform";
    const QUERY: &'static [&'static str] = &["columns", "from", "to"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, AdminError> {
        Ok(ContactTarget::of(cx, &input.contact_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, AdminError> {
        let columns = constraint::range(input.columns.unwrap_or(COLUMNS), "columns", 1, MOST_COLUMNS)?;
        let (columns, part) = (usize::try_from(columns).unwrap_or(1), AxisPart::parse(input.from, input.to)?);
        let contact = target.known()?;
        let drawn = cx.service.parts().waveforms.draw(&contact, columns, part).await;
        let mut drawn = drawn.map_err(|error| match error {
            WaveformError::Key(why) => AdminError::new(ErrorCode::KeyAccessDenied, why),
            WaveformError::Store(why) => AdminError::internal(why),
        })?;
        drawn["ContactId"] = Value::from(contact.id.to_string());
        Ok(Output::json(&drawn))
    }
}
