//! Which keys are being worked on by this node right now.

use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::domain::id::ScopedKey;
use crate::domain::rejection::Rejection;

/// The keys in progress on this node. Across nodes the store's unique index decides.
#[derive(Clone, Debug, Default)]
pub struct RunningKeys {
    keys: Arc<DashMap<ScopedKey, ()>>,
}

/// Holds a key until dropped.
#[derive(Debug)]
pub struct RunningKey {
    keys: Arc<DashMap<ScopedKey, ()>>,
    key: ScopedKey,
}

impl RunningKeys {
    /// Takes a key.
    ///
    /// # Errors
    /// `request_in_progress` while another attempt holds it.
    pub fn take(&self, key: ScopedKey) -> Result<RunningKey, Rejection> {
        match self.keys.entry(key.clone()) {
            Entry::Occupied(_) => Err(Rejection::RequestInProgress),
            Entry::Vacant(entry) => {
                entry.insert(());
                Ok(RunningKey { keys: Arc::clone(&self.keys), key })
            }
        }
    }
}

impl Drop for RunningKey {
    fn drop(&mut self) {
        self.keys.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::KeyScope;

    #[test]
    fn a_key_is_held_by_one_attempt_at_a_time() {
        let keys = RunningKeys::default();
        let key = ScopedKey {
            scope: KeyScope::PlaceOrder("u-1".parse().expect("a valid id")),
            key: "k-1".parse().expect("a valid key"),
        };
        let held = keys.take(key.clone()).expect("nobody holds it");
        assert_eq!(keys.take(key.clone()).map(|_| ()), Err(Rejection::RequestInProgress));
        drop(held);
        assert!(keys.take(key).is_ok());
    }
}
