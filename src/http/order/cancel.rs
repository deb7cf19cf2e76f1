//! `POST /orders/{id}/cancel`.

use actors::domain::commit::CancelOrder;
use actors::domain::limits::TEXT_LENGTH_MAX;
use actors::domain::order::CancelReason;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{OrderBody, shown};
use crate::access::Caller;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::schema::maybe;
use crate::http::wire::Text;

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = Cancellation)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[schema(schema_with = maybe::<Text<0, TEXT_LENGTH_MAX>>)]
    #[serde(default)]
    reason: Option<Text<0, TEXT_LENGTH_MAX>>,
}

/// Cancels an order; what was paid becomes refund due, and the units are back.
#[utoipa::path(
    post,
    path = "/orders/{id}/cancel",
    tag = "orders",
    operation_id = "cancel_order",
    request_body = Wanted,
    responses(
        (status = 200, description = "The order, cancelled.", body = OrderBody, headers(
            ("ETag" = String, description = "The order's version, in quotes.")
        )),
        (status = 404, description = "order_not_found"),
        (status = 409, description = "illegal_transition")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Wanted { reason } = call.optional_json()?;
    let text = reason.map(|Text(reason)| reason);
    let reason = match call.caller {
        Caller::Customer(_) => CancelReason::Customer,
        Caller::Service | Caller::Admin => CancelReason::Shop,
    };
    let order_id = call.order_to_change().await?;
    let cancel = CancelOrder { order_id, reason, text, by: call.caller.name().to_owned() };
    let order = call.front.node.orders.cancel(cancel).await?;
    Ok(shown(&order, &call.front.currency))
}
