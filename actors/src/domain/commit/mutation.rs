//! What may be asked of a transaction, and what it answers.

use std::sync::Arc;

use crate::domain::id::{OrderId, PaymentId, ScopedKey, SkuId, UserId};
use crate::domain::order::{Amendment, CancelReason, ExpectedVersion, Order, PlaceOrder};
use crate::domain::payment::{Payment, PaymentNotice, RefundReason};
use crate::domain::rejection::Rejection;
use crate::domain::stock::{Goods, Level, Sku, StockChange};
use crate::domain::time::Monotonic;

/// One thing to be decided and written, in the imperative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Place an order.
    Place(PlaceOrder),
    /// Record a payment.
    Pay(PaymentNotice),
    /// Cancel an order.
    Cancel(CancelOrder),
    /// Cancel an order if it was not paid in time.
    Expire(OrderId),
    /// Hand a paid order's goods over to be delivered.
    Ship(OrderAction),
    /// Complete a shipped order.
    Receive(OrderAction),
    /// Change source or remark of an order.
    Amend(AmendOrder),
    /// Hide a final order.
    Delete(OrderAction),
    /// Record that the money of a payment was given back.
    SettleRefund(PaymentId),
    /// Create a SKU or replace its goods.
    PutSku(PutSku),
    /// Change a SKU's stock.
    ChangeStock {
        /// What to change.
        change: StockChange,
        /// After this reading of the node's clock the change is refused under the row lock.
        deadline: Monotonic,
    },
    /// Record how far a consumer group has come in the embedded log.
    Acknowledge {
        /// The consumer group.
        group: &'static str,
        /// The position of the last event whose effect is done.
        position: u64,
    },
    /// Record what a consumer group has done of a stream that nodes share.
    NoteDone {
        /// The consumer group.
        group: Arc<str>,
        /// Orders with the highest version whose effect is done.
        versions: Vec<(OrderId, u32)>,
    },
}

impl Mutation {
    /// Who buys, if someone does.
    pub fn buyer(&self) -> Option<&UserId> {
        match self {
            Self::Place(order) => Some(&order.user_id),
            _ => None,
        }
    }

    /// The key that names this attempt, if it has one.
    pub fn scoped_key(&self) -> Option<ScopedKey> {
        match self {
            Self::Place(order) => order.scoped_key(),
            Self::ChangeStock { change, .. } => Some(change.scoped_key()),
            Self::Pay(_)
            | Self::Cancel(_)
            | Self::Expire(_)
            | Self::Ship(_)
            | Self::Receive(_)
            | Self::Amend(_)
            | Self::Delete(_)
            | Self::SettleRefund(_)
            | Self::PutSku(_)
            | Self::Acknowledge { .. }
            | Self::NoteDone { .. } => None,
        }
    }
}

/// A cancellation by the buyer or the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelOrder {
    /// The order to cancel.
    pub order_id: OrderId,
    /// On whose behalf.
    pub reason: CancelReason,
    /// The text that came with it.
    pub text: Option<String>,
    /// Who asked.
    pub by: String,
}

/// A change of an order that needs no more words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderAction {
    /// The order to change.
    pub order_id: OrderId,
    /// Who asked.
    pub by: String,
}

/// A change of what the client may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmendOrder {
    /// The order to change.
    pub order_id: OrderId,
    /// The version it must have.
    pub expected: ExpectedVersion,
    /// What becomes of it.
    pub amendment: Amendment,
    /// Who asked.
    pub by: String,
}

/// A SKU as the shop wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutSku {
    /// The shop's id of it.
    pub sku_id: SkuId,
    /// The catalogue's side, as a whole.
    pub goods: Goods,
}

/// What came of a mutation that was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The order is placed.
    Placed {
        /// The order as it was answered the first time.
        order: Order,
        /// Whether that was an earlier attempt under the same key.
        replayed: bool,
    },
    /// The payment is recorded.
    Paid {
        /// The order as it is now.
        order: Order,
        /// Why the payment is owed back, if it is.
        refund: Option<RefundReason>,
    },
    /// The order has changed, or was as wanted already.
    OrderChanged(Order),
    /// The payment's refund is settled, now or before.
    RefundSettled(Payment),
    /// There was nothing to cancel: the order is paid, gone, or not due yet.
    NotDue,
    /// The SKU is as wanted.
    SkuPut {
        /// The SKU as it is now.
        sku: Sku,
        /// Whether it was not there before.
        created: bool,
    },
    /// The stock has changed.
    StockChanged {
        /// The level as it was answered the first time.
        level: Level,
        /// Whether that was an earlier attempt under the same key.
        replayed: bool,
    },
    /// What a consumer group has done is recorded.
    Acknowledged,
}

/// The answer to one mutation.
pub type Verdict = Result<Outcome, Rejection>;
