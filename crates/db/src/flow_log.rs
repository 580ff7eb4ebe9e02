//! Flow log lines until a sink has them.

use crate::row::Checksum;
use crate::unreadable::Reason;
use crate::{DbError, Reader, Tx};
use rusqlite::params;
use tympan_types::ContactId;

/// A line that no sink has taken yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLogLine {
    /// Its number: lines are given and delivered in this order.
    pub line: i64,
    /// The contact that it is about.
    pub contact: ContactId,
    /// The line, as its writer gave it.
    pub payload: Vec<u8>,
}

impl Tx<'_> {
    /// Adds a line.
    ///
    /// # Errors
    /// [`DbError::TooMany`] where as many wait as may.
    pub fn log_flow(&mut self, contact: ContactId, payload: &[u8]) -> Result<(), DbError> {
        if self.counted.flow_log >= self.limits.flow_log {
            return Err(DbError::TooMany { what: "flow log lines", limit: self.limits.flow_log });
        }
        let contact = contact.to_string();
        let sum = checksum(&contact, payload);
        let sql = "INSERT INTO flow_log (contact, payload, checksum) VALUES (?1, ?2, ?3)";
        self.connection.prepare_cached(sql)?.execute(params![contact, payload, sum])?;
        self.counted.flow_log = self.counted.flow_log.saturating_add(1);
        Ok(())
    }

    /// A sink has these lines durably: they go.
    ///
    /// # Errors
    /// What the database says.
    pub fn flow_log_delivered(&mut self, lines: &[i64]) -> Result<(), DbError> {
        let mut delete = self.connection.prepare_cached("DELETE FROM flow_log WHERE line = ?1")?;
        for line in lines {
            let removed = delete.execute([line])?;
            self.counted.flow_log =
                self.counted.flow_log.saturating_sub(u64::try_from(removed).unwrap_or(u64::MAX));
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// The oldest lines, at most `limit`. Those that cannot be read are noted and stay.
    ///
    /// # Errors
    /// What the database says.
    pub fn flow_log(&self, limit: usize) -> Result<Vec<FlowLogLine>, DbError> {
        self.lines(
            "SELECT line, contact, payload, checksum FROM flow_log WHERE ?1 = '' ORDER BY line",
            "",
            limit,
        )
    }

    /// How many lines no sink has taken, and the oldest of them, if it can be read.
    ///
    /// # Errors
    /// What the database says.
    pub fn flow_log_waiting(&self) -> Result<(u64, Option<Vec<u8>>), DbError> {
        let count = "SELECT count(*) FROM flow_log";
        let count: i64 = self.connection().query_row(count, [], |row| row.get(0))?;
        Ok((count.unsigned_abs(), self.flow_log(1)?.pop().map(|line| line.payload)))
    }

    /// The lines about a contact that no sink has taken, at most `limit`.
    ///
    /// # Errors
    /// What the database says.
    pub fn flow_log_of(&self, contact: ContactId, limit: usize) -> Result<Vec<FlowLogLine>, DbError> {
        let sql = "SELECT line, contact, payload, checksum FROM flow_log WHERE contact = ?1 ORDER BY line";
        self.lines(sql, &contact.to_string(), limit)
    }

    fn lines(&self, sql: &str, contact: &str, limit: usize) -> Result<Vec<FlowLogLine>, DbError> {
        let mut query = self.connection().prepare_cached(sql)?;
        let mut rows = query.query([contact])?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            if lines.len() >= limit {
                break;
            }
            let line: i64 = row.get(0)?;
            match read(line, row) {
                Some(line) => lines.push(line),
                None => self.noted.note("flow-log", &line.to_string(), Reason::Checksum),
            }
        }
        Ok(lines)
    }
}

fn read(line: i64, row: &rusqlite::Row<'_>) -> Option<FlowLogLine> {
    let contact: String = row.get(1).ok()?;
    let payload: Vec<u8> = row.get(2).ok()?;
    let sum: i64 = row.get(3).ok()?;
    (checksum(&contact, &payload) == sum)
        .then(|| Some(FlowLogLine { line, contact: ContactId::parse(&contact).ok()?, payload }))?
}

fn checksum(contact: &str, payload: &[u8]) -> i64 {
    let mut sum = Checksum::default();
    sum.bytes(contact.as_bytes());
    sum.bytes(payload);
    sum.value_of()
}
