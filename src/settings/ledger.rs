//! The fast gate in front of the store.

use serde::Deserialize;

use super::SettingsError;
use super::redis_url::RedisUrl;

/// Letters of a prefix at most.
const PREFIX_LENGTH_MAX: usize = 32;

/// Settings of the ledger. Any of them goes with any store: the store decides who gets a unit, so a node whose ledger
/// knows nothing of the others' grants only asks the store more often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerSettings {
    /// In this process's memory.
    Memory,
    /// In Redis.
    Redis {
        /// Where it is.
        url: RedisUrl,
        /// What every key begins with.
        prefix: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    url: String,
    prefix: String,
}

impl LedgerSettings {
    pub(super) fn check(raw: &Raw) -> Result<Self, SettingsError> {
        let bad = |problem: String| SettingsError::bad("ledger.url", problem);
        // A brace would take the place of the SKU's, by which all its keys are kept together.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._:-".contains(letter);
        if raw.prefix.is_empty() || raw.prefix.len() > PREFIX_LENGTH_MAX || !raw.prefix.chars().all(is_plain) {
            let problem = format!("must be 1 to {PREFIX_LENGTH_MAX} of A-Z a-z 0-9 . _ : -, not {:?}", raw.prefix);
            return Err(SettingsError::bad("ledger.prefix", problem));
        }
        match raw.url.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some((scheme @ ("redis" | "rediss" | "redis+cluster" | "rediss+cluster"), rest)) => {
                let url = RedisUrl::parse(scheme, rest).map_err(bad)?;
                Ok(Self::Redis { url, prefix: raw.prefix.clone() })
            }
            // Without what may be a password.
            Some((scheme, _)) => Err(bad(format!("must be memory: or redis://..., not {scheme}:..."))),
            None => Err(bad("must be memory: or redis://...".to_owned())),
        }
    }
}
