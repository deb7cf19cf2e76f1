//! Whether Kafka answers, by what came of the latest calls. Reading is looked at apart: a group that may not commit must
//! not keep events from being published.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// See the module.
pub(super) struct Health {
    /// Calls: sending, asking, making topics.
    pub(super) calls: Side,
    /// The membership in the group.
    pub(super) reading: Side,
}

/// One of both.
pub(super) struct Side {
    is_well: AtomicBool,
    problem: Mutex<String>,
    /// What is told when it fails, and when it is well again.
    told: (&'static str, &'static str),
}

impl Health {
    pub(super) fn new() -> Self {
        let calls = ("kafka does not answer, so order events wait until it does", "kafka answers again");
        let reading = ("kafka does not let the consumer group go on", "the consumer group goes on");
        Self { calls: Side::new(calls), reading: Side::new(reading) }
    }

    /// What is wrong, if anything is known to be.
    pub(super) fn problem(&self) -> Option<String> {
        self.calls.problem().or_else(|| self.reading.problem())
    }
}

impl Side {
    fn new(told: (&'static str, &'static str)) -> Self {
        Self { is_well: AtomicBool::new(true), problem: Mutex::default(), told }
    }

    /// What is wrong, if anything is known to be.
    pub(super) fn problem(&self) -> Option<String> {
        let is_well = self.is_well.load(Ordering::Relaxed);
        (!is_well).then(|| self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Takes note of a call that Kafka did not answer.
    pub(super) fn fail(&self, problem: &str) {
        problem.clone_into(&mut self.problem.lock().unwrap_or_else(PoisonError::into_inner));
        if self.is_well.swap(false, Ordering::Relaxed) {
            tracing::warn!(problem, "{}", self.told.0);
        }
    }

    /// Takes note of a call that it answered.
    pub(super) fn mend(&self) {
        if !self.is_well.swap(true, Ordering::Relaxed) {
            tracing::info!("{}", self.told.1);
        }
    }
}
