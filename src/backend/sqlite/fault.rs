//! What can go wrong with the database, told in one clear sentence each.

use rusqlite::ErrorCode;

use crate::backend::snapshot::Malformed;

/// Why a statement or a whole piece of work failed.
#[derive(Debug, thiserror::Error)]
pub(in crate::backend) enum Fault {
    /// SQLite says so.
    #[error("{}", sentence(.0))]
    Sqlite(#[from] rusqlite::Error),
    /// A row holds what is never written.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// A row that was read in this very transaction is not there as it was read.
    #[error("{changed} rows of {table} changed where exactly one had to")]
    Guard {
        /// The table of the row.
        table: &'static str,
        /// Rows that did change.
        changed: usize,
    },
    /// The files are not the ones that were opened.
    #[error("{0}")]
    Lost(String),
    /// Our own work broke off.
    #[error("the work on the database broke off")]
    BrokeOff,
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Damaged(malformed.to_string())
    }
}

impl Fault {
    /// What SQLite calls the fault, if it is SQLite's.
    pub(super) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Damaged(_) | Self::Guard { .. } | Self::Lost(_) | Self::BrokeOff => None,
        }
    }

    /// Whether it lies in the rows that were met, so that work on other rows may well be done.
    pub(super) fn lies_in_rows(&self) -> bool {
        match self {
            Self::Damaged(_) | Self::Guard { .. } => true,
            Self::Sqlite(rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..)) => {
                true
            }
            Self::Sqlite(_) => {
                matches!(self.code(), Some(ErrorCode::ConstraintViolation | ErrorCode::DatabaseCorrupt))
            }
            Self::Lost(_) | Self::BrokeOff => false,
        }
    }

    /// Whether the connection may be left in a bad way, so that a new one is the better way on.
    pub(super) fn spoils_connection(&self) -> bool {
        use ErrorCode::{
            ApiMisuse, CannotOpen, DatabaseCorrupt, FileLockingProtocolFailed, InternalMalfunction, NotADatabase,
            OutOfMemory, ReadOnly, SystemIoFailure,
        };
        let spoiling = [
            ApiMisuse,
            CannotOpen,
            DatabaseCorrupt,
            FileLockingProtocolFailed,
            InternalMalfunction,
            NotADatabase,
            OutOfMemory,
            ReadOnly,
            SystemIoFailure,
        ];
        matches!(self, Self::BrokeOff) || self.code().is_some_and(|code| spoiling.contains(&code))
    }
}

fn sentence(error: &rusqlite::Error) -> String {
    use ErrorCode::{
        CannotOpen, ConstraintViolation, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase,
        PermissionDenied, ReadOnly, SystemIoFailure,
    };
    match error {
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
            return format!("the database is damaged: {error}");
        }
        _ => {}
    }
    match error.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked) => "the database is locked by another process".to_owned(),
        Some(DiskFull) => "the disk is full or the database has reached its size limit".to_owned(),
        Some(DatabaseCorrupt) => "the database is damaged: what is in the file makes no sense".to_owned(),
        Some(ConstraintViolation) => "the database is damaged: a row does not keep its own rules".to_owned(),
        Some(NotADatabase) => "the file is not a database".to_owned(),
        Some(CannotOpen) => "the file or its directory is not there or may not be used".to_owned(),
        Some(ReadOnly | PermissionDenied) => "the database may not be written by this user".to_owned(),
        Some(SystemIoFailure) => format!("the disk does not read or write: {error}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn every_bad_day_has_a_sentence_of_its_own() {
        let table = [
            (ffi::SQLITE_BUSY, "the database is locked by another process"),
            (ffi::SQLITE_FULL, "the disk is full or the database has reached its size limit"),
            (ffi::SQLITE_CORRUPT, "the database is damaged: what is in the file makes no sense"),
            (ffi::SQLITE_NOTADB, "the file is not a database"),
        ];
        for (code, expected) in table {
            let fault = Fault::Sqlite(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
            assert_eq!(fault.to_string(), expected);
        }
    }
}
