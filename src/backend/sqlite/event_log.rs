//! The `EventLog` port on SQLite: the event table is the log.

use std::sync::Arc;

use actors::ports::{Answer, EventLog, EventLogError, LoggedEvent, StoreError};
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::fault::Fault;
use super::queries::{all, first, limit_of};
use super::rows::Columns;
use super::store::Connections;
use crate::backend::rows::{self, event_columns};

/// The embedded log, on the connections of the store whose events it tells of.
#[derive(Clone)]
pub struct SqliteEventLog {
    connections: Arc<Connections>,
}

impl SqliteEventLog {
    /// The log of what `store` commits.
    pub fn of(store: &SqliteStore) -> Self {
        Self { connections: Arc::clone(&store.connections) }
    }
}

impl EventLog for SqliteEventLog {
    fn read(&self, position: u64, limit: usize) -> Answer<'_, Result<Vec<LoggedEvent>, EventLogError>> {
        let latest = self.connections.tail.after(position, limit);
        if !latest.is_empty() {
            return Box::pin(async { Ok(latest) });
        }
        let events = self.connections.read(move |connection| events_after(connection, position, limit));
        Box::pin(async move { events.await.map_err(log_error) })
    }

    fn position(&self, group: &'static str) -> Answer<'_, Result<u64, EventLogError>> {
        const SQL: &str = "SELECT position FROM consumer_position WHERE consumer_group = ?1";
        let position =
            self.connections.read(move |connection| first(connection, SQL, [group], |row| Columns::of(row).count()));
        Box::pin(async move { Ok(position.await.map_err(log_error)?.unwrap_or(0)) })
    }
}

fn events_after(connection: &Connection, position: u64, limit: usize) -> Result<Vec<LoggedEvent>, Fault> {
    const SQL: &str = concat!("SELECT id, ", event_columns!(), " FROM order_event WHERE id > ?1 ORDER BY id LIMIT ?2");
    // Nothing lies beyond what the table can number.
    let position = i64::try_from(position).unwrap_or(i64::MAX);
    all(connection, SQL, params![position, limit_of(limit)], |row| {
        let mut columns = Columns::of(row);
        Ok(LoggedEvent { position: columns.count()?, event: rows::event(&mut columns)? })
    })
}

fn log_error(error: StoreError) -> EventLogError {
    EventLogError(error.to_string())
}
