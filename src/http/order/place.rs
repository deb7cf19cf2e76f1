//! `POST /orders`.

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actors::domain::id::{SkuId, UserId};
use actors::domain::limits::{SOURCE_LENGTH_MAX, TEXT_LENGTH_MAX};
use actors::domain::money::Currency;
use actors::domain::order::WantedLine;
use actors::order::OrderRequest;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{OrderBody, tag};
use crate::access::Caller;
use crate::http::answer::{Answer, REPLAYED, write};
use crate::http::call::Call;
use crate::http::openapi::Key;
use crate::http::problem::Refusal;
use crate::http::schema::{Price, like, maybe};
use crate::http::wire::{Object, Parsed, Text, money, quantity};

#[derive(Deserialize, ToSchema)]
#[schema(as = NewOrder)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[schema(value_type = Vec<Item>, min_items = 1, max_items = 50)]
    items: Vec<Object<Item>>,
    /// For whom; required of every role but `customer`, which must not send it.
    #[schema(schema_with = maybe::<UserId>)]
    #[serde(default)]
    user_id: Option<Parsed<UserId>>,
    #[schema(schema_with = maybe::<Text<0, SOURCE_LENGTH_MAX>>)]
    #[serde(default)]
    source: Option<Text<0, SOURCE_LENGTH_MAX>>,
    #[schema(schema_with = maybe::<Text<0, TEXT_LENGTH_MAX>>)]
    #[serde(default)]
    remark: Option<Text<0, TEXT_LENGTH_MAX>>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NewOrderLine)]
#[serde(deny_unknown_fields)]
struct Item {
    #[schema(schema_with = like::<SkuId>)]
    sku_id: Parsed<SkuId>,
    /// Lines of one SKU are merged; together they must stay in these bounds, too.
    #[schema(minimum = 1, maximum = 1_000_000, example = 2)]
    #[serde(deserialize_with = "quantity")]
    quantity: u32,
    /// If the price is another, the order is refused.
    #[schema(schema_with = maybe::<Price>)]
    #[serde(default)]
    expected_unit_price: Option<String>,
}

/// Places an order: all of its lines, or none.
#[utoipa::path(
    post,
    path = "/orders",
    tag = "orders",
    operation_id = "place_order",
    params(Key),
    request_body = Wanted,
    responses(
        (status = 201, description = "Stock is reserved until `expires_at`.", body = OrderBody, headers(
            ("Location" = String, description = "Where the order is."),
            ("ETag" = String, description = "The order's version, in quotes."),
            ("Idempotency-Replayed" = String, description = "`true` if this is the stored answer of an earlier attempt.")
        )),
        (status = 404, description = "sku_not_found"),
        (
            status = 409,
            description = "request_in_progress | sku_not_on_sale | price_changed | sold_out | purchase_limit_reached"
        ),
        (status = 422, description = "field_not_allowed | too_many_lines | idempotency_key_reused")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Wanted { items, user_id, source, remark } = call.json()?;
    let request = OrderRequest {
        user_id: buyer(&call.caller, user_id.map(|Parsed(user_id)| user_id))?,
        lines: lines(&call.front.currency, items)?,
        source: source.map(|Text(source)| source),
        remark: remark.map(|Text(remark)| remark),
        key: call.key()?,
        by: call.caller.name().to_owned(),
    };
    let placed = call.front.node.orders.place(request).await?;
    let mut answer = HttpResponse::Created();
    answer.insert_header((LOCATION, format!("/orders/{}", placed.order.order_id)));
    tag(&mut answer, &placed.order);
    if placed.replayed {
        answer.insert_header(REPLAYED);
    }
    Ok(write(answer, &OrderBody::of(&placed.order, &call.front.currency)))
}

/// A customer buys for itself; everyone else says for whom.
fn buyer(caller: &Caller, named: Option<UserId>) -> Result<UserId, Refusal> {
    match (caller, named) {
        (Caller::Customer(user_id), None) => Ok(user_id.clone()),
        (Caller::Customer(_), Some(_)) => {
            Err(Refusal::FieldNotAllowed { field: "user_id", problem: "is told by a customer's token" })
        }
        (Caller::Service | Caller::Admin, Some(user_id)) => Ok(user_id),
        (Caller::Service | Caller::Admin, None) => Err(Refusal::invalid("user_id", "is required")),
    }
}

fn lines(currency: &Currency, items: Vec<Object<Item>>) -> Result<Vec<WantedLine>, Refusal> {
    let line = |(index, Object(item)): (usize, Object<Item>)| {
        let price = |text: String| money(currency, format!("items[{index}].expected_unit_price"), &text);
        Ok(WantedLine {
            sku_id: item.sku_id.0,
            quantity: item.quantity,
            expected_unit_price: item.expected_unit_price.map(price).transpose()?,
        })
    };
    items.into_iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buyer_is_told_by_a_customers_token_or_else_by_the_body() {
        let user = |text: &str| text.parse::<UserId>().expect("a valid id");
        let table = [
            (Caller::Customer(user("u-1")), None, Ok(user("u-1"))),
            (Caller::Customer(user("u-1")), Some(user("u-1")), Err("field_not_allowed")),
            (Caller::Service, Some(user("u-2")), Ok(user("u-2"))),
            (Caller::Service, None, Err("invalid_field")),
            (Caller::Admin, Some(user("u-2")), Ok(user("u-2"))),
            (Caller::Admin, None, Err("invalid_field")),
        ];
        for (caller, named, expected) in table {
            assert_eq!(buyer(&caller, named).map_err(|refusal| refusal.code()), expected, "{caller:?}");
        }
    }
}
