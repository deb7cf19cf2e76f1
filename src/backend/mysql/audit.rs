//! SKUs beside what their orders hold.

use std::collections::BTreeMap;

use actors::domain::id::SkuId;
use actors::domain::invariant::OrderTotals;
use actors::ports::SkuAudit;

use super::call::Connection;
use super::fault::Fault;
use super::rows::Columns;
use super::sql::{Sql, list};
use super::{queries, sku_list};

const TOTALS: &str = "SELECT d.sku_id, COALESCE(SUM(CASE WHEN o.order_status = 1 THEN d.quantity END), 0), \
         COALESCE(SUM(CASE WHEN o.order_status IN (2, 3, 4) THEN d.quantity END), 0) \
     FROM order_detail_info d FORCE INDEX (idx_order_detail_info_sku_id) \
     STRAIGHT_JOIN order_info o ON o.order_id = d.order_id WHERE d.sku_id IN ? GROUP BY d.sku_id";

/// One SKU, or those after `after`, by id. To be called in one snapshot.
pub(super) async fn audit(
    connection: &mut Connection,
    sku_id: Option<&SkuId>,
    after: Option<&SkuId>,
    limit: usize,
) -> Result<Vec<SkuAudit>, Fault> {
    let skus = match sku_id {
        Some(sku_id) => {
            let found = queries::skus(connection, std::slice::from_ref(sku_id)).await?;
            found.into_values().take(limit).collect()
        }
        None => sku_list::read(connection, after, limit).await?,
    };
    let mut totals: BTreeMap<SkuId, OrderTotals> = BTreeMap::new();
    for skus in skus.chunks(queries::IDS_MAX) {
        let sku_ids = list(skus.iter().map(|sku| sku.sku_id.as_str()));
        let found = connection.all(Sql::new("sum up orders", TOTALS, [sku_ids]), |row| {
            let mut columns = Columns::of(row);
            Ok((columns.id()?, OrderTotals { reserved: columns.number()?, sold: columns.number()? }))
        });
        totals.extend(found.await?);
    }
    let audited = skus.into_iter().map(|sku| SkuAudit { orders: totals.remove(&sku.sku_id).unwrap_or_default(), sku });
    Ok(audited.collect())
}
