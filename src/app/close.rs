//! Closing what may hang: on a thread of its own, so that nobody has to wait for it.

use std::future::Future;
use std::pin::pin;
use std::thread::Builder;

use futures_util::future::{Either, select};
use tokio::sync::oneshot;

/// Runs `work` on a thread and waits for its end, or for `time_is_up`. Answers whether it has ended. The thread goes on.
pub(super) async fn on_a_thread(work: impl FnOnce() + Send + 'static, time_is_up: impl Future<Output = ()>) -> bool {
    let (done, ended) = oneshot::channel::<()>();
    let work = move || {
        work();
        // Nobody may wait any more.
        let _ = done.send(());
    };
    if let Err(error) = Builder::new().name("close".to_owned()).spawn(work) {
        // What was to be closed was dropped with the work.
        tracing::warn!(%error, "no thread to close the store with");
    }
    matches!(select(pin!(ended), pin!(time_is_up)).await, Either::Left(_))
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn work_that_hangs_is_waited_for_until_the_time_is_up() {
        let (go, wait) = channel::<()>();
        let hangs = move || assert!(wait.recv().is_err(), "nothing is sent");
        assert!(!on_a_thread(hangs, ready(())).await);
        drop(go);
        assert!(on_a_thread(|| (), pending()).await);
    }
}
