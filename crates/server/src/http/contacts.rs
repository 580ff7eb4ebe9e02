//! Contact records by HTTP, for `tympan contacts`: `GET /_tympan/contacts` and `GET /_tympan/contacts/ID`.
//!
//! Not an AWS operation: Connect delivers its records to a stream. Shape: `{"Contacts": [record, ...]}`, newest
//! first, calls that are up among them (`DisconnectTimestamp` null), and one record by itself.

use super::body::Body;
use super::respond;
use hyper::Response;
use serde_json::json;
use std::sync::Arc;
use tympan_connect::contact::{Contact, ContactRecord, History, HistoryError, HistoryQuery, TimeAxis};
use tympan_connect::live_calls::LiveCalls;
use tympan_types::{Caller, ContactId, WallTime};

/// Contacts on one page, unless `limit` says less.
const PAGE: usize = 1_000;

/// Answers for `rest`, which follows `/_tympan/contacts` in the path.
pub(super) async fn answer(
    history: &Arc<dyn History>,
    live: &Arc<dyn LiveCalls>,
    caller: &Caller,
    rest: &str,
    query: &str,
) -> Response<Body> {
    let (history, live, caller) = (history.clone(), live.clone(), caller.clone());
    let (rest, query) = (rest.to_owned(), query.to_owned());
    let found = tokio::task::spawn_blocking(move || look_up(&*history, &*live, &caller, &rest, &query)).await;
    match found {
        Ok(Ok(Some(found))) => respond::json(200, found.to_string().into_bytes()),
        Ok(Ok(None)) => refuse(404, "ResourceNotFoundException", "There is no such contact."),
        Ok(Err(error)) => refuse(500, "InternalServiceException", &error.to_string()),
        Err(_) => refuse(500, "InternalServiceException", "The request failed inside."),
    }
}

fn look_up(
    history: &dyn History,
    live: &dyn LiveCalls,
    caller: &Caller,
    rest: &str,
    query: &str,
) -> Result<Option<serde_json::Value>, HistoryError> {
    let own = |contact: &Contact| {
        contact.instance.account == caller.account && contact.instance.region == caller.region
    };
    // Of a call that is up, the journal may lag some milliseconds behind.
    let current = |contact: Contact| live.contact(contact.id).unwrap_or(contact);
    if let Some(id) = rest.strip_prefix('/').filter(|id| !id.is_empty()) {
        let Ok(id) = ContactId::parse(id) else { return Ok(None) };
        let contact = history.find(id)?.filter(own).map(current);
        return Ok(contact.map(|contact| json!(ContactRecord::of(&contact))));
    }
    let limit = query.split('&').find_map(|pair| pair.strip_prefix("limit=")?.parse().ok()).unwrap_or(PAGE);
    let contacts = history.list(&HistoryQuery {
        instance: None,
        axis: TimeAxis::Initiation,
        from: WallTime::from_unix_ms(0),
        to: WallTime::from_unix_ms(i64::MAX),
        after: None,
        limit: limit.min(PAGE),
    })?;
    let records: Vec<ContactRecord> =
        contacts.iter().filter(|contact| own(contact)).map(ContactRecord::of).collect();
    Ok(Some(json!({ "Contacts": records })))
}

fn refuse(status: u16, error_type: &str, message: &str) -> Response<Body> {
    respond::error(status, error_type, json!({ "Message": message }).to_string().into_bytes())
}
