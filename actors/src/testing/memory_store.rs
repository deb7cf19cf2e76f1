//! The store in memory: the same rules as every store, on plain maps. Its [`Disk`] outlives a crash.

mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{FutureExt, ready};

use crate::domain::commit::{
    Changes, Facts, Held, KeyRecord, KeyedAnswer, Mutation, Needs, Purchase, Purchases, RefundedOrder, Rules, decide,
};
use crate::domain::event::OrderEvent;
use crate::domain::id::{OrderId, PaymentId, ScopedKey, SkuId};
use crate::domain::invariant::OrderTotals;
use crate::domain::order::{Order, Status};
use crate::domain::payment::{Payment, RefundStatus};
use crate::domain::stock::{FlowEntry, Sku};
use crate::domain::time::Timestamp;
use crate::ports::{
    Answer, Clock, CommitError, Committed, EventLog, EventLogError, FlowPage, LoggedEvent, OrderPage, OrderQuery,
    RefundPage, RefundQuery, SkuAudit, SkuPage, Store, StoreError,
};

/// Orders of a user up to which no count of purchases is kept: few, so that short histories have counts too.
const ORDERS_SUMMED_MAX: usize = 2;

/// What is committed.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Every SKU.
    pub skus: BTreeMap<SkuId, Sku>,
    /// Every order as it is now.
    pub orders: BTreeMap<OrderId, Order>,
    /// Every order as it was first answered.
    pub answers: BTreeMap<OrderId, Order>,
    /// Every committed key with its answer.
    pub keys: BTreeMap<ScopedKey, KeyRecord>,
    /// Every payment.
    pub payments: BTreeMap<PaymentId, Payment>,
    /// Every event, in log order; positions count from 1.
    pub events: Vec<OrderEvent>,
    /// Every stock flow entry that is not a reserve.
    pub flow: Vec<FlowEntry>,
    /// What users with many orders hold of SKUs with a limit.
    pub purchase_counts: BTreeMap<Purchase, u64>,
    /// How far consumer groups have come.
    pub positions: BTreeMap<&'static str, u64>,
    /// The highest version that consumer groups have done of orders.
    pub done: BTreeMap<(Arc<str>, OrderId), u32>,
    /// Events that were not handed on yet, where nodes share the store.
    pub unpublished: BTreeSet<(OrderId, u32)>,
}

/// Committed tables that outlive the node that wrote them.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Tables>>);

impl Disk {
    /// The tables, to look at.
    pub fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The store on a [`Disk`].
#[derive(Clone)]
pub struct MemoryStore {
    disk: Disk,
    clock: Arc<dyn Clock>,
    rules: Rules,
}

impl MemoryStore {
    /// Opens the store on a disk, empty or not.
    pub fn open(disk: Disk, clock: Arc<dyn Clock>, rules: Rules) -> Self {
        Self { disk, clock, rules }
    }

    /// Reads, decides, writes: at once and whole.
    pub fn commit_now(&self, mutations: &[Mutation]) -> Committed {
        let mut tables = self.disk.tables();
        let facts = tables.facts(mutations);
        let (committed, changes) = Committed::of(decide(facts, mutations, self.clock.now(), self.rules));
        tables.apply(changes);
        committed
    }
}

impl Tables {
    fn facts(&self, mutations: &[Mutation]) -> Facts {
        let mut needs = Needs::of(mutations);
        let orders = pick(&self.orders, &needs.orders);
        needs.add_lines_of(orders.values());
        let skus = pick(&self.skus, &needs.skus);
        let Purchases { wanted, shrinking } = Purchases::of(mutations, &skus, &orders);
        let counts = pick(&self.purchase_counts, &(&wanted | &shrinking));
        let summed = wanted.into_iter().filter(|purchase| !counts.contains_key(purchase));
        let summed = summed.map(|purchase| (purchase.clone(), self.summed(&purchase)));
        let counted = counts.iter().map(|(purchase, units)| (purchase.clone(), Held::counted(*units)));
        let held = summed.chain(counted).collect();
        Facts {
            skus,
            keys: pick(&self.keys, &needs.keys),
            orders,
            payments: pick(&self.payments, &needs.payments),
            held,
        }
    }

    fn summed(&self, purchase: &Purchase) -> Held {
        let own = self.orders.values().filter(|order| order.user_id == purchase.0);
        Held::summed(self.held(purchase), own.count() > ORDERS_SUMMED_MAX)
    }

    /// Units that a user holds of a SKU in orders not cancelled.
    pub fn held(&self, (user_id, sku_id): &Purchase) -> u64 {
        let own = self.orders.values().filter(|order| order.user_id == *user_id && order.status() != Status::Cancelled);
        let lines = own.flat_map(|order| &order.lines).filter(|line| line.sku_id == *sku_id);
        lines.map(|line| u64::from(line.quantity)).sum()
    }

    /// Units of a SKU that the orders hold.
    pub fn totals(&self, sku_id: &SkuId) -> OrderTotals {
        let mut totals = OrderTotals::default();
        for order in self.orders.values() {
            let units = order.lines.iter().filter(|line| line.sku_id == *sku_id).map(|line| i64::from(line.quantity));
            match order.status() {
                Status::Submitted => totals.reserved += units.sum::<i64>(),
                Status::Paid | Status::Shipped | Status::Completed => totals.sold += units.sum::<i64>(),
                Status::Cancelled => {}
            }
        }
        totals
    }

    fn apply(&mut self, changes: Changes) {
        self.events.extend(changes.events().cloned());
        self.unpublished.extend(changes.events().map(|event| (event.order_id, event.version)));
        for key in changes.cleared_keys {
            self.clear(&key);
        }
        for sku in changes.goods {
            let kept = self.skus.get(&sku.sku_id).map_or((sku.level, sku.flow_seq), |sku| (sku.level, sku.flow_seq));
            self.skus.insert(sku.sku_id.clone(), Sku { level: kept.0, flow_seq: kept.1, ..sku });
        }
        for write in changes.stock {
            let row = self.skus.get_mut(&write.sku_id).expect("a level is written for a sku that was read");
            assert_eq!(row.level.version, write.from_version, "the stock row of {} has moved", write.sku_id);
            row.level = write.level;
            row.flow_seq = write.flow_seq;
        }
        for new in changes.new_orders {
            if let Some((key, body_hash)) = new.order.scoped_key() {
                let answer = KeyedAnswer::Order(new.order.clone());
                let earlier = self.keys.insert(key, KeyRecord { body_hash, at: new.order.created_at, answer });
                assert_eq!(earlier, None, "a key is committed once");
            }
            self.answers.insert(new.order.order_id, new.order.clone());
            let earlier = self.orders.insert(new.order.order_id, new.order);
            assert_eq!(earlier, None, "an order id is used once");
        }
        for changed in changes.changed_orders {
            let row = self.orders.get_mut(&changed.order.order_id).expect("a changed order was read");
            assert_eq!(row.version, changed.from_version, "order {} has moved", changed.order.order_id);
            // The key is not written: it may have been cleared in this very batch.
            *row = Order { key: row.key.clone(), ..changed.order };
        }
        for record in changes.stock_keys {
            let at = changes.flow.iter().find(|entry| entry.sku_id == record.sku_id && entry.seq == record.seq);
            let key = ScopedKey { scope: crate::domain::id::KeyScope::ChangeStock(record.sku_id), key: record.key };
            let at = at.expect("a keyed change has its flow entry").at;
            let answer = KeyedAnswer::Level(record.level);
            self.keys.insert(key, KeyRecord { body_hash: record.body_hash, at, answer });
        }
        self.flow.extend(changes.flow);
        for payment in changes.payments {
            let earlier = self.payments.insert(payment.payment_id.clone(), payment);
            assert_eq!(earlier, None, "a payment is recorded once");
        }
        for RefundedOrder { order_id, refund } in changes.refunded_orders {
            let paying = self.payments.values_mut().filter(|payment| payment.order_id == order_id);
            paying.filter(|payment| payment.answered.is_none()).for_each(|payment| payment.refund = Some(refund));
        }
        for payment_id in changes.settled_refunds {
            let payment = self.payments.get_mut(&payment_id).expect("a settled payment was read");
            let refund = payment.refund.as_mut().expect("only what is owed back is settled");
            refund.status = RefundStatus::Done;
        }
        self.purchase_counts.retain(|(_, sku_id), _| !changes.lifted_limits.contains(sku_id));
        for count in changes.purchase_counts {
            self.purchase_counts.insert((count.user_id, count.sku_id), count.units);
        }
        for (group, position) in changes.positions {
            let latest = self.positions.entry(group).or_default();
            *latest = position.max(*latest);
        }
        for (name, version) in changes.done {
            let highest = self.done.entry(name).or_default();
            *highest = version.max(*highest);
        }
    }

    fn clear(&mut self, key: &ScopedKey) {
        if let Some(KeyRecord { answer: KeyedAnswer::Order(order), .. }) = self.keys.remove(key)
            && let Some(row) = self.orders.get_mut(&order.order_id)
        {
            row.key = None;
        }
    }
}

fn pick<K: Ord + Clone, V: Clone>(table: &BTreeMap<K, V>, keys: &BTreeSet<K>) -> BTreeMap<K, V> {
    keys.iter().filter_map(|key| Some((key.clone(), table.get(key)?.clone()))).collect()
}

fn answer<'a, T: Send + 'a, E: Send + 'a>(value: T) -> Answer<'a, Result<T, E>> {
    ready(Ok(value)).boxed()
}

impl Store for MemoryStore {
    fn commit(&self, mutations: Arc<[Mutation]>) -> Answer<'_, Result<Committed, CommitError>> {
        answer(self.commit_now(&mutations))
    }

    fn order(&self, order_id: OrderId) -> Answer<'_, Result<Option<Order>, StoreError>> {
        answer(self.disk.tables().orders.get(&order_id).cloned())
    }

    fn answers(&self, order_ids: Vec<OrderId>) -> Answer<'_, Result<BTreeMap<OrderId, Order>, StoreError>> {
        answer(pick(&self.disk.tables().answers, &order_ids.into_iter().collect()))
    }

    fn orders(&self, query: OrderQuery) -> Answer<'_, Result<OrderPage, StoreError>> {
        answer(self.disk.tables().page(&query))
    }

    fn events(&self, order_id: OrderId) -> Answer<'_, Result<Vec<OrderEvent>, StoreError>> {
        let tables = self.disk.tables();
        let mut events: Vec<_> = tables.events.iter().filter(|event| event.order_id == order_id).cloned().collect();
        events.sort_by_key(|event| event.version);
        answer(events)
    }

    fn skus(&self, sku_ids: Vec<SkuId>) -> Answer<'_, Result<BTreeMap<SkuId, Sku>, StoreError>> {
        answer(pick(&self.disk.tables().skus, &sku_ids.into_iter().collect()))
    }

    fn sku_page(&self, after: Option<SkuId>, limit: usize) -> Answer<'_, Result<SkuPage, StoreError>> {
        answer(self.disk.tables().sku_page(after.as_ref(), limit))
    }

    fn flow(&self, sku_id: SkuId, before: Option<u64>, limit: usize) -> Answer<'_, Result<FlowPage, StoreError>> {
        answer(self.disk.tables().flow_page(&sku_id, before, limit))
    }

    fn refunds(&self, query: RefundQuery) -> Answer<'_, Result<RefundPage, StoreError>> {
        answer(self.disk.tables().refund_page(&query))
    }

    fn keys(&self, keys: Vec<ScopedKey>) -> Answer<'_, Result<BTreeMap<ScopedKey, KeyRecord>, StoreError>> {
        answer(pick(&self.disk.tables().keys, &keys.into_iter().collect()))
    }

    fn done(&self, group: Arc<str>, order_ids: Vec<OrderId>) -> Answer<'_, Result<BTreeMap<OrderId, u32>, StoreError>> {
        let tables = self.disk.tables();
        let highest = |order_id| Some((order_id, *tables.done.get(&(Arc::clone(&group), order_id))?));
        answer(order_ids.into_iter().filter_map(highest).collect())
    }

    fn due(&self, until: Timestamp, limit: usize) -> Answer<'_, Result<Vec<(OrderId, Timestamp)>, StoreError>> {
        let tables = self.disk.tables();
        let deadline = |order: &Order| Some((order.expires_at()?, order.order_id));
        let mut due: Vec<_> = tables.orders.values().filter_map(deadline).filter(|(at, _)| *at <= until).collect();
        due.sort();
        answer(due.into_iter().take(limit).map(|(at, order_id)| (order_id, at)).collect())
    }

    fn audit(
        &self,
        sku_id: Option<SkuId>,
        after: Option<SkuId>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<SkuAudit>, StoreError>> {
        let tables = self.disk.tables();
        let is_wanted = |sku: &&Sku| {
            sku_id.as_ref().is_none_or(|sku_id| sku.sku_id == *sku_id)
                && after.as_ref().is_none_or(|after| sku.sku_id > *after)
        };
        let audit = |sku: &Sku| SkuAudit { sku: sku.clone(), orders: tables.totals(&sku.sku_id) };
        answer(tables.skus.values().filter(is_wanted).take(limit).map(audit).collect())
    }

    fn check(&self) -> Answer<'_, Result<(), StoreError>> {
        answer(())
    }
}

impl EventLog for MemoryStore {
    fn read(&self, position: u64, limit: usize) -> Answer<'_, Result<Vec<LoggedEvent>, EventLogError>> {
        let tables = self.disk.tables();
        let logged = (1..).zip(&tables.events).filter(|(at, _)| *at > position).take(limit);
        answer(logged.map(|(position, event)| LoggedEvent { position, event: event.clone() }).collect())
    }

    fn position(&self, group: &'static str) -> Answer<'_, Result<u64, EventLogError>> {
        answer(self.disk.tables().positions.get(group).copied().unwrap_or(0))
    }
}
