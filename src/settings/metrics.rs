//! Who may read what is counted.

use serde::Deserialize;

use super::SettingsError;

/// Settings of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Whether they are for everyone, not for admins only.
    pub is_open: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    access: String,
}

impl MetricsSettings {
    pub(super) fn check(raw: &Raw) -> Result<Self, SettingsError> {
        match raw.access.as_str() {
            "admin" => Ok(Self { is_open: false }),
            "open" => Ok(Self { is_open: true }),
            other => Err(SettingsError::bad("metrics.access", format!("must be admin or open, not {other:?}"))),
        }
    }
}
