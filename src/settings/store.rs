//! The durable truth.

use std::path::PathBuf;

use serde::Deserialize;

use super::{DataSettings, SettingsError};

/// Settings of the store: SQLite so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The database file.
    pub path: PathBuf,
    /// Pages of 4 KiB that it may have at most.
    pub max_pages: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    url: String,
    max_pages: u32,
}

impl StoreSettings {
    pub(super) fn check(raw: &Raw, data: &DataSettings) -> Result<Self, SettingsError> {
        let bad = |problem: String| SettingsError::bad("store.url", problem);
        let path = match raw.url.split_once(':') {
            // SQLite would keep these in memory, where nothing lasts.
            Some(("sqlite", path)) if path == ":memory:" || path.starts_with("file:") => {
                return Err(bad(format!("must be sqlite:<file>, and {path:?} is no file that can hold a database")));
            }
            Some(("sqlite", path)) if !path.is_empty() => path,
            Some(("mysql", _)) => {
                return Err(bad("names mysql, which is not built yet; sqlite:<file> is".to_owned()));
            }
            _ => return Err(bad(format!("must be sqlite:<file>, not {:?}", raw.url))),
        };
        let path = PathBuf::from(path.replace("{data}", &data.dir.display().to_string()));
        Ok(Self { path, max_pages: (raw.max_pages > 0).then_some(raw.max_pages) })
    }
}
