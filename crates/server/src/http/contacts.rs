//! Contact records by HTTP, for `tympan contacts`: `GET /_tympan/contacts?limit=N&next=TOKEN`, `GET /_tympan/contacts/ID`,
//! `GET /_tympan/contacts/ID/waveform?columns=N` and `DELETE /_tympan/contacts/ID?media=keep|erase`.
//!
//! Not an AWS operation: Connect delivers its records to a stream. Shape: `{"Contacts": [record, ...]}`, newest
//! first, calls that are up among them (`DisconnectTimestamp` null), with the `NextToken` of the next page where there is one; and one record
//! by itself. In that one each of the
//! `Recordings` that are captures has a `Ledger`, null where it is not known (yet): what was not received.

use super::body::Body;
use super::respond;
use crate::waveform;
use hyper::{Method, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::sync::Arc;
use tympan_aws::Resource;
use tympan_connect::live_calls::LiveCalls;
use tympan_connect::record::ContactRecord;
use tympan_contact::{CapturedAudio, Contact, Erased, History, HistoryError, HistoryQuery, TimeAxis};
use tympan_store::{ErrorKind, MediaStore};
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_telephony::index::Waveform;
use tympan_types::{Caller, ContactId, WallTime};

/// Contacts on one page, unless `limit` says less.
const PAGE: usize = 1_000;

/// Columns of a waveform, unless `columns` says otherwise.
const COLUMNS: usize = 1_000;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The newest records.
    List,
    /// One record; `None` where the path names something that is no contact's id.
    One(Option<ContactId>),
    /// The waveform of one contact, likewise.
    Waveform(Option<ContactId>),
    /// The end of one contact, likewise.
    Delete(Option<ContactId>),
}

/// What a request asks for; `None` for a path of something else.
pub(super) fn asked(method: &Method, path: &str) -> Option<Wanted> {
    Some(match wanted(path)? {
        Wanted::One(id) if method == Method::DELETE => Wanted::Delete(id),
        wanted => wanted,
    })
}

fn wanted(path: &str) -> Option<Wanted> {
    match path.strip_prefix("/_tympan/contacts")? {
        "" | "/" => Some(Wanted::List),
        rest => {
            let rest = rest.strip_prefix('/')?;
            let id = |text| ContactId::parse(&percent_decode_str(text).decode_utf8_lossy()).ok();
            Some(match rest.strip_suffix("/waveform") {
                Some(text) => Wanted::Waveform(id(text)),
                None => Wanted::One(id(rest)),
            })
        }
    }
}

impl Wanted {
    /// Its action and resource in the words of policies.
    pub(super) fn in_policies(self, caller: &Caller) -> (&'static str, Resource) {
        let (action, id) = match self {
            Self::List => ("tympan:ListContacts", None),
            Self::One(id) => ("tympan:GetContact", id),
            Self::Waveform(id) => ("tympan:GetContactWaveform", id),
            Self::Delete(id) => ("tympan:DeleteContact", id),
        };
        let contact = |id| format!("arn:aws:tympan:{}:{}:contact/{id}", caller.region, caller.account);
        (action, id.map_or_else(Resource::any, |id| Resource::new(contact(id))))
    }
}

/// Answers a request for the end of a contact that is allowed. Its state, attributes, index rows and the lines of the flow log that
/// no sink has are in no file when this answers. What sinks have is theirs, and named. Its audio is its stream's, unless the query is
/// `media=erase`: then its fragments are erased, or `AudioWaits` says that they will be.
pub(super) async fn delete(
    history: &Arc<dyn History>,
    live: &Arc<dyn LiveCalls>,
    caller: &Caller,
    id: Option<ContactId>,
    query: &str,
) -> Response<Body> {
    let audio = match query.split('&').find_map(|pair| pair.strip_prefix("media=")) {
        None | Some("keep") => CapturedAudio::Keep,
        Some("erase") => CapturedAudio::Erase,
        Some(_) => return refuse(400, "InvalidParameterException", "media is keep or erase."),
    };
    let (history, live, caller) = (history.clone(), live.clone(), caller.clone());
    let deleted = tokio::task::spawn_blocking(move || {
        let Some(id) = id else { return Ok(Deleted::Absent) };
        if live.contact(id).is_some() {
            return Ok(Deleted::Live);
        }
        match find(&*history, &*live, &caller, id) {
            Ok(None) => return Ok(Deleted::Absent),
            Ok(Some(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(history.erase(id, audio)?.map_or(Deleted::Absent, Deleted::Gone))
    });
    match deleted.await {
        Ok(Ok(Deleted::Gone(Erased { audio_waits, delivered_to }))) => {
            let body = json!({ "AudioWaits": audio_waits, "DeliveredTo": delivered_to });
            respond::json(200, body.to_string().into_bytes())
        }
        Ok(Ok(Deleted::Absent)) => refuse(404, "ResourceNotFoundException", "There is no such contact."),
        Ok(Ok(Deleted::Live)) => {
            refuse(409, "ResourceConflictException", "The call is up: end it before its contact is deleted.")
        }
        Ok(Err(error)) => refuse(500, "InternalServiceException", &error.to_string()),
        Err(_) => refuse(500, "InternalServiceException", "The request failed inside."),
    }
}

/// What became of a deletion.
enum Deleted {
    Gone(Erased),
    Absent,
    Live,
}

/// Answers a request that is allowed, and that changes nothing.
pub(super) async fn answer(
    history: &Arc<dyn History>,
    live: &Arc<dyn LiveCalls>,
    store: &MediaStore,
    caller: &Caller,
    wanted: Wanted,
    query: &str,
) -> Response<Body> {
    if let Wanted::Waveform(id) = wanted {
        return waveform(history, live, store, caller, id, query).await;
    }
    let (history, live, caller, query) = (history.clone(), live.clone(), caller.clone(), query.to_owned());
    let found =
        tokio::task::spawn_blocking(move || look_up(&*history, &*live, &caller, wanted, &query)).await;
    match found {
        Ok(Ok(Some(found))) => respond::json(200, found.to_string().into_bytes()),
        Ok(Ok(None)) => refuse(404, "ResourceNotFoundException", "There is no such contact."),
        Ok(Err(error)) => refuse(500, "InternalServiceException", &error.to_string()),
        Err(_) => refuse(500, "InternalServiceException", "The request failed inside."),
    }
}

async fn waveform(
    history: &Arc<dyn History>,
    live: &Arc<dyn LiveCalls>,
    store: &MediaStore,
    caller: &Caller,
    id: Option<ContactId>,
    query: &str,
) -> Response<Body> {
    let (history, live, caller) = (history.clone(), live.clone(), caller.clone());
    let found =
        tokio::task::spawn_blocking(move || id.map_or(Ok(None), |id| find(&*history, &*live, &caller, id)));
    let contact = match found.await {
        Ok(Ok(Some(contact))) => contact,
        Ok(Ok(None)) => return refuse(404, "ResourceNotFoundException", "There is no such contact."),
        Ok(Err(error)) => return refuse(500, "InternalServiceException", &error.to_string()),
        Err(_) => return refuse(500, "InternalServiceException", "The request failed inside."),
    };
    let columns = query.split('&').find_map(|pair| pair.strip_prefix("columns=")?.parse().ok());
    let columns = columns.unwrap_or(COLUMNS).clamp(1, Waveform::MAX_COLUMNS);
    let captures = match waveform::indexes(store, &contact).await {
        Ok(captures) => captures,
        Err(error) if matches!(error.kind(), ErrorKind::Key(_)) => {
            return refuse(400, "KMSKeyAccessDeniedException", error.message());
        }
        Err(error) => return refuse(500, "InternalServiceException", error.message()),
    };
    let now = store.now();
    let drawn = tokio::task::spawn_blocking(move || {
        let mut json = waveform::draw(&captures, columns, now).to_json(&captures);
        json["ContactId"] = json!(contact.id);
        json.to_string().into_bytes()
    });
    match drawn.await {
        Ok(body) => respond::json(200, body),
        Err(_) => refuse(500, "InternalServiceException", "The request failed inside."),
    }
}

/// A contact of the caller's account and region, as it is now.
fn find(
    history: &dyn History,
    live: &dyn LiveCalls,
    caller: &Caller,
    id: ContactId,
) -> Result<Option<Contact>, HistoryError> {
    // Of a call that is up, the journal may lag some milliseconds behind.
    let current = |contact: Contact| live.contact(contact.id).unwrap_or(contact);
    Ok(history.find(id)?.filter(|contact| is_own(contact, caller)).map(current))
}

fn is_own(contact: &Contact, caller: &Caller) -> bool {
    contact.instance.account == caller.account && contact.instance.region == caller.region
}

fn look_up(
    history: &dyn History,
    live: &dyn LiveCalls,
    caller: &Caller,
    wanted: Wanted,
    query: &str,
) -> Result<Option<Value>, HistoryError> {
    if let Wanted::One(id) = wanted {
        let Some(id) = id else { return Ok(None) };
        let contact = find(history, live, caller, id)?;
        return Ok(contact.map(|contact| with_ledgers(&contact)));
    }
    let value = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
            .map(|(_, value)| value)
    };
    let limit = value("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let mut wanted = HistoryQuery {
        account: Some(caller.account.clone()),
        instance: None,
        axis: TimeAxis::Initiation,
        from: WallTime::from_unix_ms(0),
        to: WallTime::from_unix_ms(i64::MAX),
        after: value("next").map(|next| percent_decode_str(next).decode_utf8_lossy().into_owned()),
        limit,
    };
    let mut records: Vec<ContactRecord> = Vec::new();
    // A page of the history may hold few, or none: they are joined up to the one that was asked for.
    let next = loop {
        let page = history.list(&wanted)?;
        let own = page.contacts.iter().filter(|contact| is_own(contact, caller));
        records.extend(own.map(ContactRecord::of));
        wanted.after = page.next;
        wanted.limit = limit.saturating_sub(records.len());
        if wanted.after.is_none() || wanted.limit == 0 {
            break wanted.after;
        }
    };
    Ok(Some(match next {
        Some(next) => json!({ "Contacts": records, "NextToken": next }),
        None => json!({ "Contacts": records }),
    }))
}

/// The record of a contact, and what of its audio was not received. The record alone is what Connect delivers, so that the ledgers are
/// here only.
fn with_ledgers(contact: &Contact) -> Value {
    let mut record = json!(ContactRecord::of(contact));
    // A record has one recording for each capture, in the same order.
    let recordings = record["Recordings"].as_array_mut().into_iter().flatten();
    for (recording, audio) in recordings.zip(&contact.captures) {
        recording["Ledger"] = audio.ledger.as_ref().map_or(Value::Null, ledger);
    }
    record
}

/// Samples at 8 kHz; `At` is counted from the first one of the capture. Causes that did not occur are left out.
fn ledger(ledger: &CaptureLedger) -> Value {
    let totals = ledger.totals().map(|(cause, total)| {
        (cause.name().to_owned(), json!({ "Count": total.count, "Samples": total.samples }))
    });
    let spans = ledger
        .spans()
        .map(|span| json!({ "At": span.at, "Samples": span.samples, "Cause": span.cause.name() }));
    json!({
        "Samples": ledger.samples(),
        "ReceivedSamples": ledger.received_samples(),
        "Causes": totals.collect::<serde_json::Map<_, _>>(),
        "Spans": spans.collect::<Vec<_>>(),
        "SpansForgotten": ledger.forgotten(),
    })
}

fn refuse(status: u16, error_type: &str, message: &str) -> Response<Body> {
    respond::error(status, error_type, json!({ "Message": message }).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_telephony::rtp::ledger::Cause;

    #[test]
    fn a_ledger_is_told_by_cause_and_span() {
        let mut counted = CaptureLedger::default();
        counted.received(100);
        counted.silence(160, Cause::Lost);
        assert_eq!(
            ledger(&counted),
            json!({
                "Samples": 260,
                "ReceivedSamples": 100,
                "Causes": { "lost": { "Count": 1, "Samples": 160 } },
                "Spans": [{ "At": 100, "Samples": 160, "Cause": "lost" }],
                "SpansForgotten": 0,
            })
        );
    }

    #[test]
    fn a_contact_is_named_by_its_id_in_whatever_spelling() {
        const ID: &str = "4a573372-1f28-4e26-b97b-0123456789ab";
        let one = |text: &str| wanted(&format!("/_tympan/contacts/{text}"));
        for spelling in [ID, &ID.to_uppercase(), &ID.replace('-', "%2D"), &ID.replace('a', "%41")] {
            assert_eq!(one(spelling), Some(Wanted::One(ContactId::parse(ID).ok())), "{spelling}");
        }
        for other in [&format!("{ID}/"), &format!("/{ID}"), &format!("{{{ID}}}"), "18005550100"] {
            assert_eq!(one(other), Some(Wanted::One(None)), "{other}");
        }
        assert_eq!(one(&format!("{ID}/waveform")), Some(Wanted::Waveform(ContactId::parse(ID).ok())));
        assert_eq!(one("18005550100/waveform"), Some(Wanted::Waveform(None)));
        assert_eq!(one(""), Some(Wanted::List));
        assert_eq!(wanted("/_tympan/contacts"), Some(Wanted::List));
        assert_eq!(wanted("/_tympan/contactsandmore"), None);
    }
}
