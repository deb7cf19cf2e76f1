//! A whole node in the test's own `LocalSet`, on a store whose commits can be held up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::FutureExt;
use tokio::sync::watch;

use super::clock::PausedClock;
use super::memory_store::{Disk, MemoryStore};
use super::memory_stream::Broker;
use crate::domain::commit::{KeyRecord, Mutation, Rules};
use crate::domain::event::OrderEvent;
use crate::domain::id::{OrderId, ScopedKey, SkuId, UserId};
use crate::domain::order::Order;
use crate::domain::stock::Sku;
use crate::domain::time::Timestamp;
use crate::event::PRINTER_GROUP;
use crate::node::{Events, Node, Ports, Shared};
use crate::ports::{
    Answer, Clock, CommitError, Committed, EventSink, FlowPage, Ids, OrderPage, OrderQuery, RefundPage, RefundQuery,
    SinkError, SkuAudit, SkuPage, Spawn, Store, StoreError,
};
use crate::stock::MemoryLedger;

/// A store whose commits and checks wait at a gate.
pub struct GatedStore {
    inner: MemoryStore,
    is_open: watch::Sender<bool>,
    is_readable: watch::Sender<bool>,
    doubted: Mutex<Option<(UserId, bool)>>,
    takes_no_notes: AtomicBool,
    asked: AtomicUsize,
    checked: AtomicUsize,
    audited_at_once: AtomicUsize,
}

impl GatedStore {
    /// Lets commits through, or holds them up.
    pub fn set_open(&self, is_open: bool) {
        self.is_open.send_replace(is_open);
    }

    /// Lets SKUs be read, or holds up what was read of them: it may be old by the time it arrives.
    pub fn set_readable(&self, is_readable: bool) {
        self.is_readable.send_replace(is_readable);
    }

    /// Lets the outcome of a user's placements be unknown from now on, as if they were in a part of the batch that broke
    /// off: done all the same, or not.
    pub fn doubt(&self, user_id: UserId, is_done: bool) {
        *self.doubted.lock().unwrap_or_else(PoisonError::into_inner) = Some((user_id, is_done));
    }

    /// Lets it refuse to record what was done of events, or take it.
    pub fn set_taking_notes(&self, takes_notes: bool) {
        self.takes_no_notes.store(!takes_notes, Ordering::Relaxed);
    }

    fn commit_in_parts(&self, mutations: &[Mutation]) -> Committed {
        let is_note =
            |mutation: &Mutation| matches!(mutation, Mutation::Acknowledge { .. } | Mutation::NoteDone { .. });
        if self.takes_no_notes.load(Ordering::Relaxed) && mutations.iter().any(is_note) {
            return Committed::failed(CommitError::NotDone("it takes no notes".to_owned()), mutations.len());
        }
        let doubted = self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((user_id, is_done)) = &*doubted else { return self.inner.commit_now(mutations) };
        let mut whole = Committed::default();
        for mutation in mutations {
            let is_doubted = mutation.buyer() == Some(user_id);
            let is_done = !is_doubted || *is_done;
            let done = is_done.then(|| self.inner.commit_now(std::slice::from_ref(mutation)));
            let lost = || Committed::failed(CommitError::Unknown("it broke off".to_owned()), 1);
            whole.append(done.filter(|_| !is_doubted).unwrap_or_else(lost));
        }
        whole
    }

    /// Mutations that were asked to be committed so far, held up or not.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl GatedStore {
    /// How often it was asked whether it works.
    pub fn checked(&self) -> usize {
        self.checked.load(Ordering::Relaxed)
    }

    /// The most SKUs that were to be audited in one read.
    pub fn audited_at_once(&self) -> usize {
        self.audited_at_once.load(Ordering::Relaxed)
    }
}

/// A node on such a store.
pub struct BenchNode {
    /// The node.
    pub node: Arc<Node>,
    /// Its store.
    pub store: Arc<GatedStore>,
    /// Its ledger, as another node would share it.
    pub ledger: Arc<MemoryLedger>,
    /// Where its printer writes.
    pub sink: Arc<BreakableSink>,
    /// What is committed.
    pub disk: Disk,
    /// Time, which stands still while anything is left to do.
    pub clock: Arc<dyn Clock>,
}

impl BenchNode {
    /// Starts a node. Call it inside a `LocalSet` on a runtime whose time is paused.
    pub fn start() -> Self {
        Self::start_on(None)
    }

    /// Starts a node that shares a stream.
    pub fn start_sharing(broker: &Broker) -> Self {
        Self::start_on(Some(broker))
    }

    fn start_on(broker: Option<&Broker>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(PausedClock::starting_at(Timestamp::from_millis(1_800_000_000_000)));
        let disk = Disk::default();
        let inner = MemoryStore::open(disk.clone(), Arc::clone(&clock), Rules::default());
        let log = Arc::new(inner.clone());
        let store = Arc::new(GatedStore {
            inner,
            is_open: watch::Sender::new(true),
            is_readable: watch::Sender::new(true),
            doubted: Mutex::default(),
            takes_no_notes: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
            checked: AtomicUsize::new(0),
            audited_at_once: AtomicUsize::new(0),
        });
        let sink = Arc::<BreakableSink>::default();
        let ledger = Arc::new(MemoryLedger::new(Arc::clone(&clock)));
        let stream = broker.map(|broker| Shared {
            stream: Arc::new(broker.member(PRINTER_GROUP, Arc::clone(&clock))),
            group: Some(PRINTER_GROUP.into()),
        });
        let ports = Ports {
            store: Arc::<GatedStore>::clone(&store),
            signals: Arc::<MemoryLedger>::clone(&ledger),
            ledger: Arc::<MemoryLedger>::clone(&ledger),
            events: Events::Log(log),
            stream,
            sink: Arc::<BreakableSink>::clone(&sink),
            clock: Arc::clone(&clock),
            ids: Arc::new(Counted(AtomicU64::new(0))),
            spawn: Arc::new(LocalSpawn),
        };
        Self { node: Arc::new(Node::start(&ports)), store, ledger, sink, disk, clock }
    }
}

struct LocalSpawn;

impl Spawn for LocalSpawn {
    fn spawn(&self, task: Box<dyn FnOnce() + Send>) {
        tokio::task::spawn_local(async move { task() });
    }
}

struct Counted(AtomicU64);

impl Ids for Counted {
    fn order_id(&self, _: Timestamp) -> OrderId {
        OrderId::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

/// A printer that nobody reads, and that can be broken or stuck.
#[derive(Default)]
pub struct BreakableSink {
    is_broken: AtomicBool,
    is_stuck: watch::Sender<bool>,
    printed: Mutex<Vec<(OrderId, u32)>>,
    /// Events that are refused by themselves, and how often.
    refused: Mutex<BTreeMap<(OrderId, u32), usize>>,
}

impl BreakableSink {
    /// Lets everything from now on fail, or be printed.
    pub fn set_broken(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::Relaxed);
    }

    /// Lets everything from now on wait, or go on.
    pub fn set_stuck(&self, is_stuck: bool) {
        self.is_stuck.send_replace(is_stuck);
    }

    /// Lets an event be refused so many times.
    pub fn refuse(&self, order_id: OrderId, version: u32, times: usize) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert((order_id, version), times);
    }

    /// Events that were printed so far.
    pub fn printed(&self) -> usize {
        self.lines().len()
    }

    /// What was printed, as it was.
    pub fn lines(&self) -> Vec<(OrderId, u32)> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self, events: &[OrderEvent]) -> Result<(), SinkError> {
        if self.is_broken.load(Ordering::Relaxed) {
            return Err(SinkError::unavailable(0, "the pipe is broken".to_owned()));
        }
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, event) in events.iter().enumerate() {
            let name = (event.order_id, event.version);
            if let Some(left) = refused.get_mut(&name).filter(|left| **left > 0) {
                *left -= 1;
                return Err(SinkError { printed: at, reason: "it has no room".to_owned(), is_the_events: true });
            }
            self.printed.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        }
        Ok(())
    }
}

impl EventSink for BreakableSink {
    fn print(&self, events: Vec<OrderEvent>) -> Answer<'_, Result<(), SinkError>> {
        let outcome = self.take(&events);
        let mut is_stuck = self.is_stuck.subscribe();
        async move {
            // It errs only if the sink is gone.
            let _ = is_stuck.wait_for(|is_stuck| !*is_stuck).await;
            outcome
        }
        .boxed()
    }
}

impl Store for GatedStore {
    fn commit(&self, mutations: Arc<[Mutation]>) -> Answer<'_, Result<Committed, CommitError>> {
        self.asked.fetch_add(mutations.len(), Ordering::Relaxed);
        let mut is_open = self.is_open.subscribe();
        async move {
            // It errs only if the store is gone.
            let _ = is_open.wait_for(|is_open| *is_open).await;
            Ok(self.commit_in_parts(&mutations))
        }
        .boxed()
    }

    fn order(&self, order_id: OrderId) -> Answer<'_, Result<Option<Order>, StoreError>> {
        self.inner.order(order_id)
    }

    fn answers(&self, order_ids: Vec<OrderId>) -> Answer<'_, Result<BTreeMap<OrderId, Order>, StoreError>> {
        self.inner.answers(order_ids)
    }

    fn orders(&self, query: OrderQuery) -> Answer<'_, Result<OrderPage, StoreError>> {
        self.inner.orders(query)
    }

    fn events(&self, order_id: OrderId) -> Answer<'_, Result<Vec<OrderEvent>, StoreError>> {
        self.inner.events(order_id)
    }

    fn skus(&self, sku_ids: Vec<SkuId>) -> Answer<'_, Result<BTreeMap<SkuId, Sku>, StoreError>> {
        let mut is_readable = self.is_readable.subscribe();
        async move {
            let read = self.inner.skus(sku_ids).await;
            // It errs only if the store is gone.
            let _ = is_readable.wait_for(|is_readable| *is_readable).await;
            read
        }
        .boxed()
    }

    fn sku_page(&self, after: Option<SkuId>, limit: usize) -> Answer<'_, Result<SkuPage, StoreError>> {
        self.inner.sku_page(after, limit)
    }

    fn flow(&self, sku_id: SkuId, before: Option<u64>, limit: usize) -> Answer<'_, Result<FlowPage, StoreError>> {
        self.inner.flow(sku_id, before, limit)
    }

    fn refunds(&self, query: RefundQuery) -> Answer<'_, Result<RefundPage, StoreError>> {
        self.inner.refunds(query)
    }

    fn keys(&self, keys: Vec<ScopedKey>) -> Answer<'_, Result<BTreeMap<ScopedKey, KeyRecord>, StoreError>> {
        self.inner.keys(keys)
    }

    fn done(&self, group: Arc<str>, order_ids: Vec<OrderId>) -> Answer<'_, Result<BTreeMap<OrderId, u32>, StoreError>> {
        self.inner.done(group, order_ids)
    }

    fn due(&self, until: Timestamp, limit: usize) -> Answer<'_, Result<Vec<(OrderId, Timestamp)>, StoreError>> {
        self.inner.due(until, limit)
    }

    fn audit(
        &self,
        sku_id: Option<SkuId>,
        after: Option<SkuId>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<SkuAudit>, StoreError>> {
        self.audited_at_once.fetch_max(limit, Ordering::Relaxed);
        self.inner.audit(sku_id, after, limit)
    }

    fn check(&self) -> Answer<'_, Result<(), StoreError>> {
        self.checked.fetch_add(1, Ordering::Relaxed);
        let mut is_open = self.is_open.subscribe();
        async move {
            // It errs only if the store is gone.
            let _ = is_open.wait_for(|is_open| *is_open).await;
            self.inner.check().await
        }
        .boxed()
    }
}
