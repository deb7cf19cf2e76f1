//! Payments: notices of money already captured, each of which ends as paid or as refund due, once.

use super::id::{OrderId, PaymentId};
use super::money::Money;
use super::time::Timestamp;

/// Why a payment is owed back. The declaration order is the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefundReason {
    /// The order was cancelled, before or after the payment.
    OrderCancelled,
    /// The order was paid before.
    AlreadyPaid,
    /// Another sum than the order's was paid.
    AmountMismatch,
}

impl RefundReason {
    /// Every reason, in order of precedence.
    pub const ALL: [Self; 3] = [Self::OrderCancelled, Self::AlreadyPaid, Self::AmountMismatch];

    /// The reason as clients and tables name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderCancelled => "order_cancelled",
            Self::AlreadyPaid => "already_paid",
            Self::AmountMismatch => "amount_mismatch",
        }
    }

    /// The reason with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// What an order has come to owe back: the sum of all its refunds, settled or not, and the latest reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The sum.
    pub due: Money,
    /// The latest reason.
    pub reason: RefundReason,
}

/// What became of the money of a payment that is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentRefund {
    /// Why it is owed back.
    pub reason: RefundReason,
    /// Whether it was given back.
    pub status: RefundStatus,
    /// Since when it is owed back.
    pub at: Timestamp,
}

impl PaymentRefund {
    /// Owed back from now on.
    pub const fn due(reason: RefundReason, at: Timestamp) -> Self {
        Self { reason, status: RefundStatus::Due, at }
    }
}

/// Whether money that is owed back was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefundStatus {
    /// Not yet.
    Due,
    /// It was.
    Done,
}

impl RefundStatus {
    /// Every status.
    pub const ALL: [Self; 2] = [Self::Due, Self::Done];

    /// The status as clients and tables name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Done => "done",
        }
    }

    /// The status with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A notice that money was captured for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentNotice {
    /// The payment provider's id.
    pub payment_id: PaymentId,
    /// The order that was paid for.
    pub order_id: OrderId,
    /// The sum captured.
    pub amount: Money,
    /// Who told us.
    pub by: String,
}

/// A recorded payment: how its notice was answered, and whether it is owed back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The payment provider's id.
    pub payment_id: PaymentId,
    /// The order that was paid for.
    pub order_id: OrderId,
    /// The sum captured.
    pub amount: Money,
    /// How the notice was answered; repeats of the notice get the same. `None`: paid.
    pub answered: Option<RefundReason>,
    /// What became of the sum if it is not kept: owed back as answered, or because a paid order was cancelled later.
    pub refund: Option<PaymentRefund>,
    /// When the notice was recorded.
    pub at: Timestamp,
}
