//! How often outside systems were called, by the names of the calls: backends count, `GET /metrics` tells.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What became of the calls of one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCount {
    /// Calls that were made, whatever became of them.
    pub made: u64,
    /// Those that failed.
    pub failed: u64,
    /// Calls that were not made, because the system did not answer before.
    pub spared: u64,
    /// How long all that were made took.
    pub elapsed: Duration,
}

/// The calls to one outside system since the start.
#[derive(Debug)]
pub struct CallCounts {
    /// What operators call the system.
    pub system: &'static str,
    counts: Mutex<BTreeMap<&'static str, CallCount>>,
}

impl CallCounts {
    /// Has counted nothing yet.
    pub fn of(system: &'static str) -> Self {
        Self { system, counts: Mutex::default() }
    }

    /// Counts a call that was made.
    pub fn note(&self, name: &'static str, is_ok: bool, elapsed: Duration) {
        self.count(name, |count| {
            count.made += 1;
            count.failed += u64::from(!is_ok);
            count.elapsed += elapsed;
        });
    }

    /// Counts a call that was not made.
    pub fn spare(&self, name: &'static str) {
        self.count(name, |count| count.spared += 1);
    }

    /// All counts, by the names of the calls.
    pub fn by_name(&self) -> BTreeMap<&'static str, CallCount> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, name: &'static str, count: impl FnOnce(&mut CallCount)) {
        count(self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default());
    }
}
