//! Whether Kafka answers, by what came of the latest call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// See the module.
pub(super) struct Health {
    is_answering: AtomicBool,
    problem: Mutex<String>,
}

impl Health {
    pub(super) fn new() -> Self {
        Self { is_answering: AtomicBool::new(true), problem: Mutex::default() }
    }

    /// Whether it answers, as far as known.
    pub(super) fn is_answering(&self) -> bool {
        self.is_answering.load(Ordering::Relaxed)
    }

    /// What was wrong last.
    pub(super) fn problem(&self) -> String {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of a call that Kafka did not answer.
    pub(super) fn fail(&self, problem: &str) {
        problem.clone_into(&mut self.problem.lock().unwrap_or_else(PoisonError::into_inner));
        if self.is_answering.swap(false, Ordering::Relaxed) {
            tracing::warn!(problem, "kafka does not answer, so order events wait until it does");
        }
    }

    /// Takes note of a call that it answered.
    pub(super) fn mend(&self) {
        if !self.is_answering.swap(true, Ordering::Relaxed) {
            tracing::info!("kafka answers again");
        }
    }
}
