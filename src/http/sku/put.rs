//! `PUT /skus/{id}`: creates a SKU without stock, or replaces what the catalogue says of one.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actors::domain::commit::PutSku;
use actors::domain::limits::{NAME_LENGTH_MAX, PAYMENT_WINDOW_S_MAX};
use actors::domain::stock::Goods;
use serde::Deserialize;
use utoipa::ToSchema;

use super::SkuBody;
use crate::http::answer::{Answer, write};
use crate::http::call::Call;
use crate::http::problem::Refusal;
use crate::http::schema::{Price, like};
use crate::http::wire::{Text, money};

#[derive(Deserialize, ToSchema)]
#[schema(as = Goods)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[schema(schema_with = like::<Text<1, NAME_LENGTH_MAX>>)]
    name: Text<1, NAME_LENGTH_MAX>,
    #[schema(schema_with = like::<Price>)]
    price: String,
    on_sale: bool,
    /// Seconds that an order may stay unpaid; null: the shop's own.
    #[schema(minimum = 1, maximum = 2_592_000)]
    #[serde(default)]
    payment_window_s: Option<u32>,
    /// Units that one user may hold in orders not cancelled; null: no limit.
    #[schema(minimum = 1, maximum = 4_294_967_295_u32, format = Int64)]
    #[serde(default)]
    purchase_limit: Option<u32>,
}

/// Makes a SKU without stock, or replaces what the catalogue says of one.
#[utoipa::path(
    put,
    path = "/skus/{id}",
    tag = "skus",
    operation_id = "put_sku",
    request_body = Wanted,
    responses(
        (status = 200, description = "The SKU, replaced; its stock stays.", body = SkuBody),
        (status = 201, description = "The SKU, made with a stock of 0.", body = SkuBody, headers(
            ("Location" = String, description = "Where the SKU is.")
        )),
        (status = 404, description = "sku_not_found")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Wanted { name, price, on_sale, payment_window_s, purchase_limit } = call.json()?;
    let price = money(&call.front.currency, "price", &price)?;
    if payment_window_s.is_some_and(|seconds| !(1..=PAYMENT_WINDOW_S_MAX).contains(&seconds)) {
        return Err(Refusal::invalid("payment_window_s", format!("must be from 1 to {PAYMENT_WINDOW_S_MAX}, or null")));
    }
    if purchase_limit == Some(0) {
        return Err(Refusal::invalid("purchase_limit", "must be at least 1, or null"));
    }
    let payment_window = payment_window_s.map(|seconds| Duration::from_secs(u64::from(seconds)));
    let goods = Goods { name: name.0, price, on_sale, payment_window, purchase_limit };
    let put = PutSku { sku_id: call.new_sku_id()?, goods };
    let (sku, created) = call.front.node.orders.put_sku(put).await?;
    let mut answer = if created { HttpResponse::Created() } else { HttpResponse::Ok() };
    if created {
        answer.insert_header((LOCATION, format!("/skus/{}", sku.sku_id)));
    }
    Ok(write(answer, &SkuBody::of(&sku, &call.front.currency)))
}
