//! Whether orders can be taken, asked of the store once a second at most, however often that is asked of us.
//!
//! The question is open to everyone and costs the store's one writer a turn, so it must not be passed on each time. One
//! that is not answered in time stays where it is, in a queue of which orders need every place: while it is there, no
//! other is asked.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actors::domain::time::Monotonic;
use actors::ports::{Answer, Clock, Store, StoreError};
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
    latest: Mutex<Latest>,
}

/// What is known.
#[derive(Default)]
struct Latest {
    answer: Option<(Monotonic, Result<(), String>)>,
    /// A question that the store has not answered.
    asked: Option<Answer<'static, Result<(), StoreError>>>,
}

impl Latest {
    /// Asks the store, once it has answered what it was asked before: that answer may be old.
    async fn ask(&mut self, store: &Arc<dyn Store>) -> Result<(), String> {
        if let Some(asked) = &mut self.asked {
            // However it went.
            let _ = asked.await;
        }
        let store = Arc::clone(store);
        let asked = self.asked.insert(Box::pin(async move { store.check().await }));
        let answer = asked.await;
        self.asked = None;
        answer.map_err(|error| error.to_string())
    }
}

impl Readiness {
    pub(in crate::http) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, latest: Mutex::default() }
    }

    /// Answers, with the reason if orders cannot be taken. Whoever asks meanwhile waits for the same answer.
    pub(in crate::http) async fn check(&self) -> Result<(), String> {
        let mut latest = self.latest.lock().await;
        if let Some((at, answer)) = &latest.answer
            && self.clock.now().monotonic.since(*at) < GOOD_FOR
        {
            return answer.clone();
        }
        let answer = match select(pin!(latest.ask(&self.store)), self.clock.sleep(PATIENCE)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err("the store does not answer".to_owned()),
        };
        latest.answer = Some((self.clock.now().monotonic, answer.clone()));
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
    fn a_store_that_hangs_is_not_asked_again_until_it_has_answered() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without io can always be built");
        LocalSet::new().block_on(&runtime, async {
            let bench = BenchNode::start();
            let (store, clock): (Arc<dyn Store>, _) = (bench.store.clone(), Arc::clone(&bench.clock));
            let readiness = Readiness::new(store, Arc::clone(&clock));
            bench.store.set_open(false);
            for _ in 0..3 {
                assert_eq!(readiness.check().await, Err("the store does not answer".to_owned()));
                assert_eq!(bench.store.checked(), 1, "one question waits");
                clock.sleep(GOOD_FOR).await;
            }
            bench.store.set_open(true);
            assert_eq!(readiness.check().await, Ok(()));
            assert_eq!(bench.store.checked(), 2, "what was asked before it hung tells nothing of now");
        });
    }

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
