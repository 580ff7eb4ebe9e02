//! A page of contact records, joined from as many pages of the index as it takes.

use super::target::is_of;
use crate::error::AdminError;
use crate::paging::Page;
use crate::service::Context;
use serde::Serialize;
use serde_json::json;
use tympan_aws::Output;
use tympan_connect::ConnectService;
use tympan_connect::record::ContactRecord;
use tympan_contact::Contact;
use tympan_db::contact::{ContactCursor, ContactQuery};
use tympan_types::ContactFlowId;

/// The most contacts of a page.
pub(crate) const MOST: usize = 1_000;
/// Pages of the index that one page is joined from: a condition that few contacts meet ends a page early, with a token.
const JOINED: usize = 8;

/// A record, and the flow that the contact began in, which Connect's records do not name.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecordWithFlow {
    #[serde(flatten)]
    record: ContactRecord,
    contact_flow_id: Option<ContactFlowId>,
    /// As the flow is called now.
    contact_flow_name: Option<String>,
}

impl RecordWithFlow {
    pub(super) fn of(contact: &Contact, flows: &ConnectService) -> Self {
        let contact_flow_id = contact.initial_flow;
        let contact_flow_name = contact_flow_id.and_then(|id| flows.flow_name(id));
        Self { record: ContactRecord::of(contact), contact_flow_id, contact_flow_name }
    }
}

/// Answers with the contacts of the caller that meet `query`, as records.
pub(crate) fn list(
    cx: &Context<'_>,
    query: &ContactQuery,
    page: &Page<ContactCursor>,
) -> Result<Output, AdminError> {
    let (mut records, mut after, mut unreadable) = (Vec::new(), page.after, 0);
    for _ in 0..JOINED {
        let wanted = page.size.saturating_sub(records.len());
        let found = cx.service.parts().contacts.search(query, after, wanted)?;
        let own = found.contacts.iter().filter(|contact| is_of(contact, cx.caller));
        records.extend(own.map(|contact| RecordWithFlow::of(contact, &cx.service.parts().connect)));
        unreadable += found.unreadable;
        after = found.next;
        if after.is_none() || records.len() >= page.size {
            break;
        }
    }
    let mut answer = json!({ "Contacts": records });
    if unreadable > 0 {
        answer["Unreadable"] = json!(unreadable);
    }
    if let Some(next) = after {
        answer["NextToken"] = json!(page.token(&next.to_string()));
    }
    Ok(Output::json(&answer))
}
