//! The one way to talk to the server: every exchange has a time limit, is counted, and is told in the debug log.

use std::sync::Arc;
use std::time::Duration;

use actors::domain::time::Now;
use actors::ports::Clock;
use futures_util::FutureExt as _;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::fault::Fault;
use super::sql::Sql;
use crate::calls::CallCounts;

/// Bytes of one message to the server; it has to take twice as much, for a row may go beyond.
pub(super) const MESSAGE_BYTES_MAX: usize = 512 * 1024;

/// What every exchange needs.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) calls: Arc<CallCounts>,
    /// How long an exchange may take.
    pub(super) limit: Duration,
}

impl Wire {
    /// Makes an exchange. `amount` tells how much came of it.
    pub(super) async fn exchange<T>(
        &self,
        what: &'static str,
        bytes: usize,
        exchange: impl Future<Output = mysql_async::Result<T>>,
        amount: impl FnOnce(&T) -> u64,
    ) -> Result<T, Fault> {
        let started = self.clock.now().monotonic;
        let outcome = match timeout(self.limit, exchange).await {
            Ok(outcome) => outcome.map_err(Fault::from),
            Err(_) => Err(Fault::Silent),
        };
        let elapsed = self.clock.now().monotonic.since(started);
        self.calls.note(what, outcome.is_ok(), elapsed);
        let elapsed_us = elapsed.as_micros();
        match &outcome {
            Ok(done) => tracing::debug!(call = what, bytes, rows = amount(done), elapsed_us, "mysql call"),
            Err(error) => tracing::debug!(call = what, bytes, elapsed_us, %error, "mysql call failed"),
        }
        outcome
    }
}

/// A connection and its place in its pool. One that is dropped is closed at once, without a word to the server, which
/// rolls back what was open on it.
pub(super) struct Connection {
    /// None only while it is dropped.
    conn: Option<Conn>,
    wire: Wire,
    /// Since when in the pool's life it is open.
    pub(super) epoch: u64,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    pub(super) fn new(conn: Conn, wire: Wire, epoch: u64, place: OwnedSemaphorePermit) -> Self {
        Self { conn: Some(conn), wire, epoch, _place: place }
    }

    /// Takes the connection out, for a pool to keep.
    pub(super) fn into_inner(mut self) -> Option<Conn> {
        self.conn.take()
    }

    /// The time.
    pub(super) fn now(&self) -> Now {
        self.wire.clock.now()
    }

    fn parts(&mut self) -> Result<(&mut Conn, &Wire), Fault> {
        Ok((self.conn.as_mut().ok_or(Fault::BrokeOff)?, &self.wire))
    }

    /// Reads all rows of a statement.
    pub(super) async fn rows(&mut self, sql: Sql) -> Result<Vec<Row>, Fault> {
        let (conn, wire) = self.parts()?;
        let bytes = sql.text.len();
        wire.exchange(sql.what, bytes, conn.query::<Row, _>(sql.text), |rows| count(rows.len())).await
    }

    /// Reads all rows of a statement, each by `read`.
    pub(super) async fn all<T>(&mut self, sql: Sql, read: impl Fn(&Row) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        self.rows(sql).await?.iter().map(read).collect()
    }

    /// Reads the first row of a statement by `read`.
    pub(super) async fn first<T>(
        &mut self,
        sql: Sql,
        read: impl FnOnce(&Row) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.rows(sql).await?.first().map(read).transpose()
    }

    /// Runs statements that give no rows, separated by semicolons, in one message. Tells how many rows each has found.
    pub(super) async fn run(&mut self, sql: Sql) -> Result<Vec<u64>, Fault> {
        let (conn, wire) = self.parts()?;
        let bytes = sql.text.len();
        wire.exchange(sql.what, bytes, run(conn, sql.text), |found| found.iter().sum()).await
    }
}

async fn run(conn: &mut Conn, text: String) -> mysql_async::Result<Vec<u64>> {
    let mut result = conn.query_iter(text).await?;
    let mut found = Vec::new();
    loop {
        found.push(result.affected_rows());
        let is_last = result.is_empty();
        // Goes on to the next statement's result.
        result.collect::<Row>().await?;
        if is_last {
            return Ok(found);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            hang_up(conn);
        }
    }
}

/// Closes a connection without waiting for anybody. Left to itself the driver first waits for what the server still
/// owes it, for ever if that hangs.
pub(super) fn hang_up(conn: Conn) {
    // Polled once, it says goodbye if the socket takes that; then everything is dropped with it.
    let _ = conn.disconnect().now_or_never();
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
