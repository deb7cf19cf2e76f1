//! Threads that own a connection each and take their work from one bounded queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use tokio::sync::oneshot;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// Why work was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTaken {
    /// As much waits as may wait.
    #[error("too much work waits for the database")]
    Full,
    /// The threads have ended.
    #[error("the database has been closed")]
    Closed,
}

/// A set of threads; they end when it is dropped, after the work that waits.
pub(super) struct Threads<S> {
    jobs: Option<SyncSender<Job<S>>>,
    threads: Vec<JoinHandle<()>>,
}

impl<S: Send + 'static> Threads<S> {
    /// Starts a thread for each of `owners`, with a queue for `waiting_max` pieces of work between them.
    pub(super) fn start(name: &str, owners: Vec<S>, waiting_max: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(waiting_max);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::with_capacity(owners.len());
        for (index, owner) in owners.into_iter().enumerate() {
            let receiver = Arc::clone(&receiver);
            let thread = Builder::new().name(format!("{name}-{index}"));
            threads.push(thread.spawn(move || work_off(&receiver, owner))?);
        }
        Ok(Self { jobs: Some(sender), threads })
    }

    /// Hands work over. Its answer comes through the receiver, which errs if the work broke off.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, NotTaken> {
        let (sender, receiver) = oneshot::channel();
        let job: Job<S> = Box::new(move |owner| {
            // Nobody may wait any more; the work is done all the same.
            let _ = sender.send(work(owner));
        });
        let jobs = self.jobs.as_ref().ok_or(NotTaken::Closed)?;
        match jobs.try_send(job) {
            Ok(()) => Ok(receiver),
            Err(TrySendError::Full(_)) => Err(NotTaken::Full),
            Err(TrySendError::Disconnected(_)) => Err(NotTaken::Closed),
        }
    }
}

impl<S> Drop for Threads<S> {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A thread's panic was told when it happened.
            let _ = thread.join();
        }
    }
}

fn work_off<S>(jobs: &Mutex<Receiver<Job<S>>>, mut owner: S) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        if catch_unwind(AssertUnwindSafe(|| job(&mut owner))).is_err() {
            tracing::error!("work on the database broke off in a panic");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_breaks_off_takes_nothing_else_with_it() {
        let threads = Threads::start("test", vec![0_u32], 4).expect("threads start");
        let broken = threads.run(|_: &mut u32| panic!("on purpose")).expect("taken");
        let sound = threads
            .run(|count| {
                *count += 1;
                *count
            })
            .expect("taken");
        assert!(broken.await.is_err() as u8 == 1);
        assert_eq!(sound.await, Ok(1));
    }

    #[test]
    fn a_full_queue_takes_nothing_more() {
        let threads = Threads::start("test", vec![()], 1).expect("threads start");
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let mut taken = vec![threads.run(move |()| wait.recv().is_err()).expect("taken")];
        let refusal = loop {
            match threads.run(|()| true) {
                Ok(receiver) => taken.push(receiver),
                Err(refusal) => break refusal,
            }
        };
        assert_eq!(refusal, NotTaken::Full);
        drop(go);
        drop(threads);
        assert!(taken.into_iter().all(|receiver| receiver.blocking_recv() == Ok(true)));
    }
}
