//! Pages of contacts.

use super::beyond_damage::Chosen;
use super::plan::Plan;
use super::write::first_row_of;
use super::{COLUMNS, Columns, ContactPayload, KIND, digits, judged, parts};
use crate::unreadable::Reason;
use crate::{DbError, Page, Reader};
use rusqlite::{OptionalExtension, params};
use std::fmt;
use tympan_types::{AccountId, ContactFlowId, ContactId, InstanceId, Redacted, WallTime};

/// Rows that one page looks at: with a condition that few rows meet, a page ends early and says where to go on.
const LOOKED_AT: usize = 2_500;
/// Fewer contacts than this with a value of an attribute are few: they are gone through whatever else is
/// asked for. To find the rarest part of a number, no list is looked at further than this.
const FEW: i64 = 500;
/// Parts of one number that are compared.
const PARTS: usize = 32;

/// Which contacts to list. All conditions hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactQuery {
    /// Only those of this account.
    pub account: Option<AccountId>,
    /// Only those of this instance.
    pub instance: Option<InstanceId>,
    /// Which of a contact's times lies in the range, and orders the list.
    pub axis: TimeAxis,
    /// The earliest time, inclusive.
    pub from: WallTime,
    /// The latest time, inclusive.
    pub to: WallTime,
    /// Digits that the customer's number holds one after the other; what is no digit is ignored.
    pub number_part: Option<Redacted<String>>,
    /// An attribute and its whole value.
    pub attribute: Option<(String, Redacted<String>)>,
    /// The flow that the contact began in.
    pub flow: Option<ContactFlowId>,
    /// Its queue, by its id.
    pub queue: Option<String>,
    /// Its agent, by the user's id.
    pub agent: Option<String>,
    /// Whether it has ended.
    pub state: Option<ContactState>,
    /// Whether audio was captured.
    pub has_stream: Option<bool>,
    /// Whether audio was sent that its captures do not hold.
    pub has_losses: Option<bool>,
    /// Which come first.
    pub order: ContactOrder,
}

impl ContactQuery {
    /// All contacts, by the time of their beginning, newest first.
    pub fn all() -> Self {
        Self {
            account: None,
            instance: None,
            axis: TimeAxis::Initiation,
            from: WallTime::from_unix_ms(i64::MIN),
            to: WallTime::from_unix_ms(i64::MAX),
            number_part: None,
            attribute: None,
            flow: None,
            queue: None,
            agent: None,
            state: None,
            has_stream: None,
            has_losses: None,
            order: ContactOrder::NewestFirst,
        }
    }
}

/// The order of a list by its axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactOrder {
    /// From the latest to the earliest.
    NewestFirst,
    /// From the earliest to the latest.
    OldestFirst,
}

/// Whether a contact has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactState {
    /// It has not.
    Live,
    /// It has.
    Ended,
}

/// One of the times of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeAxis {
    /// When it began.
    Initiation,
    /// When it was answered.
    Connected,
    /// When it ended.
    Disconnect,
}

/// Where a page ended. Printed and parsed as `<time>.<row>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactCursor {
    at_ms: i64,
    row: i64,
}

impl fmt::Display for ContactCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at_ms, self.row)
    }
}

impl ContactCursor {
    pub(super) fn new(at_ms: i64, row: i64) -> Self {
        Self { at_ms, row }
    }

    pub(super) fn at_ms(self) -> i64 {
        self.at_ms
    }

    pub(super) fn row(self) -> i64 {
        self.row
    }

    /// What was printed; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, row) = text.split_once('.')?;
        Some(Self { at_ms: at.parse().ok()?, row: row.parse().ok()? })
    }
}

/// A contact whose record no sink has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undelivered {
    pub(super) row: i64,
    pub(super) checksum: i64,
}

/// What is known of a contact whether or not it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactMarks {
    /// The file of records has that of some state of it. One that is live has none.
    pub is_delivered: bool,
    /// It began in a flow.
    pub has_flow: bool,
}

impl Reader<'_> {
    /// The marks of a contact, if it is there.
    ///
    /// # Errors
    /// What the database says.
    pub fn contact_marks(&self, id: ContactId) -> Result<Option<ContactMarks>, DbError> {
        let sql = "SELECT delivered = 1 AND is_live = 0, flow IS NOT NULL FROM contact WHERE id = ?1";
        let mut query = self.connection().prepare_cached(sql)?;
        let marks =
            |row: &rusqlite::Row<'_>| Ok(ContactMarks { is_delivered: row.get(0)?, has_flow: row.get(1)? });
        Ok(query.query_row([id.to_string()], marks).optional()?)
    }

    /// A contact by its id.
    ///
    /// # Errors
    /// [`DbError::Unreadable`] for one that is there and cannot be read.
    pub fn contact<C: ContactPayload>(&self, id: ContactId) -> Result<Option<C>, DbError> {
        let sql = format!("SELECT {COLUMNS} FROM contact c WHERE c.id = ?1");
        let mut query = self.connection().prepare_cached(&sql)?;
        let found =
            query.query_row([id.to_string()], |row| Ok((row.get(0)?, Columns::read(row).ok()))).optional()?;
        let Some((row, columns)) = found else { return Ok(None) };
        let read = match &columns {
            Some(columns) => self.payload::<C>(row, columns)?,
            None => Err(Reason::Checksum),
        };
        match read {
            Ok((contact, _)) => Ok(Some(contact)),
            Err(reason) => {
                let (kind, key) = (KIND.to_owned(), id.to_string());
                self.noted.note(KIND, &key, reason.clone());
                Err(DbError::Unreadable { kind, key, reason: reason.to_string() })
            }
        }
    }

    /// A page of contacts; `after` is the `next` of the page before. A page looks at 2,500 rows at most: it may
    /// hold fewer contacts than `limit`, or none, and have a next one. Contacts that cannot be read are left out and counted.
    ///
    /// # Errors
    /// What the database says.
    pub fn contacts<C: ContactPayload>(
        &self,
        query: &ContactQuery,
        after: Option<ContactCursor>,
        limit: usize,
    ) -> Result<Page<C, ContactCursor>, DbError> {
        let part = query.number_part.as_ref().map(|part| part.expose().as_str());
        let part = match part.map(|part| (part, digits(part))) {
            Some((part, None)) if !part.is_empty() => {
                return Err(DbError::Query("a part of a number has digits".to_owned()));
            }
            part => part.and_then(|(_, digits)| digits),
        };
        let few = match &query.attribute {
            Some((name, value)) if part.is_some() => self.has_few(name, value.expose())?,
            _ => true,
        };
        let rarest = part.as_deref().map(|part| self.rarest(part)).transpose()?.flatten();
        let losses = query.has_losses.is_some() && self.are_losses_indexed()?;
        let chosen = Chosen { part: rarest, few, losses };
        let plan = Plan::of(query, chosen, after);
        let mut page = Page { items: Vec::new(), next: None, unreadable: 0 };
        let mut statement = self.connection().prepare_cached(&plan.sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(plan.values))?;
        let mut last = None;
        let mut looked_at = 0;
        loop {
            let row = match rows.next().map_err(DbError::from) {
                Ok(Some(row)) => row,
                Ok(None) => break,
                // The list goes on behind what stands on this page.
                Err(DbError::Damaged(_)) => {
                    self.noted.note(KIND, "(a page of them)", Reason::Page);
                    page.unreadable += 1;
                    page.next = self.beyond_damage(query, chosen, last.or(after))?;
                    break;
                }
                Err(error) => return Err(error),
            };
            if page.items.len() + page.unreadable >= limit || looked_at >= LOOKED_AT {
                page.next = last;
                break;
            }
            looked_at += 1;
            let number: i64 = row.get(0)?;
            let Ok(columns) = Columns::read(row) else {
                self.noted.note(KIND, &format!("row {number}"), Reason::Checksum);
                page.unreadable += 1;
                continue;
            };
            let at_ms = query.axis.of(&columns).unwrap_or(0);
            last = Some(ContactCursor { at_ms, row: number });
            if !self.meets(&columns, number, query, part.as_deref(), losses)? {
                continue;
            }
            match self.payload::<C>(number, &columns)? {
                Ok((contact, _)) => {
                    let wanted = query.has_losses.filter(|_| !losses);
                    if wanted.is_none_or(|wanted| wanted == contact.facts().has_losses) {
                        page.items.push(contact);
                    }
                }
                Err(reason) => {
                    self.noted.note(KIND, &columns.id, reason);
                    page.unreadable += 1;
                }
            }
        }
        Ok(page)
    }

    /// Contacts that have not ended, by row number; for a start, which closes those that an earlier process left.
    ///
    /// # Errors
    /// What the database says.
    pub fn live_contacts<C: ContactPayload>(
        &self,
        after: Option<ContactCursor>,
        limit: usize,
    ) -> Result<Page<C, ContactCursor>, DbError> {
        let query = ContactQuery { state: Some(ContactState::Live), ..ContactQuery::all() };
        self.contacts(&query, after, limit)
    }

    /// How many ended contacts there are whose record no sink has.
    ///
    /// # Errors
    /// What the database says.
    pub fn undelivered_count(&self) -> Result<u64, DbError> {
        let sql = "SELECT count(*) FROM contact WHERE delivered = 0 AND is_live = 0";
        let count: i64 = self.connection().query_row(sql, [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Ended contacts whose record no sink has, oldest first, each with what marks it as delivered. Those that cannot be read are
    /// noted and stay.
    ///
    /// # Errors
    /// What the database says.
    pub fn undelivered_contacts<C: ContactPayload>(
        &self,
        limit: usize,
    ) -> Result<Vec<(C, Undelivered)>, DbError> {
        let sql =
            format!("SELECT {COLUMNS} FROM contact c WHERE c.delivered = 0 AND c.is_live = 0 ORDER BY c.row");
        let mut query = self.connection().prepare_cached(&sql)?;
        let mut rows = query.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            if found.len() >= limit {
                break;
            }
            let number: i64 = row.get(0)?;
            let Ok(columns) = Columns::read(row) else {
                self.noted.note(KIND, &format!("row {number}"), Reason::Checksum);
                continue;
            };
            match self.payload::<C>(number, &columns)? {
                Ok((contact, checksum)) => found.push((contact, Undelivered { row: number, checksum })),
                Err(reason) => self.noted.note(KIND, &columns.id, reason),
            }
        }
        Ok(found)
    }

    /// The instances of all contacts, those that are gone included; at most 10,000.
    ///
    /// # Errors
    /// What the database says.
    pub fn contact_instances(&self) -> Result<Vec<InstanceId>, DbError> {
        const MOST: usize = 10_000;
        let sql = "SELECT min(instance) FROM contact WHERE instance > ?1";
        let mut query = self.connection().prepare_cached(sql)?;
        let (mut last, mut found) = (String::new(), Vec::new());
        while found.len() < MOST {
            let next: Option<String> = query.query_row([&last], |row| row.get(0))?;
            let Some(next) = next else { break };
            found.extend(InstanceId::parse(&next).ok());
            last = next;
        }
        Ok(found)
    }

    /// How many contacts of an account began from an instant on and before another.
    ///
    /// # Errors
    /// What the database says.
    pub fn contacts_begun(
        &self,
        account: &AccountId,
        from: WallTime,
        before: WallTime,
    ) -> Result<u64, DbError> {
        let sql = "SELECT count(*) FROM contact INDEXED BY contact_account WHERE account = ?1 AND row >= ?2 AND row < ?3";
        let mut query = self.connection().prepare_cached(sql)?;
        let rows = params![account.as_str(), first_row_of(from), first_row_of(before)];
        let count: i64 = query.query_row(rows, |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// How many contacts there are.
    ///
    /// # Errors
    /// What the database says.
    pub fn contact_count(&self) -> Result<u64, DbError> {
        let count: i64 = self.connection().query_row("SELECT count(*) FROM contact", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    fn payload<C: ContactPayload>(
        &self,
        row: i64,
        columns: &Columns,
    ) -> Result<Result<(C, i64), Reason>, DbError> {
        let sql = "SELECT format, payload, checksum FROM contact_payload WHERE row = ?1";
        let mut query = self.connection().prepare_cached(sql)?;
        let found = query.query_row([row], |row| {
            let payload = row.get_ref(1)?.as_blob().ok();
            let (Some(payload), Ok(format), Ok(sum)) = (payload, row.get(0), row.get(2)) else {
                return Ok(Err(Reason::Checksum));
            };
            Ok(judged::<C>(columns, (format, payload, sum)).map(|contact| (contact, sum)))
        });
        match found.optional() {
            Ok(found) => Ok(found.unwrap_or(Err(Reason::Checksum))),
            Err(error) => match DbError::from(error) {
                DbError::Damaged(_) => Ok(Err(Reason::Page)),
                error => Err(error),
            },
        }
    }

    /// Of the parts of a number, the one that the fewest contacts have: what all numbers of a country begin with is passed over.
    /// `None` for a number that is shorter than a part.
    fn rarest(&self, digits: &str) -> Result<Option<i64>, DbError> {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM contact_number_part WHERE part = ?1 LIMIT ?2)";
        let mut query = self.connection().prepare_cached(sql)?;
        let mut rarest = None;
        for part in parts(digits).into_iter().take(PARTS) {
            let count: i64 = query.query_row([part, FEW], |row| row.get(0))?;
            if rarest.is_none_or(|(least, _)| count < least) {
                rarest = Some((count, part));
            }
        }
        Ok(rarest.map(|(_, part)| part))
    }

    /// Whether few contacts have this value of an attribute.
    fn has_few(&self, name: &str, value: &str) -> Result<bool, DbError> {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM contact_attribute
                   WHERE name = ?1 AND substr(value, 1, 64) = substr(?2, 1, 64) LIMIT ?3)";
        let mut query = self.connection().prepare_cached(sql)?;
        let count: i64 = query.query_row(params![name, value, FEW], |row| row.get(0))?;
        Ok(count < FEW)
    }

    /// Whether a contact meets all conditions; that of losses only where they are indexed.
    fn meets(
        &self,
        columns: &Columns,
        row: i64,
        query: &ContactQuery,
        part: Option<&str>,
        losses: bool,
    ) -> Result<bool, DbError> {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        let at = query.axis.of(columns);
        let meets = at.is_some_and(|at| (query.from.unix_ms()..=query.to.unix_ms()).contains(&at))
            && is(&query.account.as_ref().map(ToString::to_string), &columns.account)
            && is(&query.instance.map(|id| id.to_string()), &columns.instance)
            && (query.flow.is_none() || query.flow.map(|flow| flow.to_string()) == columns.flow)
            && (query.queue.is_none() || query.queue == columns.queue)
            && query.state.is_none_or(|state| (state == ContactState::Live) == columns.is_live)
            && query.has_stream.is_none_or(|has| has == columns.has_stream)
            && part.is_none_or(|part| columns.number.as_ref().is_some_and(|number| number.contains(part)));
        if !meets {
            return Ok(false);
        }
        if let Some(wanted) = query.has_losses.filter(|_| losses)
            && self.has_losses(row)? != wanted
        {
            return Ok(false);
        }
        if let Some(agent) = &query.agent {
            let sql = "SELECT 1 FROM contact_agent WHERE row = ?1 AND agent = ?2";
            if !self.connection().prepare_cached(sql)?.exists(params![row, agent])? {
                return Ok(false);
            }
        }
        let Some((name, value)) = &query.attribute else { return Ok(true) };
        let sql = "SELECT 1 FROM contact_attribute WHERE row = ?1 AND name = ?2 AND value = ?3";
        Ok(self.connection().prepare_cached(sql)?.exists(params![row, name, value.expose()])?)
    }
}

impl TimeAxis {
    fn of(self, columns: &Columns) -> Option<i64> {
        match self {
            Self::Initiation => Some(columns.initiated),
            Self::Connected => columns.connected,
            Self::Disconnect => columns.disconnected,
        }
    }
}
