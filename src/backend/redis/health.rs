//! Whether Redis is asked at all. After a failure it is not, until a look by the way finds that it answers: an outage
//! costs each placement in flight one deadline, and none after.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::claim::OtherShop;

/// See the module.
pub(super) struct Health {
    is_up: AtomicBool,
    /// Counts outages. Connections from before one are not used again: each might cost another failure.
    pub(super) generation: AtomicU64,
    /// What was asked for when it failed: in a cluster another node may answer all the while.
    suspect: Mutex<Option<String>>,
    /// Whether what answers is kept for another shop.
    is_foreign: AtomicBool,
}

impl Health {
    pub(super) fn new() -> Self {
        Self {
            is_up: AtomicBool::new(true),
            generation: AtomicU64::new(0),
            suspect: Mutex::new(None),
            is_foreign: AtomicBool::new(false),
        }
    }

    /// Whether it answers, as far as known.
    pub(super) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Relaxed)
    }

    /// Takes note of a failed call for `tag` that was begun in this generation.
    pub(super) fn fail(&self, generation: u64, tag: &str, problem: &str) {
        // One that was begun before an outage tells nothing of the time after.
        if generation != self.generation.load(Ordering::Relaxed) || !self.is_up.swap(false, Ordering::Relaxed) {
            return;
        }
        self.generation.fetch_add(1, Ordering::Relaxed);
        *self.suspect.lock().unwrap_or_else(PoisonError::into_inner) = Some(tag.to_owned());
        if !self.is_foreign() {
            tracing::warn!(problem, "redis does not answer, so the store is asked without a gate until it does");
        }
    }

    /// Whether what answers is kept for another shop.
    pub(super) fn is_foreign(&self) -> bool {
        self.is_foreign.load(Ordering::Relaxed)
    }

    /// Takes note of whose the keys are: ours, or another shop's.
    pub(super) fn note_owner(&self, other: Option<&OtherShop>) {
        let was_foreign = self.is_foreign.swap(other.is_some(), Ordering::Relaxed);
        match other {
            Some(other) if !was_foreign => {
                tracing::error!(%other, "redis is not used, so the store is asked without a gate");
            }
            None if was_foreign => tracing::info!("the keys in redis are this shop's now"),
            _ => {}
        }
    }

    /// What to look for.
    pub(super) fn suspect(&self) -> Option<String> {
        self.suspect.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note that the suspect was found well.
    pub(super) fn mend(&self) {
        if !self.is_up.swap(true, Ordering::Relaxed) {
            tracing::info!("redis answers again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_one_however_many_calls_fail_in_it() {
        let health = Health::new();
        health.fail(0, "a", "no answer");
        health.fail(0, "b", "no answer");
        assert_eq!((health.is_up(), health.generation.load(Ordering::Relaxed)), (false, 1));
        assert_eq!(health.suspect().as_deref(), Some("a"));
        health.mend();
        health.fail(0, "b", "an answer that came too late");
        assert!(health.is_up());
        health.fail(1, "b", "no answer");
        assert!(!health.is_up());
    }
}
