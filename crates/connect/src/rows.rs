//! How the configuration stands in `control.db`. Format 1 of each kind is the JSON of release 0.1.0.

use crate::flows::ContactFlow;
use crate::instances::Instance;
use crate::named;
use crate::phone_numbers::PhoneNumber;
use crate::prompts::UploadedSound;
use crate::settings::{Document, Settings, SettingsError, Write};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::atomic::{AtomicUsize, Ordering};
use tympan_db::{Db, DbError, FLOW, INSTANCE, Kind, Kinds, PHONE_NUMBER, Row, RowError, Value};
use tympan_types::ResourceId;

/// Adds the kinds of the configuration to those that a program keeps.
pub fn kinds(kinds: Kinds) -> Kinds {
    let kinds = kinds.with::<Instance>().with::<ContactFlow>().with::<PhoneNumber>();
    named::with_kinds(kinds.with::<UploadedSound>())
}

impl Row for Instance {
    const KIND: &'static Kind = &INSTANCE;
    const FORMAT: u16 = 1;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![Value::from(self.account.to_string().as_str()), Value::from(self.alias.as_str())]
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        encode(self)
    }

    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        decode(bytes)
    }
}

impl Row for ContactFlow {
    const KIND: &'static Kind = &FLOW;
    const FORMAT: u16 = 1;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![Value::from(self.instance.to_string().as_str())]
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        encode(self)
    }

    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        decode(bytes)
    }
}

impl Row for PhoneNumber {
    const KIND: &'static Kind = &PHONE_NUMBER;
    const FORMAT: u16 = 1;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![Value::from(self.instance.to_string().as_str()), Value::from(self.number.as_str())]
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        encode(self)
    }

    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        decode(bytes)
    }
}

pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, RowError> {
    serde_json::to_vec(value).map_err(|error| RowError(error.to_string()))
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RowError> {
    serde_json::from_slice(bytes).map_err(|error| RowError(error.to_string()))
}

/// The configuration in `control.db`.
pub struct DbSettings {
    db: Db,
    unreadable: AtomicUsize,
}

impl DbSettings {
    /// That of a database which knows the kinds of [`kinds`].
    pub fn new(db: Db) -> Self {
        Self { db, unreadable: AtomicUsize::new(0) }
    }

    /// How many rows the last [`load`](Settings::load) left out.
    pub fn unreadable(&self) -> usize {
        self.unreadable.load(Ordering::Relaxed)
    }
}

impl Settings for DbSettings {
    fn load(&self) -> Result<Vec<Document>, SettingsError> {
        let (documents, unreadable) = self
            .db
            .read(|reader| -> Result<_, DbError> {
                let (instances, first) = reader.load::<Instance>()?;
                let (flows, second) = reader.load::<ContactFlow>()?;
                let (numbers, third) = reader.load::<PhoneNumber>()?;
                let documents = instances.into_iter().map(Document::Instance);
                let documents = documents.chain(flows.into_iter().map(Document::Flow));
                let documents = documents.chain(numbers.into_iter().map(Document::PhoneNumber));
                let mut documents: Vec<Document> = documents.collect();
                let others = named::load(reader, &mut documents)?;
                Ok((documents, first + second + third + others))
            })
            .map_err(said)?;
        self.unreadable.store(unreadable, Ordering::Relaxed);
        Ok(documents)
    }

    fn sound(&self, prompt: ResourceId) -> Result<Option<UploadedSound>, SettingsError> {
        self.db.read(|reader| reader.get::<UploadedSound>(&prompt.to_string())).map_err(said)
    }

    fn write(&self, writes: &[Write]) -> Result<(), SettingsError> {
        let writes = writes.to_vec();
        self.db
            .write(move |tx| -> Result<(), DbError> {
                for write in &writes {
                    if let Some(prompt) = write.ends_sound_of() {
                        tx.remove::<UploadedSound>(&prompt.to_string())?;
                    }
                    match write {
                        Write::Put(document) => match document.as_ref() {
                            Document::Instance(instance) => tx.put(instance)?,
                            Document::Flow(flow) => tx.put(flow)?,
                            Document::PhoneNumber(number) => tx.put(number)?,
                            Document::Resource(resource) => named::put(tx, resource)?,
                        },
                        Write::PutSound(sound) => tx.put(sound)?,
                        Write::RemoveInstance(id) => drop(tx.remove::<Instance>(&id.to_string())?),
                        Write::RemoveFlow(id) => drop(tx.remove::<ContactFlow>(&id.to_string())?),
                        Write::RemovePhoneNumber(id) => drop(tx.remove::<PhoneNumber>(&id.to_string())?),
                        Write::RemoveResource(kind, id) => drop(named::remove(tx, *kind, *id)?),
                    }
                }
                Ok(())
            })
            .map_err(said)
    }

    fn is_whole(&self) -> bool {
        let unreadable = self.db.unreadable();
        self.unreadable() == 0
            && unreadable.rows.is_empty()
            && unreadable.beside == 0
            && self.db.refuses().is_none()
    }
}

fn said(error: DbError) -> SettingsError {
    SettingsError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Bench;
    use crate::named::ResourceKind;
    use std::sync::Arc;
    use tympan_db::{OpenOptions, StartId};

    fn database() -> Db {
        Db::in_memory(kinds(Kinds::default()), OpenOptions::new(StartId([1; 16]))).unwrap()
    }

    #[test]
    fn what_was_put_is_loaded_and_what_was_removed_is_not() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        bench.number(&instance, "+18005550101");
        let settings = DbSettings::new(database());
        let documents = bench.settings.load().unwrap();
        let puts: Vec<Write> =
            documents.iter().cloned().map(|document| Write::Put(Box::new(document))).collect();
        settings.write(&puts).unwrap();
        assert_eq!(settings.load().unwrap(), documents);
        let removals: Vec<Write> = documents
            .iter()
            .map(|document| match document {
                Document::Instance(instance) => Write::RemoveInstance(instance.id),
                Document::Flow(flow) => Write::RemoveFlow(flow.id),
                Document::PhoneNumber(number) => Write::RemovePhoneNumber(number.id),
                Document::Resource(resource) => {
                    let (kind, id) = resource.key();
                    Write::RemoveResource(kind, id)
                }
            })
            .collect();
        settings.write(&removals).unwrap();
        assert_eq!((settings.load().unwrap(), settings.is_whole()), (Vec::new(), true));
    }

    #[test]
    fn the_sound_of_a_prompt_is_kept_beside_it_and_removed_with_it() {
        let db = database();
        let settings = DbSettings::new(db.clone());
        let prompt = ResourceId::from_bytes([7; 16]);
        let sound = UploadedSound { prompt, wav: Arc::from(&b"RIFF and so on"[..]) };
        settings.write(&[Write::PutSound(sound.clone())]).unwrap();
        assert_eq!(DbSettings::new(db).sound(prompt).unwrap(), Some(sound));
        assert_eq!(settings.load().unwrap(), Vec::new(), "it is no document");
        settings.write(&[Write::RemoveResource(ResourceKind::Prompt, prompt)]).unwrap();
        assert_eq!((settings.sound(prompt).unwrap(), settings.is_whole()), (None, true));
    }

    #[test]
    fn a_row_that_cannot_be_read_is_left_out_and_the_whole_is_not_called_whole() {
        /// A flow of a later build.
        struct Later(ContactFlow);
        impl Row for Later {
            const KIND: &'static Kind = &FLOW;
            const FORMAT: u16 = 9;
            fn key(&self) -> String {
                self.0.key()
            }
            fn columns(&self) -> Vec<Value> {
                self.0.columns()
            }
            fn encode(&self) -> Result<Vec<u8>, RowError> {
                Ok(b"of a later build".to_vec())
            }
            fn decode(_: u16, _: &[u8]) -> Result<Self, RowError> {
                Err(RowError("it is not read here".to_owned()))
            }
        }
        let bench = Bench::new();
        let instance = bench.instance("demo");
        bench.flow(&instance, "welcome");
        let db = database();
        let settings = DbSettings::new(db.clone());
        let documents = bench.settings.load().unwrap();
        let puts: Vec<Write> =
            documents.iter().cloned().map(|document| Write::Put(Box::new(document))).collect();
        settings.write(&puts).unwrap();
        let flow = documents.iter().find_map(|document| match document {
            Document::Flow(flow) => Some(flow.clone()),
            _ => None,
        });
        let later = Later(flow.unwrap());
        db.write(move |tx| tx.put(&later)).unwrap();
        let loaded = settings.load().unwrap();
        assert_eq!(loaded.len(), documents.len() - 1);
        assert!(!settings.is_whole());
        assert_eq!(settings.unreadable(), 1);
    }
}
