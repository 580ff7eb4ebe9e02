//! Where a list goes on behind a page of the file that does not hold together.

use super::search::{ContactCursor, ContactQuery, Plan, TimeAxis};
use super::write::first_row_of;
use crate::{DbError, Reader};
use rusqlite::params;

/// Places that are tried for one page of a list; behind them the list is tried again by the next page.
const TRIED: usize = 10_000;

/// Places by a time: of these an index has all that is asked for.
macro_rules! places_by {
    ($column:literal) => {
        concat!(
            "SELECT ",
            $column,
            ", row FROM contact WHERE ",
            $column,
            " >= ?1 AND (",
            $column,
            ", row) < (?2, ?3) ORDER BY ",
            $column,
            " DESC, row DESC"
        )
    };
}

/// What of a query was looked up for its plan.
#[derive(Clone, Copy)]
pub(super) struct Chosen {
    /// The part of a number whose index is walked along.
    pub(super) part: Option<i64>,
    /// Whether few contacts have the attribute.
    pub(super) few: bool,
}

impl Reader<'_> {
    /// The place nearest behind `from` at which the list can be read; `None` where nothing lies behind. Rows that stand on a damaged
    /// page, or are found only by it, are passed over. Places are known from another tree of the file than the list walks along.
    pub(super) fn beyond_damage(
        &self,
        query: &ContactQuery,
        chosen: Chosen,
        from: Option<ContactCursor>,
    ) -> Result<Option<ContactCursor>, DbError> {
        let (sql, least) = match query.axis {
            TimeAxis::Initiation => (
                "SELECT 0, row FROM contact_payload WHERE row >= ?1 AND ?2 IS NOT NULL AND row < ?3 ORDER BY row DESC",
                first_row_of(query.from),
            ),
            TimeAxis::Connected => (places_by!("connected"), query.from.unix_ms()),
            TimeAxis::Disconnect => (places_by!("disconnected"), query.from.unix_ms()),
        };
        let (at, row) = from.map_or((i64::MAX, i64::MAX), |from| (from.at_ms(), from.row()));
        let mut statement = self.connection().prepare_cached(sql)?;
        let mut places = statement.query(params![least, at, row])?;
        let mut reached = None;
        for _ in 0..TRIED {
            let place = match places.next().map_err(DbError::from) {
                Ok(Some(place)) => {
                    ContactCursor::new(place.get(0)?, place.get::<_, i64>(1)?.saturating_add(1))
                }
                // The places end, or cannot be read either.
                Ok(None) | Err(DbError::Damaged(_)) => return Ok(None),
                Err(error) => return Err(error),
            };
            if self.is_readable_at(query, chosen, place)? {
                return Ok(Some(place));
            }
            reached = Some(place);
        }
        Ok(reached)
    }

    fn is_readable_at(
        &self,
        query: &ContactQuery,
        chosen: Chosen,
        place: ContactCursor,
    ) -> Result<bool, DbError> {
        let plan = Plan::of(query, chosen.part, chosen.few, Some(place));
        let mut statement = self.connection().prepare_cached(&plan.sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(plan.values))?;
        match rows.next().map_err(DbError::from) {
            Ok(_) => Ok(true),
            Err(DbError::Damaged(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
