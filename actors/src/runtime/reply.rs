//! The answer to a request, which always comes.

use futures_util::future::{Either, select};
use tokio::sync::oneshot;

use crate::domain::rejection::Rejection;

/// Where the answer to a request goes. Dropped without one (a panic, a stop), it answers `outcome_unknown`.
pub struct Reply<T> {
    // Declared first, so that it is given back before a dropped sender is noticed.
    held: Vec<Box<dyn Send>>,
    sender: Option<oneshot::Sender<Result<T, Rejection>>>,
}

/// Where the answer arrives. Dropping it cancels nothing.
pub struct Pending<T>(oneshot::Receiver<Result<T, Rejection>>);

impl<T: Send + 'static> Reply<T> {
    /// A reply and the place where it arrives.
    pub fn channel() -> (Self, Pending<T>) {
        let (sender, receiver) = oneshot::channel();
        (Self { held: Vec::new(), sender: Some(sender) }, Pending(receiver))
    }

    /// A reply that nobody waits for.
    pub fn unheard() -> Self {
        Self { held: Vec::new(), sender: None }
    }

    /// Holds something until the answer: it is given back right before, so a client that has its answer finds the way
    /// free.
    pub fn hold(&mut self, thing: impl Send + 'static) {
        self.held.push(Box::new(thing));
    }

    /// Answers.
    pub fn answer(self, answer: Result<T, Rejection>) {
        let Self { held, sender } = self;
        drop(held);
        if let Some(sender) = sender {
            // Whoever asked may have gone; the work is done all the same.
            let _ = sender.send(answer);
        }
    }
}

impl<T> Pending<T> {
    /// Waits for the answer.
    ///
    /// # Errors
    /// The refusal, or `outcome_unknown` if the answer was lost.
    pub async fn wait(self) -> Result<T, Rejection> {
        self.0.await.unwrap_or(Err(Rejection::OutcomeUnknown))
    }

    /// Waits for the answer as long as `patience` lasts. The work goes on all the same, and what its reply holds is held
    /// until it ends.
    ///
    /// # Errors
    /// The refusal, or `outcome_unknown` if the answer was lost or did not come in time.
    pub async fn wait_for(self, patience: impl Future<Output = ()> + Unpin) -> Result<T, Rejection> {
        match select(self.0, patience).await {
            Either::Left((answer, _)) => answer.unwrap_or(Err(Rejection::OutcomeUnknown)),
            Either::Right(_) => Err(Rejection::OutcomeUnknown),
        }
    }
}
