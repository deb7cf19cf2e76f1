//! `POST /orders/{id}/pay`: tells of money already captured.

use actix_web::HttpResponse;
use actors::domain::id::PaymentId;
use actors::domain::payment::{PaymentNotice, RefundReason};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OrderBody, tag};
use crate::http::answer::{Answer, write};
use crate::http::call::Call;
use crate::http::schema::{Price, like, maybe};
use crate::http::wire::{Parsed, money};

#[derive(Deserialize, ToSchema)]
#[schema(as = PaymentNotice)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[schema(schema_with = like::<PaymentId>)]
    payment_id: Parsed<PaymentId>,
    #[schema(schema_with = like::<Price>)]
    amount: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PaymentOutcome)]
struct Body<'a> {
    #[schema(pattern = "^(paid|refund_due)$")]
    outcome: &'static str,
    #[schema(schema_with = maybe::<RefundReason>)]
    reason: Option<&'static str>,
    order: OrderBody<'a>,
}

/// Tells of money already captured: it ends as paid or as refund due, once.
#[utoipa::path(
    post,
    path = "/orders/{id}/pay",
    tag = "orders",
    operation_id = "pay_order",
    request_body = Wanted,
    responses(
        (status = 200, description = "The payment is recorded; a repeat gets the same outcome.", body = Body, headers(
            ("ETag" = String, description = "The order's version, in quotes.")
        )),
        (status = 404, description = "order_not_found"),
        (status = 422, description = "payment_id_reused")
    )
)]
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
