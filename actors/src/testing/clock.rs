//! A clock that stands still until everything else does.

use std::time::Duration;

use futures_util::future::FutureExt;

use crate::domain::time::{Monotonic, Now, Timestamp};
use crate::ports::{Answer, Clock};

/// Both clocks on tokio's paused time, which moves on to the next timer when nothing is left to do.
#[derive(Clone, Copy, Debug)]
pub struct PausedClock {
    started: tokio::time::Instant,
    epoch: Timestamp,
}

impl PausedClock {
    /// Builds a clock that shows `epoch` now. Call it inside a runtime whose time is paused.
    #[expect(clippy::disallowed_methods, reason = "this is the clock port, on the runtime's paused time")]
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self { started: tokio::time::Instant::now(), epoch }
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Now {
        let elapsed = self.started.elapsed();
        Now { wall: self.epoch.plus(elapsed), monotonic: Monotonic::since_start(elapsed) }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock port, on the runtime's paused time")]
    fn sleep(&self, duration: Duration) -> Answer<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}
