//! The ids port: monotonic ULIDs, random within their millisecond.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use actors::domain::id::OrderId;
use actors::domain::time::Timestamp;
use actors::ports::Ids;
use ulid::Ulid;

/// Ids of one millisecond are at most this far apart: too far to guess one from another, which would tell a buyer that
/// a stranger's order exists, and too little to run out of ids within a millisecond.
const STEP_MAX: u128 = 1 << 40;

/// Makes ULIDs, each greater than the one before, also when the wall clock is set back.
#[derive(Debug, Default)]
pub struct UlidIds {
    last: Mutex<Ulid>,
}

impl UlidIds {
    /// Starts with no id made yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Ids for UlidIds {
    fn order_id(&self, now: Timestamp) -> OrderId {
        // A thread that panicked while it held the lock left a whole id behind, so the lock is taken all the same.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = after(*last, u64::try_from(now.millis()).unwrap_or(0));
        OrderId::from_u128(last.0)
    }
}

/// The id after `last`: of the millisecond `now` if that is a new one, else of the last one's; and of the next
/// millisecond if that one has no id left.
fn after(last: Ulid, now: u64) -> Ulid {
    if now > last.timestamp_ms() {
        return random_in(now);
    }
    let step = 1 + random_in(now).random() % STEP_MAX;
    match last.random().checked_add(step) {
        Some(random) if random < 1 << Ulid::RAND_BITS => Ulid::from_parts(last.timestamp_ms(), random),
        _ => random_in(last.timestamp_ms() + 1),
    }
}

fn random_in(millis: u64) -> Ulid {
    Ulid::from_datetime(UNIX_EPOCH + Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_and_of_a_clock_set_back_still_grow() {
        let ids = UlidIds::new();
        let mut last = ids.order_id(Timestamp::from_millis(1_000));
        for millis in [1_000, 1_000, 2_000, 1_500, 0, -5, 2_001] {
            let next = ids.order_id(Timestamp::from_millis(millis));
            assert!(next > last, "{next} at {millis} comes after {last}");
            last = next;
        }
        assert_eq!(Ulid(last.as_u128()).timestamp_ms(), 2_001);
    }

    #[test]
    fn no_id_tells_its_neighbours() {
        let ids = UlidIds::new();
        // A clock that stands still, and one that was set back.
        let made: Vec<u128> =
            (0..200).map(|number| ids.order_id(Timestamp::from_millis(5_000 - 5 * number)).as_u128()).collect();
        let steps: Vec<u128> = made.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let distinct: std::collections::BTreeSet<&u128> = steps.iter().collect();
        assert_eq!(distinct.len(), steps.len(), "no two ids are equally far apart");
        // One step in ten thousand is so small.
        let near = steps.iter().filter(|step| **step < STEP_MAX / 10_000).count();
        assert!(near < 5, "{near} of {} ids are near the one before", steps.len());
    }

    #[test]
    fn a_millisecond_without_ids_left_goes_on_in_the_next() {
        let full = Ulid::from_parts(7, u128::MAX);
        let next = after(full, 7);
        assert!(next > full);
        assert_eq!(next.timestamp_ms(), 8);
    }

    #[test]
    fn two_services_do_not_make_the_same_id() {
        let now = Timestamp::from_millis(1_000);
        assert_ne!(UlidIds::new().order_id(now), UlidIds::new().order_id(now));
    }
}
