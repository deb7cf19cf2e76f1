//! Opening connections, all with the same settings.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use super::SqliteOptions;
use super::fault::Fault;

/// How long a statement waits for another process to let go of the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);
/// More than all statements there are, so that each is prepared once per connection.
const STATEMENTS_KEPT: usize = 128;

/// The call by which the bundled SQLite syncs: the flags it was built with come from `.cargo/config.toml`.
const SYNC: &str = match option_env!("LIBSQLITE3_FLAGS") {
    Some(_) => "fdatasync",
    None => "fsync",
};

/// Opens the writing connection. Only `may_create` makes a missing file, so that a vanished one is noticed.
pub(super) fn open_writer(options: &SqliteOptions, may_create: bool) -> Result<Connection, Fault> {
    let create = if may_create { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let connection = open(&options.path, OpenFlags::SQLITE_OPEN_READ_WRITE | create)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    if let Some(pages) = options.max_page_count {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    settle(&connection, options)?;
    Ok(connection)
}

/// Opens the connection that copies the write-ahead log into the database.
pub(super) fn open_copier(options: &SqliteOptions) -> Result<Connection, Fault> {
    let connection = open(&options.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    settle(&connection, options)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(options: &SqliteOptions) -> Result<Connection, Fault> {
    let connection = open(&options.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    settle(&connection, options)?;
    Ok(connection)
}

/// Tells how durable a commit on this connection is, as SQLite itself says.
pub(super) fn tell_durability(connection: &Connection) -> Result<(), Fault> {
    let ask = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, Value>(0));
    let journal_mode = match ask("journal_mode")? {
        Value::Text(mode) => mode,
        other => format!("{other:?}"),
    };
    let synchronous = match ask("synchronous")? {
        Value::Integer(0) => "off".to_owned(),
        Value::Integer(1) => "normal".to_owned(),
        Value::Integer(2) => "full".to_owned(),
        Value::Integer(3) => "extra".to_owned(),
        other => format!("{other:?}"),
    };
    tracing::info!(target: "floodgate::store", journal_mode, synchronous, sync = SYNC, "store opened");
    Ok(())
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, Fault> {
    // Each connection stays on its thread, so SQLite need not guard it with a lock of its own.
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

fn settle(connection: &Connection, options: &SqliteOptions) -> Result<(), Fault> {
    connection.pragma_update(None, "foreign_keys", false)?;
    // Looks at pages as they come from the disk, so that damage is met as damage.
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", -i64::from(options.cache_kib))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    plan_once(connection)
}

/// Keeps statements planned as they were prepared. Otherwise one that a partial index may serve is prepared anew for
/// every value that it is given.
pub(super) fn plan_once(connection: &Connection) -> Result<(), Fault> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}
