//! Pages of contacts.

use super::beyond_damage::Chosen;
use super::write::{ALIKE, ROW_BITS, first_row_of};
use super::{COLUMNS, Columns, ContactPayload, KIND, digits, judged, parts};
use crate::unreadable::Reason;
use crate::{DbError, Page, Reader};
use rusqlite::types::Value as SqlValue;
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

/// Which contacts to list, newest first. All conditions hold together.
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
}

impl ContactQuery {
    /// All contacts, by the time of their beginning.
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
        }
    }
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

    /// A page of contacts, newest first; `after` is the `next` of the page before. A page looks at 2,500 rows at most: it may
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
        let plan = Plan::of(query, rarest, few, after);
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
                    page.next = self.beyond_damage(query, Chosen { part: rarest, few }, last.or(after))?;
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
            if !self.meets(&columns, number, query, part.as_deref())? {
                continue;
            }
            match self.payload::<C>(number, &columns)? {
                Ok((contact, _)) => page.items.push(contact),
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

    /// Whether a contact meets all conditions.
    fn meets(
        &self,
        columns: &Columns,
        row: i64,
        query: &ContactQuery,
        part: Option<&str>,
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

/// The index that a page walks along, newest first.
pub(super) struct Plan {
    pub(super) sql: String,
    pub(super) values: Vec<SqlValue>,
}

impl Plan {
    /// `part`: of a number. `few`: few contacts have the attribute that is asked for.
    pub(super) fn of(
        query: &ContactQuery,
        part: Option<i64>,
        few: bool,
        after: Option<ContactCursor>,
    ) -> Self {
        match query.axis {
            TimeAxis::Initiation => Self::by_row(query, part, few, after),
            TimeAxis::Connected => Self::by_time("connected", query, after),
            TimeAxis::Disconnect => Self::by_time("disconnected", query, after),
        }
    }

    fn by_time(column: &str, query: &ContactQuery, after: Option<ContactCursor>) -> Self {
        let (at, row) = after.map_or((i64::MAX, i64::MAX), |after| (after.at_ms, after.row));
        let sql = format!(
            "SELECT {COLUMNS} FROM contact c WHERE c.{column} BETWEEN ?1 AND ?2 AND (c.{column}, c.row) < (?3, ?4)
             ORDER BY c.{column} DESC, c.row DESC"
        );
        let to = query.to.unix_ms().min(at);
        let values = [query.from.unix_ms(), to, at, row].map(SqlValue::Integer);
        Self { sql, values: values.to_vec() }
    }

    fn by_row(query: &ContactQuery, part: Option<i64>, few: bool, after: Option<ContactCursor>) -> Self {
        let from = first_row_of(query.from);
        let to = first_row_of(query.to).saturating_add(1 << ROW_BITS).saturating_add(ALIKE);
        // One bound only: of two, SQLite may begin at the wrong one, and a page then costs as much as all before it.
        let to = after.map_or(to, |after| to.min(after.row.saturating_sub(1)));
        let mut values = vec![SqlValue::Integer(from), SqlValue::Integer(to)];
        let sql = match (part, &query.attribute) {
            (Some(part), attribute) if !few || attribute.is_none() => {
                values.push(SqlValue::Integer(part));
                format!(
                    "SELECT {COLUMNS} FROM contact_number_part n CROSS JOIN contact c ON c.row = n.row
                     WHERE n.part = ?3 AND n.row >= ?1 AND n.row <= ?2
                     ORDER BY n.row DESC"
                )
            }
            (_, Some((name, value))) => {
                values.push(SqlValue::Text(name.clone()));
                values.push(SqlValue::Text(value.expose().clone()));
                format!(
                    "SELECT {COLUMNS} FROM contact_attribute a CROSS JOIN contact c ON c.row = a.row
                     WHERE a.name = ?3 AND substr(a.value, 1, 64) = substr(?4, 1, 64) AND a.value = ?4
                         AND a.row >= ?1 AND a.row <= ?2
                     ORDER BY a.row DESC"
                )
            }
            (_, None) if query.agent.is_some() => {
                values.extend(query.agent.clone().map(SqlValue::Text));
                format!(
                    "SELECT {COLUMNS} FROM contact_agent g CROSS JOIN contact c ON c.row = g.row
                     WHERE g.agent = ?3 AND g.row >= ?1 AND g.row <= ?2
                     ORDER BY g.row DESC"
                )
            }
            _ => {
                let condition = if query.state == Some(ContactState::Live) {
                    "INDEXED BY contact_live WHERE c.is_live = 1"
                } else if let Some(queue) = &query.queue {
                    values.push(SqlValue::Text(queue.clone()));
                    "INDEXED BY contact_queue WHERE c.queue = ?3"
                } else if let Some(flow) = query.flow {
                    values.push(SqlValue::Text(flow.to_string()));
                    "INDEXED BY contact_flow WHERE c.flow = ?3"
                } else if let Some(instance) = query.instance {
                    values.push(SqlValue::Text(instance.to_string()));
                    "INDEXED BY contact_instance WHERE c.instance = ?3"
                } else {
                    "WHERE 1"
                };
                format!(
                    "SELECT {COLUMNS} FROM contact c {condition} AND c.row >= ?1 AND c.row <= ?2
                     ORDER BY c.row DESC"
                )
            }
        };
        Self { sql, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kinds;
    use rusqlite::{Connection, StatementStatus};

    /// Ten thousand contacts that are all alike but for their time.
    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        crate::schema::create(&connection, &Kinds::default()).unwrap();
        connection
            .execute_batch(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)
                 INSERT INTO contact SELECT n << 20, n, 'a', '11111111-2222-4333-8444-555555555555', n, n, n, 1, 0,
                     '12065550123', '11111111-2222-4333-8444-555555555555', 'q', 1, NULL FROM n;
                 INSERT INTO contact_attribute SELECT row, 'k', 'v' FROM contact;
                 INSERT INTO contact_agent SELECT row, 'g' FROM contact;
                 INSERT INTO contact_number_part SELECT 5550, row FROM contact;",
            )
            .unwrap();
        connection
    }

    /// Steps of SQLite's machine for ten rows of a page that begins at a contact.
    fn steps(connection: &Connection, query: &ContactQuery, at: i64) -> i32 {
        let part = query.number_part.as_ref().and_then(|part| parts(part.expose()).first().copied());
        let after = ContactCursor { at_ms: at, row: at << ROW_BITS };
        let plan = Plan::of(query, part, query.number_part.is_none(), Some(after));
        let mut statement = connection.prepare(&plan.sql).unwrap();
        let mut rows = statement.query(rusqlite::params_from_iter(plan.values)).unwrap();
        for n in 1..=10 {
            let row = rows.next().unwrap().unwrap();
            assert_eq!(row.get::<_, i64>(0).unwrap(), (at - n) << ROW_BITS);
        }
        drop(rows);
        statement.get_status(StatementStatus::VmStep)
    }

    #[test]
    fn a_late_page_takes_no_more_steps_than_an_early_one() {
        let connection = connection();
        let id = "11111111-2222-4333-8444-555555555555";
        let all = ContactQuery::all;
        let attribute = Some(("k".to_owned(), Redacted::new("v".to_owned())));
        for query in [
            all(),
            ContactQuery { axis: TimeAxis::Disconnect, ..all() },
            ContactQuery { axis: TimeAxis::Connected, ..all() },
            ContactQuery { state: Some(ContactState::Live), ..all() },
            ContactQuery { instance: Some(InstanceId::parse(id).unwrap()), ..all() },
            ContactQuery { flow: Some(ContactFlowId::parse(id).unwrap()), ..all() },
            ContactQuery { queue: Some("q".to_owned()), ..all() },
            ContactQuery { agent: Some("g".to_owned()), ..all() },
            ContactQuery { number_part: Some(Redacted::new("5550".to_owned())), ..all() },
            ContactQuery { attribute, ..all() },
        ] {
            let (early, late) = (steps(&connection, &query, 9_900), steps(&connection, &query, 100));
            assert!(late <= early + 50 && early < 1_000, "{early} and {late} steps: {query:?}");
        }
    }
}
