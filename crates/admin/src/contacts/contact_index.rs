//! Where contacts are kept, as this service asks for them.

use super::filter::meets;
use serde_json::Value;
use tympan_contact::{CapturedAudio, Contact, Erased, History, HistoryQuery, MemoryHistory};
use tympan_db::contact::{ContactCursor, ContactOrder, ContactQuery};
use tympan_types::{AccountId, ContactId, WallTime};

/// The contacts of a server, live and ended.
pub trait ContactIndex: Send + Sync {
    /// A contact.
    ///
    /// # Errors
    /// [`IndexError::Unreadable`] for one that is there and cannot be read.
    fn find(&self, id: ContactId) -> Result<Option<Contact>, IndexError>;

    /// A page of contacts; `after` is the `next` of the page before.
    ///
    /// # Errors
    /// [`IndexError`]
    fn search(
        &self,
        query: &ContactQuery,
        after: Option<ContactCursor>,
        limit: usize,
    ) -> Result<ContactPage, IndexError>;

    /// How many contacts of an account began in each of some intervals, one after the other.
    ///
    /// # Errors
    /// [`IndexError`]
    fn count(&self, account: &AccountId, intervals: &Intervals) -> Result<Vec<u64>, IndexError>;

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

/// Intervals of one length; the last one may end earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    /// Where the first one begins.
    pub from: WallTime,
    /// Where the last one ends, exclusive.
    pub to: WallTime,
    /// The length of one.
    pub length_ms: i64,
}

impl Intervals {
    /// Each of them: its first instant, and the first one behind it.
    pub fn each(&self) -> impl Iterator<Item = (WallTime, WallTime)> {
        let Self { from, to, length_ms } = *self;
        let begins = std::iter::successors(Some(from), move |begin| Some(begin.plus_ms(length_ms.max(1))));
        begins
            .take_while(move |begin| *begin < to)
            .map(move |begin| (begin, begin.plus_ms(length_ms.max(1)).min(to)))
    }
}

/// Some contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPage {
    /// At most as many as were asked for; may be fewer, or none, though there are more pages. The last page of a list that
    /// begins with the oldest has what waits in memory as well.
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
        let mut meeting: Vec<Contact> = found.into_iter().filter(|contact| meets(query, contact)).collect();
        if query.order == ContactOrder::OldestFirst {
            meeting.reverse();
        }
        // A cursor of this kind counts what was given.
        let begin: usize =
            after.and_then(|after| after.to_string().split_once('.')?.1.parse().ok()).unwrap_or(0);
        let end = begin.saturating_add(limit).min(meeting.len());
        let next = (end < meeting.len()).then(|| ContactCursor::parse(&format!("0.{end}"))).flatten();
        let contacts = meeting.get(begin..end).unwrap_or_default().to_vec();
        Ok(ContactPage { contacts, next, unreadable: 0 })
    }

    fn count(&self, account: &AccountId, intervals: &Intervals) -> Result<Vec<u64>, IndexError> {
        let query = ContactQuery { account: Some(account.clone()), ..ContactQuery::all() };
        let all = self.search(&query, None, usize::MAX)?.contacts;
        let count =
            |(from, to)| all.iter().filter(|one| (from..to).contains(&one.initiation_timestamp)).count();
        Ok(intervals.each().map(count).map(|count| u64::try_from(count).unwrap_or(u64::MAX)).collect())
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
