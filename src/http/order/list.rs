//! `GET /orders`: a page of orders, newest first.

use actors::domain::id::{OrderId, UserId};
use actors::domain::order::Status;
use actors::ports::{OrderPage, OrderQuery};
use serde::Serialize;
use utoipa::ToSchema;

use super::OrderBody;
use crate::access::Caller;
use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::cursor;
use crate::http::problem::Refusal;

#[derive(Serialize, ToSchema)]
#[schema(as = OrderList)]
struct Body<'a> {
    orders: Vec<OrderBody<'a>>,
    next_cursor: Option<String>,
}

/// Lists orders, newest first; a customer sees its own.
#[utoipa::path(
    get,
    path = "/orders",
    tag = "orders",
    operation_id = "list_orders",
    responses((status = 200, description = "A page of orders.", body = Body))
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let status = call.query.text("status").map(status_of).transpose()?;
    let asked: Option<UserId> = call.query.get("user_id")?;
    let query = OrderQuery {
        user_id: asked.clone().or(own_id(&call.caller)),
        status,
        sku_id: call.query.get("sku_id")?,
        before: None,
        limit: call.query.limit()?,
    };
    let scope = format!("orders {:?} {:?} {:?}", query.user_id, query.status, query.sku_id);
    let before = call.query.text("cursor").map(|cursor| order_of(&scope, cursor)).transpose()?;
    // Others' orders are not there for a customer, whether or not they are.
    let page = if asked.is_none_or(|user_id| call.caller.may_see(&user_id)) {
        call.front.node.store.orders(OrderQuery { before, ..query }).await?
    } else {
        OrderPage::default()
    };
    let body = Body {
        orders: page.orders.iter().map(|order| OrderBody::of(order, &call.front.currency)).collect(),
        next_cursor: page.next.map(|order_id| cursor::seal(&scope, &order_id.as_u128().to_be_bytes())),
    };
    Ok(ok(&body))
}

fn own_id(caller: &Caller) -> Option<UserId> {
    match caller {
        Caller::Customer(user_id) => Some(user_id.clone()),
        Caller::Service | Caller::Admin => None,
    }
}

fn status_of(name: &str) -> Result<Status, Refusal> {
    Status::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Status::ALL.into_iter().map(Status::name).collect();
        Refusal::invalid("status", format!("must be one of {}", names.join(", ")))
    })
}

fn order_of(scope: &str, cursor: &str) -> Result<OrderId, Refusal> {
    let position = cursor::open(scope, cursor)?;
    let bits = position.try_into().map(u128::from_be_bytes);
    bits.map(OrderId::from_u128).map_err(|_| Refusal::invalid("cursor", "is not one of orders"))
}
