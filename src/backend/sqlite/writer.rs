//! The one writer: everything that is committed goes through it, one transaction after the other.

use std::sync::Arc;

use actors::domain::commit::{Decided, Mutation, Rules, decide};
use actors::domain::rejection::Rejection;
use actors::domain::time::Now;
use actors::ports::{Clock, CommitError, Committed};
use rusqlite::Connection;

use super::SqliteOptions;
use super::connection::{open_reader, open_writer};
use super::fault::Fault;
use super::files::Files;
use super::transaction::{self, End, Failure};
use super::{facts, write};

/// Bytes that the readiness check writes and takes away again: some pages, so that it meets a full disk.
const PROBE_BYTES: u32 = 64 * 1024;

/// The writing connection and what deciding takes.
pub(super) struct Writer {
    options: SqliteOptions,
    clock: Arc<dyn Clock>,
    rules: Rules,
    files: Arc<Files>,
    /// Never used, and closed before the last writing one: while it is open SQLite leaves the log where it is.
    _anchor: Connection,
    /// None after a fault that may have spoilt it; the next piece of work opens a new one.
    connection: Option<Connection>,
    has_failed: bool,
}

impl Writer {
    /// Writes through `connection`, as long as `files` are there.
    pub(super) fn new(
        options: SqliteOptions,
        clock: Arc<dyn Clock>,
        rules: Rules,
        files: Arc<Files>,
        connection: Connection,
    ) -> Result<Self, Fault> {
        let anchor = open_reader(&options)?;
        // Only what was read once is held open.
        anchor.query_row("SELECT count(*) FROM schema_migration", [], |_| Ok(()))?;
        let connection = Some(connection);
        Ok(Self { options, clock, rules, files, _anchor: anchor, connection, has_failed: false })
    }

    /// The time.
    pub(super) fn now(&self) -> Now {
        self.clock.now()
    }

    /// Decides and writes a batch: in one transaction, unless a row it meets is bad. That must not hold up what has
    /// nothing to do with it, so halves are then committed by themselves, down to the mutation that meets the row.
    pub(super) fn commit(&mut self, mutations: &[Mutation]) -> Result<Committed, CommitError> {
        match self.commit_whole(mutations) {
            Err(Failure::NotDone(fault)) if fault.lies_in_rows() && mutations.len() > 1 => {
                Ok(self.commit_halves(mutations))
            }
            outcome => outcome.map_err(commit_error),
        }
    }

    fn commit_halves(&mut self, mutations: &[Mutation]) -> Committed {
        let (first, second) = mutations.split_at(mutations.len() / 2);
        let mut whole = Committed::default();
        for half in [first, second] {
            match self.commit(half) {
                Ok(Committed { verdicts, skus, events }) => {
                    whole.verdicts.extend(verdicts);
                    whole.skus.extend(skus);
                    whole.events.extend(events);
                }
                Err(error) => {
                    let rejection = match error {
                        CommitError::NotDone(reason) => Rejection::Unavailable(reason),
                        CommitError::Unknown(_) => Rejection::OutcomeUnknown,
                    };
                    whole.verdicts.extend(half.iter().map(|_| Err(rejection.clone())));
                }
            }
        }
        whole
    }

    fn commit_whole(&mut self, mutations: &[Mutation]) -> Result<Committed, Failure> {
        let (clock, rules) = (Arc::clone(&self.clock), self.rules);
        let started = clock.now().monotonic;
        let outcome = self.transact(|connection| {
            let facts = facts::load(connection, mutations)?;
            let now = clock.now();
            let Decided { verdicts, changes, skus } = decide(facts, mutations, now, rules);
            let committed = Committed { verdicts, skus, events: changes.events().cloned().collect() };
            if changes.is_empty() {
                return Ok(End::Rollback(committed));
            }
            write::write(connection, &changes, now.wall)?;
            Ok(End::Commit(committed))
        });
        let elapsed_us = clock.now().monotonic.since(started).as_micros();
        match &outcome {
            Ok(committed) => {
                let (mutations, events) = (mutations.len(), committed.events.len());
                tracing::debug!(mutations, events, elapsed_us, "batch committed");
            }
            Err(failure) => {
                let is_unknown = matches!(failure, Failure::Unknown(_));
                tracing::warn!(mutations = mutations.len(), is_unknown, elapsed_us, error = %failure.fault(), "batch not committed");
            }
        }
        outcome
    }

    /// Whether writing works: the write lock can be had, and after a failed write, something can be written.
    pub(super) fn check(&mut self) -> Result<(), Fault> {
        let has_failed = self.has_failed;
        let outcome = self.transact(|connection| {
            if !has_failed {
                return Ok(End::Rollback(()));
            }
            let fill = "INSERT INTO store_probe (filler) VALUES (zeroblob(?1))";
            connection.prepare_cached(fill)?.execute([PROBE_BYTES])?;
            connection.prepare_cached("DELETE FROM store_probe")?.execute([])?;
            Ok(End::Commit(()))
        });
        outcome.map_err(|failure| match failure {
            Failure::NotDone(fault) | Failure::Unknown(fault) => fault,
        })
    }

    /// Runs `work` in a write transaction and remembers whether that went well.
    pub(super) fn transact<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<End<T>, Fault>,
    ) -> Result<T, Failure> {
        if let Err(fault) = self.files.check() {
            self.has_failed = true;
            return Err(Failure::NotDone(fault));
        }
        // Until it is put back, a panic takes the connection with it, and its open transaction.
        let connection = match self.connection.take() {
            Some(connection) => Ok(connection),
            None => open_writer(&self.options, false).map_err(Failure::NotDone),
        };
        self.has_failed |= connection.is_err();
        let connection = connection?;
        let outcome = transaction::write(&connection, work);
        // What went into a file that was lost meanwhile is not to be told as done.
        let outcome = outcome.and_then(|done| self.files.check().map(|()| done).map_err(Failure::Unknown));
        self.has_failed = outcome.is_err();
        let is_spoilt = outcome.as_ref().is_err_and(|failure| failure.fault().spoils_connection());
        if !is_spoilt && connection.is_autocommit() {
            self.connection = Some(connection);
        }
        outcome
    }
}

/// Tells the core how a transaction failed.
pub(super) fn commit_error(failure: Failure) -> CommitError {
    match failure {
        Failure::NotDone(fault) => CommitError::NotDone(fault.to_string()),
        Failure::Unknown(fault) => CommitError::Unknown(fault.to_string()),
    }
}
