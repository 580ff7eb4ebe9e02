//! Sessions of the web console.
//!
//! A session is a sealed token, which is good without any list. This list has those that were used since the start, and keeps, also over
//! a restart, the ids of those that were ended before their time.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;
use tympan_auth::WebSession;
use tympan_db::{Db, DbError, Kind, Kinds, Row, RowError, Value};
use tympan_types::{AccountId, WallTime};

/// Sessions of the list. One more takes the place of the one that was used longest ago, which stays good.
const LISTED: usize = 1_000;
/// Ended sessions that are remembered, each until it would have been over anyway.
const ENDED: usize = 10_000;

const KIND: Kind = Kind { name: "console-ended-session", columns: &[] };

/// Adds the kinds of this crate to those that a program keeps.
pub fn kinds(kinds: Kinds) -> Kinds {
    kinds.with::<EndedRow>()
}

/// A session that was ended. Format 1 is JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct EndedRow {
    id: String,
    expires: WallTime,
}

impl Row for EndedRow {
    const KIND: &'static Kind = &KIND;
    const FORMAT: u16 = 1;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }

    fn encode(&self) -> Result<Vec<u8>, RowError> {
        serde_json::to_vec(self).map_err(|error| RowError(error.to_string()))
    }

    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        serde_json::from_slice(bytes).map_err(|error| RowError(error.to_string()))
    }
}

/// The sessions of a server. Cheap to clone; every clone is the same list.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// None keeps nothing over a restart.
    db: Option<Db>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    listed: HashMap<String, Listed>,
    /// Ended sessions, with the time at which each would have been over.
    ended: HashMap<String, WallTime>,
    /// Sessions that gave their place in the list to others.
    displaced: u64,
}

/// A session of the list.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) user: Option<String>,
    pub(super) user_arn: String,
    pub(super) account: AccountId,
    /// The access key that it was begun with.
    pub(super) access_key_id: Option<String>,
    pub(super) began: WallTime,
    pub(super) expires: WallTime,
    pub(super) last_used: WallTime,
    pub(super) source: IpAddr,
    ended: CancellationToken,
}

/// Why a session was not ended.
#[derive(Debug, thiserror::Error)]
pub enum NotEnded {
    /// So many are remembered already.
    #[error("{ENDED} ended sessions are remembered, and no more")]
    TooMany,
    /// It is ended until the next start only.
    #[error("the session is ended, but the database does not keep that: {0}")]
    NotKept(#[from] DbError),
}

impl Sessions {
    /// A list that knows which sessions were ended before this start.
    ///
    /// # Errors
    /// What the database says.
    pub fn open(db: Db) -> Result<Self, DbError> {
        let (rows, _) = db.read(|reader| reader.load::<EndedRow>())?;
        let ended = rows.into_iter().map(|row| (row.id, row.expires)).collect();
        let known = Mutex::new(Known { ended, ..Known::default() });
        Ok(Self(Arc::new(Shared { db: Some(db), known })))
    }

    /// Notes a request of a session that began at a time. What it gives is cancelled when the session is ended; `None` where that
    /// has happened.
    pub fn used(
        &self,
        session: &WebSession,
        began: WallTime,
        source: IpAddr,
        now: WallTime,
    ) -> Option<CancellationToken> {
        let mut known = self.known();
        let id = &session.access_key_id;
        if known.ended.contains_key(id) {
            return None;
        }
        if let Some(listed) = known.listed.get_mut(id) {
            (listed.last_used, listed.source) = (now, source);
            return Some(listed.ended.clone());
        }
        known.make_room(now);
        let principal = &session.principal;
        let listed = Listed {
            id: id.clone(),
            user: principal.user_name().map(str::to_owned),
            user_arn: principal.arn.clone(),
            account: principal.account.clone(),
            access_key_id: principal.parent_key.clone(),
            began,
            expires: session.expires,
            last_used: now,
            source,
            ended: CancellationToken::new(),
        };
        let ended = listed.ended.clone();
        known.listed.insert(id.clone(), listed);
        Some(ended)
    }

    /// Ends a session, with its WebSockets. Blocks.
    ///
    /// # Errors
    /// [`NotEnded`]
    pub fn end(&self, id: &str, expires: WallTime, now: WallTime) -> Result<(), NotEnded> {
        let over: Vec<String> = {
            let mut known = self.known();
            let over = known.ended.extract_if(|_, expires| *expires <= now).map(|(id, _)| id).collect();
            if known.ended.len() >= ENDED {
                return Err(NotEnded::TooMany);
            }
            known.ended.insert(id.to_owned(), expires);
            if let Some(listed) = known.listed.remove(id) {
                listed.ended.cancel();
            }
            over
        };
        let Some(db) = &self.0.db else { return Ok(()) };
        let row = EndedRow { id: id.to_owned(), expires };
        db.write(move |tx| -> Result<(), DbError> {
            for id in over {
                tx.remove::<EndedRow>(&id)?;
            }
            tx.put(&row)
        })?;
        Ok(())
    }

    /// The sessions of an account that are not over, the one used last first, and how many gave their place to others.
    pub(super) fn list(&self, account: &AccountId, now: WallTime) -> (Vec<Listed>, u64) {
        let known = self.known();
        let own = known.listed.values().filter(|one| one.account == *account && one.expires > now);
        let mut listed: Vec<Listed> = own.cloned().collect();
        listed.sort_unstable_by(|a, b| (b.last_used, &b.id).cmp(&(a.last_used, &a.id)));
        (listed, known.displaced)
    }

    /// A session of an account, if it is not over.
    pub(super) fn find(&self, id: &str, account: &AccountId, now: WallTime) -> Option<Listed> {
        let known = self.known();
        known.listed.get(id).filter(|one| one.account == *account && one.expires > now).cloned()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn make_room(&mut self, now: WallTime) {
        if self.listed.len() < LISTED {
            return;
        }
        self.listed.retain(|_, one| one.expires > now);
        let longest = self.listed.values().min_by_key(|one| one.last_used).map(|one| one.id.clone());
        if let Some(id) = longest.filter(|_| self.listed.len() >= LISTED) {
            self.listed.remove(&id);
            self.displaced += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_auth::{Credentials, Identities, SESSION_ENTROPY_BYTES, SessionSeal};
    use tympan_db::{OpenOptions, StartId};

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn at(ms: i64) -> WallTime {
        WallTime::from_unix_ms(ms)
    }

    fn session(n: u16) -> WebSession {
        let account = AccountId::parse("111122223333").unwrap();
        let mut identities = Identities::new(account, SessionSeal::new(&[7; 32]));
        identities.add_key(Credentials::new("A", "secret"), "ada", &[]).unwrap();
        let mut entropy = [0; SESSION_ENTROPY_BYTES];
        // Five bits of a byte come into the id.
        (entropy[0], entropy[1]) = (u8::try_from(n % 32).unwrap(), u8::try_from(n / 32).unwrap());
        let made = identities.begin_web_session(&entropy, "A", at(100_000));
        identities.web_session(made.token.expose()).unwrap()
    }

    #[test]
    fn an_ended_session_stays_ended_over_a_restart_and_is_forgotten_when_it_would_be_over() {
        let folder = tempfile::tempdir().unwrap();
        let open = |start| {
            let (db, _) =
                Db::open(folder.path(), kinds(Kinds::default()), OpenOptions::new(StartId([start; 16])))
                    .unwrap();
            Sessions::open(db).unwrap()
        };
        let (one, other) = (session(1), session(2));
        let sessions = open(1);
        let socket = sessions.used(&one, at(0), HERE, at(5)).unwrap();
        assert!(sessions.used(&other, at(0), HERE, at(6)).is_some());
        let (listed, _) = sessions.list(&one.principal.account, at(7));
        assert_eq!(listed.iter().map(|one| one.last_used).collect::<Vec<_>>(), [at(6), at(5)]);
        sessions.end(&one.access_key_id, one.expires, at(8)).unwrap();
        assert!(socket.is_cancelled());
        assert!(sessions.find(&one.access_key_id, &one.principal.account, at(9)).is_none());
        drop(sessions);
        let sessions = open(2);
        assert!(sessions.used(&one, at(0), HERE, at(10)).is_none());
        assert!(sessions.used(&other, at(0), HERE, at(10)).is_some());
        sessions.end(&other.access_key_id, other.expires, at(100_000)).unwrap();
        drop(sessions);
        assert_eq!(open(3).known().ended.keys().collect::<Vec<_>>(), [&other.access_key_id]);
    }

    #[test]
    fn so_many_are_listed_and_the_one_used_longest_ago_gives_way_and_stays_good() {
        let sessions = Sessions::default();
        let count = u16::try_from(LISTED).unwrap();
        for n in 0..=count {
            sessions.used(&session(n), at(0), HERE, at(i64::from(n))).unwrap();
        }
        let (listed, displaced) = sessions.list(&session(0).principal.account, at(0));
        assert_eq!((listed.len(), displaced), (LISTED, 1));
        assert!(listed.iter().all(|one| one.id != session(0).access_key_id));
        assert!(sessions.used(&session(0), at(0), HERE, at(2_000)).is_some());
    }
}
