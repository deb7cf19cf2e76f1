//! Pages of a SKU's stock flow, newest first: its entries, and between them the reserves, read back from order lines.

use actors::domain::id::SkuId;
use actors::ports::FlowPage;

use super::call::Connection;
use super::fault::Fault;
use super::rows::Columns;
use super::sql::Sql;
use crate::backend::{pages, rows};

/// Each part gives the page's worth in order of its number; together they are few rows to merge.
const FLOW: &str = "(SELECT seq, kind, `change`, available_before, available_after, order_id, create_by, reason, \
         create_time FROM stock_flow WHERE sku_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?) \
     UNION ALL \
     (SELECT flow_seq, 'reserve', -CAST(quantity AS SIGNED), available_after + CAST(quantity AS SIGNED), available_after, order_id, \
         create_by, NULL, create_time FROM order_detail_info FORCE INDEX (idx_order_detail_info_flow) \
         WHERE sku_id = ? AND flow_seq < ? ORDER BY flow_seq DESC LIMIT ?) \
     ORDER BY seq DESC LIMIT ?";

/// Reads a page: the entries numbered below `before`.
pub(super) async fn page(
    connection: &mut Connection,
    sku_id: &SkuId,
    before: Option<u64>,
    limit: usize,
) -> Result<FlowPage, Fault> {
    let before = pages::flow_bound(before);
    let (sku, rows) = (sku_id.as_str(), limit + 1);
    let values = [sku.into(), before.into(), rows.into(), sku.into(), before.into(), rows.into(), rows.into()];
    let sql = Sql::new("read stock flow", FLOW, values);
    let entries = connection.all(sql, |row| rows::flow_entry(sku_id, &mut Columns::of(row))).await?;
    let (entries, next) = pages::cut(entries, limit, |entry| entry.seq);
    Ok(FlowPage { entries, next })
}
