//! `POST /orders/{id}/cancel`.

use actors::domain::commit::CancelOrder;
use actors::domain::limits::TEXT_LENGTH_MAX;
use actors::domain::order::CancelReason;
use serde::Deserialize;

use super::shown;
use crate::access::Caller;
use crate::http::answer::Answer;
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
    let reason = match call.caller {
        Caller::Customer(_) => CancelReason::Customer,
        Caller::Service | Caller::Admin => CancelReason::Shop,
    };
    let order_id = call.order_to_change().await?;
    let cancel = CancelOrder { order_id, reason, text, by: call.caller.name().to_owned() };
    let order = call.front.node.orders.cancel(cancel).await?;
    Ok(shown(&order, &call.front.currency))
}
