//! `DELETE /orders/{id}`: a final order is kept, and shown to admins only.

use actix_web::HttpResponse;
use actors::domain::commit::OrderAction;

use crate::http::answer::Answer;
use crate::http::call::Call;

pub(in crate::http) async fn handle(call: Call) -> Answer {
    let action = OrderAction { order_id: call.order_to_change().await?, by: call.caller.name().to_owned() };
    call.front.node.orders.delete(action).await?;
    Ok(HttpResponse::NoContent().finish())
}
