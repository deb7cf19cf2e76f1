//! `POST /admin/refunds/{payment_id}/done`: the money was given back. The order stays as it is.

use actors::domain::rejection::Rejection;
use actors::ports::ListedRefund;

use super::RefundBody;
use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::wire::Nothing;

/// Tells that the money of a payment was given back; the order stays as it is.
#[utoipa::path(
    post,
    path = "/admin/refunds/{id}/done",
    tag = "admin",
    operation_id = "settle_refund",
    request_body = Nothing,
    responses(
        (status = 200, description = "The refund, done.", body = RefundBody),
        (status = 404, description = "payment_not_found"),
        (status = 409, description = "no_refund_due")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Nothing {} = call.optional_json()?;
    let payment = call.front.node.orders.settle_refund(call.payment_id()?).await?;
    let refund = payment.refund.ok_or_else(|| Rejection::NoRefundDue(payment.payment_id.clone()))?;
    // An order never changes its owner, and is never gone.
    let order = call.front.node.store.order(payment.order_id).await?;
    let listed = ListedRefund {
        user_id: order.ok_or(Rejection::OrderNotFound(payment.order_id))?.user_id,
        payment_id: payment.payment_id,
        order_id: payment.order_id,
        amount: payment.amount,
        refund,
    };
    Ok(ok(&RefundBody::of(&listed, &call.front.currency)))
}
