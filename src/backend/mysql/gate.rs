//! Whether the database may be used, asked once, on the first connection there is: it may come later than we do.

use std::cell::Cell;
use std::rc::Rc;

use actors::domain::money::Currency;

use super::call::{Connection, MESSAGE_BYTES_MAX};
use super::fault::Fault;
use super::rows::Columns;
use super::sql::Sql;
use super::{migrate, shop};
use crate::backend::shop::{CurrencyError, ShopId};

/// Why the database must not be used as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUsable {
    /// Migrations of this binary are missing.
    #[error("the database is {missing} migrations behind this binary; bring it up to date with floodgate migrate")]
    Behind {
        /// How many.
        missing: usize,
    },
    /// A later binary was here.
    #[error("the database is at version {found}, and this binary knows versions up to {known}; use a newer binary")]
    Newer {
        /// The database's version.
        found: u32,
        /// The latest version known here.
        known: u32,
    },
    /// It was made by something else.
    #[error(
        "migration {version} of the database is {found} and not {expected}, so it was made by another program; name \
         another database"
    )]
    Foreign {
        /// The number of the migration.
        version: u32,
        /// What it is called there.
        found: String,
        /// What it is called here.
        expected: &'static str,
    },
    /// Its amounts are in another currency.
    #[error("{0}")]
    Currency(#[from] CurrencyError),
    /// It does not take messages as large as ours.
    #[error("the database server takes messages of {found} bytes; set its max_allowed_packet to {wanted} or more")]
    SmallMessages {
        /// What it takes.
        found: u64,
        /// What it has to take.
        wanted: u64,
    },
    /// Nothing tells it from others, and nothing can be made that would.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// See the module.
pub(super) struct Gate {
    currency: Currency,
    shop_id: ShopId,
    is_open: Cell<bool>,
}

impl Gate {
    /// For a shop with this currency. Whoever holds `shop_id` is told which shop it is.
    pub(super) fn new(currency: Currency, shop_id: ShopId) -> Rc<Self> {
        Rc::new(Self { currency, shop_id, is_open: Cell::new(false) })
    }

    /// Passes once the database has been found usable; until then looks at it anew each time.
    pub(super) async fn pass(&self, connection: &mut Connection) -> Result<(), Fault> {
        if self.is_open.get() {
            return Ok(());
        }
        let missing = migrate::missing(connection).await?.len();
        if missing > 0 {
            return Err(NotUsable::Behind { missing }.into());
        }
        check_messages(connection).await?;
        let now = connection.now().wall;
        shop::keep_currency(connection, &self.currency, now).await?;
        shop::tell_shop_id(connection, &self.shop_id, now).await?;
        tell_durability(connection).await?;
        tracing::info!("the database is there and up to date");
        self.is_open.set(true);
        Ok(())
    }
}

async fn check_messages(connection: &mut Connection) -> Result<(), Fault> {
    // A message may go beyond its limit by one row.
    const WANTED: u64 = 2 * MESSAGE_BYTES_MAX as u64;
    let sql = Sql::plain("read message limit", "SELECT @@max_allowed_packet");
    let found = connection.first(sql, |row| Columns::of(row).count()).await?.unwrap_or(0);
    if found < WANTED {
        return Err(NotUsable::SmallMessages { found, wanted: WANTED }.into());
    }
    Ok(())
}

/// Tells what a commit is worth when the server's machine crashes. That is the server's affair, and its owner's to know.
async fn tell_durability(connection: &mut Connection) -> Result<(), Fault> {
    let sql = Sql::plain("read durability", "SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog, @@log_bin");
    let told = connection.first(sql, |row| {
        let mut columns = Columns::of(row);
        Ok((columns.count()?, columns.count()?, columns.flag()?))
    });
    let Some((innodb_flush_log_at_trx_commit, sync_binlog, log_bin)) = told.await? else { return Ok(()) };
    let opened = "store opened";
    tracing::info!(target: "floodgate::store", innodb_flush_log_at_trx_commit, sync_binlog, log_bin, "{opened}");
    // With a binlog, what is not in it is rolled back after a crash.
    if innodb_flush_log_at_trx_commit != 1 || (log_bin && sync_binlog != 1) {
        let setting = "innodb_flush_log_at_trx_commit=1 and, with a binlog, sync_binlog=1";
        tracing::warn!("the database server may lose acknowledged orders when its machine crashes; set {setting}");
    }
    Ok(())
}
