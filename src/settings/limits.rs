//! What the service takes on, and what one caller may take of it.

use std::num::NonZeroU32;

use actors::domain::limits::IN_HAND_MAX;
use serde::Deserialize;

use super::SettingsError;

/// Requests a second that a limit may be set to: far more than a node serves.
const REQUESTS_PER_S_MAX: u32 = 1_000_000;

/// Settings of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsSettings {
    /// Requests a second of one caller; none: as many as it likes.
    pub requests_per_s: Option<NonZeroU32>,
    /// Orders and changes that are in hand at once; beyond it 503 `busy`.
    pub in_hand: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    requests_per_s: u32,
    in_hand: usize,
}

impl LimitsSettings {
    pub(super) fn check(raw: &Raw) -> Result<Self, SettingsError> {
        let Raw { requests_per_s, in_hand } = *raw;
        if requests_per_s > REQUESTS_PER_S_MAX {
            let problem = format!("must be from 0 (no limit) to {REQUESTS_PER_S_MAX}, not {requests_per_s}");
            return Err(SettingsError::bad("limits.requests_per_s", problem));
        }
        if !(1..=IN_HAND_MAX).contains(&in_hand) {
            let problem = format!("must be from 1 to {IN_HAND_MAX}, not {in_hand}");
            return Err(SettingsError::bad("limits.in_hand", problem));
        }
        Ok(Self { requests_per_s: NonZeroU32::new(requests_per_s), in_hand })
    }
}
