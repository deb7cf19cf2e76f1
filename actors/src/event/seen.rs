//! What a consumer has already done: the highest version per order.
//!
//! Deliveries may repeat; an order's versions come in order, so the highest one seen tells every repeat.

use std::collections::{HashMap, VecDeque};

use crate::domain::event::OrderEvent;
use crate::domain::id::OrderId;

/// Orders remembered at most: far more than are ever delivered again at once.
const ORDERS_MAX: usize = 65_536;

/// The highest version per order, of the orders seen last.
#[derive(Debug, Default)]
pub struct Seen {
    highest: HashMap<OrderId, u32>,
    by_age: VecDeque<OrderId>,
}

impl Seen {
    /// Whether this event has not been done yet.
    pub fn is_new(&self, event: &OrderEvent) -> bool {
        self.highest.get(&event.order_id).is_none_or(|highest| event.version > *highest)
    }

    /// Whether anything of this order is remembered.
    pub fn knows(&self, order_id: &OrderId) -> bool {
        self.highest.contains_key(order_id)
    }

    /// Takes note of a version of an order whose event was done.
    pub fn note(&mut self, order_id: OrderId, version: u32) {
        if let Some(highest) = self.highest.get_mut(&order_id) {
            *highest = version.max(*highest);
            return;
        }
        self.highest.insert(order_id, version);
        self.by_age.push_back(order_id);
        if self.by_age.len() > ORDERS_MAX
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.highest.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::EventType;
    use crate::domain::order::Status;
    use crate::domain::time::Timestamp;

    fn event(order: u128, version: u32) -> OrderEvent {
        OrderEvent {
            order_id: OrderId::from_u128(order),
            version,
            event_type: EventType::OrderPaid,
            status: Status::Paid,
            at: Timestamp::from_millis(0),
            by: "shop".to_owned(),
            reason: None,
        }
    }

    #[test]
    fn a_repeat_is_told_from_something_new() {
        let mut seen = Seen::default();
        let table =
            [(1, 1, true), (1, 1, false), (2, 1, true), (1, 2, true), (1, 1, false), (1, 3, true), (2, 1, false)];
        for (order, version, is_new) in table {
            assert_eq!(seen.is_new(&event(order, version)), is_new, "order {order} version {version}");
            seen.note(OrderId::from_u128(order), version);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut seen = Seen::default();
        for order in 0..2 * ORDERS_MAX as u128 {
            seen.note(OrderId::from_u128(order), 1);
        }
        assert_eq!(seen.highest.len(), ORDERS_MAX);
    }
}
