//! The contacts of the history as the server's own service asks for them.

use super::contact_row::ContactRow;
use super::history::ContactHistory;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use tympan_admin::{ContactIndex, ContactPage, FlowLogLines, IndexError, Intervals, meets};
use tympan_contact::{CapturedAudio, Contact, Erased, History};
use tympan_db::DbError;
use tympan_db::contact::{ContactCursor, ContactOrder, ContactQuery};
use tympan_types::{AccountId, ContactId, WallTime};

/// Lines of one contact that wait for the file and are given.
const WAITING_LINES: usize = 10_000;

impl ContactIndex for ContactHistory {
    fn find(&self, id: ContactId) -> Result<Option<Contact>, IndexError> {
        // In this order: what is written meanwhile is found in the table.
        if let Some(contact) = self.backlog().find(id) {
            return Ok(Some(contact));
        }
        let found = self.db().read(|reader| reader.contact::<ContactRow>(id)).map_err(said)?;
        Ok(found.map(|ContactRow(contact)| contact))
    }

    /// What waits in memory is on the first page, or on the last one where that has the newest.
    fn search(
        &self,
        query: &ContactQuery,
        after: Option<ContactCursor>,
        limit: usize,
    ) -> Result<ContactPage, IndexError> {
        let unwritten = self.backlog().all();
        let newer: BTreeSet<ContactId> = unwritten.iter().map(|unwritten| unwritten.contact.id).collect();
        let waiting = unwritten.iter().map(|unwritten| &unwritten.contact);
        let waiting = waiting.filter(|contact| meets(query, contact)).cloned();
        let mut contacts = Vec::new();
        if query.order == ContactOrder::OldestFirst {
            let page =
                self.db().read(|reader| reader.contacts::<ContactRow>(query, after, limit)).map_err(said)?;
            let written = page.items.into_iter().map(|ContactRow(contact)| contact);
            contacts.extend(written.filter(|contact| !newer.contains(&contact.id)));
            if page.next.is_none() {
                contacts.extend(waiting);
                contacts.sort_by_key(|contact| contact.initiation_timestamp);
            }
            return Ok(ContactPage { contacts, next: page.next, unreadable: page.unreadable });
        }
        if after.is_none() {
            contacts.extend(waiting);
            contacts.sort_unstable_by_key(|contact| {
                std::cmp::Reverse((contact.initiation_timestamp, contact.id))
            });
            contacts.truncate(limit);
        }
        let wanted = limit.saturating_sub(contacts.len()).max(1);
        let page =
            self.db().read(|reader| reader.contacts::<ContactRow>(query, after, wanted)).map_err(said)?;
        let written = page.items.into_iter().map(|ContactRow(contact)| contact);
        contacts.extend(written.filter(|contact| !newer.contains(&contact.id)));
        Ok(ContactPage { contacts, next: page.next, unreadable: page.unreadable })
    }

    /// What only waits in memory is not counted: it is few, and the database does not take it.
    fn count(&self, account: &AccountId, intervals: &Intervals) -> Result<Vec<u64>, IndexError> {
        let counted: Result<_, DbError> = self.db().read(|reader| {
            intervals.each().map(|(from, to)| reader.contacts_begun(account, from, to)).collect()
        });
        counted.map_err(said)
    }

    fn flow_log(&self, contact: &Contact) -> Result<FlowLogLines, IndexError> {
        // First those that wait: one that the file takes meanwhile is found there again, and left out.
        let waiting = self.db().read(|reader| reader.flow_log_of(contact.id, WAITING_LINES)).map_err(said)?;
        let (mut lines, is_complete) =
            self.flow_log_files().lines_of(contact.id, contact.initiation_timestamp);
        let is_whole = waiting.len() < WAITING_LINES;
        for line in waiting {
            let text = String::from_utf8_lossy(&line.payload).trim_end().to_owned();
            if !lines.contains(&text) {
                lines.push(text);
            }
        }
        let read = |line: &String| serde_json::from_str::<Value>(line).ok();
        Ok(FlowLogLines {
            lines: lines.iter().filter_map(read).collect(),
            is_complete: is_complete && is_whole,
        })
    }

    fn flow_log_lines(
        &self,
        about: &str,
        since: WallTime,
        take: &mut dyn FnMut(&str),
    ) -> Result<bool, IndexError> {
        // In the same order, for the same reason.
        let waiting = self.db().read(|reader| reader.flow_log(WAITING_LINES)).map_err(said)?;
        let is_whole = waiting.len() < WAITING_LINES;
        let text = |payload: &[u8]| String::from_utf8_lossy(payload).trim_end().to_owned();
        let mut waiting: Vec<String> = waiting.iter().map(|line| text(&line.payload)).collect();
        waiting.retain(|line| line.contains(about));
        let mut unread: HashSet<&str> = waiting.iter().map(String::as_str).collect();
        let is_complete = self.flow_log_files().lines_about(about, since, &mut |line| {
            unread.remove(line);
            take(line);
        });
        waiting.iter().filter(|line| unread.contains(line.as_str())).for_each(|line| take(line));
        Ok(is_complete && is_whole)
    }

    fn erase(&self, id: ContactId, audio: CapturedAudio) -> Result<Option<Erased>, IndexError> {
        History::erase(self, id, audio).map_err(|error| IndexError::Unavailable(error.message))
    }
}

fn said(error: DbError) -> IndexError {
    match error {
        DbError::Unreadable { reason, .. } => IndexError::Unreadable(reason),
        DbError::Query(why) => IndexError::Query(format!("NumberPart: {why}.")),
        error => IndexError::Unavailable(error.to_string()),
    }
}
