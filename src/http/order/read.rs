//! `GET /orders/{id}`.

use super::{OrderBody, shown};
use crate::http::answer::Answer;
use crate::http::call::Call;

/// Gives an order.
#[utoipa::path(
    get,
    path = "/orders/{id}",
    tag = "orders",
    operation_id = "get_order",
    responses(
        (status = 200, description = "The order.", body = OrderBody, headers(
            ("ETag" = String, description = "The order's version, in quotes.")
        )),
        (status = 404, description = "order_not_found")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let order = call.order().await?;
    Ok(shown(&order, &call.front.currency))
}
