//! Brings the tables up to this binary's version, and refuses a database that is ahead of it.

use actors::domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Fault;
use super::transaction::{self, End, Failure};

struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration { version: $version, name: $name, sql: include_str!(concat!("../../../migrations/sqlite/", $name)) }
    };
}

/// Every migration, in order. One that was released is never changed.
const MIGRATIONS: [Migration; 12] = [
    migration!(1, "0001_sku_and_stock.sql"),
    migration!(2, "0002_order.sql"),
    migration!(3, "0003_payment.sql"),
    migration!(4, "0004_order_event.sql"),
    migration!(5, "0005_access_token.sql"),
    migration!(6, "0006_store_probe.sql"),
    migration!(7, "0007_flow_and_refund.sql"),
    migration!(8, "0008_shop.sql"),
    migration!(9, "0009_order_filing.sql"),
    migration!(10, "0010_purchase_count.sql"),
    migration!(11, "0011_consumer_progress.sql"),
    migration!(12, "0012_shop_id.sql"),
];

/// Left out under the feature `oversell`, so that a shop that oversells on purpose can be built.
const OVERSELL_CHECK: &str = "CONSTRAINT available_is_not_negative CHECK (available >= 0),";

/// Why a database cannot be used by this binary.
#[derive(Debug, thiserror::Error)]
pub(super) enum MigrateError {
    /// The database does not do what it is told.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A later binary was here.
    #[error("it is at version {found}, and this binary knows versions up to {known}; use a newer binary")]
    Newer {
        /// The database's version.
        found: u32,
        /// The latest version known here.
        known: u32,
    },
    /// It was made by something else.
    #[error("its migration {version} is {found} and not {expected}, so it was made by another program")]
    Foreign {
        /// The number of the migration.
        version: u32,
        /// What it is called there.
        found: String,
        /// What it is called here.
        expected: &'static str,
    },
}

/// Applies what is missing, all of it or nothing.
pub(super) fn migrate(connection: &Connection, now: Timestamp) -> Result<(), MigrateError> {
    if pending(connection)?.is_empty() {
        return Ok(());
    }
    let applied = transaction::write(connection, |connection| {
        // Another process may have been faster: what is missing is only known now.
        let pending = match pending(connection) {
            Ok(pending) => pending,
            Err(MigrateError::Fault(fault)) => return Err(fault),
            Err(other) => return Ok(End::Rollback(Err(other))),
        };
        apply(connection, &pending, now)?;
        Ok(End::Commit(Ok(())))
    });
    match applied {
        Ok(outcome) => outcome,
        Err(Failure::NotDone(fault) | Failure::Unknown(fault)) => Err(fault.into()),
    }
}

fn apply(connection: &Connection, pending: &[&Migration], now: Timestamp) -> Result<(), Fault> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migration \
         (version INTEGER PRIMARY KEY, name TEXT NOT NULL, create_time INTEGER NOT NULL)",
    )?;
    for migration in pending {
        if cfg!(feature = "oversell") {
            connection.execute_batch(&migration.sql.replace(OVERSELL_CHECK, ""))?;
        } else {
            connection.execute_batch(migration.sql)?;
        }
        connection.execute(
            "INSERT INTO schema_migration (version, name, create_time) VALUES (?1, ?2, ?3)",
            params![migration.version, migration.name, now.millis()],
        )?;
    }
    let versions = pending.first().zip(pending.last()).map(|(first, last)| (first.version, last.version));
    if let Some((from, to)) = versions {
        tracing::info!(from, to, "database migrated");
    }
    Ok(())
}

fn pending(connection: &Connection) -> Result<Vec<&'static Migration>, MigrateError> {
    let applied = applied(connection)?;
    let known = MIGRATIONS.len();
    for (version, found) in &applied {
        match MIGRATIONS.iter().find(|migration| migration.version == *version) {
            None => {
                let known = u32::try_from(known).unwrap_or(u32::MAX);
                let found = applied.iter().map(|(version, _)| *version).max().unwrap_or(*version);
                return Err(MigrateError::Newer { found, known });
            }
            Some(migration) if migration.name != found => {
                let (version, found) = (*version, found.clone());
                return Err(MigrateError::Foreign { version, found, expected: migration.name });
            }
            Some(_) => {}
        }
    }
    let is_missing = |migration: &&Migration| !applied.iter().any(|(version, _)| *version == migration.version);
    Ok(MIGRATIONS.iter().filter(is_missing).collect())
}

fn applied(connection: &Connection) -> Result<Vec<(u32, String)>, Fault> {
    let is_there: Option<i64> = connection
        .query_row("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'", [], |row| {
            row.get(0)
        })
        .optional()?;
    if is_there.is_none() {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare("SELECT version, name FROM schema_migration ORDER BY version")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1);

    fn migrated() -> Connection {
        let connection = Connection::open_in_memory().expect("memory is there");
        migrate(&connection, NOW).expect("an empty database takes every migration");
        connection
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let connection = migrated();
        migrate(&connection, NOW).expect("nothing is left to do");
        assert_eq!(applied(&connection).expect("readable").len(), MIGRATIONS.len());
    }

    #[test]
    fn migrations_are_numbered_and_named_in_order() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version as usize, index + 1);
            assert!(migration.name.starts_with(&format!("{:04}_", migration.version)), "{}", migration.name);
            assert!(migration.sql.starts_with("-- "), "{} opens with its contract", migration.name);
        }
    }

    #[test]
    fn a_database_ahead_of_the_binary_is_refused() {
        let connection = migrated();
        connection.execute("INSERT INTO schema_migration VALUES (99, '0099_later.sql', 0)", []).expect("writable");
        let refusal = migrate(&connection, NOW).expect_err("it is ahead").to_string();
        assert_eq!(refusal, "it is at version 99, and this binary knows versions up to 12; use a newer binary");
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let connection = migrated();
        connection.execute("UPDATE schema_migration SET name = '0002_users.sql' WHERE version = 2", []).expect("done");
        assert!(matches!(migrate(&connection, NOW), Err(MigrateError::Foreign { version: 2, .. })));
    }

    #[test]
    fn a_failed_migration_leaves_nothing_behind() {
        let connection = Connection::open_in_memory().expect("memory is there");
        connection.execute_batch("CREATE TABLE payment_info (id)").expect("writable");
        migrate(&connection, NOW).expect_err("the table is in the way");
        assert!(applied(&connection).expect("readable").is_empty());
        assert!(connection.execute("SELECT 1 FROM order_info", []).is_err());
    }

    #[test]
    fn what_was_owed_back_before_it_was_timed_is_so_since_its_last_change() {
        let connection = Connection::open_in_memory().expect("memory is there");
        apply(&connection, &MIGRATIONS.iter().take(6).collect::<Vec<_>>(), NOW).expect("the tables are made");
        let rows = "INSERT INTO payment_info (payment_id, order_id, amount, refund_status, create_time, update_time) \
             VALUES ('kept', 'o', 1, NULL, 10, 20), ('due', 'p', 1, 'due', 10, 20)";
        connection.execute(rows, []).expect("writable");
        migrate(&connection, NOW).expect("one migration is missing");
        let mut statement = connection.prepare("SELECT refund_time FROM payment_info ORDER BY id").expect("readable");
        let times = statement.query_map([], |row| row.get(0)).expect("readable");
        assert_eq!(times.collect::<rusqlite::Result<Vec<Option<i64>>>>(), Ok(vec![None, Some(20)]));
    }

    #[test]
    fn orders_from_before_there_was_filing_are_filed_with_the_keys_they_still_have() {
        let connection = Connection::open_in_memory().expect("memory is there");
        apply(&connection, &MIGRATIONS.iter().take(8).collect::<Vec<_>>(), NOW).expect("the tables are made");
        let rows = "INSERT INTO order_info (id, order_id, user_id, idempotency_key, order_status, amount, is_delete, \
             version, create_by, update_by, create_time, update_time) \
             VALUES (5, 'o', 'v', 'k', 1, 0, 0, 1, '', '', 0, 0), (7, 'p', 'u', NULL, 1, 0, 0, 1, '', '', 0, 0)";
        connection.execute(rows, []).expect("writable");
        migrate(&connection, NOW).expect("one migration is missing");
        let texts = |sql| {
            let mut statement = connection.prepare(sql).expect("the query is sound");
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("readable");
            rows.collect::<rusqlite::Result<Vec<_>>>().expect("readable")
        };
        assert_eq!(texts("SELECT user_id || ' ' || order_id FROM order_by_user"), ["u p", "v o"]);
        assert_eq!(texts("SELECT user_id || ' ' || idempotency_key || ' ' || order_id FROM order_key"), ["v k o"]);
        assert_eq!(texts("SELECT filed_to || '' FROM order_filing"), ["7"]);
    }

    #[test]
    fn the_oversell_check_is_there_unless_left_out_on_purpose() {
        assert!(MIGRATIONS[0].sql.contains(OVERSELL_CHECK));
        let oversold = "INSERT INTO sku_stock_info \
             (sku_id, total, available, reserved, sold, version, flow_seq, create_time, update_time) \
             VALUES ('a', 1, -1, 2, 0, 1, 0, 0, 0)";
        assert_eq!(migrated().execute(oversold, []).is_ok(), cfg!(feature = "oversell"));
    }
}
