//! `POST /admin/warm-up`: loads the stock of SKUs into the ledger before a sale.

use actors::domain::id::SkuId;
use serde::{Deserialize, Serialize};

use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::sku::StockBody;
use crate::http::wire::Parsed;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    sku_ids: Vec<Parsed<SkuId>>,
}

/// What was loaded.
#[derive(Serialize)]
struct Body<'a> {
    skus: Vec<StockBody<'a>>,
}

pub(in crate::http) async fn handle(call: Call) -> Answer {
    let Wanted { sku_ids } = call.json()?;
    let sku_ids = sku_ids.into_iter().map(|Parsed(sku_id)| sku_id).collect();
    let skus = call.front.node.warm_up.warm_up(sku_ids).await?;
    Ok(ok(&Body { skus: skus.iter().map(|sku| StockBody::of(&sku.sku_id, &sku.level)).collect() }))
}
