//! A reader: every piece of work sees one committed state of the database, never older than the last commit before it.

use std::sync::Arc;

use rusqlite::Connection;

use super::SqliteOptions;
use super::connection::open_reader;
use super::fault::Fault;
use super::files::Files;
use super::transaction;

/// A reading connection.
pub(super) struct Reader {
    options: SqliteOptions,
    files: Arc<Files>,
    /// None after a fault that may have spoilt it; the next piece of work opens a new one.
    connection: Option<Connection>,
}

impl Reader {
    /// Opens a reading connection.
    pub(super) fn open(options: SqliteOptions, files: Arc<Files>) -> Result<Self, Fault> {
        let connection = Some(open_reader(&options)?);
        Ok(Self { options, files, connection })
    }

    /// Runs `work` in a read transaction.
    pub(super) fn read<T>(&mut self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        // What is read from a lost file may never have been, as far as the next start knows.
        self.files.check()?;
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
