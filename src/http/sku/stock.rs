//! `GET /skus/{id}/stock`.

use super::{StockBody, find};
use crate::http::answer::{Answer, ok};
use crate::http::call::Call;

/// Gives a SKU's stock, which always adds up.
#[utoipa::path(
    get,
    path = "/skus/{id}/stock",
    tag = "skus",
    operation_id = "get_stock",
    responses((status = 200, description = "The stock.", body = StockBody), (status = 404, description = "sku_not_found"))
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let sku = find(&call).await?;
    Ok(ok(&StockBody::of(&sku.sku_id, &sku.level)))
}
