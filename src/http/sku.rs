//! SKUs and their stock.

pub(super) mod change_stock;
pub(super) mod flow;
pub(super) mod list;
pub(super) mod put;
pub(super) mod read;
pub(super) mod stock;

use actors::domain::id::SkuId;
use actors::domain::money::{Currency, Money};
use actors::domain::rejection::Rejection;
use actors::domain::stock::{Level, Sku};
use actors::domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::call::Call;
use super::problem::Refusal;
use super::schema::like;
use crate::rfc3339;

/// A SKU as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Sku)]
pub(super) struct SkuBody<'a> {
    #[schema(schema_with = like::<SkuId>)]
    sku_id: &'a str,
    name: &'a str,
    #[schema(schema_with = like::<Money>)]
    price: String,
    currency: &'a str,
    on_sale: bool,
    /// Null: the shop's own.
    payment_window_s: Option<u64>,
    /// Units that one user may hold; null: no limit.
    #[schema(format = Int64)]
    purchase_limit: Option<u32>,
    #[schema(schema_with = like::<Timestamp>)]
    created_at: String,
    #[schema(schema_with = like::<Timestamp>)]
    updated_at: String,
}

impl<'a> SkuBody<'a> {
    pub(super) fn of(sku: &'a Sku, currency: &'a Currency) -> Self {
        let goods = &sku.goods;
        Self {
            sku_id: sku.sku_id.as_str(),
            name: &goods.name,
            price: currency.format(goods.price),
            currency: &currency.code,
            on_sale: goods.on_sale,
            payment_window_s: goods.payment_window.map(|window| window.as_secs()),
            purchase_limit: goods.purchase_limit,
            created_at: rfc3339::text(sku.created_at),
            updated_at: rfc3339::text(sku.updated_at),
        }
    }
}

/// The counts of a stock level.
#[derive(Serialize, ToSchema)]
pub(super) struct StockCounts {
    #[schema(minimum = 0)]
    total: i64,
    #[schema(minimum = 0)]
    available: i64,
    #[schema(minimum = 0)]
    reserved: i64,
    #[schema(minimum = 0)]
    sold: i64,
}

impl StockCounts {
    pub(super) const fn of(level: &Level) -> Self {
        Self { total: level.total, available: level.available, reserved: level.reserved, sold: level.sold }
    }
}

/// A stock level as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Stock)]
pub(super) struct StockBody<'a> {
    #[schema(schema_with = like::<SkuId>)]
    sku_id: &'a str,
    #[serde(flatten)]
    counts: StockCounts,
}

impl<'a> StockBody<'a> {
    pub(super) fn of(sku_id: &'a SkuId, level: &Level) -> Self {
        Self { sku_id: sku_id.as_str(), counts: StockCounts::of(level) }
    }
}

/// The SKU that the path names.
async fn find(call: &Call) -> Result<Sku, Refusal> {
    let sku_id = call.sku_id()?;
    let mut skus = call.front.node.store.skus(vec![sku_id.clone()]).await?;
    skus.remove(&sku_id).ok_or_else(|| Rejection::SkuNotFound(sku_id).into())
}
