//! Where contacts are kept, as this service asks for them.

use super::filter::meets;
use serde_json::Value;
use tympan_contact::{CapturedAudio, Contact, Erased, History, HistoryQuery, MemoryHistory};
use tympan_db::contact::{ContactCursor, ContactQuery};
use tympan_types::{ContactId, WallTime};

/// The contacts of a server, live and ended.
pub trait ContactIndex: Send + Sync {
    /// A contact.
    ///
    /// # Errors
    /// [`IndexError::Unreadable`] for one that is there and cannot be read.
    fn find(&self, id: ContactId) -> Result<Option<Contact>, IndexError>;

    /// A page of contacts, newest first; `after` is the `next` of the page before.
    ///
    /// # Errors
    /// [`IndexError`]
    fn search(
        &self,
        query: &ContactQuery,
        after: Option<ContactCursor>,
        limit: usize,
    ) -> Result<ContactPage, IndexError>;

    /// What blocks of a contact's flows did, oldest first.
    ///
    /// # Errors
    /// [`IndexError`]
    fn flow_log(&self, contact: &Contact) -> Result<FlowLogLines, IndexError>;

    /// Gives lines of all flow logs in the order in which they were written: those that name `about`, without files that are
    /// older than `since`. Says whether all of them were read; where there are too many, the newest ones are.
    ///
    /// # Errors
    /// [`IndexError`]
    fn flow_log_lines(
        &self,
        about: &str,
        since: WallTime,
        take: &mut dyn FnMut(&str),
    ) -> Result<bool, IndexError>;

    /// Erases a contact that has ended, also one that cannot be read, and its audio if that is asked for; `None` if there was none.
    ///
    /// # Errors
    /// [`IndexError`]
    fn erase(&self, id: ContactId, audio: CapturedAudio) -> Result<Option<Erased>, IndexError>;
}

/// Some contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPage {
    /// At most as many as were asked for; may be fewer, or none, though there are more pages.
    pub contacts: Vec<Contact>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<ContactCursor>,
    /// Contacts of this page that cannot be read and are left out.
    pub unreadable: usize,
}

/// Lines of a flow log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FlowLogLines {
    /// The lines.
    pub lines: Vec<Value>,
    /// Whether all places were looked at to their end.
    pub is_complete: bool,
}

/// Why the contacts cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The contact is there and cannot be read.
    #[error("the contact cannot be read: {0}")]
    Unreadable(String),
    /// The question has no answer.
    #[error("{0}")]
    Query(String),
    /// The storage failed.
    #[error("the contacts are not available: {0}")]
    Unavailable(String),
}

/// For tests, and for servers that keep nothing.
impl ContactIndex for MemoryHistory {
    fn find(&self, id: ContactId) -> Result<Option<Contact>, IndexError> {
        History::find(self, id).map_err(|error| IndexError::Unavailable(error.message))
    }

    fn search(
        &self,
        query: &ContactQuery,
        after: Option<ContactCursor>,
        limit: usize,
    ) -> Result<ContactPage, IndexError> {
        let all = HistoryQuery {
            account: query.account.clone(),
            instance: query.instance,
            axis: tympan_contact::TimeAxis::Initiation,
            from: WallTime::from_unix_ms(i64::MIN),
            to: WallTime::from_unix_ms(i64::MAX),
            after: None,
            limit: usize::MAX,
        };
        let found = self.list(&all).map_err(|error| IndexError::Unavailable(error.message))?.contacts;
        let meeting: Vec<Contact> = found.into_iter().filter(|contact| meets(query, contact)).collect();
        // A cursor of this kind counts what was given.
        let begin: usize =
            after.and_then(|after| after.to_string().split_once('.')?.1.parse().ok()).unwrap_or(0);
        let end = begin.saturating_add(limit).min(meeting.len());
        let next = (end < meeting.len()).then(|| ContactCursor::parse(&format!("0.{end}"))).flatten();
        let contacts = meeting.get(begin..end).unwrap_or_default().to_vec();
        Ok(ContactPage { contacts, next, unreadable: 0 })
    }

    fn flow_log(&self, _: &Contact) -> Result<FlowLogLines, IndexError> {
        Ok(FlowLogLines { lines: Vec::new(), is_complete: true })
    }

    fn flow_log_lines(&self, _: &str, _: WallTime, _: &mut dyn FnMut(&str)) -> Result<bool, IndexError> {
        Ok(true)
    }

    fn erase(&self, id: ContactId, audio: CapturedAudio) -> Result<Option<Erased>, IndexError> {
        History::erase(self, id, audio).map_err(|error| IndexError::Unavailable(error.message))
    }
}
