//! `GET /admin/orders/{id}`: an order, deleted or not.

use actix_web::HttpResponse;
use actors::domain::rejection::Rejection;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::answer::{Answer, write};
use crate::http::call::Call;
use crate::http::order::{OrderBody, tag};

#[derive(Serialize, ToSchema)]
#[schema(as = AnyOrder)]
struct Body<'a> {
    #[serde(flatten)]
    order: OrderBody<'a>,
    deleted: bool,
}

/// Gives an order, deleted or not.
#[utoipa::path(
    get,
    path = "/admin/orders/{id}",
    tag = "admin",
    operation_id = "get_any_order",
    responses(
        (status = 200, description = "The order.", body = Body, headers(
            ("ETag" = String, description = "The order's version, in quotes.")
        )),
        (status = 404, description = "order_not_found")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let order_id = call.order_id()?;
    let order = call.front.node.store.order(order_id).await?.ok_or(Rejection::OrderNotFound(order_id))?;
    let mut answer = HttpResponse::Ok();
    tag(&mut answer, &order);
    let body = Body { order: OrderBody::of(&order, &call.front.currency), deleted: order.is_deleted };
    Ok(write(answer, &body))
}
