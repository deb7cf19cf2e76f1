//! `GET /skus/{id}/stock`.

use super::{StockBody, find};
use crate::http::answer::{Answer, ok};
use crate::http::call::Call;

pub(in crate::http) async fn handle(call: Call) -> Answer {
    let sku = find(&call).await?;
    Ok(ok(&StockBody::of(&sku.sku_id, &sku.level)))
}
