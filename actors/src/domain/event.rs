//! Order events: one per committed change of an order, in the past tense.

use super::id::OrderId;
use super::order::{Order, Status};
use super::time::Timestamp;

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// It was placed.
    OrderSubmitted,
    /// It was paid.
    OrderPaid,
    /// It was shipped.
    OrderShipped,
    /// It was received.
    OrderCompleted,
    /// It was cancelled.
    OrderCancelled,
    /// Its source or remark was changed.
    OrderAmended,
    /// A payment for it is owed back.
    OrderRefundDue,
    /// It was deleted.
    OrderDeleted,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 8] = [
        Self::OrderSubmitted,
        Self::OrderPaid,
        Self::OrderShipped,
        Self::OrderCompleted,
        Self::OrderCancelled,
        Self::OrderAmended,
        Self::OrderRefundDue,
        Self::OrderDeleted,
    ];

    /// The type as clients, topics and tables name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderSubmitted => "order_submitted",
            Self::OrderPaid => "order_paid",
            Self::OrderShipped => "order_shipped",
            Self::OrderCompleted => "order_completed",
            Self::OrderCancelled => "order_cancelled",
            Self::OrderAmended => "order_amended",
            Self::OrderRefundDue => "order_refund_due",
            Self::OrderDeleted => "order_deleted",
        }
    }

    /// The type with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event_type| event_type.name() == name)
    }
}

/// One committed change of an order. `(order_id, version)` names it; versions have no gap from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// The order that changed.
    pub order_id: OrderId,
    /// The order's version after the change.
    pub version: u32,
    /// What happened.
    pub event_type: EventType,
    /// The order's status after the change.
    pub status: Status,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
    /// Why, if there is more to say than the type does.
    pub reason: Option<String>,
}

impl OrderEvent {
    /// Tells of the change that made `order` what it is now.
    pub fn of(order: &Order, event_type: EventType, by: &str, reason: Option<String>) -> Self {
        Self {
            order_id: order.order_id,
            version: order.version,
            event_type,
            status: order.status(),
            at: order.updated_at,
            by: by.to_owned(),
            reason,
        }
    }
}
