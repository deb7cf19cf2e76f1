//! The `Store` port on MySQL.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use actors::domain::commit::{KeyRecord, Mutation, Rules};
use actors::domain::event::OrderEvent;
use actors::domain::id::{OrderId, ScopedKey, SkuId};
use actors::domain::money::Currency;
use actors::domain::order::Order;
use actors::domain::stock::Sku;
use actors::domain::time::Timestamp;
use actors::ports::{
    Answer, Clock, CommitError, Committed, FlowPage, OrderPage, OrderQuery, RefundPage, RefundQuery, SkuAudit, SkuPage,
    Store, StoreError,
};

use super::call::Connection;
use super::engine::Engine;
use super::fault::Fault;
use super::migrate::{Migrated, migrate};
use super::{MysqlOptions, NotUsable, audit, flow, listing, queries, refunds, sku_list, writer};
use crate::backend::shop::ShopId;
use crate::calls::CallCounts;

/// The store of one or several nodes. Clones share its connections.
#[derive(Clone)]
pub struct MysqlStore {
    pub(super) engine: Arc<Engine>,
}

impl MysqlStore {
    /// Begins to use the database, whether or not it is there: until it is, everything is refused.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn open(options: &MysqlOptions, clock: Arc<dyn Clock>, rules: Rules, currency: Currency) -> io::Result<Self> {
        Ok(Self { engine: Arc::new(Engine::start(options, clock, rules, currency)?) })
    }

    /// Whether the database may be used: none if it is not there to be asked.
    ///
    /// # Errors
    /// Tells why it may not.
    pub async fn is_usable(&self) -> Result<Option<()>, NotUsable> {
        let asked = self
            .engine
            .run(async move |desk| desk.take(&desk.readers).await.map(|connection| desk.readers.keep(connection)));
        match asked.await.and_then(|outcome| outcome) {
            Ok(()) => Ok(Some(())),
            Err(Fault::NotUsable(why)) => Err(why),
            Err(fault) => {
                tracing::warn!(error = %fault, "the database is not there yet");
                Ok(None)
            }
        }
    }

    /// Applies the migrations that are missing.
    ///
    /// # Errors
    /// Tells why that cannot be done, or not to the end; what is done stays done.
    pub async fn migrate(&self) -> Result<Migrated, String> {
        let migrated = self.engine.run(async move |desk| {
            // The connection is closed afterwards, and lets go of the lock with that.
            let mut connection = desk.writers.take().await?;
            migrate(&mut connection, desk.clock.now().wall).await
        });
        migrated.await.and_then(|outcome| outcome).map_err(|fault: Fault| fault.to_string())
    }

    /// Which shop the database is, known once it may be used.
    pub fn shop_id(&self) -> ShopId {
        self.engine.shop_id.clone()
    }

    /// What became of the exchanges with the server.
    pub fn calls(&self) -> Arc<CallCounts> {
        Arc::clone(&self.engine.calls)
    }
}

impl Store for MysqlStore {
    fn commit(&self, mutations: Arc<[Mutation]>) -> Answer<'_, Result<Committed, CommitError>> {
        let outcome = self.engine.run(async move |desk| writer::commit(&desk, &mutations).await);
        Box::pin(async move {
            outcome.await.unwrap_or_else(|fault| match fault {
                Fault::BrokeOff => Err(CommitError::Unknown(fault.to_string())),
                refused => Err(CommitError::NotDone(refused.to_string())),
            })
        })
    }

    fn order(&self, order_id: OrderId) -> Answer<'_, Result<Option<Order>, StoreError>> {
        self.engine.read(async move |connection: &mut Connection| {
            Ok(queries::orders(connection, &[order_id]).await?.remove(&order_id))
        })
    }

    fn answers(&self, order_ids: Vec<OrderId>) -> Answer<'_, Result<BTreeMap<OrderId, Order>, StoreError>> {
        self.engine.read(async move |connection: &mut Connection| queries::answers(connection, &order_ids).await)
    }

    fn orders(&self, query: OrderQuery) -> Answer<'_, Result<OrderPage, StoreError>> {
        self.engine.read_snapshot(async move |connection: &mut Connection| listing::page(connection, &query).await)
    }

    fn events(&self, order_id: OrderId) -> Answer<'_, Result<Vec<OrderEvent>, StoreError>> {
        self.engine.read(async move |connection: &mut Connection| queries::events(connection, order_id).await)
    }

    fn skus(&self, sku_ids: Vec<SkuId>) -> Answer<'_, Result<BTreeMap<SkuId, Sku>, StoreError>> {
        self.engine.read(async move |connection: &mut Connection| queries::skus(connection, &sku_ids).await)
    }

    fn sku_page(&self, after: Option<SkuId>, limit: usize) -> Answer<'_, Result<SkuPage, StoreError>> {
        self.engine
            .list(async move |connection: &mut Connection| sku_list::page(connection, after.as_ref(), limit).await)
    }

    fn flow(&self, sku_id: SkuId, before: Option<u64>, limit: usize) -> Answer<'_, Result<FlowPage, StoreError>> {
        self.engine.list(async move |connection: &mut Connection| flow::page(connection, &sku_id, before, limit).await)
    }

    fn refunds(&self, query: RefundQuery) -> Answer<'_, Result<RefundPage, StoreError>> {
        self.engine.read_snapshot(async move |connection: &mut Connection| refunds::page(connection, &query).await)
    }

    fn keys(&self, keys: Vec<ScopedKey>) -> Answer<'_, Result<BTreeMap<ScopedKey, KeyRecord>, StoreError>> {
        self.engine.read(async move |connection: &mut Connection| queries::keys(connection, &keys).await)
    }

    fn done(&self, group: Arc<str>, order_ids: Vec<OrderId>) -> Answer<'_, Result<BTreeMap<OrderId, u32>, StoreError>> {
        self.engine.read(async move |connection: &mut Connection| queries::done(connection, &group, &order_ids).await)
    }

    fn due(&self, until: Timestamp, limit: usize) -> Answer<'_, Result<Vec<(OrderId, Timestamp)>, StoreError>> {
        self.engine.read(async move |connection: &mut Connection| queries::due(connection, until, limit).await)
    }

    fn audit(
        &self,
        sku_id: Option<SkuId>,
        after: Option<SkuId>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<SkuAudit>, StoreError>> {
        self.engine.read_snapshot(async move |connection: &mut Connection| {
            audit::audit(connection, sku_id.as_ref(), after.as_ref(), limit).await
        })
    }

    fn check(&self) -> Answer<'_, Result<(), StoreError>> {
        // Whoever can write here can read, too.
        let checked = self.engine.run(async move |desk| writer::check(&desk).await);
        Box::pin(async move {
            let checked = checked.await.and_then(|outcome| outcome);
            checked.map_err(|fault: Fault| StoreError::Unavailable(fault.to_string()))
        })
    }
}
