//! The front of the core's writing side: what a handler calls, one method per thing that can be asked.
//!
//! Runs in the caller's task up to the message; from then on the work goes on whether or not the caller waits. No caller
//! waits for ever: one whose answer does not come in time hears that the outcome is not known, and whoever asks again
//! under its key, that it is still worked on.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};

use super::refuser::Refuse;
use super::running_keys::RunningKeys;
use super::supervisor::{Submit, Supervisors, Want, refuse};
use crate::domain::commit::{AmendOrder, CancelOrder, Mutation, OrderAction, Outcome, PutSku};
use crate::domain::id::{GrantId, IdempotencyKey, OrderId, PaymentId, SkuId, UserId};
use crate::domain::limits::{ANSWER_PATIENCE, BASE_AGE_MAX, PLACEMENT_DEADLINE};
use crate::domain::order::{Order, PlaceOrder, WantedLine};
use crate::domain::payment::{Payment, PaymentNotice, RefundReason};
use crate::domain::rejection::Rejection;
use crate::domain::stock::{Level, Sku, StockChange};
use crate::domain::validation::{self, Known};
use crate::ports::{Answer, Clock, Ids};
use crate::runtime::{Link, Reply};
use crate::stock::{StockCell, StockDirectory};

/// What a buyer sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRequest {
    /// Who buys.
    pub user_id: UserId,
    /// What is wanted; lines of one SKU may repeat.
    pub lines: Vec<WantedLine>,
    /// Where the order comes from.
    pub source: Option<String>,
    /// A remark.
    pub remark: Option<String>,
    /// Names the attempt.
    pub key: Option<IdempotencyKey>,
    /// Who asked.
    pub by: String,
}

/// An order that was placed, now or by an earlier attempt under the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The order as it was answered the first time.
    pub order: Order,
    /// Whether that was an earlier attempt.
    pub replayed: bool,
}

/// A payment that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The order as it is now.
    pub order: Order,
    /// Why the payment is owed back, if it is.
    pub refund: Option<RefundReason>,
}

/// A stock change that was made, now or by an earlier attempt under the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockChanged {
    /// The level as it was answered the first time.
    pub level: Level,
    /// Whether that was an earlier attempt.
    pub replayed: bool,
}

/// See the module.
pub struct Orders {
    pub(crate) stock: Arc<StockDirectory>,
    pub(crate) supervisors: Supervisors,
    pub(crate) refuser: Link<Refuse>,
    pub(crate) running: RunningKeys,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
}

impl Orders {
    /// Places an order.
    ///
    /// # Errors
    /// Any [`Rejection`] of placements, the first in precedence.
    pub async fn place(&self, request: OrderRequest) -> Result<Placed, Rejection> {
        let OrderRequest { user_id, lines, source, remark, key, by } = request;
        let lines = PlaceOrder::merge_lines(lines)?;
        let now = self.clock.now();
        let order_id = self.ids.order_id(now.wall);
        let deadline = now.monotonic.plus(PLACEMENT_DEADLINE);
        let wanted = PlaceOrder { order_id, user_id, lines, source, remark, key, by, deadline };
        let (mut reply, pending) = Reply::channel();
        if let Some(key) = wanted.scoped_key() {
            reply.hold(self.running.take(key)?);
        }
        let mut patience = self.clock.sleep(ANSWER_PATIENCE);
        match in_time(self.look(&wanted), &mut patience).await? {
            Ok(wants) => {
                let grant = wanted.grant();
                self.submit(order_id, Submit { mutation: Mutation::Place(wanted), wants, grant, reply });
            }
            Err(rejection) => refuse(&self.refuser, &Mutation::Place(wanted), rejection, reply),
        }
        match pending.wait_for(patience).await? {
            Outcome::Placed { order, replayed } => Ok(Placed { order, replayed }),
            _ => Err(Rejection::OutcomeUnknown),
        }
    }

    /// Records a payment.
    ///
    /// # Errors
    /// Any [`Rejection`] of payments.
    pub async fn pay(&self, notice: PaymentNotice) -> Result<Paid, Rejection> {
        match self.change(notice.order_id, Mutation::Pay(notice)).await? {
            Outcome::Paid { order, refund } => Ok(Paid { order, refund }),
            _ => Err(Rejection::OutcomeUnknown),
        }
    }

    /// Cancels an order.
    ///
    /// # Errors
    /// Any [`Rejection`] of cancellations.
    pub async fn cancel(&self, cancel: CancelOrder) -> Result<Order, Rejection> {
        self.change_order(cancel.order_id, Mutation::Cancel(cancel)).await
    }

    /// Hands a paid order's goods over to be delivered.
    ///
    /// # Errors
    /// Unknown, not paid, or shipped before.
    pub async fn ship(&self, action: OrderAction) -> Result<Order, Rejection> {
        self.change_order(action.order_id, Mutation::Ship(action)).await
    }

    /// Completes a shipped order.
    ///
    /// # Errors
    /// Unknown, or not shipped.
    pub async fn receive(&self, action: OrderAction) -> Result<Order, Rejection> {
        self.change_order(action.order_id, Mutation::Receive(action)).await
    }

    /// Changes source or remark of an order. One that is as wanted already is answered as it is.
    ///
    /// # Errors
    /// Unknown, of another version, or final.
    pub async fn amend(&self, amend: AmendOrder) -> Result<Order, Rejection> {
        self.change_order(amend.order_id, Mutation::Amend(amend)).await
    }

    /// Hides a final order from everyone but admins.
    ///
    /// # Errors
    /// Unknown, or not final.
    pub async fn delete(&self, action: OrderAction) -> Result<Order, Rejection> {
        self.change_order(action.order_id, Mutation::Delete(action)).await
    }

    /// Records that the money of a payment was given back. A repeat is answered alike.
    ///
    /// # Errors
    /// Unknown, or nothing of it is owed back.
    pub async fn settle_refund(&self, payment_id: PaymentId) -> Result<Payment, Rejection> {
        let shard = self.ids.order_id(self.clock.now().wall);
        match self.change(shard, Mutation::SettleRefund(payment_id)).await? {
            Outcome::RefundSettled(payment) => Ok(payment),
            _ => Err(Rejection::OutcomeUnknown),
        }
    }

    /// Creates a SKU or replaces its goods. Answers whether it was created.
    ///
    /// # Errors
    /// Only what keeps any work from being done.
    pub async fn put_sku(&self, put: PutSku) -> Result<(Sku, bool), Rejection> {
        let order_id = self.ids.order_id(self.clock.now().wall);
        match self.change(order_id, Mutation::PutSku(put)).await? {
            Outcome::SkuPut { sku, created } => Ok((sku, created)),
            _ => Err(Rejection::OutcomeUnknown),
        }
    }

    /// Changes a SKU's stock. Units that leave are held in the ledger first, like an order's.
    ///
    /// # Errors
    /// Any [`Rejection`] of stock changes.
    pub async fn change_stock(&self, change: StockChange) -> Result<StockChanged, Rejection> {
        let now = self.clock.now();
        let (mut reply, pending) = Reply::channel();
        reply.hold(self.running.take(change.scoped_key())?);
        let deadline = now.monotonic.plus(PLACEMENT_DEADLINE);
        let grant = change.grant();
        let mut patience = self.clock.sleep(ANSWER_PATIENCE);
        let wants = in_time(self.units_leaving(&change), &mut patience).await?;
        let mutation = Mutation::ChangeStock { change, deadline };
        match wants {
            Ok(wants) => {
                self.submit(self.ids.order_id(now.wall), Submit { mutation, wants, grant, reply });
            }
            Err(rejection) => refuse(&self.refuser, &mutation, rejection, reply),
        }
        match pending.wait_for(patience).await? {
            Outcome::StockChanged { level, replayed } => Ok(StockChanged { level, replayed }),
            _ => Err(Rejection::OutcomeUnknown),
        }
    }

    /// Finds the SKUs and runs the validators on what the node knows, so that the store is spared what it would refuse.
    async fn look(&self, wanted: &PlaceOrder) -> Result<Vec<Want>, Rejection> {
        let sku_ids: Vec<SkuId> = wanted.lines.iter().map(|line| line.sku_id.clone()).collect();
        let cells = self.stock.find(sku_ids.clone()).await?;
        let mut verdict = validate_goods(wanted, &cells);
        if verdict.is_err() && self.is_any_old(cells.values()) {
            self.stock.refresh(sku_ids).await?;
            verdict = validate_goods(wanted, &cells);
        }
        if verdict.is_err() && wanted.key.is_some() {
            // An earlier attempt under this key may still land, so no refusal is final but one that is decided under
            // the lock. Nothing is reserved for it.
            return Ok(Vec::new());
        }
        verdict?;
        self.meet_flags(wanted)?;
        let want = |line: &WantedLine| Some(Want { cell: cells.get(&line.sku_id)?.clone(), quantity: line.quantity });
        Ok(wanted.lines.iter().filter_map(want).collect())
    }

    /// Refuses what is known to be sold out. A retry must not be refused because of its own first attempt, so only
    /// requests without a key meet the flags.
    fn meet_flags(&self, wanted: &PlaceOrder) -> Result<(), Rejection> {
        if wanted.key.is_some() {
            return Ok(());
        }
        let (flags, now) = (self.stock.flags(), self.clock.now().monotonic);
        for line in &wanted.lines {
            if flags.refuses(&line.sku_id, now) {
                let (sku_id, wanted) = (line.sku_id.clone(), line.quantity);
                return Err(Rejection::SoldOut { sku_id, available: 0, wanted });
            }
        }
        wanted.lines.iter().for_each(|line| flags.pass(&line.sku_id, now));
        Ok(())
    }

    fn is_any_old<'a>(&self, cells: impl Iterator<Item = &'a Arc<StockCell>>) -> bool {
        let now = self.clock.now().monotonic;
        cells.into_iter().any(|cell| cell.may_be_older(BASE_AGE_MAX, now))
    }

    async fn units_leaving(&self, change: &StockChange) -> Result<Vec<Want>, Rejection> {
        if change.change >= 0 {
            // Nothing leaves, so nobody has to be live for it; whether there is such a SKU is for the store to say.
            return Ok(Vec::new());
        }
        let cells = self.stock.find(vec![change.sku_id.clone()]).await?;
        let cell = cells.get(&change.sku_id).ok_or_else(|| Rejection::SkuNotFound(change.sku_id.clone()))?;
        // More than fits is left to the store to refuse.
        let units = u32::try_from(change.change.unsigned_abs()).ok();
        Ok(units.map(|quantity| Want { cell: Arc::clone(cell), quantity }).into_iter().collect())
    }

    async fn change_order(&self, order_id: OrderId, mutation: Mutation) -> Result<Order, Rejection> {
        match self.change(order_id, mutation).await? {
            Outcome::OrderChanged(order) => Ok(order),
            _ => Err(Rejection::OutcomeUnknown),
        }
    }

    async fn change(&self, order_id: OrderId, mutation: Mutation) -> Result<Outcome, Rejection> {
        let (reply, pending) = Reply::channel();
        let grant = GrantId::of_order(order_id);
        self.submit(order_id, Submit { mutation, wants: Vec::new(), grant, reply });
        pending.wait_for(self.clock.sleep(ANSWER_PATIENCE)).await
    }

    fn submit(&self, order_id: OrderId, submit: Submit) {
        if let Err(refused) = self.supervisors.of(order_id).submit.send(submit) {
            refused.0.reply.answer(Err(Rejection::Busy));
        }
    }
}

/// Sees through what is done in the caller's task, as long as `patience` lasts. Until then nobody was asked for anything,
/// so what is given up has not happened. If it errs, the patience is spent.
async fn in_time<T>(work: impl Future<Output = T>, patience: &mut Answer<'static, ()>) -> Result<T, Rejection> {
    match select(pin!(work), patience).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right(_) => Err(Rejection::Unavailable("the store was not read in time".to_owned())),
    }
}

/// Runs the validators with what is remembered of the goods; what is there and what is held is left to ledger and store.
fn validate_goods(wanted: &PlaceOrder, cells: &BTreeMap<SkuId, Arc<StockCell>>) -> Result<(), Rejection> {
    let seen: Vec<_> = wanted.lines.iter().map(|line| cells.get(&line.sku_id).map(|cell| cell.seen())).collect();
    let known: Vec<Known<'_>> = seen
        .iter()
        .map(|sku| Known { goods: sku.as_ref().map(|sku| &sku.goods), available: None, held: None })
        .collect();
    validation::check(wanted, &known)
}
