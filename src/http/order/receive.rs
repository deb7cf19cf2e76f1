//! `POST /orders/{id}/receive`: the goods have arrived.

use actors::domain::commit::OrderAction;

use super::{OrderBody, shown};
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::wire::Nothing;

/// Tells that the goods have arrived, which completes the order.
#[utoipa::path(
    post,
    path = "/orders/{id}/receive",
    tag = "orders",
    operation_id = "receive_order",
    request_body = Nothing,
    responses(
        (status = 200, description = "The order, completed.", body = OrderBody, headers(
            ("ETag" = String, description = "The order's version, in quotes.")
        )),
        (status = 404, description = "order_not_found"),
        (status = 409, description = "illegal_transition")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Nothing {} = call.optional_json()?;
    let action = OrderAction { order_id: call.order_to_change().await?, by: call.caller.name().to_owned() };
    let order = call.front.node.orders.receive(action).await?;
    Ok(shown(&order, &call.front.currency))
}
