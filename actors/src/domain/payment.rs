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

/// What is owed back on an order: the sum of all its refunds due, and the latest reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The sum due.
    pub due: Money,
    /// The latest reason.
    pub reason: RefundReason,
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
    /// Why the sum is owed back, if it is: as answered, or because a paid order was cancelled later.
    pub refund_due: Option<RefundReason>,
    /// When the notice was recorded.
    pub at: Timestamp,
}
