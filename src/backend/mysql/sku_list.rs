//! Pages of SKUs, by id.

use actors::domain::id::SkuId;
use actors::domain::stock::Sku;
use actors::ports::SkuPage;

use super::call::Connection;
use super::fault::Fault;
use super::rows::Columns;
use super::sql::Sql;
use crate::backend::pages;
use crate::backend::rows::{self, sku_columns};

const SKUS: &str = concat!(
    "SELECT ",
    sku_columns!(),
    " FROM sku_stock_info s FORCE INDEX (PRIMARY) STRAIGHT_JOIN sku_info i ON i.sku_id = s.sku_id \
     WHERE s.sku_id > ? ORDER BY s.sku_id LIMIT ?"
);

/// Reads a page.
pub(super) async fn page(connection: &mut Connection, after: Option<&SkuId>, limit: usize) -> Result<SkuPage, Fault> {
    let skus = read(connection, after, limit + 1).await?;
    let (skus, next) = pages::cut(skus, limit, |sku| sku.sku_id.clone());
    Ok(SkuPage { skus, next })
}

/// Reads the SKUs after `after`, by id.
pub(super) async fn read(connection: &mut Connection, after: Option<&SkuId>, limit: usize) -> Result<Vec<Sku>, Fault> {
    // No id is empty, so every id comes after the empty text.
    let after = after.map_or("", |sku_id| sku_id.as_str());
    let sql = Sql::new("read sku page", SKUS, [after.into(), limit.into()]);
    connection.all(sql, |row| rows::sku(&mut Columns::of(row))).await
}
