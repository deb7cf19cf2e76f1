//! The durable truth.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Answer;
use crate::domain::commit::{Changes, Decided, KeyRecord, Mutation, Verdict};
use crate::domain::event::OrderEvent;
use crate::domain::id::{OrderId, PaymentId, ScopedKey, SkuId, UserId};
use crate::domain::invariant::OrderTotals;
use crate::domain::money::Money;
use crate::domain::order::{Order, Status};
use crate::domain::payment::{PaymentRefund, RefundStatus};
use crate::domain::rejection::Rejection;
use crate::domain::stock::{FlowEntry, Sku};
use crate::domain::time::Timestamp;

/// Why a read was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// As many reads wait as may wait.
    #[error("too many reads wait for the store")]
    Busy,
    /// It cannot be read.
    #[error("the store cannot be read: {0}")]
    Unavailable(String),
}

impl From<StoreError> for Rejection {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::Busy,
            StoreError::Unavailable(_) => Self::Unavailable(error.to_string()),
        }
    }
}

/// Why a batch was not committed, or not known to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Nothing was written.
    #[error("the store cannot be written: {0}")]
    NotDone(String),
    /// It may or may not be written, now or a little later.
    #[error("the commit's outcome is not known: {0}")]
    Unknown(String),
}

/// What became of a batch.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// One verdict per mutation, in their order. `outcome_unknown` where it broke off while it was committed.
    pub verdicts: Vec<Verdict>,
    /// Every SKU that was read under lock, as it is after the commit.
    pub skus: BTreeMap<SkuId, Sku>,
    /// The events that were written, in their order.
    pub events: Vec<OrderEvent>,
    /// What it took.
    pub tally: Tally,
}

/// The transactions that a batch took: one, unless parts of it had to be committed by themselves. One that found nothing
/// to write is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Transactions that were committed.
    pub done: usize,
    /// Transactions that were not.
    pub not_done: usize,
    /// Transactions that may or may not have been.
    pub unknown: usize,
    /// Mutations that those committed wrote something for.
    pub written: usize,
}

impl Committed {
    /// What one transaction comes to once it is committed, and what it has to write for that.
    pub fn of(decided: Decided) -> (Self, Changes) {
        let Decided { verdicts, changes, skus, written } = decided;
        let tally = Tally { done: usize::from(!changes.is_empty()), written, ..Tally::default() };
        (Self { verdicts, skus, events: changes.events().cloned().collect(), tally }, changes)
    }

    /// What a transaction for so many mutations comes to that was not committed, or is not known to be.
    pub fn failed(error: CommitError, mutations: usize) -> Self {
        let (rejection, tally) = match error {
            CommitError::NotDone(reason) => (Rejection::Unavailable(reason), Tally { not_done: 1, ..Tally::default() }),
            CommitError::Unknown(_) => (Rejection::OutcomeUnknown, Tally { unknown: 1, ..Tally::default() }),
        };
        Self { verdicts: vec![Err(rejection); mutations], tally, ..Self::default() }
    }

    /// Adds what became of the mutations that follow.
    pub fn append(&mut self, next: Self) {
        self.verdicts.extend(next.verdicts);
        self.skus.extend(next.skus);
        self.events.extend(next.events);
        let (tally, more) = (&mut self.tally, next.tally);
        tally.done += more.done;
        tally.not_done += more.not_done;
        tally.unknown += more.unknown;
        tally.written += more.written;
    }
}

/// Which orders to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderQuery {
    /// Only this user's.
    pub user_id: Option<UserId>,
    /// Only with this status.
    pub status: Option<Status>,
    /// Only with a line of this SKU.
    pub sku_id: Option<SkuId>,
    /// Only orders made before this one.
    pub before: Option<OrderId>,
    /// At most so many.
    pub limit: usize,
}

/// A page of orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderPage {
    /// The orders, newest first; deleted ones are left out.
    pub orders: Vec<Order>,
    /// Where the next page goes on: after this order. None at the end.
    pub next: Option<OrderId>,
}

/// A page of SKUs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkuPage {
    /// The SKUs, by id.
    pub skus: Vec<Sku>,
    /// Where the next page goes on: after this SKU. None at the end.
    pub next: Option<SkuId>,
}

/// A page of a SKU's stock flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowPage {
    /// The entries, newest first, numbered without a gap.
    pub entries: Vec<FlowEntry>,
    /// Where the next page goes on: before the entry of this number. None at the end.
    pub next: Option<u64>,
}

/// Which payments that are or were owed back to list, the one that is longest so first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefundQuery {
    /// Only with this status.
    pub status: Option<RefundStatus>,
    /// Only those after this one.
    pub after: Option<RefundPosition>,
    /// At most so many.
    pub limit: usize,
}

/// The place of a payment in the list: since when it is owed back, then its id.
pub type RefundPosition = (Timestamp, PaymentId);

/// A payment that is or was owed back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRefund {
    /// The payment.
    pub payment_id: PaymentId,
    /// The order that was paid for.
    pub order_id: OrderId,
    /// Whose order that is.
    pub user_id: UserId,
    /// The sum.
    pub amount: Money,
    /// Why, since when, and whether it was given back.
    pub refund: PaymentRefund,
}

impl ListedRefund {
    /// The payment's place in the list.
    pub fn position(&self) -> RefundPosition {
        (self.refund.at, self.payment_id.clone())
    }
}

/// A page of payments that are or were owed back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefundPage {
    /// The payments, the one that is owed back longest first.
    pub refunds: Vec<ListedRefund>,
    /// Where the next page goes on: after this one. None at the end.
    pub next: Option<RefundPosition>,
}

/// A SKU beside what its orders hold, read in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkuAudit {
    /// The SKU with its stock row.
    pub sku: Sku,
    /// What the committed orders hold of it.
    pub orders: OrderTotals,
}

/// What is committed, and the one way to commit more. Reads answer from what is committed, never older than what
/// this node has seen committed.
pub trait Store: Send + Sync + 'static {
    /// Reads under lock, decides by `domain::commit::decide`, writes, commits: one transaction for the whole batch.
    fn commit(&self, mutations: Arc<[Mutation]>) -> Answer<'_, Result<Committed, CommitError>>;

    /// An order, deleted or not.
    fn order(&self, order_id: OrderId) -> Answer<'_, Result<Option<Order>, StoreError>>;

    /// Orders as they were first answered, whatever became of them later: those that exist, of those asked for.
    fn answers(&self, order_ids: Vec<OrderId>) -> Answer<'_, Result<BTreeMap<OrderId, Order>, StoreError>>;

    /// A page of orders.
    fn orders(&self, query: OrderQuery) -> Answer<'_, Result<OrderPage, StoreError>>;

    /// An order's events, by version.
    fn events(&self, order_id: OrderId) -> Answer<'_, Result<Vec<OrderEvent>, StoreError>>;

    /// The SKUs that exist, of those asked for: one statement, no lock.
    fn skus(&self, sku_ids: Vec<SkuId>) -> Answer<'_, Result<BTreeMap<SkuId, Sku>, StoreError>>;

    /// A page of all SKUs, from `after` on.
    fn sku_page(&self, after: Option<SkuId>, limit: usize) -> Answer<'_, Result<SkuPage, StoreError>>;

    /// A page of a SKU's stock flow, reserves among the rest: the entries numbered below `before`. Of an unknown SKU
    /// there are none.
    fn flow(&self, sku_id: SkuId, before: Option<u64>, limit: usize) -> Answer<'_, Result<FlowPage, StoreError>>;

    /// A page of payments that are or were owed back.
    fn refunds(&self, query: RefundQuery) -> Answer<'_, Result<RefundPage, StoreError>>;

    /// The keys that are committed, of those asked for.
    fn keys(&self, keys: Vec<ScopedKey>) -> Answer<'_, Result<BTreeMap<ScopedKey, KeyRecord>, StoreError>>;

    /// The highest version that a consumer group has done of each order, of those asked for and done anything of. Read from
    /// what is committed by any node.
    fn done(&self, group: Arc<str>, order_ids: Vec<OrderId>) -> Answer<'_, Result<BTreeMap<OrderId, u32>, StoreError>>;

    /// Submitted orders whose deadline is `until` or earlier, with it, earliest first, at most `limit`.
    fn due(&self, until: Timestamp, limit: usize) -> Answer<'_, Result<Vec<(OrderId, Timestamp)>, StoreError>>;

    /// SKUs beside what their orders hold: one, or all from `after` on, by id, at most `limit`.
    fn audit(
        &self,
        sku_id: Option<SkuId>,
        after: Option<SkuId>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<SkuAudit>, StoreError>>;

    /// Whether the store can be read and written now.
    fn check(&self) -> Answer<'_, Result<(), StoreError>>;
}
