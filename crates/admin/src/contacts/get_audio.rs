use super::sounds::{AxisPart, SoundForm, SoundTrack, WantedSound};
use super::target::ContactTarget;
use crate::documentation::{Documentation, Documented, Form, Kind, maybe};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

/// Gives a contact's captured sound.
pub(crate) struct GetAudio;

#[derive(Deserialize)]
pub(crate) struct Input {
    #[serde(rename = "ContactId")]
    contact_id: String,
    track: Option<String>,
    from: Option<i64>,
    to: Option<i64>,
    format: Option<String>,
}

impl Documented for GetAudio {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Gives a contact's captured sound, or a part of it, while it reads it; what was not captured is silence (docs/admin.md, Sound).",
        query: &[
            maybe(
                "track",
                Kind::OneOf(&["AUDIO_FROM_CUSTOMER", "AUDIO_TO_CUSTOMER"]),
                "AUDIO_FROM_CUSTOMER unless given; absent for mkv, which has all",
            ),
            maybe("from", Kind::Integer, "milliseconds on the waveform's axis; 0 unless given"),
            maybe("to", Kind::Integer, "milliseconds on the waveform's axis; all that there is unless given"),
            maybe(
                "format",
                Kind::OneOf(&["wav", "raw", "mkv"]),
                "wav unless given: 16-bit PCM, mono, 8,000 Hz; raw: the same little-endian samples alone; mkv: the stored fragments that overlap the part",
            ),
        ],
        body: &[],
        answer: &[],
        errors: &[ErrorCode::NotFound, ErrorCode::KeyAccessDenied],
    };
    const FORM: Form = Form::Media(&["audio/wav", "application/octet-stream", "video/x-matroska"]);
}

impl Operation for GetAudio {
    type Service = AdminService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "GetAudio";
    const QUERY: &'static [&'static str] = &["track", "from", "to", "format"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, AdminError> {
        Ok(ContactTarget::of(cx, &input.contact_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, AdminError> {
        let part = AxisPart::parse(input.from, input.to)?;
        let track = input.track.as_deref().map(|track| SoundTrack::parse(track, "track")).transpose()?;
        let form = form(input.format.as_deref(), track)?;
        let contact = target.known()?;
        Ok(cx.service.parts().sounds.read(&contact, WantedSound { part, form }).await?)
    }
}

fn form(format: Option<&str>, track: Option<SoundTrack>) -> Result<SoundForm, AdminError> {
    let of_track = track.unwrap_or(SoundTrack::FromCustomer);
    match format {
        None | Some("wav") => Ok(SoundForm::Wav(of_track)),
        Some("raw") => Ok(SoundForm::Raw(of_track)),
        Some("mkv") if track.is_none() => Ok(SoundForm::Matroska),
        Some("mkv") => Err(AdminError::validation("mkv has all tracks: leave track out.")),
        Some(_) => Err(AdminError::validation("format must be wav, raw or mkv.")),
    }
}
