//! `POST /admin/warm-up`: loads the stock of SKUs into the ledger before a sale.

use actors::domain::id::SkuId;
use actors::domain::limits::WARM_UP_MAX;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::ArrayBuilder;

use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::schema::like;
use crate::http::sku::StockBody;
use crate::http::wire::Parsed;

#[derive(Deserialize, ToSchema)]
#[schema(as = WarmUp)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[schema(schema_with = sku_ids)]
    sku_ids: Vec<Parsed<SkuId>>,
}

/// What was loaded.
#[derive(Serialize, ToSchema)]
#[schema(as = WarmedUp)]
struct Body<'a> {
    skus: Vec<StockBody<'a>>,
}

fn sku_ids() -> ArrayBuilder {
    ArrayBuilder::new().items(like::<SkuId>()).min_items(Some(1)).max_items(Some(WARM_UP_MAX))
}

/// Loads the stock of SKUs into the ledger before a sale.
#[utoipa::path(
    post,
    path = "/admin/warm-up",
    tag = "admin",
    operation_id = "warm_up",
    request_body = Wanted,
    responses(
        (status = 200, description = "What was loaded.", body = Body),
        (status = 404, description = "sku_not_found")
    )
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Wanted { sku_ids } = call.json()?;
    let sku_ids = sku_ids.into_iter().map(|Parsed(sku_id)| sku_id).collect();
    let skus = call.front.node.warm_up.warm_up(sku_ids).await?;
    Ok(ok(&Body { skus: skus.iter().map(|sku| StockBody::of(&sku.sku_id, &sku.level)).collect() }))
}
