//! What goes wrong: a store that stalls, refuses and commits without saying so; a ledger that errs and forgets.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::FutureExt;
use tokio::sync::{mpsc, oneshot};

use super::checks;
use super::dice::Dice;
use super::history::History;
use crate::domain::commit::{KeyRecord, Mutation};
use crate::domain::event::OrderEvent;
use crate::domain::id::{OrderId, ScopedKey, SkuId};
use crate::domain::order::Order;
use crate::domain::stock::Sku;
use crate::domain::time::Timestamp;
use crate::ports::{
    Answer, Clock, CommitError, Committed, EventLog, EventLogError, FlowPage, Hear, Ledger, LedgerError, LedgerLevel,
    LoggedEvent, OrderPage, OrderQuery, RefundPage, RefundQuery, ReserveReply, ReserveRequest, Settlement, Signals,
    SkuAudit, SkuPage, Store, StoreError,
};
use crate::stock::MemoryLedger;
use crate::testing::memory_store::{Disk, MemoryStore};

/// Whether something goes wrong now.
#[derive(Clone)]
pub(super) struct Weather {
    pub(super) dice: Dice,
    fault_rate: u32,
    is_clear: Arc<AtomicBool>,
}

impl Weather {
    pub(super) fn new(dice: Dice, fault_rate: u32) -> Self {
        Self { dice, fault_rate, is_clear: Arc::default() }
    }

    pub(super) fn strikes(&self) -> bool {
        !self.is_clear.load(Ordering::Relaxed) && self.dice.hits(self.fault_rate)
    }

    pub(super) fn clear_up(&self) {
        self.is_clear.store(true, Ordering::Relaxed);
    }

    /// How long something takes: mostly a little, seldom very long.
    pub(super) fn delay(&self, usual_ms: u64) -> Duration {
        let is_slow = self.strikes();
        Duration::from_millis(self.dice.up_to(if is_slow { 6_000 } else { usual_ms }))
    }
}

/// A store in a process of its own: what a node asked of it goes on when the node dies.
pub(super) struct FaultyStore {
    inner: MemoryStore,
    jobs: mpsc::UnboundedSender<Job>,
    clock: Arc<dyn Clock>,
    weather: Weather,
}

struct Job {
    mutations: Arc<[Mutation]>,
    reply: oneshot::Sender<Result<Committed, CommitError>>,
}

impl FaultyStore {
    pub(super) fn start(
        inner: MemoryStore,
        disk: Disk,
        clock: Arc<dyn Clock>,
        weather: Weather,
        history: History,
    ) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        tokio::task::spawn_local(serve(inner.clone(), disk, queue, Arc::clone(&clock), weather.clone(), history));
        Self { inner, jobs, clock, weather }
    }

    async fn reading(&self) -> Result<(), StoreError> {
        self.clock.sleep(self.weather.delay(3)).await;
        if self.weather.strikes() { Err(StoreError::Unavailable("no answer".to_owned())) } else { Ok(()) }
    }
}

async fn serve(
    store: MemoryStore,
    disk: Disk,
    mut queue: mpsc::UnboundedReceiver<Job>,
    clock: Arc<dyn Clock>,
    weather: Weather,
    history: History,
) {
    while let Some(Job { mutations, reply }) = queue.recv().await {
        clock.sleep(weather.delay(10)).await;
        let commit = || {
            let committed = store.commit_now(&mutations);
            checks::after_commit(&disk, &history);
            committed
        };
        let unknown = || Err(CommitError::Unknown("the connection broke".to_owned()));
        // Whoever asked may have died meanwhile.
        let _ = if !weather.strikes() {
            reply.send(Ok(commit()))
        } else {
            match weather.dice.up_to(3) {
                0 => reply.send(Err(CommitError::NotDone("no room".to_owned()))),
                1 => {
                    commit();
                    reply.send(unknown())
                }
                2 => reply.send(unknown()),
                _ => {
                    let sent = reply.send(unknown());
                    clock.sleep(Duration::from_millis(weather.dice.up_to(3_000))).await;
                    commit();
                    sent
                }
            }
        };
    }
}

impl Store for FaultyStore {
    fn commit(&self, mutations: Arc<[Mutation]>) -> Answer<'_, Result<Committed, CommitError>> {
        let (reply, answer) = oneshot::channel();
        let _ = self.jobs.send(Job { mutations, reply });
        async move { answer.await.unwrap_or_else(|_| Err(CommitError::Unknown("the store is gone".to_owned()))) }
            .boxed()
    }

    fn order(&self, order_id: OrderId) -> Answer<'_, Result<Option<Order>, StoreError>> {
        async move {
            self.reading().await?;
            self.inner.order(order_id).await
        }
        .boxed()
    }

    fn answers(&self, order_ids: Vec<OrderId>) -> Answer<'_, Result<BTreeMap<OrderId, Order>, StoreError>> {
        async move {
            self.reading().await?;
            self.inner.answers(order_ids).await
        }
        .boxed()
    }

    fn orders(&self, query: OrderQuery) -> Answer<'_, Result<OrderPage, StoreError>> {
        self.inner.orders(query)
    }

    fn events(&self, order_id: OrderId) -> Answer<'_, Result<Vec<OrderEvent>, StoreError>> {
        self.inner.events(order_id)
    }

    fn skus(&self, sku_ids: Vec<SkuId>) -> Answer<'_, Result<BTreeMap<SkuId, Sku>, StoreError>> {
        async move {
            self.reading().await?;
            let read = self.inner.skus(sku_ids).await;
            // What was read may be old by the time it arrives.
            self.clock.sleep(self.weather.delay(3)).await;
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
        async move {
            self.reading().await?;
            self.inner.keys(keys).await
        }
        .boxed()
    }

    fn done(&self, group: Arc<str>, order_ids: Vec<OrderId>) -> Answer<'_, Result<BTreeMap<OrderId, u32>, StoreError>> {
        async move {
            self.reading().await?;
            self.inner.done(group, order_ids).await
        }
        .boxed()
    }

    fn due(&self, until: Timestamp, limit: usize) -> Answer<'_, Result<Vec<(OrderId, Timestamp)>, StoreError>> {
        async move {
            self.reading().await?;
            self.inner.due(until, limit).await
        }
        .boxed()
    }

    fn audit(
        &self,
        sku_id: Option<SkuId>,
        after: Option<SkuId>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<SkuAudit>, StoreError>> {
        self.inner.audit(sku_id, after, limit)
    }

    fn check(&self) -> Answer<'_, Result<(), StoreError>> {
        self.inner.check()
    }
}

impl EventLog for FaultyStore {
    fn read(&self, position: u64, limit: usize) -> Answer<'_, Result<Vec<LoggedEvent>, EventLogError>> {
        async move {
            self.reading().await.map_err(|error| EventLogError(error.to_string()))?;
            EventLog::read(&self.inner, position, limit).await
        }
        .boxed()
    }

    fn position(&self, group: &'static str) -> Answer<'_, Result<u64, EventLogError>> {
        self.inner.position(group)
    }
}

/// A ledger whose answers are lost or late, and whose memory is not to be relied on.
pub(super) struct FaultyLedger {
    inner: Arc<MemoryLedger>,
    clock: Arc<dyn Clock>,
    weather: Weather,
    /// Levels as they were settled once, to roll back to.
    settled: Mutex<BTreeMap<SkuId, (u64, i64)>>,
}

impl FaultyLedger {
    pub(super) fn new(inner: MemoryLedger, clock: Arc<dyn Clock>, weather: Weather) -> Self {
        Self { inner: Arc::new(inner), clock, weather, settled: Mutex::default() }
    }

    pub(super) fn wipe(&self) {
        self.inner.wipe();
    }

    /// Loses every grant and goes back to levels of the past.
    pub(super) fn roll_back(&self) {
        self.inner.wipe();
        for (sku_id, level) in &*self.settled.lock().unwrap_or_else(PoisonError::into_inner) {
            let settlement = Settlement { grants: Vec::new(), level: Some(*level) };
            self.inner.settle(sku_id, settlement).now_or_never();
        }
    }
}

impl Ledger for FaultyLedger {
    fn reserve(&self, sku_id: &SkuId, requests: Vec<ReserveRequest>) -> Answer<'_, Result<ReserveReply, LedgerError>> {
        let sku_id = sku_id.clone();
        async move {
            self.clock.sleep(self.weather.delay(2)).await;
            if self.weather.strikes() && self.weather.dice.is_heads() {
                return Err(LedgerError("no answer".to_owned()));
            }
            let reply = self.inner.reserve(&sku_id, requests).await;
            self.clock.sleep(self.weather.delay(2)).await;
            if self.weather.strikes() { Err(LedgerError("the answer was lost".to_owned())) } else { reply }
        }
        .boxed()
    }

    fn settle(&self, sku_id: &SkuId, settlement: Settlement) -> Answer<'_, Result<(), LedgerError>> {
        let sku_id = sku_id.clone();
        async move {
            self.clock.sleep(self.weather.delay(2)).await;
            if let Some(level) = settlement.level
                && self.weather.dice.hits(200)
            {
                self.settled.lock().unwrap_or_else(PoisonError::into_inner).insert(sku_id.clone(), level);
            }
            if !self.weather.strikes() {
                return self.inner.settle(&sku_id, settlement).await;
            }
            if self.weather.dice.is_heads() {
                // Late: others overtake it.
                let (inner, clock) = (Arc::clone(&self.inner), Arc::clone(&self.clock));
                let delay = Duration::from_millis(self.weather.dice.up_to(5_000));
                tokio::task::spawn_local(async move {
                    clock.sleep(delay).await;
                    inner.settle(&sku_id, settlement).await
                });
            }
            Err(LedgerError("no answer".to_owned()))
        }
        .boxed()
    }

    fn rest(&self, sku_id: &SkuId) {
        self.inner.rest(sku_id);
    }

    fn may_know(&self, sku_id: &SkuId) -> bool {
        self.inner.may_know(sku_id)
    }

    fn forget(&self, sku_id: &SkuId) -> Answer<'_, Result<(), LedgerError>> {
        self.inner.forget(sku_id)
    }

    fn is_answering(&self) -> bool {
        self.inner.is_answering()
    }

    fn read(&self, sku_id: &SkuId) -> Answer<'_, Result<Option<LedgerLevel>, LedgerError>> {
        self.inner.read(sku_id)
    }
}

impl Signals for FaultyLedger {
    fn subscribe(&self, hear: Hear) {
        let weather = self.weather.clone();
        self.inner.subscribe(Arc::new(move |signal| {
            if !weather.strikes() {
                hear(signal);
            }
        }));
    }
}
