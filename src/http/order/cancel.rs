//! `POST /orders/{id}/cancel`.

use actix_web::HttpResponse;
use actors::domain::commit::CancelOrder;
use actors::domain::limits::TEXT_LENGTH_MAX;
use actors::domain::order::CancelReason;
use serde::Deserialize;

use super::{OrderBody, tag};
use crate::access::Caller;
use crate::http::answer::{Answer, write};
use crate::http::call::Call;
use crate::http::wire::Text;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    reason: Option<Text<0, TEXT_LENGTH_MAX>>,
}

pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Wanted { reason } = call.optional_json()?;
    let text = reason.map(|Text(reason)| reason);
    let (order_id, reason) = match call.caller {
        // An order never changes its owner, so what is read here still holds when the cancellation commits.
        Caller::Customer(_) => (call.order().await?.order_id, CancelReason::Customer),
        Caller::Service | Caller::Admin => (call.order_id()?, CancelReason::Shop),
    };
    let cancel = CancelOrder { order_id, reason, text, by: call.caller.name().to_owned() };
    let order = call.front.node.orders.cancel(cancel).await?;
    let mut answer = HttpResponse::Ok();
    tag(&mut answer, &order);
    Ok(write(answer, &OrderBody::of(&order, &call.front.currency)))
}
