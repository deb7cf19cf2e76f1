//! `GET /skus/{id}`.

use super::{SkuBody, find};
use crate::http::answer::{Answer, ok};
use crate::http::call::Call;

pub(in crate::http) async fn handle(call: Call) -> Answer {
    let sku = find(&call).await?;
    Ok(ok(&SkuBody::of(&sku, &call.front.currency)))
}
