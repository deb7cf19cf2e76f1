//! The deadlines a supervisor keeps in mind: a heap, looked at once per tick.
//!
//! A hint only: the store's `expires_at` is what counts, and the sweeper finds what a heap has lost.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::domain::id::OrderId;
use crate::domain::limits::DEADLINES_WATCHED_MAX;
use crate::domain::time::Timestamp;

/// Deadlines by time. An order that is no longer watched leaves its place in the heap behind, which is passed over.
#[derive(Debug, Default)]
pub struct Deadlines {
    heap: BinaryHeap<Reverse<(Timestamp, OrderId)>>,
    watched: HashMap<OrderId, Timestamp>,
}

impl Deadlines {
    /// Watches an order, unless as many are watched as may be: the sweeper finds what is left out.
    pub fn watch(&mut self, order_id: OrderId, expires_at: Timestamp) {
        if self.watched.len() >= DEADLINES_WATCHED_MAX && !self.watched.contains_key(&order_id) {
            return;
        }
        // Told again of what it knows, as with every change of an order that still awaits payment, it has a place already.
        if self.watched.insert(order_id, expires_at) != Some(expires_at) {
            self.heap.push(Reverse((expires_at, order_id)));
            self.clear_out();
        }
    }

    /// Stops watching an order.
    pub fn forget(&mut self, order_id: OrderId) {
        self.watched.remove(&order_id);
        self.clear_out();
    }

    /// Drops the places left behind before they outnumber what is watched. Afterwards there is one for each order
    /// watched, so this costs little more than a step for each place that was made since.
    fn clear_out(&mut self) {
        if self.heap.len() > 2 * self.watched.len() + 1_024 {
            self.heap = self.watched.iter().map(|(order_id, at)| Reverse((*at, *order_id))).collect();
        }
    }

    /// Takes the orders whose deadline has passed, earliest first, at most `limit`.
    pub fn take_due(&mut self, now: Timestamp, limit: usize) -> Vec<OrderId> {
        let mut due = Vec::new();
        while due.len() < limit
            && let Some(Reverse((expires_at, order_id))) = self.heap.peek().copied()
            && expires_at <= now
        {
            self.heap.pop();
            if self.watched.get(&order_id) == Some(&expires_at) {
                self.watched.remove(&order_id);
                due.push(order_id);
            }
        }
        due
    }

    /// Orders watched.
    pub fn len(&self) -> usize {
        self.watched.len()
    }

    /// Whether nothing is watched.
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn order(number: u128) -> OrderId {
        OrderId::from_u128(number)
    }

    #[test]
    fn what_is_due_comes_earliest_first_and_once() {
        let mut deadlines = Deadlines::default();
        for (number, millis) in [(1, 30), (2, 10), (3, 20), (4, 40)] {
            deadlines.watch(order(number), at(millis));
        }
        deadlines.forget(order(3));
        assert_eq!(deadlines.take_due(at(30), 10), vec![order(2), order(1)]);
        assert_eq!(deadlines.take_due(at(30), 10), vec![]);
        assert_eq!(deadlines.len(), 1);
    }

    #[test]
    fn a_place_left_behind_does_not_expire_an_order_watched_anew() {
        let mut deadlines = Deadlines::default();
        deadlines.watch(order(1), at(10));
        deadlines.watch(order(1), at(50));
        assert_eq!(deadlines.take_due(at(10), 10), vec![]);
        assert_eq!(deadlines.take_due(at(50), 10), vec![order(1)]);
    }

    #[test]
    fn no_more_are_watched_than_may_be() {
        let mut deadlines = Deadlines::default();
        for number in 0..DEADLINES_WATCHED_MAX as u128 + 1_000 {
            deadlines.watch(order(number), at(10));
        }
        deadlines.watch(order(0), at(5));
        assert_eq!(deadlines.len(), DEADLINES_WATCHED_MAX);
        assert_eq!(deadlines.take_due(at(5), 10), vec![order(0)], "what is watched can get another deadline");
        deadlines.watch(order(7_000_000), at(5));
        assert_eq!(deadlines.take_due(at(5), 10), vec![order(7_000_000)], "and makes room when it is due");
    }

    #[test]
    fn forgotten_orders_do_not_pile_up() {
        let mut deadlines = Deadlines::default();
        for number in 0..100_000 {
            deadlines.watch(order(number), at(10));
            deadlines.forget(order(number));
        }
        assert!(deadlines.heap.len() < 3_000);
    }

    #[test]
    fn an_order_that_is_watched_again_and_again_takes_one_place() {
        let mut deadlines = Deadlines::default();
        for _ in 0..1_000 {
            (0..100).for_each(|number| deadlines.watch(order(number), at(10)));
        }
        assert_eq!(deadlines.heap.len(), 100, "told of the same deadline");
        for round in 0..1_000 {
            (0..100).for_each(|number| deadlines.watch(order(number), at(10 + round % 2)));
        }
        assert!(deadlines.heap.len() < 1_500, "told of two deadlines by turns");
        for _ in 0..1_000 {
            for number in 0..100 {
                deadlines.forget(order(number));
                deadlines.watch(order(number), at(20));
            }
        }
        assert!(deadlines.heap.len() < 1_500, "forgotten in between");
        assert_eq!(deadlines.take_due(at(20), 1_000).len(), 100);
    }
}
