//! SKUs beside what their orders hold.

use actors::domain::id::SkuId;
use actors::domain::invariant::OrderTotals;
use actors::ports::SkuAudit;
use rusqlite::Connection;

use super::fault::Fault;
use super::queries::{self, all, first, limit_of};
use super::rows::Columns;
use crate::backend::rows::{self, sku_columns};

/// One SKU, or those after `after`, by id. To be called in one read transaction.
pub(super) fn audit(
    connection: &Connection,
    sku_id: Option<&SkuId>,
    after: Option<&SkuId>,
    limit: usize,
) -> Result<Vec<SkuAudit>, Fault> {
    const SQL: &str = concat!(
        "SELECT ",
        sku_columns!(),
        " FROM sku_info i JOIN sku_stock_info s ON s.sku_id = i.sku_id WHERE i.sku_id > ?1 ORDER BY i.sku_id LIMIT ?2"
    );
    let skus = match sku_id {
        Some(sku_id) => queries::sku(connection, sku_id)?.into_iter().take(limit).collect(),
        None => {
            // No id is empty, so every id comes after the empty text.
            let after = after.map_or("", |sku_id| sku_id.as_str());
            all(connection, SQL, rusqlite::params![after, limit_of(limit)], |row| rows::sku(&mut Columns::of(row)))?
        }
    };
    skus.into_iter().map(|sku| Ok(SkuAudit { orders: totals(connection, &sku.sku_id)?, sku })).collect()
}

fn totals(connection: &Connection, sku_id: &SkuId) -> Result<OrderTotals, Fault> {
    const SQL: &str = "SELECT coalesce(sum(CASE WHEN o.order_status = 1 THEN d.quantity END), 0), \
             coalesce(sum(CASE WHEN o.order_status IN (2, 3, 4) THEN d.quantity END), 0) \
         FROM order_detail_info d CROSS JOIN order_info o ON o.order_id = d.order_id WHERE d.sku_id = ?1";
    let totals = first(connection, SQL, [sku_id.as_str()], |row| {
        let mut columns = Columns::of(row);
        Ok(OrderTotals { reserved: columns.number()?, sold: columns.number()? })
    })?;
    Ok(totals.unwrap_or_default())
}
