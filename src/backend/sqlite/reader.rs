//! A reader: every piece of work sees one committed state of the database, never older than the last commit before it.

use rusqlite::Connection;

use super::SqliteOptions;
use super::connection::open_reader;
use super::fault::Fault;
use super::transaction;

/// A reading connection.
pub(super) struct Reader {
    options: SqliteOptions,
    /// None after a fault that may have spoilt it; the next piece of work opens a new one.
    connection: Option<Connection>,
}

impl Reader {
    /// Opens a reading connection.
    pub(super) fn open(options: SqliteOptions) -> Result<Self, Fault> {
        let connection = Some(open_reader(&options)?);
        Ok(Self { options, connection })
    }

    /// Runs `work` in a read transaction.
    pub(super) fn read<T>(&mut self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        // Until it is put back, a panic takes the connection with it, and its open transaction.
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => open_reader(&self.options)?,
        };
        let outcome = transaction::read(&connection, work);
        let is_spoilt = outcome.as_ref().is_err_and(Fault::spoils_connection);
        if !is_spoilt && connection.is_autocommit() {
            self.connection = Some(connection);
        }
        outcome
    }
}
