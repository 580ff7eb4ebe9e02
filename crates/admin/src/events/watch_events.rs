use super::feed::{EventFeed, FeedError};
use crate::documentation::{Documentation, Documented, Field, Form, Kind, always, maybe};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use tympan_aws::{Operation, Output};
use tympan_db::Revision;

/// Tells every change of the caller's contacts over a WebSocket.
pub(crate) struct WatchEvents;

#[derive(Deserialize)]
pub(crate) struct Input {
    since: Option<String>,
}

/// The members of a frame.
const FRAME: &[Field] = &[
    always(
        "Type",
        Kind::OneOf(&["Begin", "Event", "Progress"]),
        "Begin is the first frame; Progress says how far an idle reader has come",
    ),
    always("Revision", Kind::Text, "where to resume: everything up to here was sent"),
    maybe("Kind", Kind::Text, "contact"),
    maybe("Row", Kind::Text, "names the contact through all its events, its erasure included"),
    maybe("Operation", Kind::OneOf(&["PUT", "REMOVED", "ERASED"]), "what happened"),
    maybe("Id", Kind::Text, "the contact's id; absent when it was erased"),
    maybe("Contact", Kind::Opaque, "the contact in short as it is now, which may be later than this event"),
];

impl Documented for WatchEvents {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Tells every change of a contact over a WebSocket (RFC 6455): a text frame is one JSON object with these members.",
        query: &[maybe("since", Kind::Text, "resume after this revision; absent: from now on")],
        body: &[],
        answer: FRAME,
        errors: &[ErrorCode::RevisionGone, ErrorCode::LimitExceeded],
    };
    const FORM: Form = Form::Socket;
}

impl Operation for WatchEvents {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "WatchEvents";
    const QUERY: &'static [&'static str] = &["since"];

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, input: Input, (): ()) -> Result<Output, AdminError> {
        let since = input.since.map(|text| {
            let number = text.parse().ok().filter(|number: &i64| *number >= 0);
            number
                .map(Revision::new)
                .ok_or_else(|| AdminError::validation("since is the Revision of a frame."))
        });
        let parts = cx.service.parts();
        let (readers, contacts) = (&parts.event_readers, parts.contacts.clone());
        let feed = EventFeed::open(readers, &parts.db, contacts, cx.caller, since.transpose()?);
        let feed = feed.map_err(|error| match error {
            FeedError::Gone { .. } => AdminError::new(ErrorCode::RevisionGone, error.to_string()),
            FeedError::Full { .. } => AdminError::new(ErrorCode::LimitExceeded, error.to_string()),
            FeedError::Unavailable(cause) => AdminError::internal(cause),
        })?;
        Ok(Output::stream("application/json", feed.with_flow_names(parts.connect.clone())))
    }
}
