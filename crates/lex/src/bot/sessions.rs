//! The sessions of the local bots.

use crate::alias::Conversation;
use crate::model::{Interpretation, Message, SessionState};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tympan_types::WallTime;

/// Sessions at once, of all bots together.
pub const SESSIONS_MAX: usize = 10_000;

/// What a bot remembers of a conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Session {
    /// Where it stands.
    pub state: SessionState,
    /// What was understood last.
    pub interpretations: Vec<Interpretation>,
    /// What was said last.
    pub messages: Vec<Message>,
    /// How often the question that stands was answered in vain.
    pub(crate) misses: u32,
}

/// Another request of the session is being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionBusy;

/// There are as many sessions as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionsFull;

/// All sessions: bounded, and each ends when it was idle for as long as its bot says.
#[derive(Debug)]
pub struct Sessions {
    kept: Mutex<HashMap<Conversation, Kept>>,
    most: usize,
}

#[derive(Debug)]
struct Kept {
    session: Session,
    ends: WallTime,
    /// A request works on it.
    busy: bool,
}

impl Default for Sessions {
    fn default() -> Self {
        Self::with_limit(SESSIONS_MAX)
    }
}

impl Sessions {
    /// At most so many.
    pub fn with_limit(most: usize) -> Self {
        Self { kept: Mutex::default(), most }
    }

    /// How many there are, those that ended and were not looked at included.
    pub fn len(&self) -> usize {
        self.kept().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The session of a conversation, if it has one.
    pub fn get(&self, of: &Conversation, now: WallTime) -> Option<Session> {
        let kept = self.kept();
        kept.get(of).filter(|kept| kept.ends > now).map(|kept| kept.session.clone())
    }

    /// Takes the session of a conversation to work on, a new one where it has none.
    ///
    /// # Errors
    /// [`SessionBusy`], [`SessionsFull`]
    pub fn take(
        &self,
        of: &Conversation,
        now: WallTime,
        timeout_s: u32,
    ) -> Result<Result<SessionInHand<'_>, SessionsFull>, SessionBusy> {
        let mut all = self.kept();
        if !all.contains_key(of) && all.len() >= self.most {
            all.retain(|_, kept| kept.busy || kept.ends > now);
            if all.len() >= self.most {
                return Ok(Err(SessionsFull));
            }
        }
        let fresh = Kept { session: Session::default(), ends: now, busy: false };
        let kept = all.entry(of.clone()).or_insert(fresh);
        if kept.busy {
            return Err(SessionBusy);
        }
        if kept.ends <= now {
            kept.session = Session::default();
        }
        kept.busy = true;
        kept.ends = now.plus_ms(i64::from(timeout_s) * 1_000);
        let session = kept.session.clone();
        Ok(Ok(SessionInHand { sessions: self, of: of.clone(), session }))
    }

    /// Ends a session; false where there is none.
    pub fn remove(&self, of: &Conversation, now: WallTime) -> Result<bool, SessionBusy> {
        let mut all = self.kept();
        match all.get(of) {
            Some(kept) if kept.busy => Err(SessionBusy),
            Some(_) => Ok(all.remove(of).is_some_and(|kept| kept.ends > now)),
            None => Ok(false),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Conversation, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session that one request works on. Dropped, it is given back as it was taken.
#[derive(Debug)]
pub struct SessionInHand<'a> {
    sessions: &'a Sessions,
    of: Conversation,
    /// What it is made.
    pub session: Session,
}

impl SessionInHand<'_> {
    /// Gives it back as it is now.
    pub fn keep(self) {
        if let Some(kept) = self.sessions.kept().get_mut(&self.of) {
            kept.session = self.session.clone();
        }
    }
}

impl Drop for SessionInHand<'_> {
    fn drop(&mut self) {
        if let Some(kept) = self.sessions.kept().get_mut(&self.of) {
            kept.busy = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alias::BotAlias;
    use crate::model::DialogAction;

    fn of(session: &str) -> Conversation {
        Conversation::new(BotAlias::new("ABCDEFGHIJ", "TSTALIASID").unwrap(), "en_US", session)
    }

    const NOW: WallTime = WallTime::from_unix_ms(1_000_000);

    #[test]
    fn a_session_is_kept_until_it_was_idle_for_its_time() {
        let sessions = Sessions::default();
        let mut one = sessions.take(&of("one"), NOW, 60).unwrap().unwrap();
        one.session.state.dialog_action = Some(DialogAction::new("Close"));
        one.keep();
        let later = NOW.plus_ms(59_999);
        assert!(sessions.get(&of("one"), later).unwrap().state.dialog_action.is_some());
        assert_eq!(sessions.get(&of("one"), NOW.plus_ms(60_000)), None);
        drop(sessions.take(&of("one"), later, 60).unwrap().unwrap());
        assert!(sessions.get(&of("one"), later.plus_ms(59_000)).is_some(), "each request keeps it");
        let anew = sessions.take(&of("one"), later.plus_ms(60_000), 60).unwrap().unwrap();
        assert_eq!(anew.session, Session::default());
    }

    #[test]
    fn a_session_has_one_request_at_a_time_and_what_is_not_kept_is_as_it_was() {
        let sessions = Sessions::default();
        let mut one = sessions.take(&of("one"), NOW, 60).unwrap().unwrap();
        one.session.misses = 3;
        assert_eq!(sessions.take(&of("one"), NOW, 60).err(), Some(SessionBusy));
        assert_eq!(sessions.remove(&of("one"), NOW), Err(SessionBusy));
        drop(one);
        assert_eq!(sessions.take(&of("one"), NOW, 60).unwrap().unwrap().session.misses, 0);
        assert_eq!(sessions.remove(&of("one"), NOW), Ok(true));
        assert_eq!(sessions.remove(&of("one"), NOW), Ok(false));
    }

    #[test]
    fn there_are_so_many_sessions_and_no_more_and_those_that_ended_make_room() {
        let sessions = Sessions::with_limit(2);
        for name in ["one", "two"] {
            sessions.take(&of(name), NOW, 60).unwrap().unwrap().keep();
        }
        assert!(sessions.take(&of("three"), NOW, 60).unwrap().is_err());
        assert!(sessions.take(&of("one"), NOW.plus_ms(1), 60).unwrap().is_ok());
        assert!(sessions.take(&of("three"), NOW.plus_ms(60_000), 60).unwrap().is_ok());
        assert_eq!(sessions.len(), 2);
    }
}
