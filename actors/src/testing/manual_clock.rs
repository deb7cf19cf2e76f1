//! A clock that stands still until a test moves it.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::time::{Monotonic, Now, Timestamp};
use crate::ports::{Answer, Clock};

/// A clock that stands still until a test moves it. It starts in November 2026.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Now>,
}

impl Default for ManualClock {
    fn default() -> Self {
        let now = Now { wall: Timestamp::from_millis(1_795_248_000_000), monotonic: Monotonic::default() };
        Self { now: watch::Sender::new(now) }
    }
}

impl ManualClock {
    /// Moves both clocks forward.
    pub fn advance(&self, duration: Duration) {
        self.now.send_modify(|now| {
            *now = Now { wall: now.wall.plus(duration), monotonic: now.monotonic.plus(duration) };
        });
    }

    /// Sets the wall clock alone, as an operator might.
    pub fn set_wall(&self, wall: Timestamp) {
        self.now.send_modify(|now| now.wall = wall);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        *self.now.borrow()
    }

    fn sleep(&self, duration: Duration) -> Answer<'static, ()> {
        let mut readings = self.now.subscribe();
        let until = self.now().monotonic.plus(duration);
        Box::pin(async move {
            // It errs once the clock is gone; then time has ended too.
            let _ = readings.wait_for(|now| now.monotonic >= until).await;
        })
    }
}
