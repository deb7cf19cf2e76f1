//! Whether orders can be taken, asked of the store once a second at most, however often that is asked of us.
//!
//! The question is open to everyone and costs the store's one writer a turn, so it must not be passed on each time.

use std::sync::Arc;
use std::time::Duration;

use actors::domain::time::Monotonic;
use actors::ports::{Clock, Store};
use futures_util::future::{Either, select};
use tokio::sync::Mutex;

/// How long an answer is good for.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// How long the store may take to answer before that is an answer too.
const PATIENCE: Duration = Duration::from_secs(2);

/// See the module.
pub(in crate::http) struct Readiness {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    latest: Mutex<Option<(Monotonic, Result<(), String>)>>,
}

impl Readiness {
    pub(in crate::http) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, latest: Mutex::default() }
    }

    /// Answers, with the reason if orders cannot be taken. Whoever asks meanwhile waits for the same answer.
    pub(in crate::http) async fn check(&self) -> Result<(), String> {
        let mut latest = self.latest.lock().await;
        if let Some((at, answer)) = &*latest
            && self.clock.now().monotonic.since(*at) < GOOD_FOR
        {
            return answer.clone();
        }
        let answer = match select(self.store.check(), self.clock.sleep(PATIENCE)).await {
            Either::Left((checked, _)) => checked.map_err(|error| error.to_string()),
            Either::Right(_) => Err("the store does not answer".to_owned()),
        };
        *latest = Some((self.clock.now().monotonic, answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use actors::testing::bench_node::BenchNode;
    use futures_util::future::join_all;
    use tokio::task::LocalSet;

    use super::*;

    #[test]
    fn the_store_is_asked_once_a_second_however_many_ask() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without io can always be built");
        LocalSet::new().block_on(&runtime, async {
            let bench = BenchNode::start();
            let (store, clock): (Arc<dyn Store>, _) = (bench.store.clone(), Arc::clone(&bench.clock));
            let readiness = Readiness::new(store, Arc::clone(&clock));
            for second in 1..=3 {
                let answers = join_all((0..100).map(|_| readiness.check())).await;
                assert!(answers.iter().all(Result::is_ok));
                assert_eq!(bench.store.checked(), second);
                clock.sleep(GOOD_FOR).await;
            }
        });
    }
}
