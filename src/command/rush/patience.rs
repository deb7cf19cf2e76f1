//! Trying again through an outage, with the same request, until an answer comes or patience ends.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use actors::domain::time::Monotonic;
use actors::ports::Clock;

use crate::command::shop::{Doubt, Refusal};

/// The first pause; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// No pause is longer, whatever the service asks for: an outage's end is to be noticed.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How long a request is tried again.
pub(super) struct Patience {
    clock: Arc<dyn Clock>,
    limit: Option<Duration>,
    /// Since when nobody got a true answer; none while somebody does.
    out_since: Cell<Option<Monotonic>>,
}

impl Patience {
    /// Tries again until `limit` has passed since a request's first try, or since the last true answer to anyone:
    /// a service that is gone for good is not waited for by each buyer in turn. Never, without a limit.
    pub(super) fn new(clock: Arc<dyn Clock>, limit: Option<Duration>) -> Self {
        Self { clock, limit, out_since: Cell::default() }
    }

    /// Calls until there is a true answer or patience ends. A refusal at the end tells what all tries together
    /// leave open. `on_retry` hears each refusal after which the call is made again.
    pub(super) async fn insist<T>(
        &self,
        on_retry: impl Fn(&Refusal),
        call: impl AsyncFn() -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let started = self.clock.now().monotonic;
        let mut may_have_landed = false;
        let mut pause = PAUSE_MIN;
        loop {
            let refusal = match call().await {
                Err(refusal) if refusal.doubt != Doubt::None => refusal,
                answered => {
                    self.out_since.set(None);
                    return answered;
                }
            };
            may_have_landed |= refusal.doubt == Doubt::MayHaveLanded;
            let now = self.clock.now().monotonic;
            let out_since = self.out_since.get().unwrap_or(now);
            self.out_since.set(Some(out_since));
            let passed = now.since(started).max(now.since(out_since));
            let left = self.limit.map_or(Duration::ZERO, |limit| limit.saturating_sub(passed));
            if left.is_zero() {
                let doubt = if may_have_landed { Doubt::MayHaveLanded } else { refusal.doubt };
                return Err(Refusal { doubt, ..refusal });
            }
            on_retry(&refusal);
            let asked = refusal.retry_after.unwrap_or_default();
            self.clock.sleep(pause.max(asked).min(PAUSE_MAX).min(left)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::sync::Mutex;

    use actors::domain::time::{Monotonic, Now, Timestamp};
    use actors::ports::Answer;

    use super::*;

    /// A clock on which sleeping takes no time but moves it.
    #[derive(Default)]
    struct Skipping {
        slept: Mutex<Vec<Duration>>,
    }

    impl Clock for Skipping {
        fn now(&self) -> Now {
            let elapsed = self.slept.lock().expect("no test panics with it").iter().sum();
            Now { wall: Timestamp::from_millis(0), monotonic: Monotonic::since_start(elapsed) }
        }

        fn sleep(&self, duration: Duration) -> Answer<'static, ()> {
            self.slept.lock().expect("no test panics with it").push(duration);
            Box::pin(async {})
        }
    }

    fn refusal(doubt: Doubt, retry_after: Option<u64>) -> Refusal {
        let retry_after = retry_after.map(Duration::from_secs);
        Refusal { retry_after, ..Refusal::of_client("c", doubt, &"") }
    }

    /// Plays the refusals, the last one for ever; tells the end, the tries and the pauses in milliseconds.
    async fn play(limit: Option<u64>, refusals: &[Refusal]) -> (Result<(), Refusal>, usize, Vec<u128>) {
        let clock = Arc::new(Skipping::default());
        let patience = Patience::new(clock.clone(), limit.map(Duration::from_millis));
        let tries = Cell::new(0);
        let retries = RefCell::new(Vec::new());
        let end = patience
            .insist(
                |refusal| retries.borrow_mut().push(refusal.code.clone()),
                async || {
                    let refusal = refusals.get(tries.get()).or(refusals.last()).cloned();
                    tries.set(tries.get() + 1);
                    refusal.map_or(Ok(()), Err)
                },
            )
            .await;
        let slept: Vec<u128> =
            clock.slept.lock().expect("no test panics with it").iter().map(Duration::as_millis).collect();
        assert_eq!(retries.borrow().len(), slept.len(), "each retry is told of");
        (end, tries.get(), slept)
    }

    #[actix_web::test]
    async fn without_patience_there_is_one_try() {
        let busy = refusal(Doubt::NothingDone, Some(1));
        assert_eq!(play(None, std::slice::from_ref(&busy)).await, (Err(busy), 1, vec![]));
        assert_eq!(play(None, &[]).await, (Ok(()), 1, vec![]));
    }

    #[actix_web::test]
    async fn a_decision_of_the_service_ends_it_and_leaves_no_doubt() {
        let open = refusal(Doubt::MayHaveLanded, None);
        let no = refusal(Doubt::None, None);
        assert_eq!(play(Some(60_000), &[open, no.clone()]).await, (Err(no), 2, vec![50]));
    }

    #[actix_web::test]
    async fn pauses_grow_to_a_cap_and_end_with_patience() {
        let down = refusal(Doubt::NothingDone, None);
        let (end, tries, slept) = play(Some(8_000), std::slice::from_ref(&down)).await;
        assert_eq!(end, Err(down));
        assert_eq!(slept, [50, 100, 200, 400, 800, 1600, 2000, 2000, 850]);
        assert_eq!(tries, 10, "the last try is made as patience ends");
    }

    #[actix_web::test]
    async fn the_service_s_own_pause_is_kept_up_to_the_cap() {
        let table = [(Some(1), 1_000), (Some(3_600), 2_000), (Some(0), 50)];
        for (retry_after, pause) in table {
            let busy = refusal(Doubt::NothingDone, retry_after);
            let (_, _, slept) = play(Some(1_000_000), &[busy, refusal(Doubt::None, None)]).await;
            assert_eq!(slept, [pause], "{retry_after:?}");
        }
    }

    #[actix_web::test]
    async fn an_outage_is_waited_for_once_and_not_by_each_in_turn() {
        let patience = Patience::new(Arc::new(Skipping::default()), Some(Duration::from_secs(60)));
        let tries = Cell::new(0);
        let is_up = Cell::new(false);
        let call = async || {
            tries.set(tries.get() + 1);
            if is_up.get() { Ok(()) } else { Err(refusal(Doubt::NothingDone, None)) }
        };
        assert!(patience.insist(|_| {}, call).await.is_err());
        let first = tries.take();
        assert!(first > 10 && patience.insist(|_| {}, call).await.is_err());
        assert_eq!(tries.take(), 1);
        is_up.set(true);
        assert!(patience.insist(|_| {}, call).await.is_ok());
        is_up.set(false);
        tries.set(0);
        assert!(patience.insist(|_| {}, call).await.is_err());
        assert_eq!(tries.take(), first, "an answer makes patience new");
    }

    #[actix_web::test]
    async fn doubt_from_an_early_try_stays_to_the_end() {
        let tries = [refusal(Doubt::MayHaveLanded, None), refusal(Doubt::NothingDone, None)];
        let (end, ..) = play(Some(1_000), &tries).await;
        assert_eq!(end, Err(refusal(Doubt::MayHaveLanded, None)));
    }
}
