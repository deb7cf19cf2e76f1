//! What can go wrong with the database, told in one clear sentence each.

use actors::ports::StoreError;
use mysql_async::{DriverError, Error, IoError, ServerError};

use super::gate::NotUsable;
use crate::backend::snapshot::Malformed;

/// Why an exchange or a whole piece of work failed.
#[derive(Debug, thiserror::Error)]
pub(in crate::backend) enum Fault {
    /// The server or the way to it says so.
    #[error("{}", sentence(.0))]
    Driver(Box<Error>),
    /// A row holds what is never written.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// A row that was read in this very transaction is not there as it was read.
    #[error("{changed} rows of {table} changed where exactly {wanted} had to")]
    Guard {
        /// The table of the row.
        table: &'static str,
        /// Rows that did change.
        changed: u64,
        /// Rows that had to.
        wanted: u64,
    },
    /// The server holds the connection and says nothing.
    #[error("the database does not answer")]
    Silent,
    /// As much waits as may wait.
    #[error("too much work waits for the database")]
    Full,
    /// Every connection was in use for as long as we wait.
    #[error("the database has too much to do: no connection was free")]
    Crowded,
    /// Something was committed between two looks; the next try sees it.
    #[error("the database changed while it was read")]
    Overtaken,
    /// It must not be used as it is.
    #[error(transparent)]
    NotUsable(#[from] NotUsable),
    /// Our own work broke off.
    #[error("the work on the database broke off")]
    BrokeOff,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Driver(Box::new(error))
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Full => Self::Busy,
            fault => Self::Unavailable(fault.to_string()),
        }
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Damaged(malformed.to_string())
    }
}

/// A unique index has the row already.
const DUPLICATE: u16 = 1062;
/// Waited too long for a row lock: the statement was rolled back, its transaction not.
const LOCK_WAIT_TIMEOUT: u16 = 1205;
/// Two transactions waited for each other, and this one was rolled back.
const DEADLOCK: u16 = 1213;
/// The table is not there.
const NO_TABLE: u16 = 1146;
/// A row breaks a CHECK: MySQL's number and MariaDB's.
const CHECKS: [u16; 2] = [3819, 4025];
/// The server goes down, or somebody there ended the connection.
const ENDED: [u16; 4] = [1053, 1317, 1927, 4031];

impl Fault {
    fn server(&self) -> Option<&ServerError> {
        match self {
            Self::Driver(error) => match &**error {
                Error::Server(error) => Some(error),
                _ => None,
            },
            _ => None,
        }
    }

    fn code(&self) -> Option<u16> {
        self.server().map(|error| error.code)
    }

    /// Whether another transaction has put in what this one wanted to: the next try sees it.
    pub(super) fn is_duplicate(&self) -> bool {
        self.code() == Some(DUPLICATE)
    }

    /// Whether another transaction was in the way, so that the same work may well be done now.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Overtaken) || matches!(self.code(), Some(LOCK_WAIT_TIMEOUT | DEADLOCK))
    }

    /// Whether the table is not there.
    pub(super) fn is_missing_table(&self) -> bool {
        self.code() == Some(NO_TABLE)
    }

    /// Whether the connection is gone, for a reason that may not concern a new one.
    pub(super) fn is_lost_connection(&self) -> bool {
        match self {
            Self::Driver(error) => match &**error {
                Error::Server(error) => ENDED.contains(&error.code),
                Error::Io(_) | Error::Driver(_) | Error::Other(_) => true,
                Error::Url(_) => false,
            },
            _ => false,
        }
    }

    /// Whether it lies in the rows that were met, so that work on other rows may well be done.
    pub(super) fn lies_in_rows(&self) -> bool {
        match self {
            Self::Damaged(_) | Self::Guard { .. } => true,
            Self::Driver(_) => {
                // What does not fit its column or breaks a rule is of the classes of data and of integrity.
                let is_of_data = |error: &ServerError| error.state.starts_with("22") || error.state.starts_with("23");
                let code = self.code();
                self.server().is_some_and(is_of_data) || code.is_some_and(|code| CHECKS.contains(&code))
            }
            Self::Silent | Self::Full | Self::Crowded | Self::Overtaken | Self::NotUsable(_) | Self::BrokeOff => false,
        }
    }
}

fn sentence(error: &Error) -> String {
    match error {
        Error::Server(error) => server_sentence(error),
        Error::Io(IoError::Io(error)) => format!("the database cannot be reached: {error}"),
        Error::Io(IoError::Tls(error)) => format!("the database cannot be reached safely: {error}"),
        Error::Driver(DriverError::ConnectionClosed) => "the database ended the connection".to_owned(),
        Error::Driver(DriverError::NoClientSslFlagFromServer) => "the database does not speak tls".to_owned(),
        Error::Driver(error) => format!("the database is not understood: {error}"),
        // Neither has anything to say that is not about our own configuration, which may hold a password.
        Error::Other(_) | Error::Url(_) => "the connection to the database cannot be set up".to_owned(),
    }
}

fn server_sentence(error: &ServerError) -> String {
    let said = match error.code {
        1044 | 1045 | 1698 => "the database refuses the user or the password",
        1049 => "the database server has no database of that name",
        1040 | 1203 | 1226 => "the database server has no connection to spare",
        1021 | 1114 => "the database's disk is full",
        1290 | 1792 | 1836 => "the database may only be read",
        1142 | 1143 | 1227 => "the database does not let this user do what it has to",
        NO_TABLE => "the database has not all of its tables",
        DUPLICATE => "the database already has a row with this id or key",
        LOCK_WAIT_TIMEOUT => "a row of the database stayed locked by another transaction",
        DEADLOCK => "transactions in the database got in each other's way",
        code if CHECKS.contains(&code) => "the database is damaged: a row does not keep its own rules",
        code if ENDED.contains(&code) => "the database ended the connection",
        // What it says may repeat values out of the statement, so only the number is passed on.
        code => return format!("the database refuses with error {code}"),
    };
    said.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: u16, state: &str) -> Fault {
        let message = "Duplicate entry 'SECRET'".to_owned();
        Error::Server(ServerError { code, message, state: state.to_owned() }).into()
    }

    #[test]
    fn faults_are_told_apart_by_what_helps() {
        // code, state, duplicate, passing, lost, in rows
        let table = [
            (1062, "23000", true, false, false, true),
            (1205, "HY000", false, true, false, false),
            (1213, "40001", false, true, false, false),
            (1053, "08S01", false, false, true, false),
            (1927, "70100", false, false, true, false),
            (1406, "22001", false, false, false, true),
            (3819, "HY000", false, false, false, true),
            (4025, "23000", false, false, false, true),
            (1045, "28000", false, false, false, false),
            (1290, "HY000", false, false, false, false),
        ];
        for (code, state, duplicate, passing, lost, in_rows) in table {
            let fault = server(code, state);
            let found = (fault.is_duplicate(), fault.is_passing(), fault.is_lost_connection(), fault.lies_in_rows());
            assert_eq!(found, (duplicate, passing, lost, in_rows), "{code}");
            assert!(!fault.to_string().contains("SECRET"), "{fault}");
        }
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let gone = Fault::from(Error::Io(IoError::Io(refused)));
        assert!(gone.is_lost_connection() && !gone.lies_in_rows());
        assert_eq!(gone.to_string(), "the database cannot be reached: connection refused");
    }
}
