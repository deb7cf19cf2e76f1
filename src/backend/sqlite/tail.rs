//! The latest events, as they were committed: whoever follows the log closely need not have them read back.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use actors::domain::event::OrderEvent;
use actors::ports::LoggedEvent;

/// Events remembered.
const EVENTS_MAX: usize = 8 * 1_024;

/// See the module. The writer fills it; it may know of nothing, and then the table is read.
#[derive(Debug, Default)]
pub(super) struct Tail(RwLock<VecDeque<LoggedEvent>>);

impl Tail {
    /// Takes note of events that were committed, with their places in the log.
    pub(super) fn committed(&self, places: &[i64], events: &[OrderEvent]) {
        let logged = places.iter().zip(events).filter_map(|(place, event)| {
            Some(LoggedEvent { position: u64::try_from(*place).ok()?, event: event.clone() })
        });
        let mut tail = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for logged in logged {
            // What lies between came some other way and is in the table alone.
            if tail.back().is_some_and(|last| last.position + 1 != logged.position) {
                tail.clear();
            }
            if tail.len() == EVENTS_MAX {
                tail.pop_front();
            }
            tail.push_back(logged);
        }
    }

    /// The events right after `position`, at most `limit`. None are known of what lies outside of the tail.
    pub(super) fn after(&self, position: u64, limit: usize) -> Vec<LoggedEvent> {
        let tail = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(skipped) = tail.front().and_then(|first| position.saturating_add(1).checked_sub(first.position))
        else {
            return Vec::new();
        };
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        tail.iter().skip(skipped).take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use actors::domain::event::EventType;
    use actors::domain::id::OrderId;
    use actors::domain::order::Status;
    use actors::domain::time::Timestamp;

    use super::*;

    fn commit(tail: &Tail, places: std::ops::Range<i64>) {
        let places: Vec<i64> = places.collect();
        let event = |place: &i64| OrderEvent {
            order_id: OrderId::from_u128(7),
            version: u32::try_from(*place).expect("a small number"),
            event_type: EventType::OrderPaid,
            status: Status::Paid,
            at: Timestamp::from_millis(0),
            by: "shop".to_owned(),
            reason: None,
        };
        tail.committed(&places, &places.iter().map(event).collect::<Vec<_>>());
    }

    fn after(tail: &Tail, position: u64, limit: usize) -> Vec<u64> {
        let logged = tail.after(position, limit);
        assert!(logged.iter().all(|logged| logged.position == u64::from(logged.event.version)));
        logged.iter().map(|logged| logged.position).collect()
    }

    #[test]
    fn events_are_told_without_a_gap_or_not_at_all() {
        let tail = Tail::default();
        assert_eq!(after(&tail, 0, 9), [0; 0]);
        commit(&tail, 5..8);
        commit(&tail, 8..9);
        let table: [(u64, usize, &[u64]); 6] =
            [(3, 9, &[]), (4, 9, &[5, 6, 7, 8]), (4, 2, &[5, 6]), (6, 9, &[7, 8]), (8, 9, &[]), (u64::MAX, 9, &[])];
        for (position, limit, expected) in table {
            assert_eq!(after(&tail, position, limit), expected, "after {position}, {limit}");
        }
        commit(&tail, 10..12);
        assert_eq!(after(&tail, 4, 9), [0; 0], "9 is missing");
        assert_eq!(after(&tail, 9, 9), [10, 11]);
    }

    #[test]
    fn no_more_is_remembered_than_may_be() {
        let tail = Tail::default();
        let last = i64::try_from(EVENTS_MAX).expect("a small number") + 2;
        commit(&tail, 1..last + 1);
        assert_eq!(after(&tail, 1, 9), [0; 0]);
        assert_eq!(after(&tail, 2, 2), [3, 4]);
    }
}
