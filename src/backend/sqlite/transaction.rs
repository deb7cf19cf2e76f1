//! Transactions that end: committed, rolled back, or told apart as not known.

use rusqlite::{Connection, ErrorCode};

use super::fault::Fault;
use crate::backend::transaction;
pub(super) use crate::backend::transaction::{End, commit_error};

/// Why a transaction did not end as it should.
pub(super) type Failure = transaction::Failure<Fault>;

/// Runs `work` in a transaction that holds the write lock from its start.
pub(super) fn write<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<End<T>, Fault>,
) -> Result<T, Failure> {
    execute(connection, "BEGIN IMMEDIATE").map_err(Failure::NotDone)?;
    match work(connection) {
        Ok(End::Commit(done)) => commit(connection).map(|()| done),
        Ok(End::Rollback(done)) => {
            roll_back(connection).map_err(Failure::NotDone)?;
            Ok(done)
        }
        Err(fault) => {
            // What matters is the first fault; if the rollback fails too, the connection is not used again.
            let _ = roll_back(connection);
            Err(Failure::NotDone(fault))
        }
    }
}

/// Runs `work` in a transaction that sees one state of the database throughout.
pub(super) fn read<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    execute(connection, "BEGIN")?;
    let outcome = work(connection);
    let ended = roll_back(connection);
    let done = outcome?;
    ended.map(|()| done)
}

/// Takes back whatever transaction is open. Some failures have done so already.
pub(super) fn roll_back(connection: &Connection) -> Result<(), Fault> {
    if connection.is_autocommit() { Ok(()) } else { execute(connection, "ROLLBACK") }
}

fn commit(connection: &Connection) -> Result<(), Failure> {
    let Err(fault) = execute(connection, "COMMIT") else { return Ok(()) };
    // These two are met before the commit record is written; any other may come after it.
    let is_before_record = matches!(fault.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull));
    let is_rolled_back = roll_back(connection).is_ok() && connection.is_autocommit();
    Err(if is_before_record && is_rolled_back { Failure::NotDone(fault) } else { Failure::Unknown(fault) })
}

fn execute(connection: &Connection, statement: &str) -> Result<(), Fault> {
    connection.prepare_cached(statement)?.execute([])?;
    Ok(())
}
