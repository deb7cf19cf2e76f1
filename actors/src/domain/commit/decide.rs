//! Decides a batch in arrival order, in memory, with nothing but what was read under lock.

mod change;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::facts::{Changes, Decided, Facts, KeyRecord, KeyedAnswer, NewOrder, StockKeyRecord, StockWrite};
use super::mutation::{Mutation, Outcome, PutSku, Verdict};
use super::purchase::PurchaseCount;
use crate::domain::event::{EventType, OrderEvent};
use crate::domain::id::{BodyHash, ScopedKey, SkuId};
use crate::domain::limits::KEY_LIFETIME;
use crate::domain::order::{Order, OrderKey, OrderLine, OrderState, PlaceOrder, WantedLine, amount_of};
use crate::domain::rejection::Rejection;
use crate::domain::stock::{FlowEntry, FlowKind, Level, Sku, StockChange};
use crate::domain::time::{Monotonic, Now};
use crate::domain::validation::{self, Known};

/// What the shop configures about deciding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long an order may stay unpaid if its SKUs say nothing else.
    pub payment_window: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self { payment_window: Duration::from_secs(900) }
    }
}

/// The least by which two times differ.
const TICK: Duration = Duration::from_millis(1);

/// Decides every mutation, each seeing what the ones before it did.
pub fn decide(facts: Facts, mutations: &[Mutation], now: Now, rules: Rules) -> Decided {
    let mut deciding = Deciding { facts, now, rules, changes: Changes::default(), moved: BTreeMap::new(), written: 0 };
    let verdicts = mutations.iter().map(|mutation| deciding.verdict(mutation)).collect();
    deciding.finish(verdicts)
}

struct Deciding {
    facts: Facts,
    now: Now,
    rules: Rules,
    changes: Changes,
    /// The SKUs whose level changed, with the version they had.
    moved: BTreeMap<SkuId, u64>,
    /// How many mutations there was something to write for.
    written: usize,
}

impl Deciding {
    fn verdict(&mut self, mutation: &Mutation) -> Verdict {
        match mutation {
            Mutation::Place(order) => self.place(order),
            Mutation::Pay(notice) => self.pay(notice),
            Mutation::Cancel(cancel) => self.cancel(cancel),
            Mutation::Expire(order_id) => self.expire(*order_id),
            Mutation::Ship(action) => self.act(action, Order::ship),
            Mutation::Receive(action) => self.act(action, Order::receive),
            Mutation::Amend(amend) => self.amend(amend),
            Mutation::Delete(action) => self.act(action, Order::delete),
            Mutation::SettleRefund(payment_id) => self.settle_refund(payment_id),
            Mutation::PutSku(put) => Ok(self.put_sku(put)),
            Mutation::ChangeStock { change, deadline } => self.change_stock(change, *deadline),
            Mutation::Acknowledge { group, position } => {
                let latest = self.changes.positions.entry(group).or_default();
                *latest = (*position).max(*latest);
                Ok(Outcome::Acknowledged)
            }
            Mutation::NoteDone { group, versions } => {
                for (order_id, version) in versions {
                    let highest = self.changes.done.entry((Arc::clone(group), *order_id)).or_default();
                    *highest = (*version).max(*highest);
                }
                Ok(Outcome::Acknowledged)
            }
        }
    }

    fn place(&mut self, wanted: &PlaceOrder) -> Verdict {
        let key = wanted.scoped_key();
        let body_hash = wanted.body_hash();
        if let Some(KeyedAnswer::Order(order)) = self.answered(key.as_ref(), &body_hash)? {
            return Ok(Outcome::Placed { order, replayed: true });
        }
        self.in_time(wanted.deadline)?;
        validation::check(wanted, &self.known(wanted))?;
        let order = self.build(wanted, body_hash)?;
        for line in &order.lines {
            self.move_stock(&line.sku_id, |level| level.reserve(line.quantity).unwrap_or(level));
            if let Some(held) = self.facts.held.get_mut(&(order.user_id.clone(), line.sku_id.clone())) {
                held.units += u64::from(line.quantity);
            }
        }
        if let Some(key) = key {
            let record = KeyRecord { body_hash, at: self.now.wall, answer: KeyedAnswer::Order(order.clone()) };
            self.facts.keys.insert(key, record);
        }
        let event = OrderEvent::of(&order, EventType::OrderSubmitted, &wanted.by, None);
        self.written += 1;
        self.changes.new_orders.push(NewOrder { order: order.clone(), event });
        Ok(Outcome::Placed { order, replayed: false })
    }

    /// The stored answer under this key, if the same was asked before. A key past its lifetime is cleared.
    fn answered(&mut self, key: Option<&ScopedKey>, body_hash: &BodyHash) -> Result<Option<KeyedAnswer>, Rejection> {
        let Some((key, record)) = key.and_then(|key| self.facts.keys.get_key_value(key)) else {
            return Ok(None);
        };
        if record.at <= self.now.wall.minus(KEY_LIFETIME) {
            let key = key.clone();
            self.facts.keys.remove(&key);
            self.changes.cleared_keys.push(key);
            return Ok(None);
        }
        if record.body_hash != *body_hash {
            return Err(Rejection::IdempotencyKeyReused);
        }
        Ok(Some(record.answer.clone()))
    }

    fn in_time(&self, deadline: Monotonic) -> Result<(), Rejection> {
        if self.now.monotonic > deadline {
            return Err(Rejection::Unavailable("it waited too long for the store".to_owned()));
        }
        Ok(())
    }

    fn known(&self, wanted: &PlaceOrder) -> Vec<Known<'_>> {
        let known = |line: &WantedLine| {
            let sku = self.facts.skus.get(&line.sku_id);
            let held = self.facts.held.get(&(wanted.user_id.clone(), line.sku_id.clone())).map(|held| held.units);
            Known { goods: sku.map(|sku| &sku.goods), available: sku.map(|sku| sku.level.available), held }
        };
        wanted.lines.iter().map(known).collect()
    }

    fn build(&self, wanted: &PlaceOrder, body_hash: BodyHash) -> Result<Order, Rejection> {
        let too_large = || Rejection::invalid("items", "cost more than one order may");
        let mut lines = Vec::with_capacity(wanted.lines.len());
        let mut window: Option<Duration> = None;
        for WantedLine { sku_id, quantity, .. } in &wanted.lines {
            let sku = self.facts.skus.get(sku_id).ok_or_else(|| Rejection::SkuNotFound(sku_id.clone()))?;
            lines.push(OrderLine {
                sku_id: sku_id.clone(),
                name: sku.goods.name.clone(),
                quantity: *quantity,
                unit_price: sku.goods.price,
                amount: sku.goods.price.checked_times(*quantity).ok_or_else(too_large)?,
                flow_seq: sku.flow_seq + 1,
                available_after: sku.level.available - i64::from(*quantity),
            });
            let own = sku.goods.payment_window.unwrap_or(self.rules.payment_window);
            window = Some(window.map_or(own, |shortest| shortest.min(own)));
        }
        let amount = amount_of(&lines).ok_or_else(too_large)?;
        let created_at = self.now.wall;
        let expires_at = created_at.plus(window.unwrap_or(self.rules.payment_window));
        Ok(Order {
            order_id: wanted.order_id,
            user_id: wanted.user_id.clone(),
            state: OrderState::Submitted { expires_at },
            version: 1,
            lines,
            amount,
            source: wanted.source.clone(),
            remark: wanted.remark.clone(),
            room_id: None,
            refund: None,
            created_at,
            updated_at: created_at,
            is_deleted: false,
            key: wanted.key.clone().map(|key| OrderKey { key, body_hash }),
        })
    }

    fn put_sku(&mut self, put: &PutSku) -> Outcome {
        let now = self.now.wall;
        let earlier = self.facts.skus.get(&put.sku_id).cloned();
        let created = earlier.is_none();
        let was_limited = earlier.as_ref().is_some_and(|sku| sku.goods.purchase_limit.is_some());
        if was_limited && put.goods.purchase_limit.is_none() {
            self.changes.lifted_limits.insert(put.sku_id.clone());
        }
        let sku = match earlier {
            // Whoever has seen both tells the newer by this, also when the clock was set back in between.
            Some(sku) => Sku { goods: put.goods.clone(), updated_at: now.max(sku.updated_at.plus(TICK)), ..sku },
            None => Sku {
                sku_id: put.sku_id.clone(),
                goods: put.goods.clone(),
                level: Level { version: 1, ..Level::default() },
                flow_seq: 0,
                created_at: now,
                updated_at: now,
            },
        };
        self.written += 1;
        self.facts.skus.insert(put.sku_id.clone(), sku.clone());
        // Goods put twice in one batch are written once, as they were put last; a new SKU keeps its first stock row.
        match self.changes.goods.iter_mut().find(|earlier| earlier.sku_id == sku.sku_id) {
            Some(earlier) => (earlier.goods, earlier.updated_at) = (sku.goods.clone(), sku.updated_at),
            None => self.changes.goods.push(sku.clone()),
        }
        Outcome::SkuPut { sku, created }
    }

    fn change_stock(&mut self, change: &StockChange, deadline: Monotonic) -> Verdict {
        let key = change.scoped_key();
        let body_hash = change.body_hash();
        if let Some(KeyedAnswer::Level(level)) = self.answered(Some(&key), &body_hash)? {
            return Ok(Outcome::StockChanged { level, replayed: true });
        }
        let sku_id = &change.sku_id;
        self.in_time(deadline)?;
        let sku = self.facts.skus.get(sku_id).ok_or_else(|| Rejection::SkuNotFound(sku_id.clone()))?;
        let outcome = sku.level.change(change.change);
        let level =
            outcome.ok_or_else(|| Rejection::invalid("change", "makes the stock larger than one sku may have"))?;
        level.map_err(|short| Rejection::InsufficientStock {
            sku_id: sku_id.clone(),
            available: short.available,
            wanted: change.change.unsigned_abs(),
        })?;
        let moved = self.move_stock(sku_id, |level| match level.change(change.change) {
            Some(Ok(changed)) => changed,
            _ => level,
        });
        let Some(Moved { seq, before, after }) = moved else {
            return Err(Rejection::SkuNotFound(sku_id.clone()));
        };
        self.changes.flow.push(FlowEntry {
            sku_id: sku_id.clone(),
            seq,
            kind: if change.change > 0 { FlowKind::Restock } else { FlowKind::Reduce },
            change: change.change,
            available_before: before.available,
            available_after: after.available,
            order_id: None,
            by: change.by.clone(),
            reason: change.reason.clone(),
            at: self.now.wall,
        });
        let record = StockKeyRecord { sku_id: sku_id.clone(), seq, key: change.key.clone(), body_hash, level: after };
        self.written += 1;
        self.changes.stock_keys.push(record);
        let answer = KeyRecord { body_hash, at: self.now.wall, answer: KeyedAnswer::Level(after) };
        self.facts.keys.insert(key, answer);
        Ok(Outcome::StockChanged { level: after, replayed: false })
    }

    /// Changes a SKU's level and numbers the change in its stock flow. However often a batch changes a level, its
    /// version grows by one, and answers carry the version that is committed.
    fn move_stock(&mut self, sku_id: &SkuId, change: impl FnOnce(Level) -> Level) -> Option<Moved> {
        let sku = self.facts.skus.get_mut(sku_id)?;
        let before = sku.level;
        let from_version = *self.moved.entry(sku_id.clone()).or_insert(before.version);
        sku.level = Level { version: from_version + 1, ..change(before) };
        sku.flow_seq += 1;
        Some(Moved { seq: sku.flow_seq, before, after: sku.level })
    }

    fn finish(mut self, verdicts: Vec<Verdict>) -> Decided {
        for (sku_id, from_version) in self.moved {
            if let Some(sku) = self.facts.skus.get(&sku_id) {
                let write = StockWrite { sku_id, from_version, level: sku.level, flow_seq: sku.flow_seq };
                self.changes.stock.push(write);
            }
        }
        for ((user_id, sku_id), held) in self.facts.held {
            let has_limit = self.facts.skus.get(&sku_id).is_some_and(|sku| sku.goods.purchase_limit.is_some());
            if has_limit && held.is_to_be_counted() {
                self.changes.purchase_counts.push(PurchaseCount { user_id, sku_id, units: held.units });
            }
        }
        Decided { verdicts, changes: self.changes, skus: self.facts.skus, written: self.written }
    }
}

struct Moved {
    seq: u64,
    before: Level,
    after: Level,
}
