//! `DELETE /orders/{id}`: a final order is kept, and shown to admins only.

use actix_web::HttpResponse;
use actors::domain::commit::OrderAction;

use crate::http::answer::Answer;
use crate::http::call::Call;

/// Deletes a final order; only admins see it from then on.
#[utoipa::path(
    delete,
    path = "/orders/{id}",
    tag = "orders",
    operation_id = "delete_order",
    responses(
        (status = 204, description = "It is deleted."),
        (status = 404, description = "order_not_found"),
        (status = 409, description = "illegal_transition")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let action = OrderAction { order_id: call.order_to_change().await?, by: call.caller.name().to_owned() };
    call.front.node.orders.delete(action).await?;
    Ok(HttpResponse::NoContent().finish())
}
