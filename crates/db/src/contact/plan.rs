//! Along which index a page of contacts goes.

use super::COLUMNS;
use super::beyond_damage::Chosen;
use super::search::{ContactCursor, ContactOrder, ContactQuery, ContactState, TimeAxis};
use super::write::{first_row_of, last_row_of};
use rusqlite::types::Value as SqlValue;

/// The index that a page walks along.
pub(super) struct Plan {
    pub(super) sql: String,
    pub(super) values: Vec<SqlValue>,
}

impl Plan {
    pub(super) fn of(query: &ContactQuery, chosen: Chosen, after: Option<ContactCursor>) -> Self {
        match query.axis {
            TimeAxis::Initiation => Self::by_row(query, chosen, after),
            TimeAxis::Connected => Self::by_time("connected", query, after),
            TimeAxis::Disconnect => Self::by_time("disconnected", query, after),
        }
    }

    fn by_time(column: &str, query: &ContactQuery, after: Option<ContactCursor>) -> Self {
        let (from, to) = (query.from.unix_ms(), query.to.unix_ms());
        let (sign, direction, at, row) = match query.order {
            ContactOrder::NewestFirst => {
                let (at, row) = after.map_or((i64::MAX, i64::MAX), |after| (after.at_ms(), after.row()));
                ("<", "DESC", at, row)
            }
            ContactOrder::OldestFirst => {
                let (at, row) = after.map_or((i64::MIN, i64::MIN), |after| (after.at_ms(), after.row()));
                (">", "ASC", at, row)
            }
        };
        let (from, to) = match query.order {
            ContactOrder::NewestFirst => (from, to.min(at)),
            ContactOrder::OldestFirst => (from.max(at), to),
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM contact c WHERE c.{column} BETWEEN ?1 AND ?2 AND (c.{column}, c.row) {sign} (?3, ?4)
             ORDER BY c.{column} {direction}, c.row {direction}"
        );
        Self { sql, values: [from, to, at, row].map(SqlValue::Integer).to_vec() }
    }

    fn by_row(query: &ContactQuery, chosen: Chosen, after: Option<ContactCursor>) -> Self {
        let Chosen { part, few, losses } = chosen;
        let from = first_row_of(query.from);
        let to = last_row_of(query.to);
        // One bound only: of two, SQLite may begin at the wrong one, and a page then costs as much as all before it.
        let (from, to, direction) = match query.order {
            ContactOrder::NewestFirst => {
                (from, after.map_or(to, |after| to.min(after.row().saturating_sub(1))), "DESC")
            }
            ContactOrder::OldestFirst => {
                (after.map_or(from, |after| from.max(after.row().saturating_add(1))), to, "ASC")
            }
        };
        let mut values = vec![SqlValue::Integer(from), SqlValue::Integer(to)];
        let sql = match (part, &query.attribute) {
            (Some(part), attribute) if !few || attribute.is_none() => {
                values.push(SqlValue::Integer(part));
                format!(
                    "SELECT {COLUMNS} FROM contact_number_part n CROSS JOIN contact c ON c.row = n.row
                     WHERE n.part = ?3 AND n.row >= ?1 AND n.row <= ?2
                     ORDER BY n.row {direction}"
                )
            }
            (_, Some((name, value))) => {
                values.push(SqlValue::Text(name.clone()));
                values.push(SqlValue::Text(value.expose().clone()));
                format!(
                    "SELECT {COLUMNS} FROM contact_attribute a CROSS JOIN contact c ON c.row = a.row
                     WHERE a.name = ?3 AND substr(a.value, 1, 64) = substr(?4, 1, 64) AND a.value = ?4
                         AND a.row >= ?1 AND a.row <= ?2
                     ORDER BY a.row {direction}"
                )
            }
            (_, None) if losses && query.has_losses == Some(true) => {
                format!(
                    "SELECT {COLUMNS} FROM contact_loss l CROSS JOIN contact c ON c.row = l.row
                     WHERE l.row >= ?1 AND l.row <= ?2
                     ORDER BY l.row {direction}"
                )
            }
            (_, None) if query.agent.is_some() => {
                values.extend(query.agent.clone().map(SqlValue::Text));
                format!(
                    "SELECT {COLUMNS} FROM contact_agent g CROSS JOIN contact c ON c.row = g.row
                     WHERE g.agent = ?3 AND g.row >= ?1 AND g.row <= ?2
                     ORDER BY g.row {direction}"
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
                     ORDER BY c.row {direction}"
                )
            }
        };
        Self { sql, values }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parts;
    use super::super::write::ROW_BITS;
    use super::*;
    use crate::Kinds;
    use rusqlite::{Connection, StatementStatus};
    use tympan_types::{ContactFlowId, InstanceId, Redacted};

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
                 INSERT INTO contact_loss SELECT row FROM contact;
                 INSERT INTO contact_number_part SELECT 5550, row FROM contact;",
            )
            .unwrap();
        connection
    }

    /// Steps of SQLite's machine for ten rows of a page that begins at a contact.
    fn steps(connection: &Connection, query: &ContactQuery, at: i64) -> i32 {
        let part = query.number_part.as_ref().and_then(|part| parts(part.expose()).first().copied());
        let after = ContactCursor::new(at, at << ROW_BITS);
        let chosen = Chosen { part, few: query.number_part.is_none(), losses: true };
        let plan = Plan::of(query, chosen, Some(after));
        let mut statement = connection.prepare(&plan.sql).unwrap();
        let mut rows = statement.query(rusqlite::params_from_iter(plan.values)).unwrap();
        for n in 1..=10 {
            let row = rows.next().unwrap().unwrap();
            let expected = if query.order == ContactOrder::NewestFirst { at - n } else { at + n };
            assert_eq!(row.get::<_, i64>(0).unwrap(), expected << ROW_BITS);
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
            ContactQuery { has_losses: Some(true), ..all() },
            ContactQuery { attribute, ..all() },
        ] {
            for order in [ContactOrder::NewestFirst, ContactOrder::OldestFirst] {
                let query = ContactQuery { order, ..query.clone() };
                let (late, early) = (steps(&connection, &query, 9_900), steps(&connection, &query, 100));
                assert!(late.abs_diff(early) <= 50 && early < 1_000, "{early} and {late} steps: {query:?}");
            }
        }
    }
}
