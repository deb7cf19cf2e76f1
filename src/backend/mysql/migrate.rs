//! Brings the tables up to this binary's version, and refuses a database that is ahead of it.
//!
//! The server commits each change of a table by itself, so a migration that breaks off half-way stays half-way: every
//! statement of one is such that it may be run again. One node migrates at a time.

use actors::domain::time::Timestamp;

use super::call::Connection;
use super::fault::Fault;
use super::gate::NotUsable;
use super::rows::Columns;
use super::sql::Sql;

pub(super) struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration { version: $version, name: $name, sql: include_str!(concat!("../../../migrations/mysql/", $name)) }
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
/// Whoever has this lock of the server's is the one who migrates; locks are the whole server's, so it names the database.
const LOCK: &str = "CONCAT('floodgate migrate ', LEFT(DATABASE(), 40))";

/// What migrating came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Migrations that were applied.
    pub applied: usize,
    /// The version that the database is at now.
    pub version: u32,
}

/// Applies what is missing.
pub(super) async fn migrate(connection: &mut Connection, now: Timestamp) -> Result<Migrated, Fault> {
    // It is let go of when the connection ends, however that comes about.
    let lock = Sql::plain("lock migrations", &format!("SELECT COALESCE(GET_LOCK({LOCK}, 1), 0)"));
    let is_locked = connection.first(lock, |row| Columns::of(row).flag()).await?;
    if is_locked != Some(true) {
        return Err(Fault::Crowded);
    }
    let create = "CREATE TABLE IF NOT EXISTS schema_migration (version INT UNSIGNED NOT NULL, \
         name VARCHAR(100) NOT NULL, create_time BIGINT NOT NULL, PRIMARY KEY (version)) \
         ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
    connection.run(Sql::plain("make migration table", create)).await?;
    let missing = missing(connection).await?;
    for migration in &missing {
        for statement in statements(migration.sql) {
            connection.run(Sql::plain("migrate", &statement)).await?;
        }
        let record = "INSERT INTO schema_migration (version, name, create_time) VALUES (?, ?, ?)";
        let row = [migration.version.into(), migration.name.into(), now.millis().into()];
        connection.run(Sql::new("record migration", record, row)).await?;
    }
    connection.rows(Sql::plain("unlock migrations", &format!("SELECT RELEASE_LOCK({LOCK})"))).await?;
    let version = MIGRATIONS.last().map_or(0, |last| last.version);
    if !missing.is_empty() {
        tracing::info!(applied = missing.len(), version, "database migrated");
    }
    Ok(Migrated { applied: missing.len(), version })
}

/// The statements of a file, without its comments. No text in our files holds a semicolon or two dashes.
fn statements(sql: &str) -> Vec<String> {
    let sql = if cfg!(feature = "oversell") { sql.replace(OVERSELL_CHECK, "") } else { sql.to_owned() };
    let uncommented = sql.lines().map(|line| line.split("--").next().unwrap_or_default().trim_end());
    let text = uncommented.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    text.split(';').map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

/// The migrations that are missing.
pub(super) async fn missing(connection: &mut Connection) -> Result<Vec<&'static Migration>, Fault> {
    let sql = Sql::plain("read migrations", "SELECT version, name FROM schema_migration ORDER BY version");
    let applied = connection.all(sql, |row| {
        let mut columns = Columns::of(row);
        Ok((columns.number()?, columns.text()?))
    });
    let applied = match applied.await {
        Err(fault) if fault.is_missing_table() => Vec::new(),
        applied => applied?,
    };
    Ok(missing_of(&applied)?)
}

fn missing_of(applied: &[(u32, String)]) -> Result<Vec<&'static Migration>, NotUsable> {
    let known = MIGRATIONS.last().map_or(0, |last| last.version);
    if let Some(found) = applied.iter().map(|(version, _)| *version).max().filter(|found| *found > known) {
        return Err(NotUsable::Newer { found, known });
    }
    let of = |migration: &Migration| applied.iter().find(|(version, _)| *version == migration.version);
    for migration in &MIGRATIONS {
        if let Some((version, found)) = of(migration)
            && found != migration.name
        {
            let (version, found) = (*version, found.clone());
            return Err(NotUsable::Foreign { version, found, expected: migration.name });
        }
    }
    Ok(MIGRATIONS.iter().filter(|migration| of(migration).is_none()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_and_named_in_order() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version as usize, index + 1);
            assert!(migration.name.starts_with(&format!("{:04}_", migration.version)), "{}", migration.name);
        }
    }

    #[test]
    fn every_statement_may_be_run_again() {
        for migration in &MIGRATIONS {
            let statements = statements(migration.sql);
            assert!(!statements.is_empty(), "{}", migration.name);
            for statement in statements {
                let is_repeatable = statement.starts_with("CREATE TABLE IF NOT EXISTS ") || statement == "DO 0";
                assert!(is_repeatable, "{}: {statement}", migration.name);
                assert_eq!(statement.matches('(').count(), statement.matches(')').count(), "{statement}");
            }
        }
    }

    #[test]
    fn a_database_is_behind_ahead_or_of_another_program() {
        let at = |versions: usize| -> Vec<(u32, String)> {
            MIGRATIONS.iter().take(versions).map(|known| (known.version, known.name.to_owned())).collect()
        };
        for (versions, missing) in [(0, 12), (3, 9), (12, 0)] {
            assert_eq!(missing_of(&at(versions)).map(|missing| missing.len()), Ok(missing), "{versions}");
        }
        let mut ahead = at(12);
        ahead.push((99, "0099_later.sql".to_owned()));
        assert_eq!(missing_of(&ahead).err(), Some(NotUsable::Newer { found: 99, known: 12 }));
        let mut foreign = at(12);
        foreign[1].1 = "0002_users.sql".to_owned();
        assert!(matches!(missing_of(&foreign), Err(NotUsable::Foreign { version: 2, .. })));
    }

    #[test]
    fn the_oversell_check_is_there_unless_left_out_on_purpose() {
        assert!(MIGRATIONS[0].sql.contains(OVERSELL_CHECK));
        let is_checked = statements(MIGRATIONS[0].sql).iter().any(|statement| statement.contains("available >= 0"));
        assert_eq!(is_checked, !cfg!(feature = "oversell"));
    }
}
