//! `POST /skus/{id}/stock`: units that arrive, or available units that leave.

use actix_web::HttpResponse;
use actors::domain::limits::{STOCK_TOTAL_MAX, TEXT_LENGTH_MAX};
use actors::domain::stock::StockChange;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};

use super::StockBody;
use crate::http::answer::{Answer, REPLAYED, write};
use crate::http::call::Call;
use crate::http::openapi::RequiredKey;
use crate::http::problem::Refusal;
use crate::http::schema::maybe;
use crate::http::wire::Text;

#[derive(Deserialize, ToSchema)]
#[schema(as = StockChange)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Units that arrive, or, below zero, that leave.
    #[schema(schema_with = units)]
    change: i64,
    #[schema(schema_with = maybe::<Text<0, TEXT_LENGTH_MAX>>)]
    #[serde(default)]
    reason: Option<Text<0, TEXT_LENGTH_MAX>>,
}

fn units() -> OneOfBuilder {
    let units = |least: i64, most: i64| {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most))
    };
    OneOfBuilder::new().item(units(1, STOCK_TOTAL_MAX)).item(units(-STOCK_TOTAL_MAX, -1))
}

/// Adds units, or takes available ones away, once per key.
#[utoipa::path(
    post,
    path = "/skus/{id}/stock",
    tag = "skus",
    operation_id = "change_stock",
    params(RequiredKey),
    request_body = Wanted,
    responses(
        (status = 200, description = "The stock after the change.", body = StockBody, headers(
            ("Idempotency-Replayed" = String, description = "`true` if this is the stored answer of an earlier attempt.")
        )),
        (status = 404, description = "sku_not_found"),
        (status = 409, description = "request_in_progress | insufficient_stock"),
        (status = 422, description = "idempotency_key_reused")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Wanted { change, reason } = call.json()?;
    if change == 0 || change.unsigned_abs() > STOCK_TOTAL_MAX.unsigned_abs() {
        let problem = format!("must be from 1 to {STOCK_TOTAL_MAX}, or from -1 to -{STOCK_TOTAL_MAX}");
        return Err(Refusal::invalid("change", problem));
    }
    let key = call.required_key()?;
    let sku_id = call.sku_id()?;
    let change = StockChange {
        sku_id: sku_id.clone(),
        change,
        reason: reason.map(|Text(reason)| reason),
        key,
        by: call.caller.name().to_owned(),
    };
    let changed = call.front.node.orders.change_stock(change).await?;
    let mut answer = HttpResponse::Ok();
    if changed.replayed {
        answer.insert_header(REPLAYED);
    }
    Ok(write(answer, &StockBody::of(&sku_id, &changed.level)))
}
