//! Where the database is and how it is used.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use mysql_async::{Opts, OptsBuilder, SslOpts};

/// Seconds after which the server cuts off a connection that may hold locks and says nothing. A node that is gone without
/// a word, or stopped, would else hold them for hours.
pub(super) const WRITER_IDLE_S: u32 = 15;
/// How long a statement waits for a row lock of another transaction, in seconds: less than any statement may take, so
/// that it is the server that tells of it.
const LOCK_WAIT_S: u32 = 1;
/// How long a connection may be silent before the system asks whether the server is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// How the connection is kept from others' eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Off,
    /// Encrypted, whoever the server is.
    Unverified,
    /// Encrypted, with a certificate for the host's name from an authority that browsers trust, or from one in this
    /// file.
    Verified(Option<PathBuf>),
}

/// Where the database is and how it is used.
#[derive(Clone, PartialEq, Eq)]
pub struct MysqlOptions {
    /// The server's name or address.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// Who we are.
    pub user: String,
    /// How we prove it.
    pub password: String,
    /// The database, which has to be there.
    pub database: String,
    /// How the connection is kept from others' eyes.
    pub tls: Tls,
    /// Connections that read, at most; two more write.
    pub connections: usize,
    /// How long any one exchange with the server may take.
    pub timeout: Duration,
}

impl fmt::Debug for MysqlOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, database, tls, connections, timeout, user: _, password: _ } = self;
        let mut shown = formatter.debug_struct("MysqlOptions");
        shown.field("host", host).field("port", port).field("database", database).field("tls", tls);
        shown.field("connections", connections).field("timeout", timeout).finish_non_exhaustive()
    }
}

impl MysqlOptions {
    /// The options as the driver takes them, for connections that read. Every connection gets the same settings, whatever the
    /// server's are.
    pub(super) fn reading(&self) -> Opts {
        self.driver(Vec::new())
    }

    /// The same for connections that lock.
    pub(super) fn locking(&self) -> Opts {
        self.driver(vec![format!("SET SESSION wait_timeout = {WRITER_IDLE_S}")])
    }

    fn driver(&self, more: Vec<String>) -> Opts {
        let tls = match &self.tls {
            Tls::Off => None,
            Tls::Unverified => Some(SslOpts::default().with_danger_accept_invalid_certs(true)),
            Tls::Verified(None) => Some(SslOpts::default()),
            Tls::Verified(Some(authority)) => Some(
                SslOpts::default().with_root_certs(vec![authority.clone().into()]).with_disable_built_in_roots(true),
            ),
        };
        // The driver sends the last of them first; they do not depend on each other.
        let mut session = vec![
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned(),
            format!(
                "SET SESSION autocommit = 1, SESSION innodb_lock_wait_timeout = {LOCK_WAIT_S}, \
                 SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,\
                 NO_ENGINE_SUBSTITUTION'"
            ),
        ];
        session.extend(more);
        OptsBuilder::default()
            .ip_or_hostname(&self.host)
            .tcp_port(self.port)
            .user(Some(&self.user))
            .pass(Some(&self.password))
            .db_name(Some(&self.database))
            .ssl_opts(tls)
            // Left to itself the driver goes over to the server's socket file, past what was asked for.
            .prefer_socket(false)
            .tcp_keepalive(Some(KEEPALIVE))
            // A guarded update counts the rows it finds, not those that it makes different.
            .client_found_rows(true)
            .init(session)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        let options = MysqlOptions {
            host: "db".to_owned(),
            port: 3306,
            user: "SECRET-user".to_owned(),
            password: "SECRET-password".to_owned(),
            database: "shop".to_owned(),
            tls: Tls::Off,
            connections: 8,
            timeout: Duration::from_secs(3),
        };
        let shown = format!("{options:?}");
        assert!(shown.contains("shop") && !shown.contains("SECRET"), "{shown}");
    }
}
