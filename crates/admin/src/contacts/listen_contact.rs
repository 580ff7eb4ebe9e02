use super::sounds::SoundTrack;
use super::target::ContactTarget;
use crate::documentation::{Documentation, Documented, Field, Form, Kind, always, maybe, nullable};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

/// Gives the sound of a call that is up, as it is captured.
pub(crate) struct ListenContact;

#[derive(Deserialize)]
pub(crate) struct Input {
    #[serde(rename = "ContactId")]
    contact_id: String,
    tracks: Option<String>,
}

/// The members of a text frame.
const FRAME: &[Field] = &[
    always(
        "Type",
        Kind::OneOf(&["Begin", "Paused", "Resumed", "End", "Pong"]),
        "Begin is the first frame; Paused: no capture runs; End: the contact has ended, and the socket is closed",
    ),
    maybe("SampleRateHz", Kind::Integer, "of Begin: 8000"),
    maybe("Tracks", Kind::List(&Kind::Text), "of Begin: the names behind the numbers in binary frames"),
    Field {
        is_required: false,
        ..nullable(
            "StartTimestamp",
            Kind::Time,
            "of Begin and Resumed: where the axis begins; null before anything was captured",
        )
    },
    maybe("NowMicroseconds", Kind::Integer, "of Begin and Pong: the server's clock, since 1970"),
    maybe("Reason", Kind::Text, "of End: the contact's DisconnectReason, or TRANSFERRED or STREAM_DELETED"),
    maybe("NextContactId", Kind::Text, "of End: the contact that goes on with the call"),
    maybe("Id", Kind::Integer, "of Pong: as in the Ping"),
];

impl Documented for ListenContact {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Gives the sound of a call that is up over a WebSocket (RFC 6455), as it is captured: binary frames of samples, and text frames with these members (docs/admin.md, Sound).",
        query: &[maybe(
            "tracks",
            Kind::Text,
            "AUDIO_FROM_CUSTOMER, AUDIO_TO_CUSTOMER or both, with a comma between; both unless given",
        )],
        body: &[],
        answer: FRAME,
        errors: &[
            ErrorCode::NotFound,
            ErrorCode::KeyAccessDenied,
            ErrorCode::ContactEnded,
            ErrorCode::LimitExceeded,
        ],
    };
    const FORM: Form = Form::Socket;
}

impl Operation for ListenContact {
    type Service = AdminService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "ListenContact";
    const QUERY: &'static [&'static str] = &["tracks"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, AdminError> {
        Ok(ContactTarget::of(cx, &input.contact_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, AdminError> {
        let tracks = tracks(input.tracks.as_deref())?;
        let contact = target.known()?;
        Ok(cx.service.parts().sounds.listen(&contact, tracks).await?)
    }
}

fn tracks(names: Option<&str>) -> Result<Vec<SoundTrack>, AdminError> {
    let Some(names) = names else { return Ok(SoundTrack::ALL.to_vec()) };
    let mut tracks = Vec::new();
    for name in names.split(',') {
        let track = SoundTrack::parse(name, "tracks")?;
        if tracks.contains(&track) {
            return Err(AdminError::validation("tracks must name no track twice."));
        }
        tracks.push(track);
    }
    Ok(tracks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_are_both_or_those_that_are_named_in_their_order() {
        use SoundTrack::{FromCustomer, ToCustomer};
        assert_eq!(tracks(None).unwrap(), [FromCustomer, ToCustomer]);
        assert_eq!(tracks(Some("AUDIO_TO_CUSTOMER")).unwrap(), [ToCustomer]);
        assert_eq!(
            tracks(Some("AUDIO_TO_CUSTOMER,AUDIO_FROM_CUSTOMER")).unwrap(),
            [ToCustomer, FromCustomer]
        );
        for names in ["", ",", "AUDIO", "AUDIO_TO_CUSTOMER,AUDIO_TO_CUSTOMER"] {
            assert_eq!(tracks(Some(names)).unwrap_err().code(), ErrorCode::Validation, "{names}");
        }
    }
}
