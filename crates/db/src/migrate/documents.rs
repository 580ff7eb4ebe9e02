//! What the columns of `control.db` are, in the JSON of earlier builds. The JSON itself goes over unchanged, as format 1.

use super::CONTACT;
use super::legacy::{SETTINGS, Table};
use crate::contact::ContactFacts;
use crate::kinds::{FLOW, INSTANCE, MIGRATED, PHONE_NUMBER};
use crate::row::{Kind, RawRow, Value};
use crate::unreadable::Reason;
use rusqlite::types::ValueRef;
use serde_json::Value as Json;
use tympan_types::{AccountId, ContactId, InstanceId, Redacted, WallTime};

/// A row of an old file.
#[derive(Clone)]
pub(super) struct OldRow {
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) payload: Vec<u8>,
    is_open: bool,
    is_delivered: bool,
    is_intact: bool,
}

/// What it becomes.
pub(super) enum Carried {
    Setting(&'static Kind, RawRow),
    Contact { facts: Box<ContactFacts>, is_live: bool, delivered: bool, payload: Vec<u8> },
}

impl OldRow {
    pub(super) fn read(table: &Table, row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let bytes = |at: usize| -> rusqlite::Result<Vec<u8>> {
            Ok(match row.get_ref(at)? {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
                ValueRef::Integer(number) => number.to_string().into_bytes(),
                ValueRef::Null | ValueRef::Real(_) => Vec::new(),
            })
        };
        let text = |at: usize| Ok::<_, rusqlite::Error>(String::from_utf8_lossy(&bytes(at)?).into_owned());
        if table.name == SETTINGS.name {
            return Ok(Self {
                kind: text(0)?,
                key: text(1)?,
                payload: bytes(2)?,
                is_open: false,
                is_delivered: true,
                is_intact: row.get(3)?,
            });
        }
        Ok(Self {
            kind: CONTACT.to_owned(),
            key: text(0)?,
            payload: bytes(1)?,
            is_open: row.get(3).unwrap_or(false),
            is_delivered: row.get(4).unwrap_or(false),
            is_intact: row.get(5)?,
        })
    }

    /// What it becomes, if it can be read.
    pub(super) fn judge(&self) -> Result<Carried, Reason> {
        if !self.is_intact {
            return Err(Reason::Checksum);
        }
        let wrong = |why: &str| Reason::Payload(why.to_owned());
        let json: Json =
            serde_json::from_slice(&self.payload).map_err(|error| Reason::Payload(error.to_string()))?;
        let payload = self.payload.clone();
        if self.kind == CONTACT {
            let facts = contact(&json).ok_or_else(|| wrong("it is no contact"))?;
            if facts.id.to_string() != self.key {
                return Err(wrong("its id is not that of its row"));
            }
            let facts = Box::new(facts);
            return Ok(Carried::Contact {
                facts,
                is_live: self.is_open,
                delivered: self.is_delivered,
                payload,
            });
        }
        let kind = MIGRATED.iter().find(|kind| kind.name == self.kind);
        let kind = kind.ok_or_else(|| wrong("no build has written this kind"))?;
        let text = |name: &str| json.get(name).and_then(Json::as_str).map_or(Value::Null, Value::from);
        let columns = match kind.name {
            name if name == INSTANCE.name => vec![text("account"), text("alias")],
            name if name == FLOW.name => vec![text("instance")],
            name if name == PHONE_NUMBER.name => vec![text("instance"), text("number")],
            _ => Vec::new(),
        };
        Ok(Carried::Setting(kind, RawRow { key: self.key.clone(), columns, format: 1, payload }))
    }
}

/// What a contact of 0.1.0 is searched by. It did not keep its flow.
fn contact(json: &Json) -> Option<ContactFacts> {
    let text = |json: &Json| json.as_str().map(str::to_owned);
    let time = |name: &str| json.get(name).and_then(Json::as_i64).map(WallTime::from_unix_ms);
    let instance = json.get("instance")?;
    let attributes = match json.get("attributes") {
        Some(Json::Object(attributes)) => attributes
            .iter()
            .map(|(name, value)| Some((name.clone(), Redacted::new(text(value)?))))
            .collect::<Option<Vec<_>>>()?,
        _ => Vec::new(),
    };
    let number = json.get("customer_endpoint").and_then(|endpoint| endpoint.get("Address"));
    Some(ContactFacts {
        id: ContactId::parse(json.get("id")?.as_str()?).ok()?,
        account: AccountId::parse(instance.get("account")?.as_str()?).ok()?,
        instance: InstanceId::parse(instance.get("id")?.as_str()?).ok()?,
        initiated: time("initiation_timestamp")?,
        connected: time("connected_to_system_timestamp"),
        disconnected: time("disconnect_timestamp"),
        number: number.and_then(text).map(Redacted::new),
        flow: None,
        queue: None,
        agent: None,
        has_stream: json
            .get("captures")
            .and_then(Json::as_array)
            .is_some_and(|captures| !captures.is_empty()),
        // It did not keep its ledgers either.
        has_losses: false,
        attributes,
    })
}
