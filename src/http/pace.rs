//! How many requests a second one caller may send: a bucket per token, off unless it is configured.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actors::domain::time::Monotonic;
use actors::ports::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::access::TokenHash;

/// After so many requests, callers who have paused long enough to have a full bucket are forgotten. So no more are
/// remembered than these, and those of about a second.
const SWEEP_EVERY: u32 = 10_000;

/// Time for the limiter, which is the node's.
#[derive(Clone)]
struct Watch(Arc<dyn Clock>);

impl governor::clock::Clock for Watch {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.now().monotonic.since(Monotonic::default())
    }
}

/// See the module.
pub(super) struct Pace {
    limiter: RateLimiter<TokenHash, DashMapStateStore<TokenHash>, Watch, NoOpMiddleware<Duration>>,
    watch: Watch,
    asked: AtomicU32,
}

impl Pace {
    /// Lets every caller send so many requests a second; what it saves up is a second's worth.
    pub(super) fn new(requests_per_s: NonZeroU32, clock: Arc<dyn Clock>) -> Self {
        let watch = Watch(clock);
        let limiter = RateLimiter::dashmap_with_clock(Quota::per_second(requests_per_s), watch.clone());
        Self { limiter, watch, asked: AtomicU32::new(0) }
    }

    /// Takes one from the caller's bucket.
    ///
    /// # Errors
    /// It is empty. In so many whole seconds it is not.
    pub(super) fn admit(&self, caller: &TokenHash) -> Result<(), u64> {
        use governor::clock::Clock as _;
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(caller).map_err(|until| {
            let wait = until.wait_time_from(self.watch.now());
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use actors::testing::manual_clock::ManualClock;

    use super::*;

    fn pace(requests_per_s: u32) -> (Pace, Arc<ManualClock>) {
        let clock = Arc::<ManualClock>::default();
        let requests_per_s = NonZeroU32::new(requests_per_s).expect("more than none");
        (Pace::new(requests_per_s, Arc::<ManualClock>::clone(&clock)), clock)
    }

    #[test]
    fn a_caller_that_sends_too_much_is_told_when_to_come_back_and_others_are_not_held_up() {
        let (pace, clock) = pace(3);
        let (greedy, modest) = (TokenHash::of("greedy"), TokenHash::of("modest"));
        let ask = |count: usize| (0..count).map(|_| pace.admit(&greedy)).collect::<Vec<_>>();
        assert_eq!(ask(5), [Ok(()), Ok(()), Ok(()), Err(1), Err(1)]);
        assert_eq!(pace.admit(&modest), Ok(()));
        clock.advance(Duration::from_millis(334));
        assert_eq!(ask(2), [Ok(()), Err(1)], "one has come in meanwhile");
        clock.advance(Duration::from_secs(60));
        assert_eq!(ask(4), [Ok(()), Ok(()), Ok(()), Err(1)], "no more than a second's worth is saved up");
    }

    #[test]
    fn callers_who_have_gone_are_forgotten() {
        let (pace, clock) = pace(3);
        for second in 0..10 {
            for caller in 0..SWEEP_EVERY {
                assert_eq!(pace.admit(&TokenHash::of(&format!("{second} {caller}"))), Ok(()));
            }
            clock.advance(Duration::from_secs(2));
        }
        let most = 2 * usize::try_from(SWEEP_EVERY).expect("it is small");
        assert!(pace.limiter.len() <= most, "{} are remembered", pace.limiter.len());
    }
}
