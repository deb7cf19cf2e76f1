//! How SQLite goes about a query, for tests that hold it to an index.

use actors::domain::time::Timestamp;
use rusqlite::{Connection, ToSql};

use super::{connection, migrate};

/// Empty tables.
pub(super) fn tables() -> Connection {
    let connection = Connection::open_in_memory().expect("memory is there");
    connection::plan_once(&connection).expect("an open connection takes settings");
    migrate::migrate(&connection, Timestamp::from_millis(0)).expect("an empty database takes every migration");
    connection
}

/// Fails unless the query goes by `index`, looks through no table and sorts nothing.
pub(super) fn assert_goes_by(connection: &Connection, sql: &str, index: &str) {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("the query is sound");
    let params = vec![&rusqlite::types::Null as &dyn ToSql; statement.parameter_count()];
    let steps = statement.query_map(params.as_slice(), |row| row.get::<_, String>(3)).expect("readable");
    let plan = steps.collect::<rusqlite::Result<Vec<_>>>().expect("readable").join("; ");
    assert!(plan.contains(index), "{index}: {plan}");
    assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN"), "{index}: {plan}");
}
