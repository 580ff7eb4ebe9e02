//! What `doctor` asks: which rows cannot be read.

use crate::contact::{COLUMNS, Columns, KIND};
use crate::row::{ContactKind, Judge, Kind};
use crate::unreadable::Reason;
use crate::{Db, DbError, Reader, Unreadable, reader};

/// Rows that one step of an examination reads.
const STEP: usize = 1_000;

/// What an examination found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examination {
    /// Rows that were read, all kinds and contacts.
    pub rows: u64,
    /// Rows that cannot be read; the first 1,000 of them are among [`Db::unreadable`].
    pub unreadable: u64,
    /// Rows that were moved aside, here or by a migration: at most 1,000. Their bytes are in the table `unreadable`.
    pub aside: Vec<Unreadable>,
    /// How many were moved aside.
    pub aside_count: u64,
}

impl Db {
    /// Reads every row of every kind that this build knows, a thousand at a time: writers get between. For `doctor`; a start
    /// does not do this.
    ///
    /// # Errors
    /// What the database says, but for damage.
    pub fn examine(&self) -> Result<Examination, DbError> {
        let mut examination = Examination::default();
        let kinds: Vec<(&'static Kind, u16, Judge)> = self.shared.kinds.kinds.values().copied().collect();
        for (kind, format, judge) in kinds {
            let mut after = i64::MIN;
            while let Some(last) =
                self.read(|reader| reader.examine_kind(kind, (format, judge), after, &mut examination))?
            {
                after = last;
            }
        }
        if let Some(ContactKind { format, judge, .. }) = self.shared.kinds.contact {
            let mut after = i64::MIN;
            while let Some(last) =
                self.read(|reader| reader.examine_contacts((format, judge), after, &mut examination))?
            {
                after = last;
            }
        }
        self.read(|reader| reader.examine_aside(&mut examination))?;
        Ok(examination)
    }
}

impl Reader<'_> {
    /// Rows after one; the last of them, if there may be more.
    fn examine_kind(
        &self,
        kind: &Kind,
        (format, judge): (u16, Judge),
        after: i64,
        examination: &mut Examination,
    ) -> Result<Option<i64>, DbError> {
        let sql = format!("{} WHERE row > {after} ORDER BY row LIMIT {STEP}", reader::select(kind));
        let mut query = self.connection().prepare(&sql)?;
        let mut rows = query.query([])?;
        let mut last = None;
        loop {
            let row = match rows.next().map_err(DbError::from) {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(last),
                Err(DbError::Damaged(_)) => {
                    examination.unreadable += 1;
                    self.noted.note(kind.name, "(a page of them)", Reason::Page);
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            last = Some(row.get(0)?);
            examination.rows += 1;
            let judged = reader::raw(kind, row)?.and_then(|raw| match raw.format > format {
                true => Err(Reason::Format(raw.format)),
                false => judge(raw.format, &raw.payload).map_err(|error| Reason::Payload(error.0)),
            });
            if let Err(reason) = judged {
                examination.unreadable += 1;
                self.noted.note(kind.name, &reader::key_of(row)?, reason);
            }
        }
    }

    fn examine_contacts(
        &self,
        (format, judge): (u16, Judge),
        after: i64,
        examination: &mut Examination,
    ) -> Result<Option<i64>, DbError> {
        let sql = format!(
            "SELECT {COLUMNS}, p.format, p.payload, p.checksum FROM contact c
             LEFT JOIN contact_payload p ON p.row = c.row WHERE c.row > ?1 ORDER BY c.row LIMIT {STEP}"
        );
        let mut query = self.connection().prepare_cached(&sql)?;
        let mut rows = query.query([after])?;
        let mut last = None;
        loop {
            let row = match rows.next().map_err(DbError::from) {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(last),
                Err(DbError::Damaged(_)) => {
                    examination.unreadable += 1;
                    self.noted.note(KIND, "(a page of them)", Reason::Page);
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            let number: i64 = row.get(0)?;
            last = Some(number);
            examination.rows += 1;
            let columns = Columns::read(row);
            let stored = (row.get::<_, u16>(13), row.get_ref(14)?.as_blob(), row.get::<_, i64>(15));
            let reason = match (&columns, stored) {
                (Ok(columns), (Ok(found), Ok(payload), Ok(sum))) => {
                    if columns.checksum(found, payload) != sum {
                        Some(Reason::Checksum)
                    } else if found > format {
                        Some(Reason::Format(found))
                    } else {
                        judge(found, payload).err().map(|error| Reason::Payload(error.0))
                    }
                }
                _ => Some(Reason::Checksum),
            };
            if let Some(reason) = reason {
                examination.unreadable += 1;
                let key = columns.map_or_else(|_| format!("row {number}"), |columns| columns.id);
                self.noted.note(KIND, &key, reason);
            }
        }
    }

    fn examine_aside(&self, examination: &mut Examination) -> Result<(), DbError> {
        let count: i64 =
            self.connection().query_row("SELECT count(*) FROM unreadable", [], |row| row.get(0))?;
        examination.aside_count = count.unsigned_abs();
        let sql = "SELECT kind, key, origin, reason FROM unreadable ORDER BY serial LIMIT 1000";
        let mut query = self.connection().prepare_cached(sql)?;
        let rows = query.query_map([], |row| {
            let (origin, reason): (String, String) = (row.get(2)?, row.get(3)?);
            let reason = Reason::Payload(format!("{reason} (of {origin})"));
            Ok(Unreadable { kind: row.get(0)?, key: row.get(1)?, reason })
        })?;
        examination.aside = rows.collect::<Result<_, _>>()?;
        Ok(())
    }
}
