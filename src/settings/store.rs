//! The durable truth.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use super::mysql::MysqlSettings;
use super::{DataSettings, SettingsError};

/// Settings of the store. The url picks the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreSettings {
    /// A file of this machine, for one node.
    Sqlite {
        /// The database file.
        path: PathBuf,
        /// Pages of 4 KiB that it may have at most.
        max_pages: Option<u32>,
    },
    /// A server, for one or several nodes.
    Mysql(MysqlSettings),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    url: String,
    max_pages: u32,
    connections: u32,
    timeout_ms: u32,
}

impl StoreSettings {
    pub(super) fn check(raw: &Raw, data: &DataSettings) -> Result<Self, SettingsError> {
        let bad = |problem: String| SettingsError::bad("store.url", problem);
        match raw.url.split_once(':') {
            // SQLite would keep these in memory, where nothing lasts.
            Some(("sqlite", path)) if path == ":memory:" || path.starts_with("file:") => {
                Err(bad(format!("must be sqlite:<file>, and {path:?} is no file that can hold a database")))
            }
            Some(("sqlite", path)) if !path.is_empty() => {
                let path = PathBuf::from(path.replace("{data}", &data.dir.display().to_string()));
                Ok(Self::Sqlite { path, max_pages: (raw.max_pages > 0).then_some(raw.max_pages) })
            }
            Some(("mysql", _)) => MysqlSettings::check(&raw.url, raw.connections, raw.timeout_ms).map(Self::Mysql),
            // What comes after the colon may be a password.
            other => {
                let shown = other.map_or_else(String::new, |(scheme, _)| format!(", not {scheme}:"));
                Err(bad(format!("must be sqlite:<file> or {}{shown}", MysqlSettings::FORM)))
            }
        }
    }
}

impl fmt::Display for StoreSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path, .. } => write!(formatter, "{}", path.display()),
            Self::Mysql(mysql) => write!(formatter, "{mysql}"),
        }
    }
}
