//! How a contact and its index rows are written.

use super::{Columns, ContactFacts, ContactPayload, KIND, digits, losses, parts};
use crate::change::Operation;
use crate::unreadable::Reason;
use crate::{DbError, Tx};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use tympan_types::{ContactId, WallTime};

/// What happened to a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContactEvent {
    /// It began: it is live, and its record waits for its end.
    Opened,
    /// It changed. If it has ended, its record is delivered again.
    Changed,
    /// It ended: its record is to be delivered.
    Closed,
}

/// The bits of a row number below the millisecond.
pub(super) const ROW_BITS: u32 = 20;
/// Contacts of one millisecond whose ids begin alike, that are told apart.
pub(super) const ALIKE: i64 = 4_096;

impl Tx<'_> {
    /// Writes a contact over an older state of it, with its index rows and its change. A state there that cannot be read is
    /// moved aside: its bytes stay. `expires`: when retention may erase it; `None` leaves that as it is.
    ///
    /// # Errors
    /// What the database says.
    pub fn put_contact<C: ContactPayload>(
        &mut self,
        contact: &C,
        event: ContactEvent,
        expires: Option<WallTime>,
    ) -> Result<(), DbError> {
        let facts = contact.facts();
        let payload = contact.encode().map_err(|error| DbError::Other(error.0))?;
        let old = self.old_contact(&facts.id.to_string())?;
        let was = old.as_ref().and_then(|old| old.columns.as_ref());
        let (is_live, delivered) = match (event, was) {
            (ContactEvent::Closed, _) => (false, false),
            (ContactEvent::Changed, Some(was)) => (was.is_live, was.is_live),
            (ContactEvent::Opened, _) | (ContactEvent::Changed, None) => (true, true),
        };
        if let Some(old) = &old {
            let judged = match (&old.columns, &old.stored) {
                (Some(columns), Some((format, payload, sum))) => {
                    super::judged::<C>(columns, (*format, payload, *sum)).map(drop)
                }
                _ => Err(Reason::Checksum),
            };
            if let Err(reason) = judged {
                self.set_contact_aside(&facts.id.to_string(), old, &reason)?;
            }
        }
        let expires = expires.map(WallTime::unix_ms).or_else(|| was?.expires);
        let columns = columns_of(&facts, is_live, expires);
        self.put_columns(&columns, delivered, C::FORMAT, &payload, old, &facts)
    }

    /// A sink has the records of these contacts durably, if they are still what was delivered: their row's checksum is that
    /// of the record's contact.
    ///
    /// # Errors
    /// What the database says.
    pub fn contact_records_delivered(
        &mut self,
        records: &[super::search::Undelivered],
    ) -> Result<(), DbError> {
        let sql = "UPDATE contact SET delivered = 1 WHERE row = ?1
                   AND EXISTS (SELECT 1 FROM contact_payload WHERE row = ?1 AND checksum = ?2)";
        let mut mark = self.connection.prepare_cached(sql)?;
        for record in records {
            mark.execute([record.row, record.checksum])?;
        }
        Ok(())
    }

    /// Writes a contact as an earlier file has it, unless it is here already. Whether it was written.
    pub(crate) fn carry_over(
        &mut self,
        facts: &ContactFacts,
        is_live: bool,
        delivered: bool,
        format: u16,
        payload: &[u8],
    ) -> Result<bool, DbError> {
        if self.old_contact(&facts.id.to_string())?.is_some() {
            return Ok(false);
        }
        let columns = columns_of(facts, is_live, None);
        self.put_columns(&columns, delivered, format, payload, None, facts)?;
        Ok(true)
    }

    fn put_columns(
        &mut self,
        columns: &Columns,
        delivered: bool,
        format: u16,
        payload: &[u8],
        old: Option<Old>,
        facts: &ContactFacts,
    ) -> Result<(), DbError> {
        let connection = self.connection;
        let row = match &old {
            Some(old) => old.row,
            None => free_row(connection, facts.initiated, facts.id)?,
        };
        self.counted.change(connection, KIND, Some(row), Some(&columns.id), Operation::Put)?;
        let before = old.as_ref().and_then(|old| old.columns.as_ref());
        if before != Some(columns) || old.as_ref().is_some_and(|old| old.delivered != delivered) {
            let sql = "INSERT INTO contact (row, id, account, instance, initiated, connected, disconnected, is_live,
                           delivered, number, flow, queue, has_stream, expires)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                       ON CONFLICT (row) DO UPDATE SET account = ?3, instance = ?4, initiated = ?5, connected = ?6,
                           disconnected = ?7, is_live = ?8, delivered = ?9, number = ?10, flow = ?11, queue = ?12,
                           has_stream = ?13, expires = ?14";
            let Columns { id, account, instance, initiated, connected, disconnected, is_live, .. } = columns;
            let Columns { number, flow, queue, has_stream, expires, .. } = columns;
            let ends = params![
                row,
                id,
                account,
                instance,
                initiated,
                connected,
                disconnected,
                is_live,
                delivered,
                number,
                flow,
                queue,
                has_stream,
                expires
            ];
            connection.prepare_cached(sql)?.execute(ends)?;
            let old_number = before.and_then(|before| before.number.as_deref());
            if old_number != number.as_deref() {
                unindex_number(connection, row, old_number)?;
                let sql = "INSERT OR IGNORE INTO contact_number_part (part, row) VALUES (?1, ?2)";
                let mut insert = connection.prepare_cached(sql)?;
                for part in number.as_deref().map(parts).unwrap_or_default() {
                    insert.execute([part, row])?;
                }
            }
        }
        let sql =
            "INSERT OR REPLACE INTO contact_payload (row, format, payload, checksum) VALUES (?1, ?2, ?3, ?4)";
        let sum = columns.checksum(format, payload);
        connection.prepare_cached(sql)?.execute(params![row, format, payload, sum])?;
        put_agent(connection, row, old.is_some(), facts.agent.as_deref())?;
        losses::put(connection, row, old.is_some(), facts.has_losses)?;
        put_attributes(connection, row, old.is_some(), facts)
    }

    /// What is stored of a contact, as far as it can be read.
    fn old_contact(&self, id: &str) -> Result<Option<Old>, DbError> {
        let sql = format!(
            "SELECT {}, c.delivered, p.format, p.payload, p.checksum
             FROM contact c LEFT JOIN contact_payload p ON p.row = c.row WHERE c.id = ?1",
            super::COLUMNS
        );
        let mut query = self.connection.prepare_cached(&sql)?;
        let old = query.query_row([id], |row| {
            let stored = match (row.get(14), row.get(15), row.get(16)) {
                (Ok(format), Ok(payload), Ok(sum)) => Some((format, payload, sum)),
                _ => None,
            };
            let delivered = row.get(13).unwrap_or(false);
            Ok(Old { row: row.get(0)?, columns: Columns::read(row).ok(), delivered, stored })
        });
        Ok(old.optional()?)
    }

    fn set_contact_aside(&mut self, id: &str, old: &Old, reason: &Reason) -> Result<(), DbError> {
        let (format, payload) = match &old.stored {
            Some((format, payload, _)) => (*format, payload.as_slice()),
            None => (0, [].as_slice()),
        };
        let sql = "INSERT INTO unreadable (kind, key, origin, format, payload, reason)
                   VALUES (?1, ?2, 'control.db', ?3, ?4, ?5)";
        self.connection.prepare_cached(sql)?.execute(params![
            KIND,
            id,
            format,
            payload,
            reason.to_string()
        ])?;
        tracing::warn!(contact = %id, %reason, "a contact that cannot be read was moved aside for a new state of it");
        Ok(())
    }
}

/// A contact as it is stored.
struct Old {
    row: i64,
    /// None where a value is of another type than its column's: damage. The index of numbers may then keep an entry of the old
    /// number, which finds nothing: what it finds is compared with the row.
    columns: Option<Columns>,
    delivered: bool,
    stored: Option<(u16, Vec<u8>, i64)>,
}

fn columns_of(facts: &ContactFacts, is_live: bool, expires: Option<i64>) -> Columns {
    Columns {
        id: facts.id.to_string(),
        account: facts.account.to_string(),
        instance: facts.instance.to_string(),
        initiated: facts.initiated.unix_ms(),
        connected: facts.connected.map(WallTime::unix_ms),
        disconnected: facts.disconnected.map(WallTime::unix_ms),
        is_live,
        number: facts.number.as_ref().and_then(|number| digits(number.expose())),
        flow: facts.flow.map(|flow| flow.to_string()),
        queue: facts.queue.clone(),
        has_stream: facts.has_stream,
        expires,
    }
}

/// The first row number of a millisecond. Times before 1970 and after 2248 share the ends of the range.
pub(super) fn first_row_of(at: WallTime) -> i64 {
    at.unix_ms().clamp(0, (1 << 43) - 1) << ROW_BITS
}

/// The last row number that contacts of a millisecond can have.
pub(super) fn last_row_of(at: WallTime) -> i64 {
    first_row_of(at).saturating_add(1 << ROW_BITS).saturating_add(ALIKE)
}

fn free_row(connection: &Connection, initiated: WallTime, id: ContactId) -> Result<i64, DbError> {
    let [first, second, third, ..] = *id.as_bytes();
    let wanted = first_row_of(initiated) + (i64::from(u32::from_be_bytes([0, first, second, third])) >> 4);
    let mut is_taken = connection.prepare_cached("SELECT 1 FROM contact WHERE row = ?1")?;
    for row in wanted..wanted.saturating_add(ALIKE) {
        if !is_taken.exists([row])? {
            return Ok(row);
        }
    }
    Err(DbError::TooMany {
        what: "contacts of one millisecond whose ids begin alike",
        limit: ALIKE.unsigned_abs(),
    })
}

pub(super) fn unindex_number(connection: &Connection, row: i64, number: Option<&str>) -> Result<(), DbError> {
    let sql = "DELETE FROM contact_number_part WHERE part = ?1 AND row = ?2";
    let mut delete = connection.prepare_cached(sql)?;
    for part in number.map(parts).unwrap_or_default() {
        delete.execute([part, row])?;
    }
    Ok(())
}

/// Writes the agent, if it changed.
fn put_agent(connection: &Connection, row: i64, is_known: bool, agent: Option<&str>) -> Result<(), DbError> {
    match agent {
        Some(agent) => {
            let sql = "INSERT INTO contact_agent (row, agent) VALUES (?1, ?2)
                       ON CONFLICT (row) DO UPDATE SET agent = ?2 WHERE agent != ?2";
            connection.prepare_cached(sql)?.execute(params![row, agent])?;
        }
        None if is_known => {
            connection.prepare_cached("DELETE FROM contact_agent WHERE row = ?1")?.execute([row])?;
        }
        None => {}
    }
    Ok(())
}

/// Writes those that changed.
fn put_attributes(
    connection: &Connection,
    row: i64,
    is_known: bool,
    facts: &ContactFacts,
) -> Result<(), DbError> {
    let mut old: BTreeMap<String, String> = BTreeMap::new();
    if is_known {
        let sql = "SELECT name, value FROM contact_attribute WHERE row = ?1";
        let mut query = connection.prepare_cached(sql)?;
        let pairs = query.query_map([row], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for pair in pairs {
            let (name, value) = pair?;
            old.insert(name, value);
        }
    }
    for (name, value) in &facts.attributes {
        if old.remove(name).as_ref() != Some(value.expose()) {
            let sql = "INSERT OR REPLACE INTO contact_attribute (row, name, value) VALUES (?1, ?2, ?3)";
            connection.prepare_cached(sql)?.execute(params![row, name, value.expose()])?;
        }
    }
    for name in old.keys() {
        let sql = "DELETE FROM contact_attribute WHERE row = ?1 AND name = ?2";
        connection.prepare_cached(sql)?.execute(params![row, name])?;
    }
    Ok(())
}
