//! Rows and contacts for tests.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use tympan_db::contact::{ContactEvent, ContactFacts, ContactPayload};
use tympan_db::{Column, Db, DbError, Kind, Kinds, OpenOptions, OpenReport, Row, RowError, StartId, Value};
use tympan_types::{AccountId, ContactFlowId, ContactId, InstanceId, Redacted, WallTime};

/// A row of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) key: String,
    pub(crate) owner: String,
    pub(crate) text: String,
}

pub(crate) const NOTE: Kind = Kind { name: "test-note", columns: &[Column::text("owner")] };

pub(crate) fn note(key: &str, text: &str) -> Note {
    Note { key: key.to_owned(), owner: "me".to_owned(), text: text.to_owned() }
}

impl Row for Note {
    const KIND: &'static Kind = &NOTE;
    const FORMAT: u16 = 2;

    fn key(&self) -> String {
        self.key.clone()
    }

    fn columns(&self) -> Vec<Value> {
        vec![Value::from(self.owner.as_str())]
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        Ok(format!("{}\n{}\n{}", self.key, self.owner, self.text).into_bytes())
    }

    fn decode(format: u16, bytes: &[u8]) -> Result<Self, RowError> {
        let text = std::str::from_utf8(bytes).map_err(|error| RowError(error.to_string()))?;
        let parts: Vec<&str> = text.splitn(3, '\n').collect();
        match (format, parts.as_slice()) {
            (1, [key, text]) => Ok(note(key, text)),
            (2, [key, owner, text]) => Ok(Self { owner: (*owner).to_owned(), ..note(key, text) }),
            _ => Err(RowError("not a note".to_owned())),
        }
    }
}

/// The same kind as the build before wrote it.
pub(crate) struct OldNote(pub(crate) Note);

impl Row for OldNote {
    const KIND: &'static Kind = &NOTE;
    const FORMAT: u16 = 1;

    fn key(&self) -> String {
        self.0.key.clone()
    }

    fn columns(&self) -> Vec<Value> {
        self.0.columns()
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        Ok(format!("{}\n{}", self.0.key, self.0.text).into_bytes())
    }

    fn decode(format: u16, bytes: &[u8]) -> Result<Self, RowError> {
        Note::decode(format, bytes).map(Self)
    }
}

/// The same kind as a later build writes it.
pub(crate) struct FutureNote(pub(crate) Note);

impl Row for FutureNote {
    const KIND: &'static Kind = &NOTE;
    const FORMAT: u16 = 3;

    fn key(&self) -> String {
        self.0.key.clone()
    }

    fn columns(&self) -> Vec<Value> {
        self.0.columns()
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        self.0.encode()
    }

    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        Note::decode(2, bytes).map(Self)
    }
}

/// A contact of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) id: ContactId,
    pub(crate) initiated: i64,
    pub(crate) disconnected: Option<i64>,
    pub(crate) number: Option<String>,
    pub(crate) flow: Option<ContactFlowId>,
    pub(crate) queue: Option<String>,
    pub(crate) has_stream: bool,
    pub(crate) has_losses: bool,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) instance: InstanceId,
}

pub(crate) fn instance(n: u8) -> InstanceId {
    InstanceId::from_random([n; 16])
}

/// A stream of numbers that is the same each time.
pub(crate) fn scatter(n: u64) -> u64 {
    let mut x = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The n-th call: one every half second.
pub(crate) fn call(n: u64) -> Call {
    let id = (u128::from(scatter(n)) << 64 | u128::from(scatter(n ^ 0xffff_0000_0000))).to_be_bytes();
    let initiated = 1_700_000_000_000 + i64::try_from(n).unwrap() * 500;
    Call {
        id: ContactId::from_random(id),
        initiated,
        disconnected: Some(initiated + 60_000 + i64::try_from(scatter(n) % 100_000).unwrap()),
        number: Some(format!("+1206{:07}", scatter(n + 77) % 10_000_000)),
        flow: Some(ContactFlowId::from_random([u8::try_from(n % 20).unwrap(); 16])),
        queue: n.is_multiple_of(3).then(|| format!("queue-{}", n % 7)),
        has_stream: n.is_multiple_of(2),
        has_losses: n % 100 == 34,
        attributes: BTreeMap::from([
            ("order".to_owned(), format!("order {:016x}", scatter(n + 5))),
            ("language".to_owned(), ["en", "de", "fr"][usize::try_from(n % 3).unwrap()].to_owned()),
        ]),
        instance: instance(u8::try_from(n % 4).unwrap()),
    }
}

impl ContactPayload for Call {
    const FORMAT: u16 = 2;

    fn facts(&self) -> ContactFacts {
        ContactFacts {
            id: self.id,
            account: AccountId::parse("111122223333").unwrap(),
            instance: self.instance,
            initiated: WallTime::from_unix_ms(self.initiated),
            connected: Some(WallTime::from_unix_ms(self.initiated + 10)),
            disconnected: self.disconnected.map(WallTime::from_unix_ms),
            number: self.number.clone().map(Redacted::new),
            flow: self.flow,
            queue: self.queue.clone(),
            // Of each call that was in a queue.
            agent: self.queue.as_ref().map(|queue| queue.replace("queue", "agent")),
            has_stream: self.has_stream,
            has_losses: self.has_losses,
            attributes: self
                .attributes
                .iter()
                .map(|(name, value)| (name.clone(), Redacted::new(value.clone())))
                .collect(),
        }
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        serde_json::to_vec(self).map_err(|error| RowError(error.to_string()))
    }

    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        serde_json::from_slice(bytes).map_err(|error| RowError(error.to_string()))
    }
}

pub(crate) fn kinds() -> Kinds {
    Kinds::default().with::<Note>().with_contacts::<Call>()
}

pub(crate) fn options(start: u8) -> OpenOptions {
    OpenOptions::new(StartId([start; 16]))
}

pub(crate) fn open(folder: &Path) -> Db {
    open_as(folder, 1).0
}

pub(crate) fn open_as(folder: &Path, start: u8) -> (Db, OpenReport) {
    Db::open(folder, kinds(), options(start)).unwrap()
}

pub(crate) fn put(db: &Db, row: Note) {
    db.write(move |tx| tx.put(&row)).unwrap();
}

pub(crate) fn put_calls(db: &Db, calls: impl IntoIterator<Item = Call>) {
    let calls: Vec<Call> = calls.into_iter().collect();
    let steps: Vec<Vec<Call>> = calls.chunks(1_000).map(<[Call]>::to_vec).collect();
    for step in steps {
        db.write(move |tx| -> Result<(), DbError> {
            for call in &step {
                tx.put_contact(call, ContactEvent::Closed, None)?;
            }
            Ok(())
        })
        .unwrap();
    }
}
