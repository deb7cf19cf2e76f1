//! What the buyers of a rush saw, counted. No HTTP, no clock: the rush writes down, the verdict reads.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::command::shop::wire::Order;
use crate::command::shop::{Doubt, Refusal};

/// What is for sale, and who wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// What is for sale.
    pub(super) sku_id: String,
    /// Units for sale.
    pub(super) stock: u32,
    /// Buyers, each with one attempt.
    pub(super) buyers: u32,
    /// Buyers who are served at a time.
    pub(super) clients: u16,
    /// Units that each buyer wants.
    pub(super) quantity: u32,
}

impl Plan {
    /// Units of so many orders.
    pub(super) fn units(&self, orders: usize) -> i64 {
        i64::try_from(orders).unwrap_or(i64::MAX).saturating_mul(i64::from(self.quantity))
    }

    /// Units that are sold when every buyer gets a true answer: as many whole orders as fit.
    pub(super) fn target(&self) -> i64 {
        i64::from(self.buyers.min(self.stock / self.quantity)) * i64::from(self.quantity)
    }
}

/// What became of an acknowledged order's payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Payment {
    /// Not told of yet.
    Pending,
    /// Recorded, and the order is paid.
    Paid,
    /// Recorded, but it is owed back.
    RefundDue(String),
    /// Not recorded, as far as known.
    Failed(Refusal),
}

/// What came back when an acknowledged order was read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReadBack {
    /// Not read yet.
    Pending,
    /// As it was acknowledged, and paid.
    Intact,
    /// The service does not know it.
    Missing,
    /// There was no answer.
    Unanswered(String),
    /// Something else than was acknowledged.
    Wrong(String),
}

/// An order that a buyer was told it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// Who.
    pub(super) buyer: u32,
    /// The order's id.
    pub(super) order_id: String,
    /// What is to be paid.
    pub(super) amount: String,
    /// The order's version when it was last seen.
    pub(super) version: u32,
    /// What became of its payment.
    pub(super) payment: Payment,
    /// What came back when it was read again.
    pub(super) read_back: ReadBack,
}

/// The buyers' own count.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Orders acknowledged, in the order of their acknowledgement.
    pub(super) orders: Vec<Acknowledged>,
    /// Buyers whom the service refused, by code.
    pub(super) refused: BTreeMap<String, u64>,
    /// Buyers who went away without a true answer and surely without an order, by code.
    pub(super) gave_up: BTreeMap<String, u64>,
    /// Buyers who do not know whether they have an order, with the code they saw last.
    pub(super) unknown: BTreeMap<u32, String>,
    /// Answers after which a request was tried again, by code.
    pub(super) retried: BTreeMap<String, u64>,
    /// How long each order took to be acknowledged.
    pub(super) placed_in: Vec<Duration>,
    /// How long each refusal by the service took.
    pub(super) refused_in: Vec<Duration>,
    /// From the start of the rush to the last acknowledgement.
    pub(super) last_placed_at: Duration,
}

impl Tally {
    /// Writes down that a buyer was given an order, and tells its place in the list.
    pub(super) fn placed(&mut self, buyer: u32, order: Order, took: Duration, at: Duration) -> usize {
        self.placed_in.push(took);
        self.last_placed_at = self.last_placed_at.max(at);
        self.acknowledge(buyer, order)
    }

    /// Writes down that a buyer was given no order.
    pub(super) fn not_placed(&mut self, buyer: u32, refusal: Refusal, took: Duration) {
        match refusal.doubt {
            Doubt::None => {
                self.refused_in.push(took);
                count(&mut self.refused, &refusal.code);
            }
            Doubt::NothingDone => count(&mut self.gave_up, &refusal.code),
            Doubt::MayHaveLanded => {
                self.unknown.insert(buyer, refusal.code);
            }
        }
    }

    /// Writes down what a buyer of unknown outcome was told when it asked once more. Tells the place of its order.
    pub(super) fn settle(&mut self, buyer: u32, answer: Result<Order, Refusal>) -> Option<usize> {
        match answer {
            Ok(order) => {
                self.unknown.remove(&buyer);
                Some(self.acknowledge(buyer, order))
            }
            Err(refusal) => {
                if refusal.doubt == Doubt::None
                    && let Some(code) = self.unknown.remove(&buyer)
                {
                    count(&mut self.gave_up, &code);
                }
                None
            }
        }
    }

    /// Writes down that a request is tried again.
    pub(super) fn retry(&mut self, code: &str) {
        count(&mut self.retried, code);
    }

    /// Places of the orders whose payment is not told of, or not surely.
    pub(super) fn payments_open(&self) -> Vec<usize> {
        let is_open = |payment: &Payment| match payment {
            Payment::Pending => true,
            Payment::Failed(refusal) => refusal.doubt != Doubt::None,
            Payment::Paid | Payment::RefundDue(_) => false,
        };
        (0..self.orders.len()).filter(|&place| is_open(&self.orders[place].payment)).collect()
    }

    /// Places of at most `size` orders, spread evenly.
    pub(super) fn sample(&self, size: usize) -> Vec<usize> {
        let step = self.orders.len().div_ceil(size.max(1)).max(1);
        (0..self.orders.len()).step_by(step).collect()
    }

    /// Buyers who gave up, in all.
    pub(super) fn gave_up_count(&self) -> u64 {
        self.gave_up.values().sum()
    }

    fn acknowledge(&mut self, buyer: u32, order: Order) -> usize {
        self.orders.push(Acknowledged {
            buyer,
            order_id: order.order_id,
            amount: order.amount,
            version: order.version,
            payment: Payment::Pending,
            read_back: ReadBack::Pending,
        });
        self.orders.len() - 1
    }
}

fn count(counts: &mut BTreeMap<String, u64>, code: &str) {
    match counts.get_mut(code) {
        Some(seen) => *seen += 1,
        None => {
            counts.insert(code.to_owned(), 1);
        }
    }
}

/// The smallest of `times` that `percent` of them do not exceed (nearest rank); none if there are none.
pub(super) fn percentile(times: &[Duration], percent: usize) -> Option<Duration> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(stock: u32, buyers: u32, quantity: u32) -> Plan {
        Plan { sku_id: "s".to_owned(), stock, buyers, clients: 4, quantity }
    }

    fn order(order_id: &str) -> Order {
        Order {
            order_id: order_id.to_owned(),
            user_id: "u".to_owned(),
            status: "submitted".to_owned(),
            version: 1,
            items: Vec::new(),
            amount: "10.00".to_owned(),
        }
    }

    fn refusal(code: &str, doubt: Doubt) -> Refusal {
        Refusal::of_client(code, doubt, &"")
    }

    #[test]
    fn the_target_is_as_many_whole_orders_as_fit() {
        let table = [(100, 10_000, 1, 100), (100, 10_000, 3, 99), (100, 20, 3, 60), (100, 5, 200, 0), (5, 5, 1, 5)];
        for (stock, buyers, quantity, target) in table {
            assert_eq!(plan(stock, buyers, quantity).target(), target, "{stock} {buyers} {quantity}");
        }
    }

    #[test]
    fn every_buyer_is_counted_once() {
        let mut tally = Tally::default();
        let took = Duration::from_millis(1);
        tally.placed(0, order("a"), took, took);
        tally.not_placed(1, refusal("sold_out", Doubt::None), took);
        tally.not_placed(2, refusal("busy", Doubt::NothingDone), took);
        for buyer in 3..7 {
            tally.not_placed(buyer, refusal("timed_out", Doubt::MayHaveLanded), took);
        }
        assert_eq!(tally.settle(3, Ok(order("b"))), Some(1));
        assert_eq!(tally.settle(4, Err(refusal("sold_out", Doubt::None))), None);
        assert_eq!(tally.settle(5, Err(refusal("busy", Doubt::NothingDone))), None);
        assert_eq!(tally.settle(6, Err(refusal("timed_out", Doubt::MayHaveLanded))), None);

        assert_eq!(tally.orders.len(), 2);
        assert_eq!(tally.refused, BTreeMap::from([("sold_out".to_owned(), 1)]));
        assert_eq!(tally.gave_up, BTreeMap::from([("busy".to_owned(), 1), ("timed_out".to_owned(), 1)]));
        assert_eq!(tally.unknown.keys().copied().collect::<Vec<_>>(), [5, 6]);
        assert_eq!((tally.placed_in.len(), tally.refused_in.len()), (1, 1));
    }

    #[test]
    fn only_payments_that_may_yet_succeed_are_open() {
        let mut tally = Tally::default();
        let payments = [
            Payment::Pending,
            Payment::Paid,
            Payment::RefundDue("order_cancelled".to_owned()),
            Payment::Failed(refusal("payment_id_reused", Doubt::None)),
            Payment::Failed(refusal("busy", Doubt::NothingDone)),
            Payment::Failed(refusal("timed_out", Doubt::MayHaveLanded)),
        ];
        for (buyer, payment) in (0..).zip(payments) {
            let place = tally.settle(buyer, Ok(order("a"))).expect("an order was given");
            tally.orders[place].payment = payment;
        }
        assert_eq!(tally.payments_open(), [0, 4, 5]);
    }

    #[test]
    fn samples_are_spread_and_bounded() {
        let mut tally = Tally::default();
        assert!(tally.sample(10).is_empty());
        for buyer in 0..25 {
            tally.settle(buyer, Ok(order("a")));
        }
        assert_eq!(tally.sample(10), [0, 3, 6, 9, 12, 15, 18, 21, 24]);
        assert_eq!(tally.sample(100).len(), 25);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Some(Duration::from_millis(100)));
        assert_eq!(percentile(&times, 99), Some(Duration::from_millis(198)));
        assert_eq!(percentile(&times[..1], 99), Some(Duration::from_millis(200)));
        assert_eq!(percentile(&[], 50), None);
    }
}
