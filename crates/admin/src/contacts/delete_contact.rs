use super::target::ContactTarget;
use crate::documentation::{Documentation, Documented, Kind, always, maybe};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};
use tympan_contact::{CapturedAudio, Erased};

/// Erases a contact that has ended, also one that cannot be read.
///
/// Its state, attributes, index rows and the lines of the flow log that no sink has are in no file when this answers. What sinks
/// have is theirs, and named. Its audio is its stream's, unless the query is `media=erase`: then its fragments are erased, or
/// `AudioWaits` says that they will be.
pub(crate) struct DeleteContact;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    contact_id: String,
    #[serde(rename = "media")]
    media: Option<String>,
}

impl Input {
    fn audio(&self) -> Result<CapturedAudio, AdminError> {
        match self.media.as_deref() {
            None | Some("keep") => Ok(CapturedAudio::Keep),
            Some("erase") => Ok(CapturedAudio::Erase),
            Some(_) => Err(AdminError::new(ErrorCode::Validation, "media is keep or erase.")),
        }
    }
}

impl Documented for DeleteContact {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Erases a contact that has ended: record, attributes, index rows and waiting flow log lines. Its audio stays in its stream, unless media is erase.",
        query: &[maybe(
            "media",
            Kind::Text,
            "keep, or erase: what was captured is erased, too; keep unless given",
        )],
        body: &[],
        answer: &[
            always("AudioWaits", Kind::Boolean, "audio is still to be erased; that it will be is on disk"),
            always(
                "DeliveredTo",
                Kind::List(&Kind::Text),
                "files and sinks that have lines or records of it, and keep them",
            ),
        ],
        errors: &[ErrorCode::NotFound, ErrorCode::Conflict],
    };
}

impl Operation for DeleteContact {
    type Service = AdminService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "DeleteContact";
    const QUERY: &'static [&'static str] = &["media"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, AdminError> {
        Ok(ContactTarget::of(cx, &input.contact_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, AdminError> {
        let (id, audio) = (target.existing()?, input.audio()?);
        let parts = cx.service.parts();
        if parts.live.contact(id).is_some() {
            let message = "The call is up: end it before its contact is deleted.";
            return Err(AdminError::new(ErrorCode::Conflict, message));
        }
        match parts.contacts.erase(id, audio)? {
            Some(Erased { audio_waits, delivered_to }) => {
                Ok(Output::json(&json!({ "AudioWaits": audio_waits, "DeliveredTo": delivered_to })))
            }
            None => Err(AdminError::no_contact()),
        }
    }
}
