//! `POST /orders/{id}/ship`: the goods are on their way.

use actors::domain::commit::OrderAction;

use super::shown;
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::wire::Nothing;

pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Nothing {} = call.optional_json()?;
    let action = OrderAction { order_id: call.order_id()?, by: call.caller.name().to_owned() };
    let order = call.front.node.orders.ship(action).await?;
    Ok(shown(&order, &call.front.currency))
}
