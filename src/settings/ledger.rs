//! The fast gate in front of the store.

use serde::Deserialize;

use super::SettingsError;

/// Settings of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerSettings {
    /// In this process's memory.
    Memory,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    url: String,
}

impl LedgerSettings {
    pub(super) fn check(raw: &Raw) -> Result<Self, SettingsError> {
        let bad = |problem: String| SettingsError::bad("ledger.url", problem);
        match raw.url.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("redis" | "redis+cluster", _)) => {
                Err(bad("names redis, which is not built yet; memory: is".to_owned()))
            }
            _ => Err(bad(format!("must be memory:, not {:?}", raw.url))),
        }
    }
}
