use super::records::{self, MOST};
use crate::documentation::{self, Documentation, Documented, Field, Kind, always, maybe};
use crate::error::AdminError;
use crate::paging::{MAX_RESULTS, NEXT_TOKEN, Page};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use tympan_aws::{Operation, Output};
use tympan_db::contact::{ContactCursor, ContactQuery};

/// Lists contacts, newest first, those of calls that are up among them.
pub(crate) struct ListContacts;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// What both lists answer.
pub(super) const ANSWER: &[Field] = &[
    always(
        "Contacts",
        Kind::List(&Kind::Opaque),
        "contact records as Connect delivers them, each with ContactFlowId and ContactFlowName of the flow that it began in; DisconnectTimestamp is null while the call is up",
    ),
    maybe("Unreadable", Kind::Integer, "contacts of this page that cannot be read and are left out"),
    documentation::NEXT,
];

impl Documented for ListContacts {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Lists contacts, newest first, those of calls that are up among them.",
        query: &[documentation::MAX_RESULTS, documentation::NEXT_TOKEN],
        body: &[],
        answer: ANSWER,
        errors: &[],
    };
}

impl Operation for ListContacts {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "ListContacts";
    const QUERY: &'static [&'static str] = &[MAX_RESULTS, NEXT_TOKEN];

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, input: Input, (): ()) -> Result<Output, AdminError> {
        let Input { max_results, next_token } = input;
        let page = Page::of(cx, [], next_token.as_deref(), max_results, MOST, ContactCursor::parse)?;
        let query = ContactQuery { account: Some(cx.caller.account.clone()), ..ContactQuery::all() };
        records::list(cx, &query, &page)
    }
}
