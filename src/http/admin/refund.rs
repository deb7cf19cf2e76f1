//! Payments that are or were owed back.

pub(in crate::http) mod list;
pub(in crate::http) mod settle;

use actors::domain::money::Currency;
use actors::ports::ListedRefund;
use serde::Serialize;

use crate::rfc3339;

/// A payment that is or was owed back, as operators see it.
#[derive(Serialize)]
struct RefundBody {
    payment_id: String,
    order_id: String,
    user_id: String,
    amount: String,
    reason: &'static str,
    status: &'static str,
    /// Since when it is owed back.
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
