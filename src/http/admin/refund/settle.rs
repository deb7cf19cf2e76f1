//! `POST /admin/refunds/{payment_id}/done`: the money was given back. The order stays as it is.

use actors::domain::rejection::Rejection;
use actors::ports::ListedRefund;

use super::RefundBody;
use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::wire::Nothing;

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
