//! Every reason the core has to say no, in order of precedence: where several apply, the first wins.

use super::id::{OrderId, PaymentId, SkuId};
use super::order::Status;

/// A reason to say no. The declaration order is the order of precedence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A field has a value that it may not have.
    #[error("{field} {problem}")]
    InvalidField {
        /// The path of the field.
        field: String,
        /// What is wrong with it, to be read after the path.
        problem: String,
    },
    /// The order has more lines than one order may have.
    #[error("an order has at most {max} lines, {given} given")]
    TooManyLines {
        /// Lines given.
        given: usize,
        /// Lines allowed.
        max: usize,
    },
    /// The key was used before with another body.
    #[error("this idempotency key was used with a different body")]
    IdempotencyKeyReused,
    /// An attempt under this key is still running on this node.
    #[error("a request with this idempotency key is still in progress")]
    RequestInProgress,
    /// The payment was recorded before with another order or amount.
    #[error("payment {payment_id} was already recorded for another order or amount")]
    PaymentIdReused {
        /// The payment's id.
        payment_id: String,
    },
    /// No such order, as far as the caller may know.
    #[error("there is no order {0}")]
    OrderNotFound(OrderId),
    /// No such payment.
    #[error("there is no payment {0}")]
    PaymentNotFound(PaymentId),
    /// No such SKU.
    #[error("there is no sku {0}")]
    SkuNotFound(SkuId),
    /// The SKU is known but not sold now.
    #[error("{0} is not on sale")]
    SkuNotOnSale(SkuId),
    /// The price is another than the buyer expected.
    #[error("the price of {sku_id} is no longer the expected one")]
    PriceChanged {
        /// The SKU whose price differs.
        sku_id: SkuId,
        /// The price now.
        unit_price: super::money::Money,
    },
    /// Fewer units are available than wanted.
    #[error("{}", short_of(sku_id, *available, u64::from(*wanted)))]
    SoldOut {
        /// The SKU that is short.
        sku_id: SkuId,
        /// Units available, as far as known.
        available: i64,
        /// Units wanted.
        wanted: u32,
    },
    /// A stock change would take more units than are available.
    #[error("{}", short_of(sku_id, *available, *wanted))]
    InsufficientStock {
        /// The SKU that is short.
        sku_id: SkuId,
        /// Units available, as far as known.
        available: i64,
        /// Units to be taken.
        wanted: u64,
    },
    /// The user would hold more units than one user may.
    #[error("one user may hold {limit} of {sku_id}, {held} held already")]
    PurchaseLimitReached {
        /// The limited SKU.
        sku_id: SkuId,
        /// Units that one user may hold.
        limit: u32,
        /// Units held in orders not cancelled.
        held: u64,
    },
    /// The order has another version than the one the change was made up from.
    #[error("the order is at version {version} now")]
    VersionMismatch {
        /// The order's version.
        version: u32,
    },
    /// The order's status does not allow the change.
    #[error("an order that is {} cannot be {wanted}", .status.name())]
    IllegalTransition {
        /// The order's status.
        status: Status,
        /// The change, in the past tense.
        wanted: &'static str,
    },
    /// Nothing of the payment is or was owed back.
    #[error("nothing of payment {0} is owed back")]
    NoRefundDue(PaymentId),
    /// As much work as the node takes is in hand.
    #[error("too much is going on right now, try again")]
    Busy,
    /// The store cannot be reached or cannot write; nothing was done.
    #[error("the service cannot do this right now, nothing was done, try again: {0}")]
    Unavailable(String),
    /// The work may or may not be done.
    #[error("the outcome is not known yet; a retry with the same key tells it")]
    OutcomeUnknown,
}

impl Rejection {
    /// Builds an [`Rejection::InvalidField`].
    pub fn invalid(field: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::InvalidField { field: field.into(), problem: problem.to_string() }
    }

    /// The stable code that clients act on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidField { .. } => "invalid_field",
            Self::TooManyLines { .. } => "too_many_lines",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::RequestInProgress => "request_in_progress",
            Self::PaymentIdReused { .. } => "payment_id_reused",
            Self::OrderNotFound(_) => "order_not_found",
            Self::PaymentNotFound(_) => "payment_not_found",
            Self::SkuNotFound(_) => "sku_not_found",
            Self::SkuNotOnSale(_) => "sku_not_on_sale",
            Self::PriceChanged { .. } => "price_changed",
            Self::SoldOut { .. } => "sold_out",
            Self::InsufficientStock { .. } => "insufficient_stock",
            Self::PurchaseLimitReached { .. } => "purchase_limit_reached",
            Self::VersionMismatch { .. } => "version_mismatch",
            Self::IllegalTransition { .. } => "illegal_transition",
            Self::NoRefundDue(_) => "no_refund_due",
            Self::Busy => "busy",
            Self::Unavailable(_) => "unavailable",
            Self::OutcomeUnknown => "outcome_unknown",
        }
    }

    /// Whether the same request may succeed if it is simply tried again.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::RequestInProgress | Self::Busy | Self::Unavailable(_) | Self::OutcomeUnknown => true,
            Self::InvalidField { .. }
            | Self::TooManyLines { .. }
            | Self::IdempotencyKeyReused
            | Self::PaymentIdReused { .. }
            | Self::OrderNotFound(_)
            | Self::PaymentNotFound(_)
            | Self::SkuNotFound(_)
            | Self::SkuNotOnSale(_)
            | Self::PriceChanged { .. }
            | Self::SoldOut { .. }
            | Self::InsufficientStock { .. }
            | Self::PurchaseLimitReached { .. }
            | Self::VersionMismatch { .. }
            | Self::IllegalTransition { .. }
            | Self::NoRefundDue(_) => false,
        }
    }
}

fn short_of(sku_id: &SkuId, available: i64, wanted: u64) -> String {
    match available {
        ..=0 => format!("{sku_id} is sold out, {wanted} wanted"),
        1 => format!("{sku_id} has 1 unit left, {wanted} wanted"),
        _ => format!("{sku_id} has {available} units left, {wanted} wanted"),
    }
}
