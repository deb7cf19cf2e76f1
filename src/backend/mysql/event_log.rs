//! The `EventLog` port on the event table, for one node.
//!
//! Ids are handed out before their transactions commit, so with several nodes a reader that has seen 7 may have missed a
//! 6 that comes later. On one node that is met only after a commit whose outcome was unknown: its rows are written, and
//! it may still come after those of a later one. The read therefore waits for whatever is written and not yet decided,
//! which a locking read does.

use std::sync::Arc;

use actors::domain::event::OrderEvent;
use actors::ports::{Answer, EventLog, EventLogError, LoggedEvent, StoreError};
use mysql_async::Row;

use super::MysqlStore;
use super::call::Connection;
use super::engine::Engine;
use super::rows::{self, Columns, event_columns};
use super::sql::Sql;

const EVENTS: &str = concat!(
    "SELECT id, ",
    event_columns!(),
    " FROM order_event FORCE INDEX (PRIMARY) WHERE id > ? ORDER BY id LIMIT ? LOCK IN SHARE MODE"
);

/// The log of one node, on the connections of the store whose events it tells of.
#[derive(Clone)]
pub struct MysqlEventLog {
    engine: Arc<Engine>,
}

impl MysqlEventLog {
    /// The log of what `store` commits.
    pub fn of(store: &MysqlStore) -> Self {
        Self { engine: Arc::clone(&store.engine) }
    }
}

impl EventLog for MysqlEventLog {
    fn publish(&self, _events: Vec<OrderEvent>) -> Answer<'_, Result<(), EventLogError>> {
        // They became visible with the commit that wrote them.
        Box::pin(async { Ok(()) })
    }

    fn read(&self, position: u64, limit: usize) -> Answer<'_, Result<Vec<LoggedEvent>, EventLogError>> {
        // Nothing lies beyond what the table can number.
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        let events = self.engine.read(async move |connection: &mut Connection| {
            let read = |row: &Row| {
                let mut columns = Columns::of(row);
                Ok(LoggedEvent { position: columns.count()?, event: rows::event(&mut columns)? })
            };
            connection.all(Sql::new("read log", EVENTS, [position.into(), limit.into()]), read).await
        });
        Box::pin(async move { events.await.map_err(log_error) })
    }

    fn position(&self, group: &'static str) -> Answer<'_, Result<u64, EventLogError>> {
        const SQL: &str = "SELECT position FROM consumer_position WHERE consumer_group = ?";
        let position = self.engine.read(async move |connection: &mut Connection| {
            connection.first(Sql::new("read position", SQL, [group.into()]), |row| Columns::of(row).count()).await
        });
        Box::pin(async move { Ok(position.await.map_err(log_error)?.unwrap_or(0)) })
    }
}

fn log_error(error: StoreError) -> EventLogError {
    EventLogError(error.to_string())
}
