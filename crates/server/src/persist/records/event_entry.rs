//! Events in the outbox: whole, in the entry.
//!
//! Format 1: the id of the contact, or of the agent's user; a space; the id of the instance; a space; the time, Unix ms; a space; the
//! type; a line feed; the event as JSON. An erasure finds what is about a contact by the first 36 bytes.

use super::Outgoing;
use tympan_connect::agent_events::AgentEvent;
use tympan_connect::events::ContactEvent;
use tympan_db::outbox::{Entry, NewEntry};
use tympan_types::{ContactId, InstanceId, WallTime};

/// An event of a contact.
pub(super) fn of_contact(kind: &str, event: &ContactEvent) -> NewEntry {
    let (about, word) = (event.contact.to_string(), event.event_type.word());
    entry(kind, &about, event.instance, event.at, word, &event.json.to_string())
}

/// An event of an agent.
pub(in super::super) fn of_agent(kind: &str, event: &AgentEvent) -> NewEntry {
    let (about, word) = (event.agent.to_string(), event.event_type.word());
    entry(kind, &about, event.instance, event.at, word, &event.json.to_string())
}

fn entry(kind: &str, about: &str, instance: InstanceId, at: WallTime, word: &str, json: &str) -> NewEntry {
    let payload = format!("{about} {instance} {} {word}\n{json}", at.unix_ms()).into_bytes();
    NewEntry { kind: kind.to_owned(), format: 1, payload, next_due: WallTime::from_unix_ms(0) }
}

/// What an entry says; `None` where it is of another version.
pub(super) fn read(entry: &Entry) -> Option<Outgoing> {
    let text = std::str::from_utf8(&entry.payload).ok().filter(|_| entry.format == 1)?;
    let (head, json) = text.split_once('\n')?;
    let mut words = head.split(' ');
    let contact = ContactId::parse(words.next()?).ok()?;
    let instance = InstanceId::parse(words.next()?).ok()?;
    let updated = WallTime::from_unix_ms(words.next()?.parse().ok()?);
    let event = Some(words.next()?.to_owned());
    Some(Outgoing { contact, instance, json: json.to_owned(), updated, event })
}
