//! `GET /skus`: a page of SKUs, by id.

use actors::domain::id::SkuId;
use serde::Serialize;
use utoipa::ToSchema;

use super::SkuBody;
use crate::http::answer::{Answer, ok};
use crate::http::call::Call;
use crate::http::cursor;

/// The list that cursors belong to.
const SCOPE: &str = "skus";

#[derive(Serialize, ToSchema)]
#[schema(as = SkuList)]
struct Body<'a> {
    skus: Vec<SkuBody<'a>>,
    next_cursor: Option<String>,
}

/// Lists SKUs, by id.
#[utoipa::path(
    get,
    path = "/skus",
    tag = "skus",
    operation_id = "list_skus",
    responses((status = 200, description = "A page of SKUs.", body = Body))
)]
pub(in crate::http) async fn handle(call: Call) -> Answer {
    let limit = call.query.limit()?;
    let after: Option<SkuId> = call.query.text("cursor").map(|cursor| cursor::open_id(SCOPE, cursor)).transpose()?;
    let page = call.front.node.store.sku_page(after, limit).await?;
    let body = Body {
        skus: page.skus.iter().map(|sku| SkuBody::of(sku, &call.front.currency)).collect(),
        next_cursor: page.next.map(|sku_id| cursor::seal(SCOPE, sku_id.as_str().as_bytes())),
    };
    Ok(ok(&body))
}
