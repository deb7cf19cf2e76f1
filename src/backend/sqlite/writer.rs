//! The one writer: everything that is committed goes through it, one transaction after the other.

use std::sync::Arc;

use actors::domain::commit::{Mutation, Rules, decide};
use actors::domain::time::Now;
use actors::ports::{Clock, CommitError, Committed};
use rusqlite::Connection;

use super::SqliteOptions;
use super::checkpoint::Checkpoints;
use super::connection::{open_reader, open_writer};
use super::fault::Fault;
use super::files::Files;
use super::tail::Tail;
use super::transaction::{self, End, Failure, commit_error};
use super::unfiled::Unfiled;
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
    followers: Followers,
    has_failed: bool,
}

/// What follows the commits.
pub(super) struct Followers {
    pub(super) unfiled: Arc<Unfiled>,
    pub(super) tail: Arc<Tail>,
    pub(super) checkpoints: Arc<Checkpoints>,
}

impl Writer {
    /// Writes through `connection`, as long as `files` are there.
    pub(super) fn new(
        options: SqliteOptions,
        clock: Arc<dyn Clock>,
        rules: Rules,
        files: Arc<Files>,
        followers: Followers,
        mut connection: Connection,
    ) -> Result<Self, Fault> {
        let anchor = open_reader(&options)?;
        // Only what was read once is held open.
        anchor.query_row("SELECT count(*) FROM schema_migration", [], |_| Ok(()))?;
        followers.checkpoints.watch(&mut connection)?;
        let connection = Some(connection);
        Ok(Self { options, clock, rules, files, _anchor: anchor, connection, followers, has_failed: false })
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
            whole.append(self.commit(half).unwrap_or_else(|error| Committed::failed(error, half.len())));
        }
        whole
    }

    fn commit_whole(&mut self, mutations: &[Mutation]) -> Result<Committed, Failure> {
        let (clock, rules, unfiled) = (Arc::clone(&self.clock), self.rules, Arc::clone(&self.followers.unfiled));
        let started = clock.now().monotonic;
        let outcome = self.transact(|connection| {
            unfiled.catch_up(connection)?;
            let view = unfiled.current(mutations.iter().filter_map(Mutation::buyer));
            let facts = facts::load(connection, &view, mutations)?;
            let now = clock.now();
            let (committed, changes) = Committed::of(decide(facts, mutations, now, rules));
            if changes.is_empty() {
                return Ok(End::Rollback((committed, None)));
            }
            let share = unfiled.share(changes.new_orders.len());
            // Before the changes: a key that they clear may be among those to file.
            share.write(connection)?;
            let written = write::write(connection, &view, &changes, now.wall)?;
            Ok(End::Commit((committed, Some((share, changes, written)))))
        });
        let outcome = outcome.map(|(committed, written)| {
            if let Some((share, changes, written)) = written {
                let new = changes.new_orders.iter().map(|new| &new.order);
                unfiled.committed(share, &changes.cleared_keys, new, written.last_order);
                self.followers.tail.committed(&written.events, &committed.events);
            }
            committed
        });
        let elapsed_us = clock.now().monotonic.since(started).as_micros();
        match &outcome {
            Ok(committed) => {
                let (mutations, written) = (mutations.len(), committed.tally.written);
                tracing::debug!(mutations, written, elapsed_us, "batch decided");
            }
            Err(failure) => {
                let is_unknown = matches!(failure, Failure::Unknown(_));
                if is_unknown {
                    unfiled.doubt();
                }
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
        outcome.map_err(Failure::into_fault)
    }

    fn open(&self) -> Result<Connection, Fault> {
        let mut connection = open_writer(&self.options, false)?;
        self.followers.checkpoints.watch(&mut connection)?;
        Ok(connection)
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
            None => self.open().map_err(Failure::NotDone),
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
