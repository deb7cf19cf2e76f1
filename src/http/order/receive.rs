//! `POST /orders/{id}/receive`: the goods have arrived.

use actors::domain::commit::OrderAction;

use super::shown;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::wire::Nothing;

pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Nothing {} = call.optional_json()?;
    let action = OrderAction { order_id: call.order_to_change().await?, by: call.caller.name().to_owned() };
    let order = call.front.node.orders.receive(action).await?;
    Ok(shown(&order, &call.front.currency))
}
