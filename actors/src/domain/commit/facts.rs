//! What a transaction reads and what it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::purchase::{Held, Purchase, PurchaseCount};
use super::{Mutation, Verdict};
use crate::domain::event::OrderEvent;
use crate::domain::id::{BodyHash, IdempotencyKey, OrderId, PaymentId, ScopedKey, SkuId};
use crate::domain::order::Order;
use crate::domain::payment::{Payment, PaymentRefund};
use crate::domain::stock::{FlowEntry, Level, Sku};
use crate::domain::time::Timestamp;

/// What has to be read before a batch can be decided. Orders are read first, for their lines name more SKUs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Stock rows to lock, in this order; see [`Needs::add_lines_of`].
    pub skus: BTreeSet<SkuId>,
    /// Keys to look up.
    pub keys: BTreeSet<ScopedKey>,
    /// Orders to lock, in this order.
    pub orders: BTreeSet<OrderId>,
    /// Those of the orders whose change may move the stock of their lines.
    pub moving: BTreeSet<OrderId>,
    /// Payments to look up.
    pub payments: BTreeSet<PaymentId>,
}

impl Needs {
    /// Names what `mutations` need.
    pub fn of(mutations: &[Mutation]) -> Self {
        let mut needs = Self::default();
        for mutation in mutations {
            needs.keys.extend(mutation.scoped_key());
            match mutation {
                Mutation::Place(order) => needs.skus.extend(order.lines.iter().map(|line| line.sku_id.clone())),
                Mutation::Pay(notice) => {
                    needs.moving.insert(notice.order_id);
                    needs.payments.insert(notice.payment_id.clone());
                }
                Mutation::Cancel(cancel) => {
                    needs.moving.insert(cancel.order_id);
                }
                Mutation::Expire(order_id) => {
                    needs.moving.insert(*order_id);
                }
                Mutation::Ship(action) | Mutation::Receive(action) | Mutation::Delete(action) => {
                    needs.orders.insert(action.order_id);
                }
                Mutation::Amend(amend) => {
                    needs.orders.insert(amend.order_id);
                }
                Mutation::SettleRefund(payment_id) => {
                    needs.payments.insert(payment_id.clone());
                }
                Mutation::PutSku(put) => {
                    needs.skus.insert(put.sku_id.clone());
                }
                Mutation::ChangeStock { change, .. } => {
                    needs.skus.insert(change.sku_id.clone());
                }
                Mutation::Acknowledge { .. } | Mutation::NoteDone { .. } => {}
            }
        }
        needs.orders.extend(&needs.moving);
        needs
    }

    /// Adds the SKUs of the orders whose stock may move. An order's lines never change and so may be read before the
    /// transaction.
    pub fn add_lines_of<'a>(&mut self, orders: impl IntoIterator<Item = &'a Order>) {
        for order in orders.into_iter().filter(|order| self.moving.contains(&order.order_id)) {
            self.skus.extend(order.lines.iter().map(|line| line.sku_id.clone()));
        }
    }
}

/// What was read, under lock where it may change.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The SKUs that exist, of those needed.
    pub skus: BTreeMap<SkuId, Sku>,
    /// The keys that are committed, of those needed; also those past their lifetime.
    pub keys: BTreeMap<ScopedKey, KeyRecord>,
    /// The orders that exist, of those needed; also deleted ones.
    pub orders: BTreeMap<OrderId, Order>,
    /// The payments that are recorded, of those needed.
    pub payments: BTreeMap<PaymentId, Payment>,
    /// What users hold of SKUs with a limit; see [`Purchases`](super::Purchases).
    pub held: BTreeMap<Purchase, Held>,
}

/// A committed key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The digest of the body that came with it.
    pub body_hash: BodyHash,
    /// When it was committed.
    pub at: Timestamp,
    /// What was answered.
    pub answer: KeyedAnswer,
}

/// The stored answer of a committed key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyedAnswer {
    /// The order as it was answered, whatever became of it later.
    Order(Order),
    /// The level as it was answered.
    Level(Level),
}

/// What a batch comes to: an answer to each mutation, and what to write so that the answers are true.
#[derive(Debug, Default)]
pub struct Decided {
    /// One verdict for each mutation, in their order.
    pub verdicts: Vec<Verdict>,
    /// What to write. Empty if nothing changes: then there is nothing to commit either.
    pub changes: Changes,
    /// The needed SKUs as they are after the commit.
    pub skus: BTreeMap<SkuId, Sku>,
    /// How many of the mutations change an order, a payment, a SKU or its stock.
    pub written: usize,
}

/// What a batch writes. Applied in the order of the fields, each list in its own order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Keys past their lifetime, met again: the order or stock change stays, its key goes.
    pub cleared_keys: Vec<ScopedKey>,
    /// Goods created or replaced. A new SKU comes with its first stock row, at version 1.
    pub goods: Vec<Sku>,
    /// One guarded update per stock row.
    pub stock: Vec<StockWrite>,
    /// Orders to insert with their lines, and the event that tells of each.
    pub new_orders: Vec<NewOrder>,
    /// Orders to update, guarded by their earlier version, and the event that tells of each.
    pub changed_orders: Vec<ChangedOrder>,
    /// Stock flow entries, except the reserves, which are read back from order lines.
    pub flow: Vec<FlowEntry>,
    /// Keys of stock changes, each with its answer; the flow entry of the same SKU and number is among `flow`.
    pub stock_keys: Vec<StockKeyRecord>,
    /// Payments to insert.
    pub payments: Vec<Payment>,
    /// Orders whose paying payment is owed back from now on.
    pub refunded_orders: Vec<RefundedOrder>,
    /// Payments whose refund is settled from now on.
    pub settled_refunds: Vec<PaymentId>,
    /// SKUs that may have lost their limit: every count of purchases of them goes.
    pub lifted_limits: BTreeSet<SkuId>,
    /// Counts of purchases to write over what is left.
    pub purchase_counts: Vec<PurchaseCount>,
    /// Positions of consumer groups in the embedded log.
    pub positions: BTreeMap<&'static str, u64>,
    /// The highest version that consumer groups have done of orders. A record never goes back.
    pub done: BTreeMap<(Arc<str>, OrderId), u32>,
}

impl Changes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The events of the batch, in the order they are written.
    pub fn events(&self) -> impl Iterator<Item = &OrderEvent> {
        let placed = self.new_orders.iter().map(|new| &new.event);
        placed.chain(self.changed_orders.iter().map(|changed| &changed.event))
    }
}

/// A stock row to update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockWrite {
    /// The SKU whose row it is.
    pub sku_id: SkuId,
    /// The version the row must still have.
    pub from_version: u64,
    /// The level to write, its version one higher.
    pub level: Level,
    /// The number of the SKU's latest stock flow entry.
    pub flow_seq: u64,
}

/// An order to insert. Its event stores the order as it is answered, for replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// The order, at version 1.
    pub order: Order,
    /// Its `order_submitted`.
    pub event: OrderEvent,
}

/// An order to update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedOrder {
    /// The order after the change.
    pub order: Order,
    /// The version the row must still have.
    pub from_version: u32,
    /// The event that tells of the change.
    pub event: OrderEvent,
}

/// An order whose paying payment is owed back, because the order was cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundedOrder {
    /// The order.
    pub order_id: OrderId,
    /// What becomes of the payment that paid it.
    pub refund: PaymentRefund,
}

/// The key of a stock change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockKeyRecord {
    /// The SKU whose stock changed.
    pub sku_id: SkuId,
    /// The number of the change in the SKU's stock flow.
    pub seq: u64,
    /// The key.
    pub key: IdempotencyKey,
    /// The digest of the body that came with it.
    pub body_hash: BodyHash,
    /// The level as it is answered.
    pub level: Level,
}
