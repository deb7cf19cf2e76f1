//! `POST /orders/{id}/pay`: tells of money already captured.

use actix_web::HttpResponse;
use actors::domain::id::PaymentId;
use actors::domain::payment::{PaymentNotice, RefundReason};
use serde::{Deserialize, Serialize};

use super::{OrderBody, tag};
use crate::http::answer::{Answer, write};
use crate::http::call::Call;
use crate::http::wire::{Parsed, money};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    payment_id: Parsed<PaymentId>,
    amount: String,
}

#[derive(Serialize)]
struct Body<'a> {
    outcome: &'static str,
    reason: Option<&'static str>,
    order: OrderBody<'a>,
}

pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Wanted { payment_id: Parsed(payment_id), amount } = call.json()?;
    let amount = money(&call.front.currency, "amount", &amount)?;
    let notice = PaymentNotice { payment_id, order_id: call.order_id()?, amount, by: call.caller.name().to_owned() };
    let paid = call.front.node.orders.pay(notice).await?;
    let mut answer = HttpResponse::Ok();
    tag(&mut answer, &paid.order);
    let body = Body {
        outcome: if paid.refund.is_none() { "paid" } else { "refund_due" },
        reason: paid.refund.map(RefundReason::name),
        order: OrderBody::of(&paid.order, &call.front.currency),
    };
    Ok(write(answer, &body))
}
