//! The one source of chance in a run.

use std::sync::{Arc, Mutex, PoisonError};

/// Dice that fall the same way for the same seed.
#[derive(Clone, Debug)]
pub struct Dice(Arc<Mutex<fastrand::Rng>>);

impl Dice {
    /// Builds dice from a seed.
    pub fn from_seed(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    /// A number from 0 to `most`, both included.
    pub fn up_to(&self, most: u64) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).u64(0..=most)
    }

    /// A number from 0 to below `count`, to pick one of so many.
    pub fn one_of(&self, count: usize) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).usize(0..count)
    }

    /// True `rate` times in a thousand.
    pub fn hits(&self, rate: u32) -> bool {
        self.up_to(999) < u64::from(rate)
    }

    /// True half of the time.
    pub fn is_heads(&self) -> bool {
        self.hits(500)
    }
}
