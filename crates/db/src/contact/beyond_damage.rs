//! Where a list goes on behind a page of the file that does not hold together.

use super::plan::Plan;
use super::search::{ContactCursor, ContactOrder, ContactQuery, TimeAxis};
use super::write::{first_row_of, last_row_of};
use crate::{DbError, Reader};
use rusqlite::params;

/// Places that are tried for one page of a list; behind them the list is tried again by the next page.
const TRIED: usize = 10_000;

/// What of a query was looked up for its plan.
#[derive(Clone, Copy)]
pub(super) struct Chosen {
    /// The part of a number whose index is walked along.
    pub(super) part: Option<i64>,
    /// Whether few contacts have the attribute.
    pub(super) few: bool,
    /// Whether losses are asked for, and their index has all contacts.
    pub(super) losses: bool,
}

/// The places behind one in the order of a query, each with its time.
fn places(query: &ContactQuery) -> String {
    let (bound, sign, direction) = match query.order {
        ContactOrder::NewestFirst => (">=", "<", "DESC"),
        ContactOrder::OldestFirst => ("<=", ">", "ASC"),
    };
    // Of times an index has all that is asked for.
    let column = match query.axis {
        TimeAxis::Initiation => {
            return format!(
                "SELECT 0, row FROM contact_payload
                 WHERE row {bound} ?1 AND ?2 IS NOT NULL AND row {sign} ?3 ORDER BY row {direction}"
            );
        }
        TimeAxis::Connected => "connected",
        TimeAxis::Disconnect => "disconnected",
    };
    format!(
        "SELECT {column}, row FROM contact WHERE {column} {bound} ?1 AND ({column}, row) {sign} (?2, ?3)
         ORDER BY {column} {direction}, row {direction}"
    )
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
        // The end of the list, where it begins, and how far its cursor lies before a place.
        let (end, (at, row), before) = match query.order {
            ContactOrder::NewestFirst => (query.from, (i64::MAX, i64::MAX), 1),
            ContactOrder::OldestFirst => (query.to, (i64::MIN, i64::MIN), -1),
        };
        let end = match (query.axis, query.order) {
            (TimeAxis::Initiation, ContactOrder::NewestFirst) => first_row_of(end),
            (TimeAxis::Initiation, ContactOrder::OldestFirst) => last_row_of(end),
            (TimeAxis::Connected | TimeAxis::Disconnect, _) => end.unix_ms(),
        };
        let (at, row) = from.map_or((at, row), |from| (from.at_ms(), from.row()));
        let mut statement = self.connection().prepare_cached(&places(query))?;
        let mut places = statement.query(params![end, at, row])?;
        let mut reached = None;
        for _ in 0..TRIED {
            let place = match places.next().map_err(DbError::from) {
                Ok(Some(place)) => {
                    ContactCursor::new(place.get(0)?, place.get::<_, i64>(1)?.saturating_add(before))
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
        let plan = Plan::of(query, chosen, Some(place));
        let mut statement = self.connection().prepare_cached(&plan.sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(plan.values))?;
        match rows.next().map_err(DbError::from) {
            Ok(_) => Ok(true),
            Err(DbError::Damaged(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
