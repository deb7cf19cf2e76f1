//! Where order events go.

use serde::Deserialize;

use super::SettingsError;

/// Settings of the event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamSettings {
    /// The store's own event table is the log.
    Store,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    url: String,
}

impl StreamSettings {
    pub(super) fn check(raw: &Raw) -> Result<Self, SettingsError> {
        let bad = |problem: String| SettingsError::bad("stream.url", problem);
        match raw.url.split_once(':') {
            Some(("store", "")) => Ok(Self::Store),
            Some(("kafka", _)) => Err(bad("names kafka, which is not built yet; store: is".to_owned())),
            _ => Err(bad(format!("must be store:, not {:?}", raw.url))),
        }
    }
}
