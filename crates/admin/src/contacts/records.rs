//! A page of contact records, joined from as many pages of the index as it takes.

use super::target::is_of;
use crate::error::AdminError;
use crate::paging::Page;
use crate::service::Context;
use serde_json::json;
use tympan_aws::Output;
use tympan_connect::record::ContactRecord;
use tympan_db::contact::{ContactCursor, ContactQuery};

/// The most contacts of a page.
pub(crate) const MOST: usize = 1_000;
/// Pages of the index that one page is joined from: a condition that few contacts meet ends a page early, with a token.
const JOINED: usize = 8;

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
        records.extend(own.map(ContactRecord::of));
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
