//! Opens the store that the settings name, if it is the one that was here before.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use actors::domain::commit::Rules;
use actors::node::Events;
use actors::ports::{Clock, Store};

use super::StartError;
use crate::backend::mysql::{Migrated, MysqlOptions, MysqlOutbox, MysqlStore, MysqlTokens, Tls};
use crate::backend::shop::ShopId;
use crate::backend::sqlite::{OpenError, SqliteEventLog, SqliteOptions, SqliteStore, SqliteTokens};
use crate::backend::tokens::TokenStore;
use crate::calls::CallCounts;
use crate::settings::{MysqlSettings, ShopSettings, StoreSettings, TlsSettings};

/// A store, by the ports that it serves.
pub(super) struct OpenStore {
    pub(super) store: Arc<dyn Store>,
    pub(super) events: Events,
    pub(super) tokens: Arc<dyn TokenStore>,
    /// Which shop it is.
    pub(super) shop_id: ShopId,
    /// Whether it is there to be asked. A server may come later than we do, and is then waited for.
    pub(super) is_there: bool,
    /// What is counted of its calls, if it is somewhere else.
    pub(super) calls: Option<Arc<CallCounts>>,
}

/// Opens the store.
pub(super) async fn open_store(
    store: StoreSettings,
    shop: &ShopSettings,
    token: &Path,
    clock: &Arc<dyn Clock>,
) -> Result<OpenStore, StartError> {
    match store {
        StoreSettings::Sqlite { path, max_pages } => {
            check_found(&path, token)?;
            let options = SqliteOptions { max_page_count: max_pages, ..SqliteOptions::at(path) };
            let store = SqliteStore::open(options, Arc::clone(clock), rules(shop))?;
            store.keep_currency(&shop.currency).await?;
            let shop_id = store.shop_id().await.map_err(StartError::NotNamed)?;
            Ok(OpenStore {
                events: Events::Log(Arc::new(SqliteEventLog::of(&store))),
                tokens: Arc::new(SqliteTokens::of(&store, Arc::clone(clock))),
                shop_id,
                store: Arc::new(store),
                is_there: true,
                calls: None,
            })
        }
        StoreSettings::Mysql(mysql) => {
            let store = open_mysql(mysql, shop, clock)?;
            let is_there = store.is_usable().await?.is_some();
            Ok(OpenStore {
                events: Events::Outbox(Arc::new(MysqlOutbox::of(&store))),
                calls: Some(store.calls()),
                tokens: Arc::new(MysqlTokens::of(&store)),
                shop_id: store.shop_id(),
                store: Arc::new(store),
                is_there,
            })
        }
    }
}

/// Brings the tables of a database on MySQL up to date.
pub(super) async fn migrate_mysql(
    mysql: MysqlSettings,
    shop: &ShopSettings,
    clock: &Arc<dyn Clock>,
) -> Result<Migrated, StartError> {
    open_mysql(mysql, shop, clock)?.migrate().await.map_err(StartError::NotMigrated)
}

/// Checks what is there before it is opened. An admin token from before tells that there was a database file, so then it
/// must not begin empty.
fn check_found(path: &Path, token: &Path) -> Result<(), StartError> {
    let found = fs::metadata(path);
    if found.as_ref().is_ok_and(|found| !found.is_file()) {
        let why = "it is no file that can hold a database; name another one as store.url".to_owned();
        return Err(OpenError { path: path.to_owned(), why, is_misplaced: true }.into());
    }
    let is_lost = match found {
        Ok(found) => found.is_file() && found.len() == 0,
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    if is_lost && token.exists() {
        return Err(StartError::StoreLost { store: path.to_owned(), token: token.to_owned() });
    }
    Ok(())
}

fn open_mysql(mysql: MysqlSettings, shop: &ShopSettings, clock: &Arc<dyn Clock>) -> Result<MysqlStore, StartError> {
    let MysqlSettings { host, port, user, password, database, tls, connections, timeout } = mysql;
    let tls = match tls {
        TlsSettings::Off => Tls::Off,
        TlsSettings::Unverified => Tls::Unverified,
        TlsSettings::Verified(authority) => Tls::Verified(authority),
    };
    let (user, password) = (user.0, password.0);
    let options = MysqlOptions { host, port, user, password, database, tls, connections, timeout };
    let opened = MysqlStore::open(&options, Arc::clone(clock), rules(shop), shop.currency.clone());
    opened.map_err(StartError::NoThread)
}

fn rules(shop: &ShopSettings) -> Rules {
    Rules { payment_window: shop.payment_window }
}
