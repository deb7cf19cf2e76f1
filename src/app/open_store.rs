//! Opens the store that the settings name, if it is the one that was here before.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use actors::domain::commit::Rules;
use actors::ports::Clock;

use super::StartError;
use crate::backend::sqlite::{OpenError, SqliteOptions, SqliteStore};
use crate::settings::{ShopSettings, StoreSettings};

/// Opens the store. An admin token from before tells that there was one, so then it must not begin empty.
pub(super) async fn open_store(
    store: StoreSettings,
    shop: &ShopSettings,
    token: &Path,
    clock: &Arc<dyn Clock>,
) -> Result<SqliteStore, StartError> {
    let found = fs::metadata(&store.path);
    if found.as_ref().is_ok_and(|found| !found.is_file()) {
        let why = "it is no file that can hold a database; name another one as store.url".to_owned();
        return Err(OpenError { path: store.path, why, is_misplaced: true }.into());
    }
    let is_lost = match found {
        Ok(found) => found.is_file() && found.len() == 0,
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    if is_lost && token.exists() {
        return Err(StartError::StoreLost { store: store.path, token: token.to_owned() });
    }
    let options = SqliteOptions { max_page_count: store.max_pages, ..SqliteOptions::at(store.path) };
    let rules = Rules { payment_window: shop.payment_window };
    let store = SqliteStore::open(options, Arc::clone(clock), rules)?;
    store.keep_currency(&shop.currency).await?;
    Ok(store)
}
