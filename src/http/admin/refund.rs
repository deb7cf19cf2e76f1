//! Payments that are or were owed back.

pub(in crate::http) mod list;
pub(in crate::http) mod settle;

use actors::domain::id::{OrderId, PaymentId, UserId};
use actors::domain::money::{Currency, Money};
use actors::domain::payment::{RefundReason, RefundStatus};
use actors::domain::time::Timestamp;
use actors::ports::ListedRefund;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::schema::like;
use crate::rfc3339;

/// A payment that is or was owed back, as operators see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Refund)]
struct RefundBody {
    #[schema(schema_with = like::<PaymentId>)]
    payment_id: String,
    #[schema(schema_with = like::<OrderId>)]
    order_id: String,
    #[schema(schema_with = like::<UserId>)]
    user_id: String,
    #[schema(schema_with = like::<Money>)]
    amount: String,
    #[schema(schema_with = like::<RefundReason>)]
    reason: &'static str,
    #[schema(schema_with = like::<RefundStatus>)]
    status: &'static str,
    /// Since when it is owed back.
    #[schema(schema_with = like::<Timestamp>)]
    at: String,
}

impl RefundBody {
    fn of(listed: &ListedRefund, currency: &Currency) -> Self {
        let ListedRefund { payment_id, order_id, user_id, amount, refund } = listed;
        Self {
            payment_id: payment_id.to_string(),
            order_id: order_id.to_string(),
            user_id: user_id.to_string(),
            amount: currency.format(*amount),
            reason: refund.reason.name(),
            status: refund.status.name(),
            at: rfc3339::text(refund.at),
        }
    }
}
