//! The clock port on the system's clocks. The one place that reads them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actors::domain::time::{Monotonic, Now, Timestamp};
use actors::ports::{Answer, Clock};

/// The system's wall clock, monotonic clock and timers.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts a clock whose monotonic time begins now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock port's own reading of the system's clock")]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock port's own reading of the system's clock")]
    fn now(&self) -> Now {
        // A wall clock set before 1970 is read as 1970: a wrong date must not stop the service.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { wall: Timestamp::from_millis(0).plus(wall), monotonic: Monotonic::since_start(self.started.elapsed()) }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock port's own timer")]
    fn sleep(&self, duration: Duration) -> Answer<'static, ()> {
        Box::pin(async move { tokio::time::sleep(duration).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_sleep_moves_both_clocks() {
        let clock = SystemClock::start();
        let before = clock.now();
        clock.sleep(Duration::from_millis(20)).await;
        let after = clock.now();
        assert!(after.monotonic.since(before.monotonic) >= Duration::from_millis(20));
        assert!(after.wall >= before.wall);
        assert!(before.wall > Timestamp::from_millis(1_600_000_000_000), "the wall clock reads as a date of our time");
    }
}
