//! What actors count: totals and sizes of a whole node, by kind of actor and name.
//!
//! They outlive the actors that add to them, so they only grow for as long as the process lives.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::live::Gauge;
use crate::domain::invariant::Invariant;

/// Under what violations are counted, each by the name of its invariant.
pub const VIOLATIONS: &str = "violations";
/// Upper bounds for sizes of batches: powers of two up to the largest batch there is.
const BATCH_BOUNDS: &[u64] = &[0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/// Upper bounds for times, in microseconds: from half a millisecond to beyond the deadline of a placement.
const TIME_BOUNDS: &[u64] = &[
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// A number that only grows.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    total: Arc<AtomicU64>,
    /// What one actor added of it, shown as part of its state.
    own: Option<Gauge>,
}

impl Counter {
    /// Counts so many more.
    pub fn add(&self, count: usize) {
        self.total.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        if let Some(own) = &self.own {
            own.add_count(count);
        }
    }

    /// What was counted so far.
    pub fn read(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    pub(super) fn shown_by(self, own: Gauge) -> Self {
        Self { own: Some(own), ..self }
    }
}

/// How values spread: for each bound how many were not above it, and their sum.
#[derive(Debug)]
pub struct Spread {
    bounds: &'static [u64],
    /// One per bound, each for values above the bound before, and one for those above all.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// A spread as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpreadSeen {
    /// For each bound, how many values were not above it.
    pub up_to: Vec<(u64, u64)>,
    /// How many values there were.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
}

impl Spread {
    /// Builds a spread with these bounds, in ascending order.
    pub fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Takes a value in.
    pub fn note(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Takes the size of something in.
    pub fn note_size(&self, size: usize) {
        self.note(u64::try_from(size).unwrap_or(u64::MAX));
    }

    /// Takes in how long something took, in microseconds.
    pub fn note_time(&self, time: Duration) {
        self.note(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// What was noted so far.
    pub fn read(&self) -> SpreadSeen {
        let mut count = 0;
        let mut up_to = Vec::with_capacity(self.bounds.len());
        for (place, counted) in self.counts.iter().enumerate() {
            count += counted.load(Ordering::Relaxed);
            if let Some(bound) = self.bounds.get(place) {
                up_to.push((*bound, count));
            }
        }
        SpreadSeen { up_to, count, sum: self.sum.load(Ordering::Relaxed) }
    }
}

type Named<T> = RwLock<BTreeMap<(&'static str, &'static str), T>>;

/// Every counter and spread of a node. Looked up once by whoever adds to one, and kept.
#[derive(Debug, Default)]
pub struct Counts {
    counters: Named<Counter>,
    spreads: Named<Arc<Spread>>,
}

impl Counts {
    /// The counter of a kind under a name, from now on.
    pub fn counter(&self, kind: &'static str, name: &'static str) -> Counter {
        self.counters.write().unwrap_or_else(PoisonError::into_inner).entry((kind, name)).or_default().clone()
    }

    /// How often an invariant was found broken, by whoever looked.
    pub fn violations(&self, invariant: Invariant) -> Counter {
        self.counter(VIOLATIONS, invariant.name())
    }

    /// The spread of a kind's batches under a name, from now on.
    pub fn sizes(&self, kind: &'static str, name: &'static str) -> Arc<Spread> {
        self.spread(kind, name, BATCH_BOUNDS)
    }

    /// The spread of a kind's times under a name, from now on, in microseconds.
    pub fn times(&self, kind: &'static str, name: &'static str) -> Arc<Spread> {
        self.spread(kind, name, TIME_BOUNDS)
    }

    fn spread(&self, kind: &'static str, name: &'static str, bounds: &'static [u64]) -> Arc<Spread> {
        let mut spreads = self.spreads.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(spreads.entry((kind, name)).or_insert_with(|| Arc::new(Spread::new(bounds))))
    }

    /// Every counter, by kind and name.
    pub fn totals(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        let counters = self.counters.read().unwrap_or_else(PoisonError::into_inner);
        counters.iter().map(|(name, counter)| (*name, counter.read())).collect()
    }

    /// Every spread, by kind and name.
    pub fn spreads(&self) -> BTreeMap<(&'static str, &'static str), SpreadSeen> {
        let spreads = self.spreads.read().unwrap_or_else(PoisonError::into_inner);
        spreads.iter().map(|(name, spread)| (*name, spread.read())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_for_every_bound_that_it_is_not_above() {
        let spread = Spread::new(&[1, 10]);
        for value in [0, 1, 2, 10, 11, 1_000] {
            spread.note(value);
        }
        assert_eq!(spread.read(), SpreadSeen { up_to: vec![(1, 2), (10, 4)], count: 6, sum: 1_024 });
    }

    #[test]
    fn all_who_ask_for_a_name_add_to_the_same_number() {
        let counts = Counts::default();
        let (first, second) = (counts.counter("clerk", "letters"), counts.counter("clerk", "letters"));
        let own = Gauge::default();
        second.clone().shown_by(own.clone()).add(2);
        first.add(3);
        counts.counter("clerk", "parcels");
        counts.sizes("clerk", "bags").note_size(7);
        assert_eq!(counts.totals(), [(("clerk", "letters"), 5), (("clerk", "parcels"), 0)].into());
        assert_eq!(own.read(), 2, "an actor shows what it added itself");
        assert_eq!(counts.spreads()[&("clerk", "bags")].sum, 7);
    }
}
