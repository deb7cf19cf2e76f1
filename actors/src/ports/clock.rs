//! Time, as the core sees it.

use std::time::Duration;

use super::Answer;
use crate::domain::time::Now;

/// The one source of wall time, monotonic time and timers.
pub trait Clock: Send + Sync + 'static {
    /// Reads both clocks.
    fn now(&self) -> Now;

    /// Ends after `duration`.
    fn sleep(&self, duration: Duration) -> Answer<'static, ()>;
}
