//! What one caller may take of the service.

use std::num::NonZeroU32;

use serde::Deserialize;

use super::SettingsError;

/// Requests a second that a limit may be set to: far more than a node serves.
const REQUESTS_PER_S_MAX: u32 = 1_000_000;

/// Settings of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsSettings {
    /// Requests a second of one caller; none: as many as it likes.
    pub requests_per_s: Option<NonZeroU32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    requests_per_s: u32,
}

impl LimitsSettings {
    pub(super) fn check(raw: &Raw) -> Result<Self, SettingsError> {
        let Raw { requests_per_s } = *raw;
        if requests_per_s > REQUESTS_PER_S_MAX {
            let problem = format!("must be from 0 (no limit) to {REQUESTS_PER_S_MAX}, not {requests_per_s}");
            return Err(SettingsError::bad("limits.requests_per_s", problem));
        }
        Ok(Self { requests_per_s: NonZeroU32::new(requests_per_s) })
    }
}
