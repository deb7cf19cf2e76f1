//! `GET /skus/{id}`.

use super::{SkuBody, find};
use crate::http::answer::{Answer, ok};
use crate::http::call::Call;

/// Gives a SKU.
#[utoipa::path(
    get,
    path = "/skus/{id}",
    tag = "skus",
    operation_id = "get_sku",
    responses((status = 200, description = "The SKU.", body = SkuBody), (status = 404, description = "sku_not_found"))
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let sku = find(&call).await?;
    Ok(ok(&SkuBody::of(&sku, &call.front.currency)))
}
