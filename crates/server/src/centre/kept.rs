//! What the routing keeps over a restart, in `control.db`: a row for each agent who has a status, and one for each callback.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use tympan_contact::routing::{AgentRecord, CallbackRecord, Routing, RoutingState};
use tympan_db::{Db, DbError, Kind, Kinds, Row, RowError, Value};

const AGENT: Kind = Kind { name: "routing-agent", columns: &[] };
const CALLBACK: Kind = Kind { name: "routing-callback", columns: &[] };

/// Adds these kinds to those that a program keeps.
pub(crate) fn kinds(kinds: Kinds) -> Kinds {
    kinds.with::<AgentRow>().with::<CallbackRow>()
}

/// An agent's status. Format 1 is JSON.
#[derive(Debug, Clone, PartialEq)]
struct AgentRow(AgentRecord);

/// A callback that waits. Format 1 is JSON.
#[derive(Debug, Clone, PartialEq)]
struct CallbackRow(CallbackRecord);

impl Row for AgentRow {
    const KIND: &'static Kind = &AGENT;
    const FORMAT: u16 = 1;

    fn key(&self) -> String {
        format!("{}/{}", self.0.agent.instance, self.0.agent.user)
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        encode(&self.0)
    }

    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        decode(bytes).map(Self)
    }
}

impl Row for CallbackRow {
    const KIND: &'static Kind = &CALLBACK;
    const FORMAT: u16 = 1;

    fn key(&self) -> String {
        self.0.contact.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        encode(&self.0)
    }

    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        decode(bytes).map(Self)
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, RowError> {
    serde_json::to_vec(value).map_err(|error| RowError(error.to_string()))
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RowError> {
    serde_json::from_slice(bytes).map_err(|error| RowError(error.to_string()))
}

/// What was kept; what cannot be read is left out, and told by the database.
pub(super) fn load(db: &Db) -> RoutingState {
    let read = db.read(|reader| -> Result<_, DbError> {
        let (agents, lost_agents) = reader.load::<AgentRow>()?;
        let (callbacks, lost_callbacks) = reader.load::<CallbackRow>()?;
        Ok((agents, callbacks, lost_agents + lost_callbacks))
    });
    match read {
        Ok((agents, callbacks, lost)) => {
            if lost > 0 {
                tracing::error!(lost, "statuses of agents or callbacks cannot be read and are left out");
            }
            RoutingState {
                agents: agents.into_iter().map(|AgentRow(agent)| agent).collect(),
                callbacks: callbacks.into_iter().map(|CallbackRow(callback)| callback).collect(),
            }
        }
        Err(error) => {
            tracing::error!(%error, "statuses of agents and callbacks cannot be read: all agents begin anew");
            RoutingState::default()
        }
    }
}

/// Writes what has changed.
pub(super) struct Kept {
    db: Db,
    revision: Option<u64>,
    agents: BTreeMap<String, AgentRecord>,
    callbacks: BTreeMap<String, CallbackRecord>,
}

impl Kept {
    pub(super) fn new(db: Db) -> Self {
        let RoutingState { agents, callbacks } = load(&db);
        let agents = agents.into_iter().map(|agent| (AgentRow(agent).key(), agent)).collect();
        let callbacks =
            callbacks.into_iter().map(|callback| (callback.contact.to_string(), callback)).collect();
        Self { db, revision: None, agents, callbacks }
    }

    /// Whether the routing has changed since it was written.
    pub(super) fn is_behind(&self, routing: &Routing) -> bool {
        self.revision != Some(routing.revision())
    }

    /// Writes the rows that differ from those that were written before. What cannot be written is tried again.
    pub(super) async fn write(&mut self, state: RoutingState, revision: u64) {
        if self.revision == Some(revision) {
            return;
        }
        let agents: BTreeMap<String, AgentRecord> =
            state.agents.into_iter().map(|agent| (AgentRow(agent).key(), agent)).collect();
        let callbacks: BTreeMap<String, CallbackRecord> =
            state.callbacks.into_iter().map(|callback| (callback.contact.to_string(), callback)).collect();
        let (put_agents, gone_agents) = changes(&self.agents, &agents);
        let (put_callbacks, gone_callbacks) = changes(&self.callbacks, &callbacks);
        let db = self.db.clone();
        let written = tokio::task::spawn_blocking(move || {
            db.write(move |tx| -> Result<(), DbError> {
                for agent in put_agents {
                    tx.put(&AgentRow(agent))?;
                }
                for callback in put_callbacks {
                    tx.put(&CallbackRow(callback))?;
                }
                for key in gone_agents {
                    tx.remove::<AgentRow>(&key)?;
                }
                for key in gone_callbacks {
                    tx.remove::<CallbackRow>(&key)?;
                }
                Ok(())
            })
        });
        match written.await {
            Ok(Ok(())) => {
                *self = Self { db: self.db.clone(), revision: Some(revision), agents, callbacks };
            }
            Ok(Err(error)) => tracing::warn!(%error, "statuses of agents could not be written yet"),
            Err(error) => tracing::error!(%error, "statuses of agents could not be written"),
        }
    }
}

/// What is new or another, and the keys of what is gone.
fn changes<T: Clone + PartialEq>(
    before: &BTreeMap<String, T>,
    after: &BTreeMap<String, T>,
) -> (Vec<T>, Vec<String>) {
    let put = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    (put.map(|(_, value)| value.clone()).collect(), gone.cloned().collect())
}
